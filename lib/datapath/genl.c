/* SPDX-License-Identifier: Apache-2.0 */

/* See genl.h. */

#include "lib/datapath/genl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/cache.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/family.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel fills no more than 32 KiB at a time into a dump. */
#define BUFFER_BYTES  (256 * 1024)
#define RECEIVE_BYTES (64 * 1024)

struct fl_genl {
    struct nl_sock *sock;
    struct nl_cache *families; /* NULL until one is asked for. */
    void *buffer;              /* RECEIVE_BYTES */
};

/* A dump under way. */
struct dump {
    fl_genl_take *take;
    void *aux;
    uint32_t sequence;
    bool interrupted;
    bool done;
};

static int to_errno(int nl_error)
{
    switch (-nl_error) {
    case NLE_SUCCESS: return 0;
    case NLE_INTR:
    case NLE_DUMP_INTR:
    case NLE_AGAIN: return -EAGAIN;
    case NLE_NOMEM: return -ENOMEM;
    case NLE_OBJ_NOTFOUND: return -ENOENT;
    case NLE_NODEV: return -ENODEV;
    case NLE_PERM:
    case NLE_NOACCESS: return -EPERM;
    case NLE_PROTO_MISMATCH:
    case NLE_AF_NOSUPPORT: return -EPROTONOSUPPORT;
    default: return -EIO;
    }
}

static int open_socket(struct fl_genl *genl)
{
    int error = genl_connect(genl->sock);

    return error ? error : nl_socket_set_buffer_size(genl->sock, BUFFER_BYTES, 0);
}

int fl_genl_open(struct fl_genl **genlp, struct fl_error *err)
{
    struct fl_genl *genl = calloc(1, sizeof *genl);
    int error;

    if (!genl) {
        return fl_error_set(err, -ENOMEM, "out of memory");
    }
    genl->sock = nl_socket_alloc();
    genl->buffer = malloc(RECEIVE_BYTES);
    error = genl->sock && genl->buffer ? open_socket(genl) : -NLE_NOMEM;
    if (error) {
        fl_genl_close(genl);
        return fl_error_set(err, to_errno(error), "cannot open a generic netlink socket: %s",
                            nl_geterror(error));
    }
    nl_socket_set_msg_buf_size(genl->sock, RECEIVE_BYTES);
    *genlp = genl;
    return 0;
}

void fl_genl_close(struct fl_genl *genl)
{
    if (!genl) {
        return;
    }
    if (genl->families) {
        nl_cache_free(genl->families);
    }
    nl_socket_free(genl->sock);
    free(genl->buffer);
    free(genl);
}

int fl_genl_family(struct fl_genl *genl, const char *name)
{
    struct genl_family *family;
    int id;

    if (!genl->families) {
        int error = genl_ctrl_alloc_cache(genl->sock, &genl->families);

        if (error) {
            genl->families = NULL;
            return to_errno(error);
        }
    }
    family = genl_ctrl_search_by_name(genl->families, name);
    if (!family) {
        return -ENOENT;
    }
    id = (int)genl_family_get_id(family);
    genl_family_put(family);
    return id;
}

static int send_request(struct fl_genl *genl, int family, uint8_t command, uint8_t version,
                        const void *request, size_t n_bytes, uint32_t *sequence)
{
    struct nl_msg *msg = nlmsg_alloc();
    int error = -NLE_NOMEM;

    if (msg &&
        genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_DUMP, command, version) &&
        !nlmsg_append(msg, (void *)(uintptr_t)request, n_bytes, NLMSG_ALIGNTO)) {
        error = nl_send_auto(genl->sock, msg);
        *sequence = nlmsg_hdr(msg)->nlmsg_seq;
    }
    nlmsg_free(msg);
    return error < 0 ? to_errno(error) : 0;
}

/* The end of a dump has an error code, too: of what stopped it. */
static int take_end(const struct nlmsghdr *header)
{
    int error = 0;

    if (header->nlmsg_len >= NLMSG_HDRLEN + sizeof error) {
        memcpy(&error, NLMSG_DATA(header), sizeof error);
    }
    return error < 0 ? error : 0;
}

static int take_message(struct dump *dump, const struct nlmsghdr *header)
{
    size_t n_bytes = header->nlmsg_len - NLMSG_HDRLEN;

    if (header->nlmsg_seq != dump->sequence) {
        return 0; /* of an earlier dump, that was not read to its end */
    }
    dump->interrupted |= (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    switch (header->nlmsg_type) {
    case NLMSG_NOOP: return 0;
    case NLMSG_OVERRUN: return -EAGAIN;
    case NLMSG_DONE:
    case NLMSG_ERROR: dump->done = true; return take_end(header);
    default:
        if (n_bytes < GENL_HDRLEN) {
            return -EAGAIN;
        }
        return dump->take((const char *)NLMSG_DATA(header) + GENL_HDRLEN, n_bytes - GENL_HDRLEN,
                          dump->aux);
    }
}

static int take_messages(struct dump *dump, const void *bytes, size_t n_bytes)
{
    const struct nlmsghdr *header = bytes;
    int left = (int)n_bytes;
    int error = 0;

    while (!error && !dump->done && NLMSG_OK(header, left)) {
        error = take_message(dump, header);
        header = NLMSG_NEXT(header, left);
    }
    return error ? error : !dump->done && left ? -EAGAIN : 0;
}

/* Return: how many bytes came, -EAGAIN when the kernel dropped some or more than fit, negative errno. */
static ssize_t receive(struct fl_genl *genl)
{
    struct iovec iov = { genl->buffer, RECEIVE_BYTES };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;

    do {
        n = recvmsg(nl_socket_get_fd(genl->sock), &msg, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return errno == ENOBUFS ? -EAGAIN : -errno;
    }
    return msg.msg_flags & MSG_TRUNC ? -EAGAIN : n;
}

/* What is left of a dump would be in the way of the next. If it fails, so will that. */
static void reopen(struct fl_genl *genl)
{
    nl_close(genl->sock);
    open_socket(genl);
}

int fl_genl_dump(struct fl_genl *genl, int family, uint8_t command, uint8_t version,
                 const void *request, size_t n_bytes, fl_genl_take *take, void *aux)
{
    struct dump dump = { .take = take, .aux = aux };
    int error = send_request(genl, family, command, version, request, n_bytes, &dump.sequence);

    while (!error && !dump.done) {
        ssize_t n = receive(genl);

        error = n < 0 ? (int)n : take_messages(&dump, genl->buffer, (size_t)n);
    }
    if (error && !dump.done) {
        reopen(genl);
    }
    return !error && dump.interrupted ? -EAGAIN : error;
}
