/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nic/exchange.h"

#include <errno.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <ovs/util.h>

#define TRIES     4
#define TIMEOUT_S 5
/* The kernel fills at most this much of a buffer (net/netlink/af_netlink.c netlink_recvmsg()). */
#define BUFFER_BYTES 32768

struct fl_nic_socket {
    struct nl_sock *nl;
    /* Of the exchange that goes on. */
    fl_nic_take *take;
    void *aux;
    int answer;
    int error; /* Negative errno of @take or the kernel, or 0. */
};

/* Source: libnl 3.7, lib/error.c nl_syserr2nlerr(): what each stands for. */
static int errno_of(int nl_error)
{
    static const struct {
        int nl;
        int error;
    } known[] = {
        { NLE_AGAIN, -ETIMEDOUT }, /* of SO_RCVTIMEO */
        { NLE_DUMP_INTR, -EAGAIN },
        { NLE_NOMEM, -ENOBUFS },
        { NLE_PERM, -EPERM },
        { NLE_NOACCESS, -EACCES },
        { NLE_OBJ_NOTFOUND, -ENOENT },
        { NLE_OPNOTSUPP, -EOPNOTSUPP },
        { NLE_NODEV, -ENODEV },
        { NLE_AF_NOSUPPORT, -EAFNOSUPPORT },
        { NLE_PROTO_MISMATCH, -EPROTONOSUPPORT },
    };

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (abs(nl_error) == known[i].nl)
            return known[i].error;
    }
    return nl_error < 0 ? -EIO : 0;
}

static int on_message(struct nl_msg *message, void *socket_)
{
    struct fl_nic_socket *socket = socket_;
    struct nlmsghdr *header = nlmsg_hdr(message);

    /* Once a message could not be taken the rest is only read, so that the socket is of use again. */
    if (!socket->error)
        socket->error = socket->take(header, header->nlmsg_len, socket->answer, socket->aux);
    return NL_OK;
}

static int on_error(struct sockaddr_nl *address OVS_UNUSED, struct nlmsgerr *message, void *socket_)
{
    struct fl_nic_socket *socket = socket_;

    socket->error = message->error < 0 ? message->error : -EIO;
    return NL_STOP;
}

int fl_nic_socket_open(int protocol, struct fl_nic_socket **result)
{
    const struct timeval timeout = { .tv_sec = TIMEOUT_S };
    struct fl_nic_socket *socket = xzalloc(sizeof *socket);
    int ret;

    socket->nl = nl_socket_alloc();
    if (!socket->nl)
        out_of_memory();
    ret = errno_of(nl_connect(socket->nl, protocol));
    if (!ret &&
        setsockopt(nl_socket_get_fd(socket->nl), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout))
        ret = -errno;
    if (!ret)
        ret = errno_of(nl_socket_set_msg_buf_size(socket->nl, BUFFER_BYTES));
    if (ret) {
        fl_nic_socket_close(socket);
        return ret;
    }
    nl_socket_disable_auto_ack(socket->nl); /* an answer, or an error: that is the end */
    nl_socket_modify_cb(socket->nl, NL_CB_VALID, NL_CB_CUSTOM, on_message, socket);
    nl_socket_modify_err_cb(socket->nl, NL_CB_CUSTOM, on_error, socket);
    *result = socket;
    return 0;
}

void fl_nic_socket_close(struct fl_nic_socket *socket)
{
    nl_socket_free(socket->nl);
    free(socket);
}

int fl_nic_family(struct fl_nic_socket *socket, const char *name)
{
    int family = genl_ctrl_resolve(socket->nl, name);

    return family < 0 ? errno_of(family) : family;
}

static int try_once(struct fl_nic_socket *socket, struct nl_msg *request)
{
    int ret;

    socket->error = 0;
    nlmsg_hdr(request)->nlmsg_seq = NL_AUTO_SEQ;
    ret = nl_send_auto(socket->nl, request);
    if (ret >= 0)
        ret = nl_recvmsgs_default(socket->nl);
    return socket->error ? socket->error : errno_of(ret);
}

int fl_nic_exchange(struct fl_nic_socket *socket, struct nl_msg *request, int answer,
                    fl_nic_take *take, void *aux)
{
    int ret = -EAGAIN;

    socket->take = take;
    socket->aux = aux;
    socket->answer = answer;
    for (int i = 0; i < TRIES && ret == -EAGAIN; i++)
        ret = try_once(socket, request);
    return ret;
}
