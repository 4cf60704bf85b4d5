/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/dpdk/mlx5_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/base/clock.h"

/* How soon to look again whether its queue has room, and whether it has closed the file. */
#define RETRY_MS 5
/* The driver writes through stdio: what does not fit is left out by whole buffers. */
#define STDIO_BYTES (64u * 1024)

/* Foreign names: as in drivers/net/mlx5/mlx5.h. */
struct mlx5_flow_dump_req {
    uint32_t port_id;
    uint64_t flow_id; /* 0: all */
} __attribute__((packed));

struct mlx5_flow_dump_ack {
    int rc; /* 0, or a positive errno. */
};

/* What the driver writes to, of FL_LIMIT_MLX5_DUMP_BYTES, all zero: one descriptor is for it, one for us. */
struct file {
    int reader;
    int writer; /* -1: closed here, once it was sent */
};

char *fl_mlx5_dump_path(long pid)
{
    return xasprintf("/var/tmp/dpdk_net_mlx5_%ld", pid);
}

static int explain(const char *path, int code, struct fl_error *err)
{
    switch (code) {
    case -ENOENT:
    case -ECONNREFUSED:
        return fl_error_set(err, -ENOENT,
                            "nobody listens at %s: does ovs-vswitchd run, with a NIC of mlx5 that "
                            "DPDK drives?",
                            path);
    case -EACCES:
    case -EPERM:
        return fl_error_set(err, -EPERM, "cannot ask mlx5 at %s: permission denied; run as root",
                            path);
    case -ETIMEDOUT:
        return fl_error_set(err, code,
                            "mlx5 does not answer at %s; is ovs-vswitchd stopped, or its NIC's "
                            "driver stuck?",
                            path);
    default: return fl_error_set(err, code, "cannot ask mlx5 at %s: %s", path, strerror(-code));
    }
}

/* ---- The file ---- */

static void close_writer(struct file *file)
{
    if (file->writer >= 0)
        close(file->writer);
    file->writer = -1;
}

static void close_file(struct file *file)
{
    close_writer(file);
    if (file->reader >= 0)
        close(file->reader);
}

/* Two open files, so that await_end() can tell one from the other. Return: 0 or negative errno. */
static int open_twice(int memory, struct file *file)
{
    _cleanup_free char *path = xasprintf("/proc/self/fd/%d", memory);

    file->reader = open(path, O_RDONLY | O_CLOEXEC);
    file->writer = file->reader < 0 ? -1 : open(path, O_WRONLY | O_CLOEXEC);
    return file->writer < 0 ? -errno : 0;
}

