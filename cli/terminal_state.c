/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal_state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <ovs/util.h>

/* A terminal that takes nothing is not waited for longer, when it is given back. */
#define LEAVE_MS 1000
/* CAN ends an escape sequence that was begun (ECMA-48, and every terminal since the VT100). */
#define CANCEL "\030"

static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP };

/* One process has one terminal. */
static struct {
    int fd;
    bool is_shared;   /* @fd shares its description: it has to block again */
    int shared_flags; /* as found */
    struct termios found;
    char enter[FL_TERMINAL_TEXT_BYTES];
    char leave[FL_TERMINAL_TEXT_BYTES];
    volatile sig_atomic_t is_taken;
    struct sigaction before[ARRAY_SIZE(crashes)];
    bool has_handlers;
} state = { .fd = -1 };

/* ---- Safe in a handler ---- */

/* As much as it takes within LEAVE_MS. */
static void write_patiently(const char *text)
{
    size_t n = strlen(text);

    for (int waited = 0; n && waited < LEAVE_MS;) {
        struct pollfd room = { .fd = state.fd, .events = POLLOUT };
        ssize_t written = write(state.fd, text, n);

        if (written > 0) {
            text += written;
            n -= (size_t)written;
        } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
            return;
        } else {
            poll(&room, 1, 50);
            waited += 50;
        }
    }
}

/* From the background the terminal answers with SIGTTOU, which would stop us when we are about to end. */
static void set_modes(const struct termios *modes)
{
    sigset_t ttou, before;

    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    sigprocmask(SIG_BLOCK, &ttou, &before);
    tcsetattr(state.fd, TCSANOW, modes);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void fl_terminal_state_give_back(bool cut)
{
    if (!state.is_taken)
        return;
    state.is_taken = 0;
    if (cut)
        write_patiently(CANCEL);
    write_patiently(state.leave);
    set_modes(&state.found);
    if (state.is_shared)
        fcntl(state.fd, F_SETFL, state.shared_flags);
}

/* Then whoever would have been told is told: a debugger, a sanitizer, whoever waits for us. */
static void give_back_and_crash(int signal_number)
{
    int saved_errno = errno;

    fl_terminal_state_give_back(true);
    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++) {
        if (crashes[i] == signal_number)
            sigaction(signal_number, &state.before[i], NULL);
    }
    errno = saved_errno;
    raise(signal_number);
}

/* ---- The rest ---- */

static void give_back_at_exit(void)
{
    fl_terminal_state_give_back(true);
}

/* A stack of its own, since it may be the stack that has overflowed. */
static void set_handlers(void)
{
    static char stack[64 * 1024];
    const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = { .sa_handler = give_back_and_crash, .sa_flags = SA_ONSTACK };
    stack_t before;

    if (state.has_handlers)
        return;
    state.has_handlers = true;
    atexit(give_back_at_exit);
    if (!sigaltstack(NULL, &before) && before.ss_flags & SS_DISABLE)
        sigaltstack(&alternate, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
        sigaction(crashes[i], &action, &state.before[i]);
}

int fl_terminal_state_open(int fd, struct fl_error *err)
{
    char path[64];

    if (tcgetattr(fd, &state.found) < 0)
        return fl_error_set(err, -errno, "cannot ask the terminal for its modes: %s",
                            ovs_strerror(errno));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    state.is_shared = false;
    state.fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (state.fd < 0) {
        state.is_shared = true;
        state.shared_flags = fcntl(fd, F_GETFL);
        state.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
    if (state.fd < 0)
        return fl_error_set(err, -errno, "cannot open the terminal: %s", ovs_strerror(errno));
    return state.fd;
}

void fl_terminal_state_close(void)
{
    close(state.fd);
    state.fd = -1;
}

void fl_terminal_state_texts(const char *enter, const char *leave)
{
    ovs_strlcpy(state.enter, enter, sizeof state.enter);
    ovs_strlcpy(state.leave, leave, sizeof state.leave);
}

void fl_terminal_state_take(void)
{
    struct termios modes = state.found;

    set_handlers();
    modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL);
    modes.c_iflag &= ~(tcflag_t)(ICRNL | INLCR);
    modes.c_oflag &= ~(tcflag_t)(OPOST);
    modes.c_cc[VMIN] = 1;
    modes.c_cc[VTIME] = 0;
    state.is_taken = 1;
    if (state.is_shared)
        fcntl(state.fd, F_SETFL, state.shared_flags | O_NONBLOCK);
    tcsetattr(state.fd, TCSANOW, &modes);
    write_patiently(state.enter);
}
