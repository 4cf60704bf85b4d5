/* SPDX-License-Identifier: Apache-2.0 */

/*
 * flowlift-agent: what is wrong is said on standard error before anything is in the background, then it
 * becomes a daemon in Open vSwitch's way (the one that runs may be a grandchild, and a second or third one).
 */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openvswitch/vlog.h>
#include <ovs/command-line.h>
#include <ovs/daemon.h>
#include <ovs/fatal-signal.h>
#include <ovs/util.h>

#include "agent/agent.h"
#include "agent/instance.h"
#include "agent/signals.h"
#include "flows/cleanup.h"
#include "lib/base/descriptors.h"
#include "lib/base/small_file.h"
#include "lib/store/atomic_file.h"

#define EXIT_NOT_STARTED 2
#define LOG_FOLDER_MODE  0750
#define LOG_FILE_MODE    0640

/* libopenvswitch ends the process when it cannot make a file, in its words and with its exit code. */
static int check_folder_of(const char *path, struct fl_error *err)
{
    _cleanup_free char *copy = path ? xstrdup(path) : NULL;
    const char *folder;

    if (!path || path[0] != '/') {
        return 0;
    }
    folder = dirname(copy);
    return access(folder, W_OK | X_OK) < 0 ? fl_file_error(err, -errno, "write", folder) : 0;
}

static int open_log_file(const char *path, struct fl_error *err)
{
    _cleanup_free char *copy = path ? xstrdup(path) : NULL;
    int fd, error;

    if (!path) {
        return 0;
    }
    error = fl_make_folder(dirname(copy), LOG_FOLDER_MODE, err);
    if (error) {
        return error;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, LOG_FILE_MODE);
    if (fd < 0) {
        return fl_file_error(err, -errno, "write", path);
    }
    close(fd);
    error = vlog_set_log_file(path);
    return error ? fl_file_error(err, -error, "write", path) : 0;
}

/* All that can be found wrong before there is a second process. */
static int prepare(const struct fl_agent_options *options, int *lock_fd, struct fl_error *err)
{
    int error = fl_instance_take(options->root, lock_fd, err);

    if (!error) {
        error = check_folder_of(options->pidfile, err);
    }
    if (!error) {
        error = check_folder_of(options->socket, err);
    }
    if (!error) {
        error = open_log_file(options->log_file, err);
    }
    if (!error) {
        error = fl_signals_block();
    }
    return error;
}

static int run(struct fl_agent *agent, const struct fl_agent_options *options,
               struct fl_notify *notify, struct fl_error *err)
{
    int lock_fd;
    int error = fl_agent_init(agent, options, notify, err);

    if (!error) {
        error = prepare(options, &lock_fd, err);
    }
    if (error) {
        return error;
    }
    set_pidfile(options->pidfile);
    daemonize_start(false);
    /* From here in each process that --monitor starts: what was read before may be old. */
    fl_instance_sign(lock_fd);
    fl_agent_reread(agent);
    error = fl_agent_open(agent, err);
    if (error) {
        return error;
    }
    daemonize_complete();
    fl_agent_run(agent);
    return 0;
}

int main(int argc, char **argv)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_agent_options options;
    struct fl_notify notify;
    struct fl_agent agent;
    int error;

    fl_hold_standard_descriptors();
    ovs_set_program_name("flowlift-agent", FLOWLIFT_VERSION);
    ovs_cmdl_proctitle_init(argc, argv);
    fatal_ignore_sigpipe();
    error = fl_agent_options_parse(&options, argc, argv, &err);
    if (!error && !options.only_told) {
        fl_notify_open(&notify);
        error = run(&agent, &options, &notify, &err);
        fl_agent_close(&agent);
        fl_notify_close(&notify);
    }
    fl_agent_options_destroy(&options);
    if (error) {
        fprintf(stderr, "flowlift-agent: %s\n", err.text);
    }
    return error ? EXIT_NOT_STARTED : EXIT_SUCCESS;
}
