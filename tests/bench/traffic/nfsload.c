/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nfsload: constant NFS 4 reads and writes over many TCP connections.
 *
 *     nfsload SERVER EXPORT NAME [--conns N] [--rate OPERATIONS_A_SECOND] [--seconds S]
 *
 * Every connection is a mount of its own with a file of its own, NAME-I: it writes a block,
 * reads it back, compares, and so on. One operation is under way on a connection at a time.
 * Ends after --seconds or on SIGTERM and prints one JSON object.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <nfsc/libnfs.h>

/* libnfs 4.0 cannot encode an NFS 4 write of 4096 bytes. */
#define BLOCK_BYTES     2048
#define BLOCKS_A_FILE   64
#define MAX_CONNECTIONS 256
#define MAX_SAMPLES     (1u << 20)

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

struct connection {
    struct load *load;
    struct nfs_context *nfs;
    struct nfsfh *file;
    bool busy;
    bool reading;
    uint64_t block;
    int64_t asked_ns;
    char data[BLOCK_BYTES];
};

struct load {
    size_t n_connections;
    double rate;
    double seconds;
    struct connection connections[MAX_CONNECTIONS];
    size_t next;
    uint64_t reads;
    uint64_t writes;
    uint64_t errors;
    uint64_t mismatches;
    int64_t max_stall_ns; /* the longest time without any answer */
    int64_t last_answer_ns;
    size_t n_samples;
    uint32_t *latency_us;
};

static bool open_connection(struct connection *connection, const char *server, const char *export,
                            const char *name, size_t index)
{
    char client[128], path[128];

    connection->nfs = nfs_init_context();
    if (!connection->nfs) {
        return false;
    }
    snprintf(client, sizeof client, "nfsload %s-%zu %d", name, index, (int)getpid());
    snprintf(path, sizeof path, "/%s-%zu", name, index);
    nfs_set_version(connection->nfs, 4);
    nfs4_set_client_name(connection->nfs, client);
    if (nfs_mount(connection->nfs, server, export) ||
        (nfs_open(connection->nfs, path, O_RDWR, &connection->file) &&
         nfs_open2(connection->nfs, path, O_CREAT | O_RDWR, 0600, &connection->file))) {
        fprintf(stderr, "nfsload: connection %zu: %s\n", index, nfs_get_error(connection->nfs));
        return false;
    }
    return true;
}

static void note_answer(struct load *load, const struct connection *connection)
{
    int64_t now = now_ns();

    if (load->n_samples < MAX_SAMPLES) {
        load->latency_us[load->n_samples++] = (uint32_t)((now - connection->asked_ns) / 1000);
    }
    if (load->last_answer_ns && now - load->last_answer_ns > load->max_stall_ns) {
        load->max_stall_ns = now - load->last_answer_ns;
    }
    load->last_answer_ns = now;
}

/* A block's bytes follow from its number, so that a read can be checked. */
static char pattern(const struct connection *connection)
{
    return (char)('a' + connection->block % 26);
}

static void answered(int status, struct nfs_context *nfs, void *data, void *context)
{
    struct connection *connection = context;
    struct load *load = connection->load;

    (void)nfs;
    connection->busy = false;
    note_answer(load, connection);
    if (status != BLOCK_BYTES) {
        load->errors++;
    } else if (!connection->reading) {
        load->writes++;
    } else {
        const char *block = data;

        load->reads++;
        load->mismatches += block[0] != pattern(connection) ||
                            block[BLOCK_BYTES - 1] != pattern(connection);
    }
    if (connection->reading) {
        connection->block++;
    }
    connection->reading = !connection->reading;
}

static void start_operation(struct connection *connection)
{
    uint64_t offset = connection->block % BLOCKS_A_FILE * BLOCK_BYTES;
    int result;

    connection->busy = true;
    connection->asked_ns = now_ns();
    if (connection->reading) {
        result = nfs_pread_async(connection->nfs, connection->file, offset, BLOCK_BYTES, answered,
                                 connection);
    } else {
        memset(connection->data, pattern(connection), sizeof connection->data);
        result = nfs_pwrite_async(connection->nfs, connection->file, offset, BLOCK_BYTES,
                                  connection->data, answered, connection);
    }
    if (result) {
        fprintf(stderr, "nfsload: %s\n", nfs_get_error(connection->nfs));
        connection->load->errors++;
        connection->busy = false;
    }
}

