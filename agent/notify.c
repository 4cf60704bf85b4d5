/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/notify.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"

VLOG_DEFINE_THIS_MODULE(agent_notify);

#define LEAST_EVERY_MS 1

/* "@NAME" is a socket of the abstract namespace: a zero byte, then the name, no byte behind it. */
static bool read_address(const char *name, struct fl_notify *notify)
{
    size_t n = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || n < 2 || n >= sizeof notify->to.sun_path) {
        return false;
    }
    notify->to.sun_family = AF_UNIX;
    memcpy(notify->to.sun_path, name, n + 1);
    notify->to_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (name[0] == '@') {
        notify->to.sun_path[0] = '\0';
    } else {
        notify->to_bytes++;
    }
    return true;
}

/* Half of the time in which the manager wants to hear of us; 0 when it does not. */
static long long read_watchdog(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    long long us, of;

    if (!usec || !str_to_llong(usec, 10, &us) || us <= 0) {
        return 0;
    }
    if (pid && (!str_to_llong(pid, 10, &of) || of != getpid())) {
        return 0;
    }
    return MAX(us / 2000, LEAST_EVERY_MS);
}

void fl_notify_open(struct fl_notify *notify)
{
    const char *name = getenv("NOTIFY_SOCKET");

    memset(notify, 0, sizeof *notify);
    notify->fd = -1;
    if (!name || !*name) {
        return;
    }
    if (!read_address(name, notify)) {
        VLOG_WARN("NOTIFY_SOCKET is no socket: %s", name);
        return;
    }
    notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (notify->fd < 0) {
        VLOG_WARN("cannot tell the service manager anything: %s", ovs_strerror(errno));
        return;
    }
    notify->alive_every_ms = read_watchdog();
}

void fl_notify_close(struct fl_notify *notify)
{
    if (notify->fd >= 0) {
        close(notify->fd);
    }
    notify->fd = -1;
}

void fl_notify_send(const struct fl_notify *notify, const char *format, ...)
{
    static struct vlog_rate_limit rate = VLOG_RATE_LIMIT_INIT(1, 1);
    _cleanup_free char *text = NULL;
    va_list arguments;

    if (notify->fd < 0) {
        return;
    }
    va_start(arguments, format);
    text = xvasprintf(format, arguments);
    va_end(arguments);
    if (sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&notify->to,
               notify->to_bytes) < 0) {
        VLOG_WARN_RL(&rate, "cannot tell the service manager: %s", ovs_strerror(errno));
    }
}

void fl_notify_alive(struct fl_notify *notify)
{
    if (notify->fd >= 0 && notify->alive_every_ms && time_msec() >= notify->alive_ms) {
        fl_notify_send(notify, "WATCHDOG=1");
        notify->alive_ms = time_msec() + notify->alive_every_ms;
    }
}

void fl_notify_wait(const struct fl_notify *notify)
{
    if (notify->fd >= 0 && notify->alive_every_ms) {
        poll_timer_wait_until(notify->alive_ms);
    }
}
