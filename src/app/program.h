/* What both programs have in common: how they end, what they say about themselves, JSON and log lines.
 * Without MPI. */
#ifndef KT_PROGRAM_H
#define KT_PROGRAM_H

#include "kt/json.h"
#include <stdbool.h>

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_SOME_REFUSED = 3, /* finished, but some services have no model, or some traces are missing */
    EXIT_STOPPED = 75      /* stopped on request, resumable */
};

/* The exit code of a job or command that ended so. */
int program_exit(kt_status status);

/* Is the option among the arguments before "--"? letter: "-h", or NULL. */
bool program_asked(int argc, char **argv, const char *name, const char *letter);

/* Prints version, numerics, instruction set ("none" where the kernel cannot run), libraries and schema
 * versions, as a line or as JSON. mpi: name and version of the MPI library; NULL: the program has none. */
kt_status program_version(const char *program, const char *mpi, bool json, kt_error *err);

/* Prints a JSON value for people and drops it, also where it fails. */
kt_status program_print_json(kt_json *value, kt_error *err);

/* Warnings of the library go to stderr. */
void program_log(void);

/* Sends out what was printed. Returns the exit code: `code`, or EXIT_FAILED after a message where all went
 * well but stdout did not take everything. */
int program_end(const char *program, int code);

#endif
