/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcpload: constant request and answer traffic over many TCP connections.
 *
 *     tcpload serve ADDRESS PORT
 *     tcpload run ADDRESS PORT [--conns N] [--rate REQUESTS_A_SECOND] [--seconds S]
 *
 * A request is REQUEST_BYTES and its answer ANSWER_BYTES long, as a small read of a file
 * would be. One request is under way on a connection at a time. A connection that breaks is
 * opened anew. The client ends after --seconds or on SIGTERM and prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_BYTES   128
#define ANSWER_BYTES    1024
#define MAX_CONNECTIONS 1024
#define MAX_SAMPLES     (1u << 20)
#define MAX_EVENTS      128

static volatile sig_atomic_t stop_asked;

static void ask_to_stop(int number)
{
    (void)number;
    stop_asked = 1;
}

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "tcpload: %s: %s\n", what, strerror(errno));
    exit(2);
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };

    if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
        errno = EINVAL;
        die(address);
    }
    return in;
}

static void watch(int epoll_fd, int fd, uint64_t data, uint32_t events)
{
    struct epoll_event want = { .events = events, .data.u64 = data };

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &want) < 0) {
        die("epoll_ctl");
    }
}

/* ---- Server ---- */

/* One connection's state is how much of the present request has come. */
static uint16_t pending[65536];

static void accept_all(int listener, int epoll_fd)
{
    int on = 1, fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        pending[fd] = 0;
        watch(epoll_fd, fd, (uint64_t)fd, EPOLLIN);
    }
}

static void answer(int fd)
{
    static const char reply[ANSWER_BYTES];
    char buffer[REQUEST_BYTES];
    ssize_t n;

    while ((n = read(fd, buffer, sizeof buffer - pending[fd])) > 0) {
        pending[fd] = (uint16_t)(pending[fd] + n);
        if (pending[fd] == REQUEST_BYTES) {
            pending[fd] = 0;
            if (send(fd, reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply) {
                close(fd); /* a client that does not read */
                return;
            }
        }
    }
    if (n == 0 || errno != EAGAIN) {
        close(fd);
    }
}

static int serve(const char *address, const char *port)
{
    struct sockaddr_in here = address_of(address, port);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC), on = 1;
    struct epoll_event events[MAX_EVENTS];

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 1024) < 0) {
        die("listen");
    }
    watch(epoll_fd, listener, (uint64_t)listener, EPOLLIN);
    while (!stop_asked) {
        int n = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);

        for (int i = 0; i < n; i++) {
            int fd = (int)events[i].data.u64;

            if (fd == listener) {
                accept_all(listener, epoll_fd);
            } else {
                answer(fd);
            }
        }
    }
    return 0;
}

/* ---- Client ---- */

struct connection {
    int fd;
    size_t missing; /* bytes of the answer; 0: free for a request */
    bool connecting;
    int64_t asked_ns;
};

struct client {
    struct sockaddr_in there;
    int epoll_fd;
    size_t n_connections;
    double rate;
    double seconds;
    struct connection connections[MAX_CONNECTIONS];
    size_t next;
    uint64_t requests;
    uint64_t answers;
    uint64_t reconnects;
    int64_t max_stall_ns; /* the longest time without any answer */
    int64_t last_answer_ns;
    size_t n_samples;
    uint32_t *latency_us;
};

static void connect_one(struct client *client, size_t index)
{
    struct connection *connection = &client->connections[index];
    int on = 1;

    *connection = (struct connection){ .connecting = true };
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0) {
        die("socket");
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(connection->fd, (struct sockaddr *)&client->there, sizeof client->there) < 0 &&
        errno != EINPROGRESS) {
        die("connect");
    }
    watch(client->epoll_fd, connection->fd, index, EPOLLIN | EPOLLOUT | EPOLLET);
}

static void reconnect(struct client *client, size_t index)
{
    close(client->connections[index].fd);
    client->reconnects++;
    usleep(10000); /* a server that refuses is not to be flooded */
    connect_one(client, index);
}

static void note_answer(struct client *client, struct connection *connection)
{
    int64_t now = now_ns();

    client->answers++;
    if (client->n_samples < MAX_SAMPLES) {
        client->latency_us[client->n_samples++] = (uint32_t)((now - connection->asked_ns) / 1000);
    }
    if (client->last_answer_ns && now - client->last_answer_ns > client->max_stall_ns) {
        client->max_stall_ns = now - client->last_answer_ns;
    }
    client->last_answer_ns = now;
}

