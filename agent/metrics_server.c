/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/metrics_server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openvswitch/list.h>
#include <openvswitch/poll-loop.h>
#include <ovs/fatal-signal.h>
#include <ovs/socket-util.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "lib/prometheus.h"

#define MOST_CONNECTIONS 8
#define MOST_WAITING     128
#define CONNECTION_MS    10000
#define REQUEST_BYTES    8192 /* The line and its headers. Prometheus sends 300. */
#define SOCKET_MODE      0660

struct fl_metrics_server {
    struct MHD_Daemon *daemon;
    int epoll; /* of @daemon, borrowed */
    const char *(*text)(void *aux);
    void *aux;
    struct ovs_list connections; /* oldest first */
    bool has_room;               /* One was closed, and those that wait were not asked yet. */
    char *path;                  /* of a Unix socket, or NULL */
};

struct connection {
    struct ovs_list node;
    int fd; /* borrowed */
    long long until_ms;
};

/* ---- Answers ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int code,
                              const char *content_type, const char *text)
{
    /* It is copied, and the promise of MHD is not to write to it. */
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(text),
                                                                    CONST_CAST(char *, text),
                                                                    MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result;

    if (!response) {
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED) {
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    }
    result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int code,
                              const char *sentence)
{
    return answer(connection, code, "text/plain; charset=utf-8", sentence);
}

static bool has_body(struct MHD_Connection *connection)
{
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                                     MHD_HTTP_HEADER_CONTENT_LENGTH);

    return (length && strcmp(length, "0")) ||
           MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
                                       MHD_HTTP_HEADER_TRANSFER_ENCODING);
}

/* Called when the headers are there, and again when all is; *@seen is NULL the first time. */
static enum MHD_Result take_request(void *server_, struct MHD_Connection *connection,
                                    const char *url, const char *method,
                                    const char *version OVS_UNUSED, const char *data OVS_UNUSED,
                                    size_t *data_bytes, void **seen)
{
    struct fl_metrics_server *server = server_;
    bool is_first = !*seen;

    *seen = server;
    *data_bytes = 0;
    /* An answer before the body has come ends the connection: nobody reads the rest. */
    if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD)) {
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n");
    }
    if (has_body(connection)) {
        return refuse(connection, MHD_HTTP_BAD_REQUEST, "no body is expected\n");
    }
    if (is_first) {
        return MHD_YES;
    }
    if (strcmp(url, "/metrics")) {
        return refuse(connection, MHD_HTTP_NOT_FOUND, "there is /metrics\n");
    }
    return answer(connection, MHD_HTTP_OK, FL_PROMETHEUS_CONTENT_TYPE, server->text(server->aux));
}

/* ---- Connections ---- */

static void note_connection(void *server_, struct MHD_Connection *connection, void **of_ours,
                            enum MHD_ConnectionNotificationCode what)
{
    struct fl_metrics_server *server = server_;
    struct connection *ours = *of_ours;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        ours = xmalloc(sizeof *ours);
        ours->fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        ours->until_ms = time_msec() + CONNECTION_MS;
        ovs_list_push_back(&server->connections, &ours->node);
        *of_ours = ours;
    } else if (ours) {
        ovs_list_remove(&ours->node);
        server->has_room = true;
        free(ours);
        *of_ours = NULL;
    }
}

/* One byte now and then keeps libmicrohttpd's own timeout from coming. */
static void end_old_connections(struct fl_metrics_server *server)
{
    struct connection *ours;

    LIST_FOR_EACH(ours, node, &server->connections) {
        if (time_msec() < ours->until_ms) {
            break;
        }
        shutdown(ours->fd, SHUT_RDWR);
    }
}

/* ---- Sockets ---- */

/* Return: a socket that is bound, or negative errno. */
static int bind_path(const char *path, struct fl_error *err)
{
    struct stat status;
    int fd;

    if (!lstat(path, &status) && !S_ISSOCK(status.st_mode)) {
        return fl_error_set(err, -EEXIST, "cannot serve metrics at %s: something else is there",
                            path);
    }
    fd = make_unix_socket(SOCK_STREAM, true, path, NULL);
    if (fd >= 0 && chmod(path, SOCKET_MODE) < 0) {
        int code = -errno;

        close(fd);
        fatal_signal_unlink_file_now(path);
        return code;
    }
    return fd;
}

static int bind_address(const struct fl_listen *where)
{
    const struct sockaddr *address = (const struct sockaddr *)&where->address;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0) {
        return -errno;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, address, where->address_bytes) < 0) {
        int code = -errno;

        close(fd);
        return code;
    }
    return fd;
}

static int listen_on(const struct fl_listen *where, const char *name, struct fl_error *err)
{
    int fd = where->path ? bind_path(where->path, err) : bind_address(where);

    if (fd >= 0 && listen(fd, MOST_WAITING) < 0) {
        int code = -errno;

        close(fd);
        fd = code;
    }
    if (fd < 0) {
        fl_error_set(err, fd, "cannot serve metrics at %s: %s%s", name, ovs_strerror(-fd),
                     fd == -EAFNOSUPPORT ? " (the unit has to allow it, see docs/monitoring.md)"
                                         : "");
    }
    return fd;
}

/* ---- The server ---- */

int fl_metrics_server_open(const struct fl_listen *where, const char *name,
                           const char *(*text)(void *aux), void *aux,
                           struct fl_metrics_server **serverp, struct fl_error *err)
{
    struct fl_metrics_server *server;
    int fd = listen_on(where, name, err);

    if (fd < 0) {
        return fd;
    }
    server = xzalloc(sizeof *server);
    server->text = text;
    server->aux = aux;
    ovs_list_init(&server->connections);
    server->path = nullable_xstrdup(where->path);
    server->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, take_request, server,
                                      MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                                      (unsigned int)MOST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                                      (unsigned int)(CONNECTION_MS / 1000),
                                      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
                                      MHD_OPTION_NOTIFY_CONNECTION, note_connection, server,
                                      MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (!server->daemon) {
        /* It may have been closed already; there is one thread, so the number is nobody else's yet. */
        close(fd);
        fl_metrics_server_close(server);
        return fl_error_set(err, -ENOMEM,
                            "cannot serve metrics at %s: libmicrohttpd does not start", name);
    }
    server->epoll = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    *serverp = server;
    return 0;
}

void fl_metrics_server_close(struct fl_metrics_server *server)
{
    if (!server) {
        return;
    }
    if (server->daemon) {
        MHD_stop_daemon(server->daemon);
    }
    if (server->path) {
        fatal_signal_unlink_file_now(server->path);
    }
    free(server->path);
    free(server);
}

void fl_metrics_server_run(struct fl_metrics_server *server)
{
    end_old_connections(server);
    server->has_room = false;
    MHD_run(server->daemon);
}

void fl_metrics_server_wait(const struct fl_metrics_server *server)
{
    MHD_UNSIGNED_LONG_LONG ms;

    /* libmicrohttpd looks at the queue again when it is run, and waits for nothing until then. */
    if (server->has_room) {
        poll_immediate_wake();
    }
    if (MHD_get_timeout(server->daemon, &ms) == MHD_YES) {
        poll_timer_wait((long long)MIN(ms, CONNECTION_MS));
    }
    if (!ovs_list_is_empty(&server->connections)) {
        const struct connection *oldest = CONTAINER_OF(ovs_list_front(&server->connections),
                                                       struct connection, node);

        poll_timer_wait_until(oldest->until_ms);
    }
    poll_fd_wait(server->epoll, POLLIN);
}
