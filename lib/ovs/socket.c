/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <openvswitch/vlog.h>
#include <ovs/dirs.h>
#include <ovs/fatal-signal.h>
#include <ovs/socket-util.h>
#include <ovs/util.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "flows/cleanup.h"

/* How soon to try again when the server's queue of connections is full. */
#define RETRY_MS 10

const char *fl_socket_rundir(void)
{
    return ovs_rundir();
}

int64_t fl_socket_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Return: 0 and the number in the pid file, or negative errno. */
static int read_pid(const char *path, long *pid)
{
    FILE *file = fopen(path, "re");
    char text[32] = "", *end;
    int error;

    if (!file) {
        return -errno;
    }
    error = fgets(text, sizeof text, file) ? 0 : -EINVAL;
    fclose(file);
    errno = 0;
    *pid = strtol(text, &end, 10);
    if (!error && (errno || end == text || *pid <= 0)) {
        error = -EINVAL;
    }
    return error;
}

/* Of the ovs-vswitchd that the pid file names. */
static int vswitchd_pid(long *pid, struct fl_error *err)
{
    _cleanup_free char *pidfile = xasprintf("%s/ovs-vswitchd.pid", fl_socket_rundir());
    int error = read_pid(pidfile, pid);

    if (error == -ENOENT) {
        return fl_error_set(err, error,
                            "ovs-vswitchd does not run here: there is no %s; start it, or set "
                            "OVS_RUNDIR to where it keeps its sockets",
                            pidfile);
    }
    if (error == -EINVAL) {
        return fl_error_set(err, error, "%s holds no process number; restart ovs-vswitchd",
                            pidfile);
    }
    return error ? fl_socket_explain(pidfile, "ovs-vswitchd", error, err) : 0;
}

int fl_socket_vswitchd(char **path, struct fl_error *err)
{
    long pid = 0;
    int error = vswitchd_pid(&pid, err);

    if (!error) {
        *path = xasprintf("%s/ovs-vswitchd.%ld.ctl", fl_socket_rundir(), pid);
    }
    return error;
}

long fl_socket_pid(const char *path)
{
    const char *base = strrchr(path, '/');
    long pid = 0;

    return sscanf(base ? base + 1 : path, "ovs-vswitchd.%ld.ctl", &pid) == 1 ? pid : 0;
}

int fl_socket_vswitchd_pid(const char *target, long *pid, struct fl_error *err)
{
    if (!target) {
        return vswitchd_pid(pid, err);
    }
    *pid = fl_socket_pid(target);
    return *pid ? 0
                : fl_error_set(err, -EINVAL, "%s does not tell the process number of ovs-vswitchd",
                               target);
}

static bool is_gone(long pid)
{
    return pid > 0 && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

int fl_socket_explain(const char *path, const char *server, int code, struct fl_error *err)
{
    long pid = fl_socket_pid(path);

    switch (code) {
    case -ENOENT:
    case -ECONNREFUSED:
        if (is_gone(pid)) {
            return fl_error_set(err, -ENOENT,
                                "%s does not run: %s/ovs-vswitchd.pid is left over from process "
                                "%ld, which is gone; start it",
                                server, fl_socket_rundir(), pid);
        }
        if (code == -ENOENT) {
            return fl_error_set(err, code,
                                "cannot connect to %s: no socket %s; is %s running, and is "
                                "OVS_RUNDIR right?",
                                server, path, server);
        }
        return fl_error_set(err, code,
                            "cannot connect to %s: nobody listens at %s; %s was not shut down "
                            "properly, start it again",
                            server, path, server);
    case -EACCES:
    case -EPERM:
        return fl_error_set(err, -EACCES,
                            "cannot connect to %s: permission denied; run as root or add the user "
                            "to group openvswitch",
                            path);
    case -ETIMEDOUT:
        return fl_error_set(err, code,
                            "%s does not answer at %s; it is busy or hangs, look at its log",
                            server, path);
    case -EPIPE:
    case -ECONNRESET:
        return fl_error_set(err, -EPIPE,
                            "%s closed the connection at %s; it was stopped or restarted, try "
                            "again",
                            server, path);
    default:
        return fl_error_set(err, code, "cannot talk to %s at %s: %s", server, path,
                            strerror(-code));
    }
}

/* Return: the descriptor; -EAGAIN when the server's queue is full; other negative errno. */
static int connect_once(const char *path)
{
    int fd = make_unix_socket(SOCK_STREAM, true, NULL, path);

    if (fd >= 0) {
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        return fd;
    }
    return fd == -EPROTO ? -EAGAIN : fd; /* make_unix_socket() says EPROTO for EAGAIN */
}

int fl_socket_connect(const char *path, const char *server, int64_t deadline_ms,
                      struct fl_error *err)
{
    int fd;

    fl_socket_hush();
    while ((fd = connect_once(path)) == -EAGAIN) {
        if (fl_socket_now_ms() >= deadline_ms) {
            fd = -ETIMEDOUT;
            break;
        }
        poll(NULL, 0, RETRY_MS);
        fatal_signal_run();
    }
    return fd < 0 ? fl_socket_explain(path, server, fd, err) : fd;
}

void fl_socket_hush(void)
{
    static bool hushed;

    if (!hushed) {
        hushed = true;
        vlog_set_levels(NULL, VLF_CONSOLE, VLL_OFF);
        vlog_set_levels(NULL, VLF_SYSLOG, VLL_OFF);
    }
}
