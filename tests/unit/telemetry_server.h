/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_TELEMETRY_SERVER_H
#define FLOWLIFT_TESTS_TELEMETRY_SERVER_H

/*
 * A server of DPDK's telemetry that does as it is told, and a client of it. For cmocka: include <cmocka.h>
 * first.
 */

#include <errno.h>
#include <ovs/util.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/dpdk/telemetry.h"
#include "temporary.h"

#define GREETING   "{\"version\":\"DPDK 22.11.11\",\"pid\":4711,\"max_output_len\":16384}"
#define TIMEOUT_MS 300

/* What the server does, step by step; the last step is done again and again. */
struct step {
    const char *request; /* It must be this; NULL: any. */
    const char *reply;   /* NULL: none */
    size_t n;            /* 0: strlen(@reply) */
    bool hang_up;
};

struct server {
    char path[108];
    int fd;
    const char *greeting; /* NULL: none, "": hang up */
    const struct step *steps;
    size_t n_steps;
    pthread_t thread;
    bool was_wrong; /* A request was not as it must be. */
};

static inline void serve_steps(struct server *server, int fd)
{
    char request[2048];
    size_t i = 0;
    ssize_t n;

    while ((n = read(fd, request, sizeof request - 1)) > 0 && server->n_steps) {
        const struct step *step = &server->steps[i < server->n_steps - 1 ? i++ : i];

        request[n] = '\0';
        if (step->request && strcmp(step->request, request)) {
            print_message("asked %s, not %s\n", request, step->request);
            server->was_wrong = true;
        }
        if (step->hang_up) {
            break;
        }
        if (step->reply) {
            ignore(send(fd, step->reply, step->n ? step->n : strlen(step->reply), MSG_NOSIGNAL));
        }
    }
}

static inline void *serve(void *server_)
{
    struct server *server = server_;
    int fd;

    while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
        if (server->greeting && server->greeting[0]) {
            ignore(send(fd, server->greeting, strlen(server->greeting), MSG_NOSIGNAL));
        }
        if (!server->greeting || server->greeting[0]) {
            serve_steps(server, fd);
        }
        close(fd);
    }
    return NULL;
}

static inline void start(struct server *server, struct temporary *t, const char *name)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char *path = temporary_path(t, name);

    temporary_make_parents(t, path);
    assert_true(strlen(path) < sizeof server->path);
    strcpy(server->path, path);
    strcpy(address.sun_path, path);
    free(path);
    server->fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->fd, 1), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static inline void stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    assert_false(server->was_wrong);
}

/* A server that plays @steps, and a client of it. */
static inline struct fl_telemetry *play(struct server *server, struct temporary *t,
                                        const struct step *steps, size_t n_steps)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_telemetry *telemetry = NULL;

    *server = (struct server){ .greeting = GREETING, .steps = steps, .n_steps = n_steps };
    start(server, t, "sock");
    assert_int_equal(fl_telemetry_open(server->path, 0, TIMEOUT_MS, &telemetry, &err), 0);
    return telemetry;
}

static inline void end(struct server *server, struct fl_telemetry *telemetry)
{
    fl_telemetry_close(telemetry);
    stop(server);
    unlink(server->path);
}

static inline void assert_says(const struct fl_error *err, int code, const char *part)
{
    assert_int_equal(err->code, code);
    if (!strstr(err->text, part)) {
        print_message("%s: it does not say: %s\n", err->text, part);
        fail();
    }
}

#endif