/* Starts an operation on the next connection that is free. Returns false if none is. */
static bool start_next(struct load *load)
{
    for (size_t i = 0; i < load->n_connections; i++) {
        struct connection *connection = &load->connections[load->next++ % load->n_connections];

        if (!connection->busy) {
            start_operation(connection);
            return true;
        }
    }
    return false;
}

static void serve(struct load *load, int timeout_ms)
{
    struct pollfd fds[MAX_CONNECTIONS];

    for (size_t i = 0; i < load->n_connections; i++) {
        struct nfs_context *nfs = load->connections[i].nfs;

        fds[i].fd = nfs_get_fd(nfs);
        fds[i].events = (short)nfs_which_events(nfs);
        fds[i].revents = 0;
    }
    if (poll(fds, load->n_connections, timeout_ms) <= 0) {
        return;
    }
    for (size_t i = 0; i < load->n_connections; i++) {
        if (fds[i].revents && nfs_service(load->connections[i].nfs, fds[i].revents) < 0) {
            load->errors++;
        }
    }
}

static bool is_over(const struct load *load, int64_t start)
{
    return stop_asked || (load->seconds > 0 && (double)(now_ns() - start) > load->seconds * 1e9);
}

static void run_until_stopped(struct load *load, int64_t start)
{
    int64_t interval = (int64_t)(1e9 / load->rate);
    int64_t due = start;

    while (!is_over(load, start)) {
        int64_t wait_ns;

        while (due <= now_ns() && start_next(load)) {
            due += interval;
        }
        if (due < now_ns() - 1000000000) {
            due = now_ns(); /* after a stall, do not catch up */
        }
        wait_ns = due - now_ns();
        serve(load, wait_ns > 0 ? (int)(wait_ns / 1000000) + 1 : 1);
    }
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static uint32_t percentile(const struct load *load, double share)
{
    return load->n_samples ? load->latency_us[(size_t)(share * (double)(load->n_samples - 1))] : 0;
}

static void print_result(struct load *load, double seconds)
{
    qsort(load->latency_us, load->n_samples, sizeof *load->latency_us, compare_u32);
    printf("{\"kind\": \"nfs\", \"connections\": %zu, \"seconds\": %.3f, \"answers\": %" PRIu64
           ", \"reads\": %" PRIu64 ", \"writes\": %" PRIu64 ", \"errors\": %" PRIu64
           ", \"mismatches\": %" PRIu64 ", \"max_stall_us\": %" PRId64,
           load->n_connections, seconds, load->reads + load->writes, load->reads, load->writes,
           load->errors, load->mismatches, load->max_stall_ns / 1000);
    printf(", \"latency_us\": {\"min\": %u, \"p50\": %u, \"p90\": %u, \"p99\": %u, "
           "\"max\": %u}}\n",
           percentile(load, 0), percentile(load, 0.5), percentile(load, 0.9),
           percentile(load, 0.99), percentile(load, 1));
}

static int run(struct load *load, const char *server, const char *export, const char *name)
{
    int64_t start;

    load->latency_us = calloc(MAX_SAMPLES, sizeof *load->latency_us);
    if (!load->latency_us) {
        return 2;
    }
    for (size_t i = 0; i < load->n_connections; i++) {
        load->connections[i].load = load;
        if (!open_connection(&load->connections[i], server, export, name, i)) {
            return 2;
        }
    }
    start = now_ns();
    run_until_stopped(load, start);
    print_result(load, (double)(now_ns() - start) / 1e9);
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: nfsload SERVER EXPORT NAME [--conns N] [--rate N] [--seconds S]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct load load = { .n_connections = 1, .rate = 200 };
    struct sigaction action = { .sa_handler = ask_to_stop };

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    if (argc < 4) {
        return usage();
    }
    for (int i = 4; i + 1 < argc; i += 2) {
        double value = atof(argv[i + 1]);

        if (!strcmp(argv[i], "--conns") && value >= 1 && value <= MAX_CONNECTIONS) {
            load.n_connections = (size_t)value;
        } else if (!strcmp(argv[i], "--rate") && value > 0) {
            load.rate = value;
        } else if (!strcmp(argv[i], "--seconds")) {
            load.seconds = value;
        } else {
            return usage();
        }
    }
    return run(&load, argv[1], argv[2], argv[3]);
}
