/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openvswitch/vlog.h>
#include <ovs/command-line.h>
#include <ovs/daemon.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/nearest.h"
#include "lib/base/config.h"

#define NAME          "flowlift-agent"
#define LOG_FOLDER    "/var/log/flowlift"
#define TIMEOUT_LEAST 0.1
#define TIMEOUT_MOST  3600.0

enum {
    OPT_ROOT = UCHAR_MAX + 1,
    OPT_DB,
    OPT_TIMEOUT,
    OPT_UNIXCTL,
    DAEMON_OPTION_ENUMS,
    VLOG_OPTION_ENUMS,
};

static const struct option long_options[] = {
    { "root", required_argument, NULL, OPT_ROOT },
    { "db", required_argument, NULL, OPT_DB },
    { "timeout", required_argument, NULL, OPT_TIMEOUT },
    { "unixctl", required_argument, NULL, OPT_UNIXCTL },
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    DAEMON_LONG_OPTIONS,
    VLOG_LONG_OPTIONS,
    { NULL, 0, NULL, 0 },
};

/* What was given, before it is known where the root is. Borrowed from argv. */
struct given {
    const char *root, *db, *pidfile, *socket, *log_file;
    bool wants_log_file;
};

static void print_help(void)
{
    printf(
        "flowlift-agent: guards flowlift's remedies on this host\n"
        "\n"
        "usage: " NAME " [OPTION]...\n"
        "\n"
        "  --root DIR              everything of flowlift below DIR (tests, labs)\n"
        "  --db REMOTE             OVSDB (default: unix:OVS_RUNDIR/db.sock)\n"
        "  --timeout SEC           longest wait for an answer of Open vSwitch (default 3)\n"
        "  --unixctl SOCKET        control socket (default: ROOT/run/flowlift/" NAME ".PID.ctl),\n"
        "                          or none\n"
        "  -h, --help              this text\n"
        "  -V, --version           what this is\n"
        "\n"
        "As those of Open vSwitch's daemons (ovs-vswitchd(8)):\n"
        "  --detach                run in the background\n"
        "  --monitor               a second process that starts it again when it crashes\n"
        "  --no-chdir              with --detach, stay in this folder\n"
        "  --pidfile[=FILE]        where the pid file is (it is always there; default:\n"
        "                          ROOT/run/flowlift/" NAME ".pid)\n"
        "  --overwrite-pidfile     start although the pid file belongs to somebody\n"
        "  -v, --verbose[=SPEC]    what is logged where, such as -vconsole:off or -vagent_guard:dbg\n"
        "  --log-file[=FILE]       log to a file, too (default: ROOT" LOG_FOLDER "/" NAME ".log)\n"
        "  --syslog-method METHOD  libc, unix:FILE, udp:IP:PORT or null\n"
        "  --syslog-target HOST:PORT\n"
        "                          send to a syslog server, too\n"
        "\n"
        "Control: ovs-appctl -t " NAME " status [--json] | exit | list-commands\n"
        "Exit codes: 0 it was told to end; 2 it could not start, said why.\n");
}

/* Return: -EINVAL with the option that @word may mean. */
static int unknown_option(const char *word, struct fl_error *err)
{
    const char *known[ARRAY_SIZE(long_options)] = { NULL };
    const char *nearest = NULL;

    for (size_t i = 0; i + 1 < ARRAY_SIZE(long_options); i++) {
        known[i] = long_options[i].name;
    }
    if (!strncmp(word, "--", 2)) {
        _cleanup_free char *name = xmemdup0(word + 2, strcspn(word + 2, "="));

        fl_nearest(name, known, ARRAY_SIZE(known), &nearest, 1);
    }
    if (nearest) {
        return fl_error_set(err, -EINVAL, "there is no option %s; did you mean --%s?", word,
                            nearest);
    }
    return fl_error_set(err, -EINVAL, "there is no option %s; see " NAME " --help", word);
}

/* What getopt_long() did not like about @word. */
static int refuse(const char *word, struct fl_error *err)
{
    size_t n = strcspn(word, "=");

    for (const struct option *o = long_options; !strncmp(word, "--", 2) && o->name; o++) {
        if (n != strlen(o->name) + 2 || strncmp(word + 2, o->name, n - 2)) {
            continue;
        }
        return o->has_arg == no_argument
                   ? fl_error_set(err, -EINVAL, "--%s takes no value", o->name)
                   : fl_error_set(err, -EINVAL, "--%s needs a value; see " NAME " --help", o->name);
    }
    return unknown_option(word, err);
}

static int parse_timeout(const char *text, int *ms, struct fl_error *err)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || *end || !isfinite(seconds) || seconds < TIMEOUT_LEAST ||
        seconds > TIMEOUT_MOST) {
        return fl_error_set(err, -EINVAL, "--timeout takes seconds from %g to %g, not '%s'",
                            TIMEOUT_LEAST, TIMEOUT_MOST, text);
    }
    *ms = (int)lround(seconds * 1000);
    return 0;
}