static void serve_event(struct client *client, size_t index, uint32_t events)
{
    struct connection *connection = &client->connections[index];
    char buffer[ANSWER_BYTES];
    ssize_t n;

    if (connection->connecting && (events & EPOLLOUT) && !(events & EPOLLERR)) {
        connection->connecting = false;
    }
    while ((n = read(connection->fd, buffer, sizeof buffer)) > 0) {
        size_t got = (size_t)n;

        connection->missing -= got < connection->missing ? got : connection->missing;
        if (!connection->missing) {
            note_answer(client, connection);
        }
    }
    if (n == 0 || (errno != EAGAIN && errno != ENOTCONN)) {
        reconnect(client, index);
    }
}

/* Sends a request on the next connection that is free. Returns false if none is. */
static bool ask(struct client *client)
{
    static const char request[REQUEST_BYTES];

    for (size_t i = 0; i < client->n_connections; i++) {
        size_t index = client->next++ % client->n_connections;
        struct connection *connection = &client->connections[index];

        if (connection->connecting || connection->missing) {
            continue;
        }
        connection->asked_ns = now_ns();
        connection->missing = ANSWER_BYTES;
        if (send(connection->fd, request, sizeof request, MSG_NOSIGNAL) != sizeof request) {
            reconnect(client, index);
        } else {
            client->requests++;
        }
        return true;
    }
    return false;
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t percentile(const struct client *client, double share)
{
    return client->n_samples ? client->latency_us[(size_t)(share * (double)(client->n_samples - 1))]
                             : 0;
}

static void print_result(struct client *client, double seconds)
{
    qsort(client->latency_us, client->n_samples, sizeof *client->latency_us, compare_u32);
    printf("{\"kind\": \"tcp\", \"connections\": %zu, \"seconds\": %.3f, \"requests\": %" PRIu64
           ", \"answers\": %" PRIu64 ", \"errors\": 0, \"reconnects\": %" PRIu64
           ", \"max_stall_us\": %" PRId64,
           client->n_connections, seconds, client->requests, client->answers, client->reconnects,
           client->max_stall_ns / 1000);
    printf(", \"latency_us\": {\"min\": %u, \"p50\": %u, \"p90\": %u, \"p99\": %u, "
           "\"max\": %u}}\n",
           percentile(client, 0), percentile(client, 0.5), percentile(client, 0.9),
           percentile(client, 0.99), percentile(client, 1));
}

static void run_until_stopped(struct client *client)
{
    struct epoll_event events[MAX_EVENTS];
    int64_t interval = (int64_t)(1e9 / client->rate);
    int64_t start = now_ns(), due = start;

    while (!stop_asked &&
           (client->seconds <= 0 || (double)(now_ns() - start) < client->seconds * 1e9)) {
        int64_t wait = due - now_ns();
        int n = epoll_wait(client->epoll_fd, events, MAX_EVENTS,
                           wait > 0 ? (int)(wait / 1000000) + 1 : 0);

        for (int i = 0; i < n; i++) {
            serve_event(client, (size_t)events[i].data.u64, events[i].events);
        }
        while (due <= now_ns() && ask(client)) {
            due += interval;
        }
        if (due < now_ns() - 1000000000) {
            due = now_ns(); /* after a stall, do not catch up */
        } else if (due <= now_ns() && !n) {
            usleep(500); /* all connections are busy */
        }
    }
    print_result(client, (double)(now_ns() - start) / 1e9);
}

static int run(struct client *client)
{
    client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    client->latency_us = calloc(MAX_SAMPLES, sizeof *client->latency_us);
    if (client->epoll_fd < 0 || !client->latency_us) {
        die("start");
    }
    for (size_t i = 0; i < client->n_connections; i++) {
        connect_one(client, i);
    }
    run_until_stopped(client);
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: tcpload serve ADDRESS PORT\n"
                    "       tcpload run ADDRESS PORT [--conns N] [--rate N] [--seconds S]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct client client = { .n_connections = 1, .rate = 200 };
    struct sigaction action = { .sa_handler = ask_to_stop };

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (argc == 4 && !strcmp(argv[1], "serve")) {
        return serve(argv[2], argv[3]);
    }
    if (argc < 4 || strcmp(argv[1], "run")) {
        return usage();
    }
    client.there = address_of(argv[2], argv[3]);
    for (int i = 4; i + 1 < argc; i += 2) {
        double value = atof(argv[i + 1]);

        if (!strcmp(argv[i], "--conns") && value >= 1 && value <= MAX_CONNECTIONS) {
            client.n_connections = (size_t)value;
        } else if (!strcmp(argv[i], "--rate") && value > 0) {
            client.rate = value;
        } else if (!strcmp(argv[i], "--seconds")) {
            client.seconds = value;
        } else {
            return usage();
        }
    }
    return run(&client);
}
