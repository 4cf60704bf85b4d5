/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The flowlift command: words to a request, the request to its verb, the verb's answer to an exit
 * code.
 */

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openvswitch/vlog.h>
#include <ovs/fatal-signal.h>
#include <ovs/util.h>

#include "cli/help.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "lib/base/descriptors.h"

/* libopenvswitch logs to standard error what the one sentence there already says. */
static void silence_library(void)
{
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
}

static int complain(const struct fl_error *err)
{
    fl_progress_end();
    fprintf(stderr, "flowlift: %s\n", err->text);
    return FL_EXIT_TROUBLE;
}

/* Whether standard output is a pipe that nobody reads any more. */
static bool reader_is_gone(void)
{
    struct pollfd out = { .fd = STDOUT_FILENO };

    return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

/*
 * What was written has to have arrived. A reader that went away wanted no more, and is told
 * nothing.
 */
static int close_output(struct fl_output *out, int exit_code)
{
    struct fl_error err = FL_ERROR_INIT;
    int error = fl_output_close(out);

    if (!error)
        return exit_code;
    if (error == -EPIPE)
        return FL_EXIT_TROUBLE;
    fl_error_set(&err, error, "cannot write to standard output: %s", ovs_strerror(-error));
    return complain(&err);
}

static int run(int n_words, const char *const *words)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_request request;
    struct fl_output out;
    int exit_code = FL_EXIT_TROUBLE;

    if (!fl_request_parse(&request, n_words, words, &err)) {
        fl_output_open(&out, STDOUT_FILENO);
        if (request.help)
            exit_code = fl_help_verb(request.verb, &out);
        else
            exit_code = request.verb->run(&request, &out, &err);
        fl_progress_end();
        exit_code = close_output(&out, exit_code);
    }
    if (err.code == -EPIPE && reader_is_gone())
        exit_code = FL_EXIT_TROUBLE;
    else if (err.code)
        exit_code = complain(&err);
    if (request.verb && request.verb->never_fails)
        exit_code = FL_EXIT_DONE;
    fl_request_destroy(&request);
    return exit_code;
}

/* Words that need no verb. Return: true when that was one of them. */
static bool run_without_verb(const char *word, int *exit_code)
{
    bool wants_help = !strcmp(word, "--help") || !strcmp(word, "-h");
    bool wants_version = !strcmp(word, "--version") || !strcmp(word, "-V");
    struct fl_output out;

    if (!wants_help && !wants_version)
        return false;
    fl_output_open(&out, STDOUT_FILENO);
    if (wants_help)
        fl_help_overview(&out);
    else
        fl_output_printf(&out, "flowlift %s (libopenvswitch %s)\n", FLOWLIFT_VERSION,
                         OVS_PACKAGE_VERSION);
    *exit_code = close_output(&out, FL_EXIT_DONE);
    return true;
}

int main(int argc, char **argv)
{
    int exit_code;

    fl_hold_standard_descriptors();
    set_program_name("flowlift");
    setlocale(LC_CTYPE, "");
    fatal_ignore_sigpipe();
    silence_library();

    if (argc == 2 && run_without_verb(argv[1], &exit_code))
        return exit_code;
    return run(argc - 1, (const char *const *)argv + 1);
}
