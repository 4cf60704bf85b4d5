/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request is under way at a time. What remains of a reply that was not read to its end would be
 * taken for the next one's, so after any failure the connection is closed; the next command opens
 * another.
 */
#include "lib/ovs/ctl.h"

#include <errno.h>
#include <jansson.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/fatal-signal.h>
#include <ovs/util.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/ovs/reply.h"
#include "lib/ovs/socket.h"

#define SERVER     "ovs-vswitchd"
#define READ_BYTES 65536

struct fl_ctl {
    const char *server; /* name */
    char *target;       /* given by the caller, or NULL: looked up at each connect */
    char *path;         /* of the connection */
    int timeout_ms;
    int fd; /* -1: closed */
    unsigned int next_id;
};

static void disconnect(struct fl_ctl *ctl)
{
    if (ctl->fd >= 0) {
        close(ctl->fd);
    }
    ctl->fd = -1;
}

static int connect_server(struct fl_ctl *ctl, struct fl_error *err)
{
    char *path = ctl->target ? xstrdup(ctl->target) : NULL;
    int error = path ? 0 : fl_socket_vswitchd(&path, err);

    if (error) {
        return error;
    }
    free(ctl->path);
    ctl->path = path;
    ctl->fd = fl_socket_connect(path, ctl->server, fl_socket_now_ms() + ctl->timeout_ms, err);
    return MIN(ctl->fd, 0);
}

int fl_ctl_open_other(const char *server, const char *path, int timeout_ms, struct fl_ctl **ctlp,
                      struct fl_error *err)
{
    struct fl_ctl *ctl = xzalloc(sizeof *ctl);
    int error;

    ctl->server = server;
    ctl->target = nullable_xstrdup(path);
    ctl->timeout_ms = timeout_ms;
    ctl->fd = -1;
    error = connect_server(ctl, err);
    if (error) {
        fl_ctl_close(ctl);
        return error;
    }
    *ctlp = ctl;
    return 0;
}

int fl_ctl_open(const char *target, int timeout_ms, struct fl_ctl **ctlp, struct fl_error *err)
{
    return fl_ctl_open_other(SERVER, target, timeout_ms, ctlp, err);
}

void fl_ctl_close(struct fl_ctl *ctl)
{
    if (!ctl) {
        return;
    }
    disconnect(ctl);
    free(ctl->target);
    free(ctl->path);
    free(ctl);
}

