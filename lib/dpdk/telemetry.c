/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/dpdk/telemetry.h"

#include <errno.h>
#include <fcntl.h>
#include <ovs/util.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/base/clock.h"

/* How soon to try again when the server's queue of connections is full. */
#define RETRY_MS 10

struct fl_telemetry {
    int fd; /* -1 after a failure: a late reply would be taken for the next one's. */
    int timeout_ms;
    char *path;
    struct fl_telemetry_greeting greeting;
    char packet[FL_LIMIT_TELEMETRY_BYTES];
};

static int explain(const char *path, int code, struct fl_error *err)
{
    switch (code) {
    case -ENOENT:
        return fl_error_set(err, code,
                            "there is no DPDK telemetry socket %s: does ovs-vswitchd run with "
                            "other_config:dpdk-init=true?",
                            path);
    case -ECONNREFUSED:
        return fl_error_set(err, code,
                            "nobody listens at %s: the process that made it is gone; is "
                            "ovs-vswitchd running?",
                            path);
    case -EACCES:
    case -EPERM:
        return fl_error_set(err, -EACCES, "cannot connect to %s: permission denied; run as root",
                            path);
    case -EUSERS:
        return fl_error_set(err, code,
                            "DPDK hung up at %s: it serves 10 clients at a time; try again later",
                            path);
    case -ETIMEDOUT:
        return fl_error_set(err, code,
                            "DPDK does not answer at %s; is ovs-vswitchd stopped, or its NIC's "
                            "driver stuck?",
                            path);
    case -EPIPE:
    case -ECONNRESET:
        return fl_error_set(err, -EPIPE,
                            "DPDK closed the connection at %s; was ovs-vswitchd restarted? Try "
                            "again",
                            path);
    default: return fl_error_set(err, code, "cannot talk to DPDK at %s: %s", path, strerror(-code));
    }
}

/* ---- Packets ---- */

