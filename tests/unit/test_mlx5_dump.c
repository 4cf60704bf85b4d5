/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The client of mlx5's dump socket, against a server that does what DPDK 22.11 drivers/net/mlx5/linux/mlx5_socket.c
 * does, in its order: it answers before it closes the file.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <ovs/smap.h>
#include <ovs/util.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "flows/limits.h"
#include "lib/dpdk/mlx5_dump.h"
#include "lib/nic_rules.h"
#include "temporary.h"

#define PORT       7
#define TIMEOUT_MS 5000

struct server {
    char *path;
    int fd;
    pthread_t thread;
    /* What it is to do. */
    const char *text;
    size_t n_times; /* It is written this often, */
    const char
        *last_text;      /* and this, or NULL, stays in stdio's buffer until the file is closed. */
    int rc;              /* What it answers: */
    size_t n_answer;     /* this many bytes of it; 0: it hangs up. */
    bool is_silent;      /* It never takes the connection. */
    bool is_slow_to_end; /* What stdio keeps is written some time after the answer. */
    /* What it was asked. */
    uint8_t request[64];
    ssize_t n_request;
    bool had_file;
    off_t file_size; /* When all was written. */
};

static FILE *take_request(struct server *server, int fd)
{
    uint8_t control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec io = { server->request, sizeof server->request };
    struct msghdr message = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
    };
    struct cmsghdr *header;
    int file;

    server->n_request = recvmsg(fd, &message, MSG_WAITALL);
    header = CMSG_FIRSTHDR(&message);
    server->had_file = header && header->cmsg_type == SCM_RIGHTS;
    if (!server->had_file) {
        return NULL;
    }
    memcpy(&file, CMSG_DATA(header), sizeof file);
    return fdopen(file, "w");
}

static void serve_one(struct server *server, int fd)
{
    FILE *file = take_request(server, fd);

    for (size_t i = 0; file && i < server->n_times; i++) {
        fputs(server->text, file);
    }
    if (file) {
        struct stat status;

        fflush(file);
        assert_int_equal(fstat(fileno(file), &status), 0);
        server->file_size = status.st_size;
        fputs(server->last_text ? server->last_text : "", file);
    }
    if (server->n_answer) {
        ignore(send(fd, &server->rc, server->n_answer, MSG_NOSIGNAL));
    }
    close(fd);
    if (server->is_slow_to_end) {
        const struct timespec pause = { .tv_nsec = 50 * 1000000 };

        nanosleep(&pause, NULL);
    }
    if (file) {
        fclose(file);
    }
}

static void *serve(void *server_)
{
    struct server *server = server_;
    int fd = accept(server->fd, NULL, NULL);

    if (fd >= 0) {
        serve_one(server, fd);
    }
    return NULL;
}

/* @path: consumed */
static void start_at(struct server *server, char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    server->path = path;
    unlink(path);
    ovs_strlcpy(address.sun_path, server->path, sizeof address.sun_path);
    server->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->fd, 0), 0);
    if (!server->is_silent) {
        assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
    }
}

static void start(struct server *server, struct temporary *t)
{
    start_at(server, temporary_path(t, "mlx5"));
}

static void stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    if (!server->is_silent) {
        pthread_join(server->thread, NULL);
    }
    close(server->fd);
    unlink(server->path);
    free(server->path);
}

struct heard {
    size_t n;
    char first[64], last[64];
    size_t stop_at; /* 0: never */
};

static int hear(const char *line, void *heard_)
{
    struct heard *heard = heard_;

    if (!heard->n) {
        ovs_strlcpy(heard->first, line, sizeof heard->first);
    }
    ovs_strlcpy(heard->last, line, sizeof heard->last);
    return ++heard->n == heard->stop_at ? 42 : 0;
}

static void lists(void **state)
{
    struct server server = { .text = "3000,0x1\n3100,0x2,\xff\n",
                             .n_times = 1,
                             .last_text = "4410,0x3",
                             .n_answer = sizeof(int),
                             .is_slow_to_end = true };
    static const uint8_t request[12] = { PORT };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plugin_listing listing;
    struct heard heard = { .n = 0 };

    start(&server, *state);
    assert_int_equal(fl_mlx5_dump(server.path, getpid(), PORT, TIMEOUT_MS, hear, &heard, &listing,
                                  &err),
                     0);
    stop(&server);
    assert_true(server.had_file);
    assert_int_equal(server.n_request, sizeof request);
    assert_memory_equal(server.request, request, sizeof request);
    assert_int_equal(heard.n, 3);
    assert_string_equal(heard.first, "3000,0x1");
    assert_string_equal(heard.last, "4410,0x3");
    assert_int_equal(listing.lines, 3);
    assert_int_equal(listing.bytes, strlen(server.text) + strlen(server.last_text));
    assert_true(listing.is_complete);
}

