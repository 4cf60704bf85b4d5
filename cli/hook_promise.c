/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hook_promise.h"

#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

#include <ovs/util.h>

#include "cli/verbs.h"

#define CHILD_SECONDS 5

static volatile sig_atomic_t is_done, is_child;

/* All of what is called here may be, in a signal handler: see signal-safety(7) and fork(3) on _Fork(). */
static void on_time_over(int signal_number OVS_UNUSED)
{
    if (is_done || is_child || _Fork() != 0)
        _exit(FL_EXIT_DONE);
    is_child = 1;
    for (int fd = 0; fd <= 2; fd++)
        close(fd); /* libvirt reads to the end of what may still be written to */
    alarm(CHILD_SECONDS);
}

static void on_crash(int signal_number OVS_UNUSED)
{
    _exit(FL_EXIT_DONE);
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

void fl_hook_promise(void)
{
    static const int crashes[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGXCPU };
    const struct itimerval once = { .it_value = { .tv_usec = FL_HOOK_MS * 1000 } };
    sigset_t time_over;

    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
        handle(crashes[i], on_crash);
    handle(SIGXFSZ, SIG_IGN); /* a write fails then, of which more is known */
    handle(SIGALRM, on_time_over);
    sigemptyset(&time_over);
    sigaddset(&time_over, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &time_over, NULL);
    setitimer(ITIMER_REAL, &once, NULL);
}

void fl_hook_is_done(void)
{
    is_done = 1;
}