static int await(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd pollfd = { .fd = fd, .events = events };
        int64_t left_ms = deadline_ms - fl_monotonic_ms();
        int n = poll(&pollfd, 1, left_ms > 0 ? (int)MIN(left_ms, INT32_MAX) : 0);

        if (n > 0) {
            return 0;
        }
        if (n == 0) {
            return -ETIMEDOUT;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

static int send_packet(int fd, const char *bytes, size_t n, int64_t deadline_ms)
{
    for (;;) {
        int error;

        if (send(fd, bytes, n, MSG_NOSIGNAL) >= 0) {
            return 0;
        }
        if (errno != EINTR && errno != EAGAIN) {
            return -errno;
        }
        error = await(fd, POLLOUT, deadline_ms);
        if (error) {
            return error;
        }
    }
}

/* Return: bytes of the packet; -EPIPE at the end; -EMSGSIZE if it does not fit. */
static ssize_t receive_packet(int fd, char *bytes, size_t size, int64_t deadline_ms)
{
    for (;;) {
        ssize_t n = recv(fd, bytes, size, MSG_TRUNC);
        int error;

        if (n > 0) {
            return (size_t)n <= size ? n : -EMSGSIZE;
        }
        if (n == 0) {
            return -EPIPE;
        }
        if (errno != EINTR && errno != EAGAIN) {
            return -errno;
        }
        error = await(fd, POLLIN, deadline_ms);
        if (error) {
            return error;
        }
    }
}

/* ---- Connections ---- */

static int connect_to(const char *path, int64_t deadline_ms)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd, error;

    if (strlen(path) >= sizeof address.sun_path) {
        return -ENAMETOOLONG;
    }
    ovs_strlcpy(address.sun_path, path, sizeof address.sun_path);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    while (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        error = -errno;
        if (error == -EAGAIN && fl_monotonic_ms() < deadline_ms) {
            fl_sleep_until_ms(fl_monotonic_ms() + RETRY_MS);
            continue;
        }
        close(fd);
        return error == -EAGAIN ? -ETIMEDOUT : error;
    }
    return fd;
}

/*
 * Root, ourselves, or the process that is meant. Others may have been first to make a folder below /tmp, and what a
 * greeting says of its process is its own word.
 */
static int check_peer(const struct fl_telemetry *telemetry, long pid, struct fl_error *err)
{
    socklen_t length = sizeof(struct ucred);
    struct ucred peer;

    if (getsockopt(telemetry->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) {
        return explain(telemetry->path, -errno, err);
    }
    if (peer.uid && peer.uid != geteuid() && (!pid || peer.pid != pid)) {
        return fl_error_set(err, -ESRCH,
                            "%s is not ovs-vswitchd's: process %ld of user %ld made it; remove it",
                            telemetry->path, (long)peer.pid, (long)peer.uid);
    }
    return 0;
}

static int read_greeting(struct fl_telemetry *telemetry, int64_t deadline_ms, struct fl_error *err)
{
    ssize_t n = receive_packet(telemetry->fd, telemetry->packet, sizeof telemetry->packet,
                               deadline_ms);
    int error = n < 0 ? (int)n : 0;

    if (error == -EPIPE || error == -ECONNRESET) {
        error = -EUSERS; /* it hangs up on the eleventh without a word */
    }
    if (error) {
        return explain(telemetry->path, error, err);
    }
    error = fl_telemetry_decode_greeting(telemetry->packet, (size_t)n, &telemetry->greeting, err);
    if (error) {
        fl_error_prefix(err, "%s", telemetry->path);
    }
    return error;
}

int fl_telemetry_open(const char *path, long pid, int timeout_ms, struct fl_telemetry **telemetry,
                      struct fl_error *err)
{
    int64_t deadline_ms = fl_monotonic_ms() + timeout_ms;
    struct fl_telemetry *made;
    int fd = connect_to(path, deadline_ms), error;

    if (fd < 0) {
        return explain(path, fd, err);
    }
    made = xzalloc(sizeof *made);
    made->fd = fd;
    made->timeout_ms = timeout_ms;
    made->path = xstrdup(path);
    error = check_peer(made, pid, err);
    if (!error) {
        error = read_greeting(made, deadline_ms, err);
    }
    if (error) {
        fl_telemetry_close(made);
        return error;
    }
    *telemetry = made;
    return 0;
}

static void hang_up(struct fl_telemetry *telemetry)
{
    if (telemetry->fd >= 0) {
        close(telemetry->fd);
        telemetry->fd = -1;
    }
}

void fl_telemetry_close(struct fl_telemetry *telemetry)
{
    if (telemetry) {
        hang_up(telemetry);
        free(telemetry->path);
        free(telemetry);
    }
}

const char *fl_telemetry_version(const struct fl_telemetry *telemetry)
{
    return telemetry->greeting.version;
}

const char *fl_telemetry_path(const struct fl_telemetry *telemetry)
{
    return telemetry->path;
}

long fl_telemetry_pid(const struct fl_telemetry *telemetry)
{
    return telemetry->greeting.pid;
}

/* ---- Requests ---- */

/* Return: bytes of the reply, or negative errno. */
static ssize_t exchange(struct fl_telemetry *telemetry, const char *request)
{
    int64_t deadline_ms = fl_monotonic_ms() + telemetry->timeout_ms;
    int error = telemetry->fd < 0 ? -EPIPE : 0;

    if (!error) {
        error = send_packet(telemetry->fd, request, strlen(request), deadline_ms);
    }
    return error ? error
                 : receive_packet(telemetry->fd, telemetry->packet, sizeof telemetry->packet,
                                  deadline_ms);
}

int fl_telemetry_ask(struct fl_telemetry *telemetry, const char *request, json_t **value,
                     struct fl_error *err)
{
    ssize_t n;
    int error;

    if (strlen(request) > FL_TELEMETRY_REQUEST_BYTES) {
        return fl_error_set(err, -E2BIG,
                            "a request to DPDK of %" PRIuSIZE " bytes: it reads at most %d",
                            strlen(request), FL_TELEMETRY_REQUEST_BYTES);
    }
    n = exchange(telemetry, request);
    if (n < 0) {
        hang_up(telemetry);
        return explain(telemetry->path, (int)n, err);
    }
    error = fl_telemetry_decode(telemetry->packet, (size_t)n, request, value, err);
    if (error == -EPROTO) {
        hang_up(telemetry);
        fl_error_prefix(err, "%s", telemetry->path);
    }
    return error;
}

/* ---- Decoding ---- */

static json_t *decode_object(const char *bytes, size_t n)
{
    json_t *json = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

int fl_telemetry_decode_greeting(const char *bytes, size_t n,
                                 struct fl_telemetry_greeting *greeting, struct fl_error *err)
{
    _cleanup_json json_t *json = decode_object(bytes, n);
    const char *version = json_string_value(json_object_get(json, "version"));
    const json_t *pid = json_object_get(json, "pid");

    if (!version || strlen(version) >= sizeof greeting->version || !json_is_integer(pid)) {
        return fl_error_set(err, -EPROTO, "what answers there is no DPDK telemetry");
    }
    ovs_strlcpy(greeting->version, version, sizeof greeting->version);
    greeting->pid = (long)json_integer_value(pid);
    return 0;
}

int fl_telemetry_decode(const char *bytes, size_t n, const char *request, json_t **value,
                        struct fl_error *err)
{
    _cleanup_json json_t *json = decode_object(bytes, n);
    _cleanup_free char *command = xmemdup0(request, strcspn(request, ","));
    json_t *found = json_object_get(json, command);

    if (!found || json_object_size(json) != 1) {
        return fl_error_set(err, -EPROTO, "what DPDK answers to %s is no such reply", command);
    }
    if (json_is_null(found)) {
        return fl_error_set(err, -ENOENT, "DPDK knows no command %s, or refuses it", command);
    }
    *value = json_incref(found);
    return 0;
}
