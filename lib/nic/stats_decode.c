/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nic/stats_decode.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <limits.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/limits.h"

/* Of struct rtnl_link_stats64, which grows: its first four counters. */
struct first_counters {
    uint64_t rx_packets;
    uint64_t tx_packets;
    uint64_t rx_bytes;
    uint64_t tx_bytes;
};

static int take_counters(const struct nlattr *attr, struct fl_port_count *count)
{
    struct first_counters first;

    if (mnl_attr_get_payload_len(attr) < sizeof first)
        return -EPROTO;
    memcpy(&first, mnl_attr_get_payload(attr), sizeof first);
    *count = (struct fl_port_count){
        .rx_packets = first.rx_packets,
        .tx_packets = first.tx_packets,
        .rx_bytes = first.rx_bytes,
        .tx_bytes = first.tx_bytes,
    };
    return 0;
}

/* Callbacks of libmnl end its walk with MNL_CB_ERROR, and errno says why. */
static int refuse(int error)
{
    errno = -error;
    return MNL_CB_ERROR;
}

static int take_offload_attr(const struct nlattr *attr, void *port_)
{
    struct fl_port_stats *port = port_;

    if (mnl_attr_get_type(attr) != IFLA_OFFLOAD_XSTATS_CPU_HIT)
        return MNL_CB_OK;
    port->has_cpu_hit = true;
    return take_counters(attr, &port->cpu_hit) ? refuse(-EPROTO) : MNL_CB_STOP;
}

static int take_port_attr(const struct nlattr *attr, void *port_)
{
    struct fl_port_stats *port = port_;

    switch (mnl_attr_get_type(attr)) {
    case IFLA_STATS_LINK_64:
        port->has_link = true;
        return take_counters(attr, &port->link) ? refuse(-EPROTO) : MNL_CB_OK;
    case IFLA_STATS_LINK_OFFLOAD_XSTATS:
        return mnl_attr_parse_nested(attr, take_offload_attr, port) < MNL_CB_STOP ? refuse(-EPROTO)
                                                                                  : MNL_CB_OK;
    default: return MNL_CB_OK;
    }
}

/*
 * What had no room in one message comes in the next, for the same device. Linux may have dropped the
 * first of the two by then (seen with 6.1; net/core/rtnetlink.c rtnl_fill_statsinfo() keeps idxattr but
 * cancels the message): such a port is left without its link counters, and is to be asked for alone.
 */
static struct fl_port_stats *port_for(struct fl_port_sample *sample, int ifindex)
{
    struct fl_port_stats *port = sample->n_ports ? &sample->ports[sample->n_ports - 1] : NULL;

    if (port && port->ifindex == ifindex)
        return port;
    if (sample->n_ports == sample->n_room) {
        sample->n_room = sample->n_room ? 2 * sample->n_room : 64;
        sample->ports = xrealloc(sample->ports, sample->n_room * sizeof *sample->ports);
    }
    port = &sample->ports[sample->n_ports++];
    *port = (struct fl_port_stats){ .ifindex = ifindex };
    return port;
}

static int take_port(struct fl_stats_answer *answer, const struct nlmsghdr *message)
{
    const struct if_stats_msg *header = mnl_nlmsg_get_payload(message);

    if (mnl_nlmsg_get_payload_len(message) < sizeof *header || header->ifindex > INT_MAX)
        return -EPROTO;
    if (!(message->nlmsg_flags & NLM_F_MULTI))
        answer->done = true; /* the answer about one device */
    if (!answer->sample)
        return 0;
    if (answer->sample->n_ports >= FL_LIMIT_PORTS)
        return -E2BIG;
    return mnl_attr_parse(message, sizeof *header, take_port_attr,
                          port_for(answer->sample, (int)header->ifindex)) < MNL_CB_STOP
               ? -EPROTO
               : 0;
}

/* NLMSG_DONE carries an errno since Linux 4.16, and so does NLMSG_ERROR. */
static int take_end(struct fl_stats_answer *answer, const struct nlmsghdr *message)
{
    int error = 0;

    if (mnl_nlmsg_get_payload_len(message) >= sizeof error)
        memcpy(&error, mnl_nlmsg_get_payload(message), sizeof error);
    else if (message->nlmsg_type == NLMSG_ERROR)
        return -EPROTO;
    answer->done = true;
    answer->error = error < 0 ? error : 0;
    return 0;
}

static int take_message(struct fl_stats_answer *answer, const struct nlmsghdr *message)
{
    answer->interrupted |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    switch (message->nlmsg_type) {
    case NLMSG_DONE:
    case NLMSG_ERROR: return take_end(answer, message);
    case RTM_NEWSTATS: return take_port(answer, message);
    case NLMSG_NOOP: return 0;
    default: return -EPROTO;
    }
}

/* mnl_nlmsg_ok() of libmnl 1.0.4 takes a length of 2 GiB and more for negative, and lets it pass. */
static bool is_whole(const struct nlmsghdr *message, int n_left)
{
    return mnl_nlmsg_ok(message, n_left) && message->nlmsg_len <= (unsigned int)n_left;
}

int fl_stats_decode(struct fl_stats_answer *answer, const void *bytes, size_t n_bytes)
{
    const struct nlmsghdr *message = bytes;
    int n_left = (int)MIN(n_bytes, INT_MAX), ret = 0;

    for (; !ret && !answer->done && is_whole(message, n_left);
         message = mnl_nlmsg_next(message, &n_left)) {
        if (message->nlmsg_seq == answer->sequence)
            ret = take_message(answer, message);
    }
    return ret || answer->done || n_left <= 0 ? ret : -EPROTO;
}

static int compare_ports(const void *a_, const void *b_)
{
    const struct fl_port_stats *a = a_, *b = b_;

    if (a->ifindex != b->ifindex)
        return a->ifindex < b->ifindex ? -1 : 1;
    return b->has_link - a->has_link;
}

void fl_stats_sort(struct fl_port_sample *sample)
{
    size_t n = 0;

    if (!sample->n_ports)
        return; /* nor is there an array */
    qsort(sample->ports, sample->n_ports, sizeof *sample->ports, compare_ports);
    for (size_t i = 0; i < sample->n_ports; i++) {
        const struct fl_port_stats *port = &sample->ports[i];

        if (port->has_link && (!n || sample->ports[n - 1].ifindex != port->ifindex))
            sample->ports[n++] = *port;
    }
    sample->n_ports = n;
}
