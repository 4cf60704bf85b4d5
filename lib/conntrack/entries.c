/* SPDX-License-Identifier: Apache-2.0 */

/* See entries.h. Here, and nowhere else in lib/conntrack/, errors of libmnl become ours. */

#include "lib/conntrack/entries.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel fills no more than 32 KiB at a time into a dump. */
#define RECEIVE_BYTES (64 * 1024)
#define REQUEST_BYTES 512
#define SEQUENCE      1 /* There is one request a socket. */

struct reader {
    struct mnl_socket *socket;
    int zone;
    fl_conntrack_cb *cb; /* NULL: nothing is expected but an acknowledgement */
    void *aux;
    int stopped; /* What @cb returned: its caller knows why. */
};

static int explain(int error, struct fl_error *err)
{
    switch (error) {
    case -EPERM:
    case -EACCES:
        return fl_error_set(err, error,
                            "not allowed to read the kernel's connections; run as root");
    case -EAGAIN:
        return fl_error_set(err, error,
                            "the kernel's connections changed while they were read; some may be "
                            "missing");
    case -ENODEV:
        return fl_error_set(err, error,
                            "the kernel does not tell its connections: modprobe "
                            "nf_conntrack_netlink");
    default:
        return fl_error_set(err, error, "cannot read the kernel's connections: %s",
                            ovs_strerror(-error));
    }
}

/* nfnetlink says EINVAL for a subsystem that it does not have. */
static int to_error(int number)
{
    switch (number) {
    case EINTR:
    case ENOBUFS:
    case ENOSPC: /* a message that was cut off */ return -EAGAIN;
    case EINVAL:
    case EPROTONOSUPPORT:
    case EOPNOTSUPP: return -ENODEV;
    default: return -number;
    }
}

static int take_entry(const struct nlmsghdr *header, void *reader_)
{
    struct reader *reader = reader_;
    struct fl_connection connection;

    if (!reader->cb || !fl_conntrack_decode(header, header->nlmsg_len, &connection) ||
        (reader->zone != FL_CONNTRACK_ALL_ZONES && reader->zone != connection.zone)) {
        return MNL_CB_OK;
    }
    reader->stopped = reader->cb(&connection, reader->aux);
    return reader->stopped ? MNL_CB_STOP : MNL_CB_OK;
}

/* Return: 0, or negative errno, also what the kernel said of the request. */
static int receive(struct reader *reader)
{
    _Alignas(struct nlmsghdr) char buffer[RECEIVE_BYTES];
    unsigned int port = mnl_socket_get_portid(reader->socket);

    for (;;) {
        ssize_t n = mnl_socket_recvfrom(reader->socket, buffer, sizeof buffer);
        int more;

        if (n < 0 && errno == EINTR) {
            continue; /* a signal */
        }
        more = n < 0 ? -1 : mnl_cb_run(buffer, (size_t)n, SEQUENCE, port, take_entry, reader);
        if (reader->stopped) {
            return reader->stopped;
        }
        if (more <= 0) {
            return more < 0 ? to_error(errno) : 0;
        }
    }
}

static int exchange(struct reader *reader, const struct nlmsghdr *request)
{
    int error;

    reader->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!reader->socket) {
        return to_error(errno);
    }
    if (mnl_socket_bind(reader->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_sendto(reader->socket, request, request->nlmsg_len) < 0) {
        error = to_error(errno);
    } else {
        error = receive(reader);
    }
    mnl_socket_close(reader->socket);
    return error;
}

static struct nlmsghdr *start_request(char *buffer, uint16_t command, uint16_t flags,
                                      uint8_t family)
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *netfilter;

    header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | command);
    header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    header->nlmsg_seq = SEQUENCE;
    netfilter = mnl_nlmsg_put_extra_header(header, sizeof *netfilter);
    netfilter->nfgen_family = family;
    netfilter->version = NFNETLINK_V0;
    netfilter->res_id = 0;
    return header;
}

int fl_conntrack_dump(int zone, uint8_t family, fl_conntrack_cb *cb, void *aux,
                      struct fl_error *err)
{
    _Alignas(struct nlmsghdr) char request[REQUEST_BYTES];
    struct reader reader = { .zone = zone, .cb = cb, .aux = aux };
    int error = exchange(&reader, start_request(request, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family));

    return error && !reader.stopped ? explain(error, err) : error;
}

/* A list */

struct list {
    struct fl_connection *connections;
    size_t n, allocated, max;
};