static int set_verbosity(const char *spec, struct fl_error *err)
{
    _cleanup_free char *why = NULL;

    if (!spec) {
        vlog_set_verbosity(NULL);
        return 0;
    }
    why = vlog_set_levels_from_string(spec);
    return why ? fl_error_set(err, -EINVAL, "-v does not take '%s': %s", spec, why) : 0;
}

static int set_option(struct fl_agent_options *options, struct given *given, int option,
                      struct fl_error *err)
{
    switch (option) {
    case OPT_ROOT: given->root = optarg; return 0;
    case OPT_DB: given->db = optarg; return 0;
    case OPT_TIMEOUT: return parse_timeout(optarg, &options->timeout_ms, err);
    case OPT_UNIXCTL: given->socket = optarg; return 0;
    case OPT_PIDFILE: given->pidfile = optarg; return 0;
    case OPT_OVERWRITE_PIDFILE: ignore_existing_pidfile(); return 0;
    case OPT_DETACH: set_detach(); return 0;
    case OPT_MONITOR: daemon_set_monitor(); return 0;
    case OPT_NO_CHDIR: set_no_chdir(); return 0;
    case OPT_NO_SELF_CONFINEMENT: return 0; /* We do not confine ourselves. */
    case OPT_USER_GROUP:
        return fl_error_set(err, -EINVAL,
                            "--user is not for flowlift-agent: start it as the user that it is to "
                            "run as");
    case 'v': return set_verbosity(optarg, err);
    case OPT_LOG_FILE:
        given->wants_log_file = true;
        given->log_file = optarg;
        return 0;
    case OPT_SYSLOG_IMPL: vlog_set_syslog_method(optarg); return 0;
    case OPT_SYSLOG_TARGET: vlog_set_syslog_target(optarg); return 0;
    default: OVS_NOT_REACHED();
    }
}

/* "unix:db.sock" is of the folder that we were started in. */
static char *absolute_remote(const char *remote)
{
    static const char unix_[] = "unix:";
    size_t n = strlen(unix_);
    _cleanup_free char *path = NULL;

    if (!remote || strncmp(remote, unix_, n)) {
        return nullable_xstrdup(remote);
    }
    path = abs_file_name(NULL, remote + n);
    return xasprintf("%s%s", unix_, path);
}

static void place(struct fl_agent_options *options, const struct given *given)
{
    _cleanup_free char *rundir = NULL;
    _cleanup_free char *logdir = NULL;

    options->root = given->root ? abs_file_name(NULL, given->root) : xstrdup("");
    options->db = absolute_remote(given->db);
    rundir = fl_path_rundir(options->root);
    logdir = xasprintf("%s" LOG_FOLDER, options->root);
    options->pidfile = abs_file_name(rundir, given->pidfile ? given->pidfile : NAME ".pid");
    /* The default has a process number that is not known yet. */
    if (given->socket) {
        options->socket = strcmp(given->socket, "none") ? abs_file_name(rundir, given->socket)
                                                        : xstrdup("none");
    }
    if (given->wants_log_file) {
        options->log_file = abs_file_name(logdir, given->log_file ? given->log_file : NAME ".log");
    }
}

int fl_agent_options_parse(struct fl_agent_options *options, int argc, char **argv,
                           struct fl_error *err)
{
    _cleanup_free char *letters = ovs_cmdl_long_options_to_short_options(long_options);
    _cleanup_free char *short_options = xasprintf("+:%s", letters);
    struct given given = { .root = NULL };
    int option, error;

    *options = (struct fl_agent_options){ .root = NULL };
    opterr = 0;
    for (;;) {
        const char *word = argv[MIN(optind, argc - 1)];

        option = getopt_long(argc, argv, short_options, long_options, NULL);
        if (option == -1) {
            break;
        }
        if (option == 'h') {
            print_help();
        } else if (option == 'V') {
            printf(NAME " %s (libopenvswitch %s)\n", FLOWLIFT_VERSION, OVS_PACKAGE_VERSION);
        }
        if (option == 'h' || option == 'V') {
            options->only_told = true;
            return 0;
        }
        if (option == '?' || option == ':') {
            return refuse(word, err);
        }
        if (optarg && !*optarg) {
            return fl_error_set(err, -EINVAL, "the value of %s is empty", word);
        }
        error = set_option(options, &given, option, err);
        if (error) {
            return error;
        }
    }
    if (optind < argc) {
        return fl_error_set(err, -EINVAL, "there is no argument '%s'; see " NAME " --help",
                            argv[optind]);
    }
    place(options, &given);
    return 0;
}

void fl_agent_options_destroy(struct fl_agent_options *options)
{
    free(options->root);
    free(options->db);
    free(options->pidfile);
    free(options->socket);
    free(options->log_file);
}
