/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/probe_sibling.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_BYTES 256
#define ATTEMPTS      200
#define PAUSE_NS      (20 * 1000 * 1000)

/* In the child of a process with threads: only what a signal handler may call, no memory, no stdio. */

static bool is_done(int error)
{
    /* It was not there any more, or its device or qdisc is not; or it never came to be. */
    return !error || error == -ENOENT || error == -ENODEV || error == -EINVAL || error == -EPERM;
}

/* Return: whether there is nothing left to do. */
static bool send_once(int fd, const void *request, size_t n_bytes)
{
    union {
        struct nlmsghdr header;
        char bytes[1024];
    } reply;
    const struct nlmsgerr *error = NLMSG_DATA(&reply.header);
    ssize_t n;

    if (send(fd, request, n_bytes, 0) < 0)
        return false;
    n = recv(fd, &reply, sizeof reply, 0);
    return n >= (ssize_t)NLMSG_LENGTH(sizeof *error) && reply.header.nlmsg_type == NLMSG_ERROR &&
           is_done(error->error);
}

static void wait_for_end(int fd)
{
    char byte;
    ssize_t n;

    do
        n = read(fd, &byte, sizeof byte);
    while (n > 0 || (n < 0 && errno == EINTR));
}

/* The two descriptors become 0 and 1, and all others are closed. */
static void keep_only(int *pipe_end, int *netlink)
{
    int first = fcntl(*pipe_end, F_DUPFD, 3), second = fcntl(*netlink, F_DUPFD, 3);

    if (first < 0 || second < 0 || dup2(first, 0) < 0 || dup2(second, 1) < 0)
        _exit(1);
    *pipe_end = 0;
    *netlink = 1;
    if (close_range(2, ~0u, 0) < 0) {
        for (int fd = 2; fd < 1024; fd++)
            close(fd);
    }
}

static void __attribute__((noreturn))
run(int pipe_end, int netlink, const void *request, size_t n_bytes)
{
    const struct timespec pause = { .tv_nsec = PAUSE_NS };

    setsid();
    (void)!chdir("/");
    prctl(PR_SET_NAME, "flowlift-probe");
    keep_only(&pipe_end, &netlink);
    wait_for_end(pipe_end);
    for (int i = 0; i < ATTEMPTS && !send_once(netlink, request, n_bytes); i++)
        nanosleep(&pause, NULL);
    _exit(0);
}

/* In the parent. */

static int open_netlink(void)
{
    const struct timeval timeout = { .tv_sec = 5 };
    const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
        connect(fd, (const struct sockaddr *)&kernel, sizeof kernel) < 0) {
        int ret = -errno;

        close(fd);
        return ret;
    }
    return fd;
}

/* With every signal blocked, so that none reaches the child before it has its own session. */
static pid_t fork_blocked(int pipe_end, int netlink, const void *request, size_t n_bytes)
{
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (!pid)
        run(pipe_end, netlink, request, n_bytes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid < 0 ? -errno : pid;
}

int fl_tc_sibling_start(struct fl_tc_sibling *sibling, const void *request, size_t n_bytes,
                        struct fl_error *err)
{
    int netlink = open_netlink(), ends[2];
    pid_t pid;

    if (netlink < 0)
        return fl_error_set(err, netlink, "cannot open a netlink socket: %s", strerror(-netlink));
    if (n_bytes > REQUEST_BYTES || pipe2(ends, O_CLOEXEC) < 0) {
        int ret = n_bytes > REQUEST_BYTES ? -EMSGSIZE : -errno;

        close(netlink);
        return fl_error_set(err, ret, "cannot make a pipe: %s", strerror(-ret));
    }
    pid = fork_blocked(ends[0], netlink, request, n_bytes);
    close(netlink);
    close(ends[0]);
    if (pid < 0) {
        close(ends[1]);
        return fl_error_set(err, pid, "cannot start a process: %s", strerror(-pid));
    }
    sibling->pid = pid;
    sibling->pipe = ends[1];
    return 0;
}

bool fl_tc_sibling_lives(const struct fl_tc_sibling *sibling)
{
    struct pollfd end = { .fd = sibling->pipe };

    return sibling->pid > 0 && poll(&end, 1, 0) == 0;
}

void fl_tc_sibling_stop(struct fl_tc_sibling *sibling)
{
    if (sibling->pid <= 0)
        return;
    close(sibling->pipe);
    while (waitpid(sibling->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    sibling->pid = 0;
}