static int add_to_list(const struct fl_connection *connection, void *list_)
{
    struct list *list = list_;

    if (connection->proto != IPPROTO_TCP && connection->proto != IPPROTO_UDP) {
        return 0;
    }
    if (list->n >= list->max) {
        return -E2BIG;
    }
    if (list->n == list->allocated) {
        list->connections = x2nrealloc(list->connections, &list->allocated,
                                       sizeof *list->connections);
    }
    list->connections[list->n++] = *connection;
    return 0;
}

int fl_conntrack_connections(uint16_t zone, size_t max, struct fl_connection **connections,
                             size_t *n, struct fl_error *err)
{
    struct list list = { .max = max };
    int error = fl_conntrack_dump(zone, AF_UNSPEC, add_to_list, &list, err);

    if (error && error != -E2BIG) {
        free(list.connections);
        return error;
    }
    *connections = list.connections;
    *n = list.n;
    return error;
}

/* Deletion */

/* One direction: as the kernel looks for it. */
struct direction {
    const struct in6_addr *src, *dst;
    uint16_t sport, dport;
};

static void put_addresses(struct nlmsghdr *request, const struct direction *d, bool ipv4)
{
    struct nlattr *nest = mnl_attr_nest_start(request, CTA_TUPLE_IP);
    size_t at = ipv4 ? 12 : 0;

    mnl_attr_put(request, ipv4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, sizeof *d->src - at,
                 &d->src->s6_addr[at]);
    mnl_attr_put(request, ipv4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, sizeof *d->dst - at,
                 &d->dst->s6_addr[at]);
    mnl_attr_nest_end(request, nest);
}

static void put_proto(struct nlmsghdr *request, const struct direction *d, uint8_t proto)
{
    struct nlattr *nest = mnl_attr_nest_start(request, CTA_TUPLE_PROTO);
    bool v6 = proto == IPPROTO_ICMPV6;

    mnl_attr_put_u8(request, CTA_PROTO_NUM, proto);
    if (proto == IPPROTO_ICMP || v6) {
        mnl_attr_put_u16(request, v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, htons(d->sport));
        mnl_attr_put_u8(request, v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE,
                        (uint8_t)(d->dport >> 8));
        mnl_attr_put_u8(request, v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE,
                        (uint8_t)d->dport);
    } else {
        mnl_attr_put_u16(request, CTA_PROTO_SRC_PORT, htons(d->sport));
        mnl_attr_put_u16(request, CTA_PROTO_DST_PORT, htons(d->dport));
    }
    mnl_attr_nest_end(request, nest);
}

/* Without a tuple the kernel would delete every connection. */
static void put_tuple(struct nlmsghdr *request, const struct fl_connection *c, bool ipv4)
{
    bool reply = c->zone_of == FL_CONNECTION_ZONE_REPLY;
    struct direction orig = { &c->orig_src, &c->orig_dst, c->orig_sport, c->orig_dport };
    struct direction back = { &c->reply_src, &c->reply_dst, c->reply_sport, c->reply_dport };
    const struct direction *d = reply ? &back : &orig;
    struct nlattr *nest = mnl_attr_nest_start(request, reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG);

    put_addresses(request, d, ipv4);
    put_proto(request, d, c->proto);
    if (c->zone_of != FL_CONNECTION_ZONE_BOTH) {
        mnl_attr_put_u16(request, CTA_TUPLE_ZONE, htons(c->zone));
    }
    mnl_attr_nest_end(request, nest);
    if (c->zone_of == FL_CONNECTION_ZONE_BOTH) {
        mnl_attr_put_u16(request, CTA_ZONE, htons(c->zone));
    }
}

int fl_conntrack_forget(const struct fl_connection *connection, struct fl_error *err)
{
    _Alignas(struct nlmsghdr) char buffer[REQUEST_BYTES];
    bool ipv4 = IN6_IS_ADDR_V4MAPPED(&connection->orig_src);
    struct nlmsghdr *request = start_request(buffer, IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
                                             ipv4 ? AF_INET : AF_INET6);
    struct reader reader = { .zone = FL_CONNTRACK_ALL_ZONES };
    int error;

    put_tuple(request, connection, ipv4);
    error = exchange(&reader, request);
    if (!error || error == -ENOENT) {
        return 0; /* -ENOENT: it is gone already */
    }
    explain(error, err);
    fl_error_prefix(err, "cannot delete a connection");
    return error;
}
