/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libopenvswitch's stream (unix, tcp, ssl), and not its jsonrpc on top: that builds a tree of whatever the server
 * sends before anybody could see how long it is.
 */
#include "lib/ovs/transact.h"

#include <errno.h>
#include <openvswitch/poll-loop.h>
#include <ovs/packets.h>
#include <ovs/stream.h>
#include <ovs/svec.h>
#include <ovs/timeval.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "lib/ovs/socket.h"
#include "lib/ovs/transact_reply.h"

#define READ_BYTES (64u * 1024)

struct fl_transact {
    struct stream *stream;
    char *server;
    char *remote;
    long long deadline_ms;
};

/* The one place that turns the stream's conventions (positive errno, EOF) into ours. */
static int explain(const char *server, const char *remote, int error, struct fl_error *err)
{
    switch (error) {
    case EAFNOSUPPORT:
        return fl_error_set(err, -EINVAL,
                            "\"%s\" is no OVSDB remote; they look like unix:/PATH, tcp:IP:PORT or "
                            "ssl:IP:PORT",
                            remote);
    case EOF:
    case EPIPE:
    case ECONNRESET:
        return fl_error_set(err, -EPIPE, "%s closed the connection at %s", server, remote);
    case ETIMEDOUT:
    case EAGAIN:
        return fl_error_set(err, -ETIMEDOUT, "%s does not answer at %s in time", server, remote);
    case EPROTO:
        return fl_error_set(err, -EPROTO,
                            "%s cannot be spoken to at %s: what comes from there is no such "
                            "answer, or TLS keys do not fit",
                            server, remote);
    default:
        return fl_error_set(err, -error, "cannot connect to %s at %s: %s", server, remote,
                            ovs_strerror(error));
    }
}

static int time_left_ms(long long deadline_ms)
{
    return (int)MAX(deadline_ms - time_msec(), 0);
}

/* Each of those that are left gets its part of the time: one that is silent is no end of it. */
static int connect_to(const char *server, const struct svec *remotes, long long deadline_ms,
                      struct stream **stream, const char **remote, struct fl_error *err)
{
    int error = EAFNOSUPPORT;

    *remote = "";
    for (size_t i = 0; i < remotes->n; i++) {
        int share_ms = time_left_ms(deadline_ms) / (int)(remotes->n - i);

        *remote = remotes->names[i];
        *stream = NULL;
        error = stream_verify_name(*remote);
        if (!error) {
            error = stream_open_block(stream_open(*remote, stream, DSCP_DEFAULT), share_ms, stream);
        }
        if (!error) {
            return 0;
        }
    }
    return explain(server, *remote, error, err);
}

int fl_transact_open(const char *server, const char *remotes_, int timeout_ms,
                     struct fl_transact **transact, struct fl_error *err)
{
    long long deadline_ms = time_msec() + timeout_ms;
    struct svec remotes = SVEC_EMPTY_INITIALIZER;
    struct stream *stream = NULL;
    const char *remote;
    int error;

    fl_socket_hush();
    for (const char *at = remotes_; *at; at += strcspn(at, ",")) {
        at += strspn(at, ", ");
        if (*at) {
            svec_add_nocopy(&remotes, xmemdup0(at, strcspn(at, ", ")));
        }
    }
    error = connect_to(server, &remotes, deadline_ms, &stream, &remote, err);
    if (!error) {
        *transact = xmalloc(sizeof **transact);
        **transact = (struct fl_transact){ stream, xstrdup(server), xstrdup(remote), deadline_ms };
    }
    svec_destroy(&remotes);
    return error;
}

void fl_transact_close(struct fl_transact *transact)
{
    if (transact) {
        stream_close(transact->stream);
        free(transact->server);
        free(transact->remote);
        free(transact);
    }
}

const char *fl_transact_remote(const struct fl_transact *transact)
{
    return transact->remote;
}

