/* kt-train: the MPI job. Reads options, runs the job, prints one message where it fails. */
#include "job.h"
#include "kt/h5.h"
#include "kt/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_STOPPED = 75 };

static int exit_code(kt_status status)
{
    switch (status) {
    case KT_OK:
        return 0;
    case KT_USAGE:
        return EXIT_USAGE;
    case KT_STOPPED:
        return EXIT_STOPPED;
    default:
        return EXIT_FAILED;
    }
}

static bool asked(int argc, char **argv, const char *name, const char *letter)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], name) == 0 || (letter && strcmp(argv[i], letter) == 0))
            return true;
    }
    return false;
}

static int print_help(void)
{
    char *options = NULL;
    if (kt_options_help(&options, settings_table, NULL) != KT_OK)
        return EXIT_FAILED;
    printf(
        "Trains a mixture density network of the processing time of each service, and writes one archive.\n\n"
        "usage: [mpirun -np N] kt-train [OPTIONS] DATA...\n\n"
        "DATA: CSV files, folders of them, or a kt-dataset (HDF5).\n\n%s\n"
        "The archive depends on the data and on the options of Data, Model and Training alone.\n"
        "Exit codes: 0 done, 1 failed, 2 usage, 3 finished but some services have no model.\n",
        options);
    free(options);
    return 0;
}

static int print_version(bool json)
{
    kt_isa isa = KT_ISA_GENERIC;
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
    int n;
    MPI_Get_library_version(mpi, &n);
    mpi[strcspn(mpi, ",\n")] = 0;
    kt_isa_resolve(&isa, KT_ISA_AUTO, NULL);
    if (!json) {
        printf("kt-train %s (numerics %d, kernel %s, HDF5 %s, %s)\n", KT_VERSION, KT_NUMERICS,
               kt_isa_name(isa), kt_h5_library(), mpi);
        return 0;
    }
    kt_json *version = kt_json_object(), *schemas = kt_json_object();
    char *text = NULL;
    kt_json_put(schemas, KT_DATASET_SCHEMA, kt_json_int(KT_DATASET_VERSION));
    kt_json_put(schemas, KT_ARCHIVE_SCHEMA, kt_json_int(KT_ARCHIVE_VERSION));
    kt_json_put(version, "version", kt_json_string(KT_VERSION));
    kt_json_put(version, "numerics", kt_json_int(KT_NUMERICS));
    kt_json_put(version, "isa", kt_json_string(kt_isa_name(isa)));
    kt_json_put(version, "hdf5", kt_json_string(kt_h5_library()));
    kt_json_put(version, "mpi", kt_json_string(mpi));
    kt_json_put(version, "schemas", schemas);
    bool written = kt_json_text(&text, version, 2, NULL) == KT_OK;
    if (written)
        puts(text);
    free(text);
    kt_json_drop(version);
    return written ? 0 : EXIT_FAILED;
}

static void print_log(void *context, kt_log_level level, const char *line)
{
    (void)context, (void)level;
    fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv)
{
    kt_error err = {0};
    int code = 0, rank;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    bool help = asked(argc, argv, "--help", "-h"), version = asked(argc, argv, "--version", NULL);
    if (help || version) {
        if (rank == 0)
            code = help ? print_help() : print_version(asked(argc, argv, "--json", NULL));
    } else {
        if (rank == 0)
            kt_log_set(print_log, NULL, KT_LOG_WARN);
        kt_status status = job_run(&code, argc, argv, getenv("KT_ISA"), MPI_COMM_WORLD, &err);
        if (status != KT_OK) {
            code = exit_code(status);
            if (rank == 0)
                fprintf(stderr, "kt-train: %s\n", err.message);
        }
    }
    MPI_Finalize();
    return code;
}
