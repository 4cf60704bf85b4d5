/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"

#define PROGRAM   "/proc/self/exe"
#define MAX_WORDS 12
#define UNIX      "unix:"

/* The waiter lives in another folder: a relative path is none of its. */
static char *absolute(const char *path)
{
    char *real = path ? realpath(path, NULL) : NULL;

    return real ? real : nullable_xstrdup(path);
}

static char *absolute_remote(const char *remote)
{
    _cleanup_free char *path = NULL;

    if (!remote || strncmp(remote, UNIX, strlen(UNIX)))
        return nullable_xstrdup(remote);
    path = absolute(remote + strlen(UNIX));
    return xasprintf(UNIX "%s", path);
}

/* Only what a child of a fork may do. On failure the pipe has why. */
static void __attribute__((noreturn)) become_waiter(char *const *words, int pipe_fd)
{
    int null = open("/dev/null", O_RDWR);
    pid_t pid;
    int code;

    if (null >= 0 && dup2(null, 0) >= 0 && dup2(null, 1) >= 0 && dup2(null, 2) >= 0 &&
        !close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC) && setsid() >= 0 && !chdir("/")) {
        pid = fork();
        if (pid > 0)
            _exit(0);
        if (!pid)
            execv(PROGRAM, words);
    }
    code = errno;
    if (write(pipe_fd, &code, sizeof code) < 0)
        _exit(1);
    _exit(1);
}

/* Return: 0, or the positive errno that the child met. */
static int await_start(int pipe_fd, pid_t child)
{
    int code = 0;
    ssize_t n;

    do {
        n = read(pipe_fd, &code, sizeof code);
    } while (n < 0 && errno == EINTR);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    return n == sizeof code ? code : n < 0 ? errno : 0;
}

static int start(char *const *words)
{
    int pipe_fds[2], code;
    pid_t child;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return errno;
    child = fork();
    if (!child)
        become_waiter(words, pipe_fds[1]);
    code = errno;
    close(pipe_fds[1]);
    if (child > 0)
        code = await_start(pipe_fds[0], child);
    close(pipe_fds[0]);
    return code;
}

int fl_waiter_start(const struct fl_remedy *remedy, void *request_, struct fl_error *err)
{
    const struct fl_request *request = request_;
    _cleanup_free char *root = absolute(*request->root ? request->root : NULL);
    _cleanup_free char *db = absolute_remote(request->db);
    _cleanup_free char *timeout = xasprintf("%.3f", request->timeout_ms / 1000.0);
    const char *words[MAX_WORDS] = { "flowlift", "await-confirm" };
    size_t n = 2;
    int code;

    if (root) {
        words[n++] = "--root";
        words[n++] = root;
    }
    if (db) {
        words[n++] = "--db";
        words[n++] = db;
    }
    if (request->timeout_ms) {
        words[n++] = "--timeout";
        words[n++] = timeout;
    }
    words[n++] = "--";
    words[n++] = remedy->set.vm_id;
    code = start(CONST_CAST(char *const *, words));
    return code ? fl_error_set(err, -code,
                               "cannot start the process that reverts the remedy if nobody "
                               "confirms it: %s",
                               ovs_strerror(code))
                : 0;
}
