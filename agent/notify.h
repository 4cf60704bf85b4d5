/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_NOTIFY_H
#define FLOWLIFT_AGENT_NOTIFY_H

/*
 * What a service tells its service manager: datagrams of lines "NAME=VALUE" to the socket that NOTIFY_SOCKET
 * names, and the watchdog's due at half of WATCHDOG_USEC. Without NOTIFY_SOCKET all of it does nothing.
 *
 * Source: sd_notify(3), sd_watchdog_enabled(3), systemd 252.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct fl_notify {
    struct sockaddr_un to;
    socklen_t to_bytes;
    int fd;                   /* -1: nobody wants to know */
    long long alive_every_ms; /* 0: no watchdog */
    long long alive_ms;       /* when it is due, on the clock of time_msec() */
};

/**
 * fl_notify_open() - read the environment
 *
 * To be called by the process that was started, before it forks: WATCHDOG_PID is its number.
 */
void fl_notify_open(struct fl_notify *notify);
void fl_notify_close(struct fl_notify *notify);
/** fl_notify_send() - one datagram; a manager that does not read is not waited for */
void fl_notify_send(const struct fl_notify *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** fl_notify_alive() - the loop has come round: WATCHDOG=1 when it is due */
void fl_notify_alive(struct fl_notify *notify);
/** fl_notify_wait() - have poll_block() return when it is due */
void fl_notify_wait(const struct fl_notify *notify);

#endif