static int make_file(struct file *file)
{
    int memory = memfd_create("flowlift-mlx5-dump", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int ret = 0;

    *file = (struct file){ -1, -1 };
    if (memory < 0)
        return -errno;
    if (ftruncate(memory, FL_LIMIT_MLX5_DUMP_BYTES) < 0 ||
        fcntl(memory, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        ret = -errno;
    else
        ret = open_twice(memory, file);
    close(memory);
    if (ret)
        close_file(file);
    return ret;
}

/*
 * Its answer comes before it closes the file, and so before stdio has written all. A lease to read is not given while
 * anybody has the file open for writing (fcntl(2)).
 */
static int await_end(const struct file *file, int64_t deadline_ms)
{
    while (fcntl(file->reader, F_SETLEASE, F_RDLCK) < 0) {
        if (errno != EAGAIN)
            return -errno;
        if (fl_monotonic_ms() >= deadline_ms)
            return -ETIMEDOUT;
        fl_sleep_until_ms(fl_monotonic_ms() + RETRY_MS);
    }
    fcntl(file->reader, F_SETLEASE, F_UNLCK);
    return 0;
}

/* ---- The socket ---- */

static int connect_to(const char *path, int64_t deadline_ms)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd, ret;

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    ovs_strlcpy(address.sun_path, path, sizeof address.sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    while (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        ret = -errno;
        if (ret == -EAGAIN && fl_monotonic_ms() < deadline_ms) {
            fl_sleep_until_ms(fl_monotonic_ms() + RETRY_MS);
            continue;
        }
        close(fd);
        return ret == -EAGAIN ? -ETIMEDOUT : ret;
    }
    return fd;
}

static bool is_peer(int fd, long pid)
{
    struct ucred peer;
    socklen_t n = sizeof peer;

    return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) && peer.pid == pid;
}

/* At once: the interrupt thread waits for it as soon as it has taken the connection. */
static int send_request(int fd, uint16_t port, int writer)
{
    struct mlx5_flow_dump_req request = { .port_id = port };
    struct iovec io = { &request, sizeof request };
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { .bytes = { 0 } };
    struct msghdr message = { .msg_iov = &io,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof control.bytes };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    ssize_t n;

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &writer, sizeof writer);
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    /* It reads until the end of what is sent, or a descriptor came. */
    shutdown(fd, SHUT_WR);
    return n == sizeof request ? 0 : -EPROTO;
}

/* Return: 0; -EPROTO: it hung up; or negative errno. */
static int receive_answer(int fd, int64_t deadline_ms, struct mlx5_flow_dump_ack *ack)
{
    struct pollfd pollfd = { .fd = fd, .events = POLLIN };

    for (;;) {
        int64_t left_ms = deadline_ms - fl_monotonic_ms();
        ssize_t n;

        if (left_ms <= 0 || !poll(&pollfd, 1, (int)MIN(left_ms, INT32_MAX)))
            return -ETIMEDOUT;
        n = recv(fd, ack, sizeof *ack, 0);
        if (n >= 0)
            return n == sizeof *ack ? 0 : -EPROTO;
        if (errno == ECONNRESET)
            return -EPROTO;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

static int judge_answer(const char *path, uint16_t port, int rc, struct fl_error *err)
{
    int code = rc > 0 ? -rc : rc;

    if (!rc)
        return 0;
    return fl_error_set(err, code == -ENOTSUP ? -EOPNOTSUPP : code,
                        "mlx5 does not list the rules of port %u (%s): %s", port, path,
                        strerror(-code));
}

static int ask(const char *path, long pid, uint16_t port, int64_t deadline_ms, struct file *file,
               struct fl_error *err)
{
    struct mlx5_flow_dump_ack ack;
    int fd = connect_to(path, deadline_ms), ret;

    if (fd < 0)
        return explain(path, fd, err);
    if (!is_peer(fd, pid)) {
        close(fd);
        return fl_error_set(err, -EPERM,
                            "who listens at %s is not process %ld, ovs-vswitchd: not asked", path,
                            pid);
    }
    ret = send_request(fd, port, file->writer);
    close_writer(file);
    if (!ret)
        ret = receive_answer(fd, deadline_ms, &ack);
    close(fd);
    if (!ret)
        ret = await_end(file, deadline_ms);
    if (ret == -EPROTO || ret == -EPIPE)
        return fl_error_set(err, -EPROTO,
                            "mlx5 hung up at %s without an answer: is port %u still there? The "
                            "log of ovs-vswitchd says why",
                            path, port);
    return ret ? explain(path, ret, err) : judge_answer(path, port, ack.rc, err);
}

/* ---- The text ---- */

static int hand_over(const char *text, size_t n_bytes, fl_plugin_line_sink *sink, void *aux,
                     struct fl_plugin_listing *listing)
{
    size_t n_text = strnlen(text, n_bytes);
    int ret = 0;

    listing->bytes = n_text;
    listing->is_complete = n_text + STDIO_BYTES <= n_bytes;
    for (size_t at = 0, end; !ret && at < n_text; at = end + 1) {
        const char *newline = memchr(text + at, '\n', n_text - at);
        _cleanup_free char *line = NULL;

        end = newline ? (size_t)(newline - text) : n_text;
        line = xmemdup0(text + at, end - at);
        listing->lines++;
        ret = sink(line, aux);
    }
    return ret;
}

/* Sealed: it cannot become shorter under us. */
static int read_file(const struct file *file, fl_plugin_line_sink *sink, void *aux,
                     struct fl_plugin_listing *listing, struct fl_error *err)
{
    void *text = mmap(NULL, FL_LIMIT_MLX5_DUMP_BYTES, PROT_READ, MAP_PRIVATE, file->reader, 0);
    int ret;

    if (text == MAP_FAILED)
        return fl_error_set(err, -errno, "cannot read what mlx5 wrote: %s", strerror(errno));
    ret = hand_over(text, FL_LIMIT_MLX5_DUMP_BYTES, sink, aux, listing);
    munmap(text, FL_LIMIT_MLX5_DUMP_BYTES);
    return ret;
}

int fl_mlx5_dump(const char *path, long pid, uint16_t port, int timeout_ms,
                 fl_plugin_line_sink *sink, void *aux, struct fl_plugin_listing *listing,
                 struct fl_error *err)
{
    int64_t start_ms = fl_monotonic_ms();
    struct fl_plugin_listing made = { .lines = 0 };
    struct file file;
    int ret = make_file(&file);

    if (ret)
        return fl_error_set(err, ret, "cannot make a file in memory: %s", strerror(-ret));
    ret = ask(path, pid, port, start_ms + timeout_ms, &file, err);
    made.took_us = (uint64_t)(fl_monotonic_ms() - start_ms) * 1000;
    if (!ret)
        ret = read_file(&file, sink, aux, &made, err);
    close_file(&file);
    if (!ret)
        *listing = made;
    return ret;
}
