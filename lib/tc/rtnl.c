/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/rtnl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/*
 * The kernel fills its messages up to 32 KiB when it sees that the receiver takes so much. Source:
 * Linux 6.1 net/netlink/af_netlink.c, netlink_dump().
 */
#define RECEIVE_BYTES (64 * 1024)
#define SOCKET_BYTES  (1024 * 1024)
#define REQUEST_BYTES 1024
/* Longest time without a message; a dump under a busy rtnl lock takes its time. */
#define TIMEOUT_S 15

struct fl_rtnl {
    struct mnl_socket *socket;
    unsigned int sequence;
    union {
        struct nlmsghdr header;
        char bytes[REQUEST_BYTES];
    } request;
    _Alignas(struct nlmsghdr) char received[RECEIVE_BYTES];
};

static int open_socket(struct fl_rtnl *rtnl)
{
    const struct timeval timeout = { .tv_sec = TIMEOUT_S };
    const int size = SOCKET_BYTES;
    int fd;

    rtnl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!rtnl->socket)
        return -errno;
    fd = mnl_socket_get_fd(rtnl->socket);
    /* Neither is a must: dumps do not overrun the socket. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0 ||
        mnl_socket_bind(rtnl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    return 0;
}

static void close_socket(struct fl_rtnl *rtnl)
{
    if (rtnl->socket)
        mnl_socket_close(rtnl->socket);
    rtnl->socket = NULL;
}

int fl_rtnl_open(struct fl_rtnl **result, struct fl_error *err)
{
    struct fl_rtnl *rtnl = calloc(1, sizeof *rtnl);
    int ret;

    if (!rtnl)
        return fl_error_set(err, -ENOMEM, "cannot open a netlink socket: not enough memory");
    ret = open_socket(rtnl);
    if (ret) {
        fl_rtnl_close(rtnl);
        return fl_error_set(err, ret, "cannot open a netlink socket: %s%s", strerror(-ret),
                            ret == -EPERM || ret == -EACCES ? "; run as root" : "");
    }
    *result = rtnl;
    return 0;
}

void fl_rtnl_close(struct fl_rtnl *rtnl)
{
    if (!rtnl)
        return;
    close_socket(rtnl);
    free(rtnl);
}

struct nlmsghdr *fl_rtnl_request(struct fl_rtnl *rtnl, int type, const void *header,
                                 size_t n_header)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(rtnl->request.bytes);

    request->nlmsg_type = (uint16_t)type;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request->nlmsg_seq = ++rtnl->sequence;
    memcpy(mnl_nlmsg_put_extra_header(request, n_header), header, n_header);
    return request;
}

static int error_of(const struct nlmsghdr *message)
{
    const struct nlmsgerr *error = NLMSG_DATA(message);

    if (message->nlmsg_len < NLMSG_LENGTH(sizeof *error))
        return -EBADMSG;
    return error->error > 0 ? -error->error : error->error;
}

/* NLMSG_DONE has the error that ended the dump, or none. */
static int end_of_dump(const struct nlmsghdr *message)
{
    const int *error = NLMSG_DATA(message);

    return message->nlmsg_len >= NLMSG_LENGTH(sizeof *error) && *error < 0 ? *error : 0;
}

/* The messages of one datagram. Return: 1 when the dump is not over yet, else as fl_rtnl_dump(). */
static int hand_over(struct fl_rtnl *rtnl, size_t n, fl_rtnl_message_cb *cb, void *aux,
                     bool *interrupted)
{
    const struct nlmsghdr *message = (const void *)rtnl->received;
    int left = (int)n, ret;

    for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
        if (message->nlmsg_seq != rtnl->sequence)
            continue;
        if (message->nlmsg_flags & NLM_F_DUMP_INTR)
            *interrupted = true;
        if (message->nlmsg_type == NLMSG_DONE)
            return end_of_dump(message);
        if (message->nlmsg_type == NLMSG_ERROR)
            return error_of(message);
        ret = cb(message, aux);
        if (ret)
            return ret;
    }
    return 1;
}

static int receive_all(struct fl_rtnl *rtnl, fl_rtnl_message_cb *cb, void *aux, bool *interrupted)
{
    int ret = 1;

    while (ret == 1) {
        ssize_t n = mnl_socket_recvfrom(rtnl->socket, rtnl->received, sizeof rtnl->received);

        if (n >= 0)
            ret = hand_over(rtnl, (size_t)n, cb, aux, interrupted);
        else if (errno != EINTR)
            ret = errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    return ret;
}

int fl_rtnl_dump(struct fl_rtnl *rtnl, fl_rtnl_message_cb *cb, void *aux, bool *interrupted)
{
    const struct nlmsghdr *request = &rtnl->request.header;
    int ret = rtnl->socket ? 0 : open_socket(rtnl);

    *interrupted = false;
    if (!ret && mnl_socket_sendto(rtnl->socket, request, request->nlmsg_len) < 0)
        ret = -errno;
    if (!ret)
        ret = receive_all(rtnl, cb, aux, interrupted);
    /* The rest of a dump that was given up must not meet the next one. */
    if (ret)
        close_socket(rtnl);
    if (ret == -ENOBUFS || ret == -EMSGSIZE) {
        *interrupted = true;
        return 0;
    }
    return ret;
}