/* The server may have been restarted since the last command: then nothing is lost by connecting anew. */
static int ensure_connected(struct fl_ctl *ctl, struct fl_error *err)
{
    char byte;

    if (ctl->fd >= 0 && recv(ctl->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) {
        disconnect(ctl); /* closed, or bytes that nobody asked for */
    }
    return ctl->fd >= 0 ? 0 : connect_server(ctl, err);
}

static char *format_request(unsigned int id, const char *command, const char *const *argv)
{
    _cleanup_json json_t *params = json_array();
    _cleanup_json json_t *request = NULL;

    for (; argv && *argv; argv++) {
        json_array_append_new(params, json_string(*argv));
    }
    request = json_pack("{s:i, s:s, s:O}", "id", (int)id, "method", command, "params", params);
    return request ? json_dumps(request, JSON_COMPACT) : NULL;
}

/* Return: 0 when @events are possible, -ETIMEDOUT, or other negative errno. */
static int wait_for(int fd, short events, int64_t deadline_ms)
{
    struct pollfd pfd = { .fd = fd, .events = events };

    for (;;) {
        int64_t left = deadline_ms - fl_socket_now_ms();
        int n;

        if (left < 0) {
            return -ETIMEDOUT;
        }
        n = poll(&pfd, 1, (int)MIN(left + 1, INT_MAX));
        if (n > 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        fatal_signal_run(); /* libopenvswitch may have taken the handler: then ^C waits for this */
    }
}

static int send_all(int fd, const char *bytes, size_t n, int64_t deadline_ms)
{
    while (n) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
        } else if (sent < 0 && errno == EAGAIN) {
            int error = wait_for(fd, POLLOUT, deadline_ms);

            if (error) {
                return error;
            }
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* Return: how many bytes came, -EPIPE at the end of the stream, -ETIMEDOUT, other negative errno. */
static ssize_t receive(int fd, char *buffer, size_t size, int64_t deadline_ms)
{
    for (;;) {
        ssize_t n = recv(fd, buffer, size, 0);
        int error;

        if (n > 0) {
            return n;
        }
        if (!n) {
            return -EPIPE;
        }
        if (errno == EAGAIN) {
            error = wait_for(fd, POLLIN, deadline_ms);
            if (error) {
                return error;
            }
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

/* @whole_ms: the whole reply must be there by then; 0: only that each of its bytes comes in time. */
static int read_reply(struct fl_ctl *ctl, struct fl_reply *reply, int64_t whole_ms,
                      struct fl_error *err)
{
    _cleanup_free char *buffer = xmalloc(READ_BYTES);
    size_t n_used = 0;
    ssize_t n = 0;

    while (!fl_reply_is_complete(reply)) {
        int64_t deadline_ms = whole_ms ? whole_ms : fl_socket_now_ms() + ctl->timeout_ms;
        int error;

        n = receive(ctl->fd, buffer, READ_BYTES, deadline_ms);
        if (n < 0) {
            return fl_socket_explain(ctl->path, ctl->server, (int)n, err);
        }
        error = fl_reply_push(reply, buffer, (size_t)n, &n_used, err);
        if (error) {
            return error;
        }
    }
    if (n_used < (size_t)n && strspn(buffer + n_used, " \t\r\n") < (size_t)n - n_used) {
        return fl_error_set(err, -EPROTO, "bytes after the end of a reply");
    }
    return 0;
}

static int check_reply(const struct fl_ctl *ctl, const struct fl_reply *reply, unsigned int id,
                       const char *command, struct fl_error *err)
{
    char want[16];
    const char *text = fl_reply_error(reply);

    snprintf(want, sizeof want, "%u", id);
    if (strcmp(fl_reply_id(reply), want)) {
        return fl_error_set(err, -EPROTO, "a reply to another request");
    }
    if (text) {
        return fl_error_set(err, -EREMOTEIO, "%s refused %s: %.*s", ctl->server, command,
                            (int)strcspn(text, "\n"), text);
    }
    return 0;
}

static int transact(struct fl_ctl *ctl, const char *command, const char *const *argv,
                    bool deadline_for_all, struct fl_reply *reply, struct fl_error *err)
{
    unsigned int id = ctl->next_id++ & INT_MAX;
    _cleanup_free char *request = format_request(id, command, argv);
    int64_t deadline_ms;
    int error;

    if (!request) {
        return fl_error_set(err, -EINVAL, "an argument of %s is no UTF-8", command);
    }
    error = ensure_connected(ctl, err);
    if (error) {
        return error;
    }
    deadline_ms = fl_socket_now_ms() + ctl->timeout_ms;
    error = send_all(ctl->fd, request, strlen(request), deadline_ms);
    if (error) {
        return fl_socket_explain(ctl->path, ctl->server, error, err);
    }
    error = read_reply(ctl, reply, deadline_for_all ? deadline_ms : 0, err);
    if (error) {
        return error;
    }
    return check_reply(ctl, reply, id, command, err);
}

struct bounded_sink {
    fl_ctl_sink *sink;
    void *aux;
    uint64_t left;
    bool exceeded;
};

static int put_bounded(const void *bytes, size_t n_bytes, void *bounded_)
{
    struct bounded_sink *bounded = bounded_;

    if (n_bytes > bounded->left) {
        bounded->exceeded = true;
        return -EMSGSIZE;
    }
    bounded->left -= n_bytes;
    return bounded->sink(bytes, n_bytes, bounded->aux);
}

static int run_bounded(struct fl_ctl *ctl, const char *command, const char *const *argv,
                       bool deadline_for_all, uint64_t max_bytes, fl_ctl_sink *sink, void *aux,
                       struct fl_error *err)
{
    struct bounded_sink bounded = { sink, aux, max_bytes, false };
    struct fl_reply *reply = fl_reply_create(put_bounded, &bounded);
    int error = transact(ctl, command, argv, deadline_for_all, reply, err);

    fl_reply_destroy(reply);
    if (error && error != -EREMOTEIO) {
        disconnect(ctl);
    }
    if (bounded.exceeded) {
        fl_error_set(err, error, "the reply to %s is longer than %" PRIu64 " bytes", command,
                     max_bytes);
    } else if (error == -EPROTO) {
        fl_error_prefix(err, "%s", command);
    }
    return error;
}

int fl_ctl_stream(struct fl_ctl *ctl, const char *command, const char *const *argv,
                  fl_ctl_sink *sink, void *aux, struct fl_error *err)
{
    return run_bounded(ctl, command, argv, false, FL_LIMIT_STREAM_BYTES, sink, aux, err);
}

static int append(const void *bytes, size_t n_bytes, void *text)
{
    ds_put_buffer(text, bytes, n_bytes);
    return 0;
}

int fl_ctl_run(struct fl_ctl *ctl, const char *command, const char *const *argv, char **reply,
               struct fl_error *err)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    int error = run_bounded(ctl, command, argv, true, FL_LIMIT_REPLY_BYTES, append, &text, err);

    if (error) {
        ds_destroy(&text);
        return error;
    }
    ds_cstr(&text);
    *reply = ds_steal_cstr(&text);
    return 0;
}