static void nothing_is_a_list_too(void **state)
{
    struct server server = { .n_answer = sizeof(int) };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plugin_listing listing;
    struct heard heard = { .n = 0 };

    start(&server, *state);
    assert_int_equal(fl_mlx5_dump(server.path, getpid(), PORT, TIMEOUT_MS, hear, &heard, &listing,
                                  &err),
                     0);
    stop(&server);
    assert_int_equal(heard.n, 0);
    assert_true(listing.is_complete);
}

/* The writer is not kept waiting, nor let grow. */
static void too_much_is_told(void **state)
{
    static const char line[] =
        "3000,0x123456789012345678901234567890123456789012345678901234567890\n";
    struct server server = { .text = line,
                             .n_times = FL_LIMIT_MLX5_DUMP_BYTES / (sizeof line - 1) + 1000,
                             .n_answer = sizeof(int) };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plugin_listing listing;
    struct heard heard = { .n = 0 };

    start(&server, *state);
    assert_int_equal(fl_mlx5_dump(server.path, getpid(), PORT, 60000, hear, &heard, &listing, &err),
                     0);
    stop(&server);
    assert_int_equal(server.file_size, FL_LIMIT_MLX5_DUMP_BYTES);
    assert_false(listing.is_complete);
    assert_in_range(listing.bytes, FL_LIMIT_MLX5_DUMP_BYTES / 2, FL_LIMIT_MLX5_DUMP_BYTES);
    assert_int_equal(heard.n, listing.lines);
}

static void the_listener_stops_it(void **state)
{
    struct server server = { .text = "a\nb\nc\n", .n_times = 1, .n_answer = sizeof(int) };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plugin_listing listing;
    struct heard heard = { .stop_at = 2 };

    start(&server, *state);
    assert_int_equal(fl_mlx5_dump(server.path, getpid(), PORT, TIMEOUT_MS, hear, &heard, &listing,
                                  &err),
                     42);
    stop(&server);
    assert_int_equal(heard.n, 2);
    assert_int_equal(err.code, 0);
}

static void assert_fails(struct temporary *t, struct server *server, long pid, int timeout_ms,
                         int code, const char *part)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plugin_listing listing;
    struct heard heard = { .n = 0 };

    start(server, t);
    assert_int_equal(fl_mlx5_dump(server->path, pid, PORT, timeout_ms, hear, &heard, &listing,
                                  &err),
                     code);
    stop(server);
    assert_int_equal(heard.n, 0);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, part)) {
        fail_msg("%s: it does not say: %s", err.text, part);
    }
}

static void failures_are_told(void **state)
{
    struct temporary *t = *state;
    struct server hangs_up = { .text = "lost\n", .n_times = 1 };
    struct server answers_half = { .n_answer = 2 };
    struct server refuses = {
        .text = "device dv flow disabled\n", .n_times = 1, .rc = ENOTSUP, .n_answer = sizeof(int)
    };
    struct server refuses_oddly = { .rc = -EINVAL, .n_answer = sizeof(int) };
    struct server silent = { .is_silent = true };
    struct server other = { .n_answer = sizeof(int) };

    assert_fails(t, &hangs_up, getpid(), TIMEOUT_MS, -EPROTO, "is port 7 still there?");
    assert_fails(t, &answers_half, getpid(), TIMEOUT_MS, -EPROTO, "hung up");
    assert_fails(t, &refuses, getpid(), TIMEOUT_MS, -EOPNOTSUPP,
                 "does not list the rules of port 7");
    assert_fails(t, &refuses_oddly, getpid(), TIMEOUT_MS, -EINVAL, "Invalid argument");
    assert_fails(t, &silent, getpid(), 50, -ETIMEDOUT, "does not answer");
    assert_fails(t, &other, getpid() + 1, TIMEOUT_MS, -EPERM, "is not process");
    assert_int_equal(other.n_request, 0);
}

/* ---- Of a host ---- */

