/* kt-train: the MPI job. Reads options, runs the job, prints one message where it fails. */
#include "job.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static kt_status print_help(kt_error *err)
{
    char *options = NULL;
    kt_status status = kt_options_help(&options, settings_table(), err);
    if (status != KT_OK)
        return status;
    printf(
        "Trains a mixture density network of the processing time of each service, and writes one archive.\n\n"
        "usage: [mpirun -np N] kt-train [OPTIONS] DATA...|--traces PATH...|--jaeger URL --since WHEN\n\n"
        "DATA: CSV files, folders of them, or a kt-dataset (HDF5).\n\n%s\n"
        "The archive depends on the data and on the options of Data, Model and Training alone.\n"
        "A run that was killed or stopped goes on when the same command line is given again, with any number "
        "of ranks.\n"
        "SIGUSR1, SIGTERM or SIGINT on any rank: keep all and stop.\n"
        "Exit codes: 0 done, 1 failed, 2 usage, 3 finished but some services have no model, 75 stopped on "
        "request.\n",
        options);
    free(options);
    return KT_OK;
}

static kt_status print_version(bool json, kt_error *err)
{
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
    int n;
    MPI_Get_library_version(mpi, &n);
    mpi[strcspn(mpi, ",\n")] = 0;
    return program_version("kt-train", mpi, json, err);
}

/* ---- signals ---- */

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int signal)
{
    (void)signal;
    stop_asked = 1;
}

/* Before MPI starts, for a signal may come early. A second SIGINT ends at once. */
static void catch_signals(void)
{
    static const int signals[] = {SIGUSR1, SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction how = {.sa_handler = ask_to_stop, .sa_flags = SA_RESTART};
        if (signals[i] == SIGINT)
            how.sa_flags |= (int)SA_RESETHAND;
        sigaction(signals[i], &how, NULL);
    }
}

/* What rank 0 says by itself, or the job. */
static kt_status run(int *code, int argc, char **argv, int rank, kt_error *err)
{
    bool help = program_asked(argc, argv, "--help", "-h");
    if (!help && !program_asked(argc, argv, "--version", NULL))
        return job_run(code, argc, argv, getenv("KT_ISA"), &stop_asked, MPI_COMM_WORLD, err);
    if (rank != 0)
        return KT_OK;
    return help ? print_help(err) : print_version(program_asked(argc, argv, "--json", NULL), err);
}

int main(int argc, char **argv)
{
    kt_error err = {0};
    int code = EXIT_DONE, rank, threads;

    catch_signals();
    MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threads); /* the lock's thread knows no MPI */
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0)
        program_log();
    kt_status status = run(&code, argc, argv, rank, &err);
    if (status != KT_OK) {
        code = program_exit(status);
        if (rank == 0)
            fprintf(stderr, "kt-train: %s\n", err.message);
    }
    code = program_end("kt-train", code);
    MPI_Finalize();
    return code;
}
