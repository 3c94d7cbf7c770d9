/* kt: what a person does at a login node, without MPI. */
#include "command.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const kt_command *const commands[] = {
    &command_info,   &command_predict, &command_sample, &command_evaluate, &command_verify,
    &command_import, &command_export,  &command_load,   &command_collect,  &command_clean,
    &command_report, &command_merge,   &command_plan,   &command_next,     &command_sweep};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int complain(const char *command, const kt_error *err, kt_status status)
{
    fprintf(stderr, "kt%s%s: %s\n", command ? " " : "", command ? command : "", err->message);
    return program_exit(status);
}

static int print_commands(void)
{
    puts("Works with loads, traces, tables of requests, datasets and models.\n\nusage: kt COMMAND [OPTIONS] "
         "...\n");
    for (size_t i = 0; i < COMMANDS; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    puts("\nkt COMMAND --help says more; kt --version [--json] names versions.\n"
         "Exit codes: 0 done, 1 failed, 2 usage, 3 done but not all is there, 75 stopped on request and "
         "resumable.");
    return EXIT_DONE;
}

static const kt_option *options_of(const kt_command *command)
{
    return command->table ? command->table() : command->options;
}

static int print_help(const kt_command *command)
{
    char *options = NULL;
    if (kt_options_help(&options, options_of(command), NULL) != KT_OK)
        return EXIT_FAILED;
    printf("%s\n\nusage: kt %s %s\n\n%s\n%s", command->summary, command->name, command->usage, command->about,
           options);
    free(options);
    return EXIT_DONE;
}

static kt_status check_operands(const kt_command *command, size_t n, kt_error *err)
{
    if (n >= command->least && n <= command->most)
        return KT_OK;
    return kt_fail(err, KT_USAGE, "%zu files given; usage: kt %s %s", n, command->name, command->usage);
}

/* Presets under what was given, checked and filled. */
static kt_status run(const kt_command *command, int argc, char **argv, kt_error *err)
{
    kt_status status = KT_OK;
    kt_json *merged = NULL, *given = NULL;
    const char **operands = NULL;
    void *options = NULL;
    size_t n = 0;
    const kt_option *table = options_of(command);
    KT_TRY(kt_alloc(&operands, (size_t)argc + 1, sizeof *operands, err));
    KT_TRY(kt_alloc(&options, 1, command->size, err));
    KT_TRY(kt_options_presets(&merged, table, err));
    KT_TRY(kt_options_argv(&given, operands, &n, table, argc, argv, err));
    kt_json_merge(merged, given);
    KT_TRY(kt_options_fill(options, table, merged, err));
    KT_TRY(check_operands(command, n, err));
    KT_TRY(command->run(options, operands, n, err));
out:
    kt_json_drop(merged);
    kt_json_drop(given);
    free(operands);
    free(options);
    return status;
}

static const kt_command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *nearest = kt_nearest(name, names, COMMANDS);
    fprintf(stderr, "kt: no command '%s'%s%s%s (kt --help lists them)\n", name,
            nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
    kt_error err = {0};
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return argc < 2 ? (print_commands(), EXIT_USAGE) : print_commands();
    if (strcmp(argv[1], "--version") == 0) {
        kt_status status = program_version("kt", NULL, program_asked(argc, argv, "--json", NULL), &err);
        return status == KT_OK ? EXIT_DONE : complain(NULL, &err, status);
    }
    bool help = strcmp(argv[1], "help") == 0;
    const kt_command *command = help && argc > 2 ? find(argv[2]) : find(argv[1]);
    if (help && argc == 2)
        return print_commands();
    if (!command)
        return unknown(argv[help ? 2 : 1]);
    if (help || program_asked(argc - 1, argv + 1, "--help", "-h"))
        return print_help(command);
    kt_status status = run(command, argc - 1, argv + 1, &err);
    return status == KT_OK ? EXIT_DONE : complain(command->name, &err, status);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_DFL); /* a reader that had enough ends us quietly */
    program_log();
    return program_end("kt", dispatch(argc, argv));
}