struct told {
    struct heard heard;
    char ports[64]; /* "p0 mlx5, " */
    uint64_t lines;
};

static int hear_port(const char *device, const char *api, void *told_)
{
    struct told *told = told_;
    size_t n = strlen(told->ports);

    snprintf(told->ports + n, sizeof told->ports - n, "%s %s, ", device, api);
    return 0;
}

static int hear_line(const char *line, void *told_)
{
    return hear(line, &((struct told *)told_)->heard);
}

static int hear_port_end(const char *device, const struct fl_plugin_listing *listing,
                         const char *why, void *told_)
{
    assert_string_equal(device, "p0");
    assert_null(why);
    ((struct told *)told_)->lines = listing->lines;
    return 0;
}

static void add_port(struct fl_inventory *inv, const char *name, const char *driver,
                     const char *devargs, const char *number)
{
    struct fl_interface *iface = fl_inventory_add_interface(inv);

    iface->name = xstrdup(name);
    iface->type = xstrdup("dpdk");
    smap_add(&iface->status, "driver_name", driver);
    smap_add(&iface->status, "port_no", number);
    smap_add(&iface->options, "dpdk-devargs", devargs);
}

/* A NIC of mlx5 with a VM behind it, and another NIC; no plug-in. */
static void make_host(struct fl_inventory *inv)
{
    fl_inventory_init(inv);
    fl_inventory_add_bridge(inv)->datapath_type = xstrdup("netdev");
    smap_add(&inv->other_config, "dpdk-extra", "--no-telemetry");
    add_port(inv, "e0", "net_ice", "0000:04:00.0", "0");
    add_port(inv, "p0", "mlx5_pci", "0000:03:00.0", "7");
    add_port(inv, "vm1", "mlx5_pci", "0000:03:00.0,representor=[0]", "8");
}

static void each_nic_once_without_the_plugin(void **state)
{
    char *target = xasprintf("/nowhere/ovs-vswitchd.%ld.ctl", (long)getpid());
    const struct fl_host host = { .target = target, .timeout_ms = TIMEOUT_MS };
    struct server server = { .text = "3000,0x1\n", .n_times = 2, .n_answer = sizeof(int) };
    struct told told = { .lines = 0 };
    const struct fl_nic_listener listener = {
        .port = hear_port, .line = hear_line, .port_end = hear_port_end, .aux = &told
    };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_nic_rules *rules;
    struct fl_inventory inv;

    (void)state;
    make_host(&inv);
    start_at(&server, fl_mlx5_dump_path(getpid()));
    assert_int_equal(fl_nic_rules_open(&host, &inv, false, &rules, &err), -ENOENT);
    fl_error_clear(&err);
    assert_int_equal(fl_nic_rules_open(&host, &inv, true, &rules, &err), 0);
    assert_int_equal(fl_nic_rules_read(rules, &listener, &err), -ENOENT);
    assert_non_null(strstr(err.text, "DPDK's telemetry is off"));
    stop(&server);
    assert_string_equal(told.ports, "p0 mlx5, ");
    assert_int_equal(told.lines, 2);
    assert_int_equal(told.heard.n, 2);
    assert_int_equal(server.request[0], PORT);
    fl_nic_rules_close(rules);
    fl_inventory_destroy(&inv);
    free(target);
}

static void nobody_listens(void **state)
{
    char *path = temporary_path(*state, "none"), *of_pid = fl_mlx5_dump_path(4711);
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plugin_listing listing;

    assert_string_equal(of_pid, "/var/tmp/dpdk_net_mlx5_4711");
    assert_int_equal(fl_mlx5_dump(path, getpid(), PORT, TIMEOUT_MS, hear, NULL, &listing, &err),
                     -ENOENT);
    assert_non_null(strstr(err.text, "nobody listens at "));
    free(path);
    free(of_pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists, temporary_setup, temporary_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_a_list_too, temporary_setup, temporary_teardown),
        cmocka_unit_test_setup_teardown(too_much_is_told, temporary_setup, temporary_teardown),
        cmocka_unit_test_setup_teardown(the_listener_stops_it, temporary_setup, temporary_teardown),
        cmocka_unit_test_setup_teardown(failures_are_told, temporary_setup, temporary_teardown),
        cmocka_unit_test(each_nic_once_without_the_plugin),
        cmocka_unit_test_setup_teardown(nobody_listens, temporary_setup, temporary_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
