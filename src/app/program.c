#include "program.h"

#include "kt/archive.h"
#include "kt/digest.h"
#include "kt/h5.h"
#include "kt/http.h"
#include "kt/keras.h"
#include "kt/kernel.h"
#include "kt/ledger.h"
#include "kt/log.h"
#include "kt/net.h"
#include "kt/store.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int program_exit(kt_status status)
{
    switch (status) {
    case KT_OK:
        return EXIT_DONE;
    case KT_USAGE:
        return EXIT_USAGE;
    case KT_STOPPED:
        return EXIT_STOPPED;
    case KT_INCOMPLETE:
        return EXIT_SOME_REFUSED;
    default:
        return EXIT_FAILED;
    }
}

bool program_asked(int argc, char **argv, const char *name, const char *letter)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], name) == 0 || (letter && strcmp(argv[i], letter) == 0))
            return true;
    return false;
}

kt_status program_print_json(kt_json *value, kt_error *err)
{
    char *text = NULL;
    kt_status status = kt_json_text(&text, value, 2, err);
    if (status == KT_OK)
        puts(text);
    free(text);
    kt_json_drop(value);
    return status;
}

kt_status program_version(const char *program, const char *mpi, bool json, kt_error *err)
{
    const struct {
        const char *name, *version;
    } libraries[] = {{"hdf5", kt_h5_library()},
                     {"jansson", kt_json_library()},
                     {"openblas", kt_net_library()},
                     {"openssl", kt_digest_library()},
                     {"curl", kt_http_library()},
                     {"libzip", kt_keras_library()},
                     {"mpi", mpi}};
    const size_t n = sizeof libraries / sizeof *libraries - (mpi ? 0 : 1);
    kt_isa best;
    const char *isa = kt_isa_resolve(&best, KT_ISA_AUTO, NULL) == KT_OK ? kt_isa_name(best) : "none";
    if (!json) {
        printf("%s %s (numerics %d, kernel %s", program, KT_VERSION, KT_NUMERICS, isa);
        for (size_t i = 0; i < n; i++)
            printf(", %s %s", libraries[i].name, libraries[i].version);
        puts(")");
        return KT_OK;
    }
    kt_json *version = kt_json_object(), *used = kt_json_object(), *schemas = kt_json_object();
    for (size_t i = 0; i < n; i++)
        kt_json_put(used, libraries[i].name, kt_json_string(libraries[i].version));
    kt_json_put(schemas, KT_DATASET_SCHEMA, kt_json_int(KT_DATASET_VERSION));
    kt_json_put(schemas, KT_ARCHIVE_SCHEMA, kt_json_int(KT_ARCHIVE_VERSION));
    kt_json_put(schemas, KT_LEDGER_SCHEMA, kt_json_int(KT_LEDGER_VERSION));
    kt_json_put(version, "program", kt_json_string(program));
    kt_json_put(version, "version", kt_json_string(KT_VERSION));
    kt_json_put(version, "numerics", kt_json_int(KT_NUMERICS));
    kt_json_put(version, "isa", kt_json_string(isa));
    kt_json_put(version, "libraries", used);
    kt_json_put(version, "schemas", schemas);
    return program_print_json(version, err);
}

static void print_line(void *context, kt_log_level level, const char *line)
{
    (void)context, (void)level;
    fprintf(stderr, "%s\n", line);
}

void program_log(void)
{
    kt_log_set(print_line, NULL, KT_LOG_WARN);
}

int program_end(const char *program, int code)
{
    if ((fflush(stdout) == 0 && !ferror(stdout)) || (code != EXIT_DONE && code != EXIT_SOME_REFUSED))
        return code;
    fprintf(stderr, "%s: cannot write the output: %s\n", program, strerror(errno));
    return EXIT_FAILED;
}
