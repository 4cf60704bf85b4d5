/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void fill(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
}

int fl_signals_block(void)
{
    sigset_t set;

    fill(&set);
    return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

int fl_signals_open(void)
{
    sigset_t set;
    int fd;

    fill(&set);
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int fl_signals_take(int fd)
{
    struct signalfd_siginfo info;

    return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}
