/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hook_input.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/base/clock.h"

/* Whether there is something to read, or the end, before @deadline_ms. */
static bool await_input(int fd, int64_t deadline_ms)
{
    struct pollfd in = { .fd = fd, .events = POLLIN };

    for (;;) {
        int64_t left_ms = deadline_ms - fl_monotonic_ms();
        int n = left_ms > 0 ? poll(&in, 1, (int)left_ms) : 0;

        if (n >= 0 || errno != EINTR)
            return n > 0;
    }
}

size_t fl_hook_read(int fd, char *buffer, size_t room, int64_t deadline_ms, bool *is_whole)
{
    size_t n = 0;

    *is_whole = false;
    while (n < room && await_input(fd, deadline_ms)) {
        ssize_t got = read(fd, buffer + n, room - n);

        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        *is_whole = !got;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return n;
}

void fl_hook_drain(int fd, char *buffer, size_t room, int64_t deadline_ms)
{
    bool at_end;

    while (fl_hook_read(fd, buffer, room, deadline_ms, &at_end) == room)
        continue;
}