/* Return: 0, or a positive errno. */
static int wait_for(struct fl_transact *transact, enum stream_wait_type what)
{
    if (time_msec() >= transact->deadline_ms) {
        return ETIMEDOUT;
    }
    stream_run(transact->stream);
    stream_run_wait(transact->stream);
    stream_wait(transact->stream, what);
    poll_timer_wait_until(transact->deadline_ms);
    poll_block();
    return 0;
}

/* Return: 0, or a positive errno. */
static int send_all(struct fl_transact *transact, const char *bytes, size_t n)
{
    while (n) {
        int sent = stream_send(transact->stream, bytes, n);
        int error = sent == -EAGAIN ? wait_for(transact, STREAM_SEND) : 0;

        if (error || (sent < 0 && sent != -EAGAIN)) {
            return error ? error : -sent;
        }
        bytes += MAX(sent, 0);
        n -= (size_t)MAX(sent, 0);
    }
    return 0;
}

/* Return: 0, more to come, or a positive errno. */
static int read_some(struct fl_transact *transact, char *bytes, size_t *n)
{
    int got = stream_recv(transact->stream, bytes, READ_BYTES);

    *n = (size_t)MAX(got, 0);
    return got == -EAGAIN ? wait_for(transact, STREAM_RECV) : got < 0 ? -got : got ? 0 : EOF;
}

/* The server may ask, too, whether anybody is there ("echo"): that is left out. Behind the answer comes nothing. */
static int take(struct fl_transact *transact, struct fl_json_frame *frame, const char *bytes,
                size_t n, size_t bytes_max, struct ds *reply, struct fl_error *err)
{
    while (n && !frame->is_complete) {
        size_t used;

        if (!fl_json_frame_push(frame, bytes, n, &used)) {
            return explain(transact->server, transact->remote, EPROTO, err);
        }
        if (reply->length + used > bytes_max) {
            return fl_error_set(err, -EFBIG,
                                "%s at %s has more to say than the %zu KiB that are read",
                                transact->server, transact->remote, bytes_max / 1024);
        }
        ds_put_buffer(reply, bytes, used);
        bytes += used;
        n -= used;
        if (frame->is_complete && fl_transact_is_request(ds_cstr(reply), reply->length)) {
            *frame = (struct fl_json_frame){ .depth = 0 };
            ds_clear(reply);
        }
    }
    return 0;
}

static int receive(struct fl_transact *transact, size_t bytes_max, struct ds *reply,
                   struct fl_error *err)
{
    _cleanup_free char *bytes = xmalloc(READ_BYTES);
    struct fl_json_frame frame = { .depth = 0 };

    ds_clear(reply);
    while (!frame.is_complete) {
        size_t n;
        int error = read_some(transact, bytes, &n);

        if (error) {
            return explain(transact->server, transact->remote, error, err);
        }
        error = take(transact, &frame, bytes, n, bytes_max, reply, err);
        if (error) {
            return error;
        }
    }
    return 0;
}

static bool only_reads(const json_t *operations)
{
    const json_t *operation;
    size_t i;

    json_array_foreach(operations, i, operation) {
        const char *op = json_string_value(json_object_get(operation, "op"));

        if (!op || strcmp(op, "select")) {
            return false;
        }
    }
    return true;
}

int fl_transact_run(struct fl_transact *transact, const char *database, json_t *operations,
                    size_t bytes_max, struct ds *reply, struct fl_error *err)
{
    _cleanup_json json_t *params = json_pack("[s]", database), *request = NULL;
    _cleanup_free char *text = NULL;
    bool reads = only_reads(operations);
    int error;

    json_array_extend(params, operations);
    json_decref(operations);
    if (!reads) {
        return fl_error_set(err, -EPERM, "%s is only read", transact->server);
    }
    request = json_pack("{s:i, s:s, s:O}", "id", 0, "method", "transact", "params", params);
    text = json_dumps(request, JSON_COMPACT);
    error = send_all(transact, text, strlen(text));
    if (error) {
        return explain(transact->server, transact->remote, error, err);
    }
    return receive(transact, bytes_max, reply, err);
}
