/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/watch_message.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <ovs/hash.h>
#include <ovs/util.h>

#include "flows/limits.h"
#include "lib/tc/attr.h"

/* What a block that devices share has in the place of an ifindex. */
#define BLOCK_IFINDEX (-1)
/* The hook is 0xffff0000 and a number. */
#define HOOK_MASK 0xffff0000u

#define OVS_KIND "openvswitch"
/* Source: Linux include/linux/err.h */
#define MAX_ERRNO 4095

static const char *const event_names[FL_TC_N_EVENTS] = {
    [FL_TC_LINK_APPEARED] = "link-appeared", [FL_TC_LINK_GONE] = "link-gone",
    [FL_TC_LINK_CHANGED] = "link-changed",   [FL_TC_QDISC_GONE] = "qdisc-gone",
    [FL_TC_EVERYTHING] = "everything",       [FL_TC_FILTERS_FLUSHED] = "filters-flushed",
};

const char *fl_tc_event_name(enum fl_tc_event_kind kind)
{
    return kind < FL_TC_N_EVENTS ? event_names[kind] : "unknown";
}

/* A device, as far as anybody cares. */
struct link {
    struct hmap_node node;
    int ifindex;
    char name[IF_NAMESIZE];
    bool is_port;
    uint64_t signature; /* of all that makes a change of it an event */
    unsigned int round; /* of the list that it was last seen in */
};

void fl_tc_watched_init(struct fl_tc_watched *watched)
{
    *watched = (struct fl_tc_watched){ .is_listing = true };
    hmap_init(&watched->by_index);
}

static void forget(struct fl_tc_watched *watched, struct link *link)
{
    hmap_remove(&watched->by_index, &link->node);
    free(link);
}

void fl_tc_watched_destroy(struct fl_tc_watched *watched)
{
    struct link *link;

    HMAP_FOR_EACH_SAFE(link, node, &watched->by_index)
        forget(watched, link);
    hmap_destroy(&watched->by_index);
}

void fl_tc_watched_list(struct fl_tc_watched *watched, uint32_t sequence, uint32_t portid)
{
    watched->sequence = sequence;
    watched->portid = portid;
    watched->is_listing = true;
    watched->is_interrupted = false;
    watched->round++;
}

static struct link *find(const struct fl_tc_watched *watched, int ifindex)
{
    struct link *link;

    HMAP_FOR_EACH_WITH_HASH(link, node, hash_int((uint32_t)ifindex, 0), &watched->by_index) {
        if (link->ifindex == ifindex)
            return link;
    }
    return NULL;
}

/* ---- A device ---- */

static uint64_t hash_more(uint64_t signature, const void *data, size_t n)
{
    return (uint64_t)hash_bytes(data, n, (uint32_t)signature) |
           (uint64_t)hash_bytes(data, n, (uint32_t)(signature >> 32) + 1) << 32;
}

static bool is_ovs(const struct fl_attr *attr)
{
    const char *kind = fl_attr_string(attr);

    return kind && !strcmp(kind, OVS_KIND);
}

/* Its kind and that of its master; what else is in there are counters and timers, too. */
static bool take_kinds(const struct fl_attr *info, struct link *link)
{
    struct fl_attrs attrs = fl_attrs_nested(info);
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == IFLA_INFO_KIND || attr.type == IFLA_INFO_SLAVE_KIND) {
            link->signature = hash_more(link->signature, attr.data, attr.n);
            link->is_port |= is_ovs(&attr);
        }
    }
    return !attrs.malformed;
}

/* Statistics, and what only says that an event was sent, come without anything having changed. */
static bool take_attribute(const struct fl_attr *attr, struct link *link)
{
    switch (attr->type) {
    case IFLA_IFNAME:
        if (!attr->n || !fl_attr_string(attr))
            return false;
        ovs_strzcpy(link->name, fl_attr_string(attr), sizeof link->name);
        break;
    case IFLA_PHYS_SWITCH_ID: link->is_port |= attr->n > 0; break;
    case IFLA_ADDRESS:
    case IFLA_MTU:
    case IFLA_LINK:
    case IFLA_MASTER:
    case IFLA_OPERSTATE:
    case IFLA_CARRIER:
    case IFLA_PHYS_PORT_ID:
    case IFLA_PHYS_PORT_NAME: break;
    case IFLA_LINKINFO: return take_kinds(attr, link);
    default: return true;
    }
    link->signature = hash_more(link->signature, &attr->type, sizeof attr->type);
    link->signature = hash_more(link->signature, attr->data, attr->n);
    return true;
}

/* Return: false when it is no such message. */
static bool decode_link(const struct nlmsghdr *message, struct link *link)
{
    const struct ifinfomsg *header = NLMSG_DATA(message);
    struct fl_attrs attrs = fl_attrs_in((const char *)header + NLMSG_ALIGN(sizeof *header),
                                        message->nlmsg_len - NLMSG_SPACE(sizeof *header));
    struct fl_attr attr;

    *link = (struct link){ .ifindex = header->ifi_index };
    link->signature = hash_more(0, &header->ifi_flags, sizeof header->ifi_flags);
    while (fl_attrs_next(&attrs, &attr)) {
        if (!take_attribute(&attr, link))
            return false;
    }
    return !attrs.malformed && link->ifindex > 0 && link->name[0];
}

static void tell_link(const struct link *link, enum fl_tc_event_kind kind, fl_tc_event_cb *tell,
                      void *aux)
{
    tell(&(struct fl_tc_event){ .kind = kind,
                                .ifindex = link->ifindex,
                                .name = link->name,
                                .is_port = link->is_port,
                                .why = "" },
         aux);
}

/* What is known of a device is what was said last. Return: whether that says anything new. */
static bool keep(struct fl_tc_watched *watched, const struct link *said, bool *is_known)
{
    struct link *link = find(watched, said->ifindex);
    bool is_news = !link || link->signature != said->signature;

    *is_known = link != NULL;
    if (!link && hmap_count(&watched->by_index) < FL_LIMIT_PORTS) {
        link = xmalloc(sizeof *link);
        hmap_insert(&watched->by_index, &link->node, hash_int((uint32_t)said->ifindex, 0));
    }
    /* Of devices beyond the limit each message is news. */
    if (link) {
        const struct hmap_node node = link->node;

        *link = *said;
        link->node = node;
        link->round = watched->round;
    }
    return is_news;
}

static void take_new(struct fl_tc_watched *watched, const struct link *said, fl_tc_event_cb *tell,
                     void *aux)
{
    bool is_known, is_news = keep(watched, said, &is_known);

    if (watched->is_listing)
        return;
    if (is_news)
        tell_link(said, is_known ? FL_TC_LINK_CHANGED : FL_TC_LINK_APPEARED, tell, aux);
    else
        watched->n_left_out++;
}

static void take_gone(struct fl_tc_watched *watched, struct link *said, fl_tc_event_cb *tell,
                      void *aux)
{
    struct link *link = find(watched, said->ifindex);

    if (link) {
        said->is_port |= link->is_port;
        forget(watched, link);
    }
    if (!watched->is_listing)
        tell_link(said, FL_TC_LINK_GONE, tell, aux);
}

static int take_link(struct fl_tc_watched *watched, const struct nlmsghdr *message,
                     fl_tc_event_cb *tell, void *aux)
{
    const struct ifinfomsg *header = NLMSG_DATA(message);
    struct link said;

    if (message->nlmsg_len < NLMSG_SPACE(sizeof *header))
        return -EBADMSG;
    /* Of AF_BRIDGE: a port that leaves a bridge of the kernel is "deleted". */
    if (header->ifi_family != AF_UNSPEC) {
        watched->n_left_out++;
        return 0;
    }
    if (!decode_link(message, &said))
        return -EBADMSG;
    if (message->nlmsg_type == RTM_NEWLINK)
        take_new(watched, &said, tell, aux);
    else
        take_gone(watched, &said, tell, aux);
    return 0;
}

/* ---- Hooks and filters ---- */

static void tell_tc(const struct fl_tc_watched *watched, const struct tcmsg *header,
                    enum fl_tc_event_kind kind, fl_tc_event_cb *tell, void *aux)
{
    const struct link *link = find(watched, header->tcm_ifindex);
    struct fl_tc_event event = {
        .kind = kind,
        .ifindex = header->tcm_ifindex,
        .name = link ? link->name : "",
        .is_port = link && link->is_port,
        .why = "",
    };
    char block[sizeof "shared block 4294967295"];

    if (header->tcm_ifindex == BLOCK_IFINDEX) {
        snprintf(block, sizeof block, "shared block %u", header->tcm_block_index);
        event.ifindex = 0;
        event.name = block;
        event.is_port = true;
    }
    tell(&event, aux);
}

/* Return: its text when @header is followed by one, else "". */
static const char *kind_of(const struct nlmsghdr *message)
{
    struct fl_attrs attrs = fl_attrs_in((const char *)NLMSG_DATA(message) +
                                            NLMSG_ALIGN(sizeof(struct tcmsg)),
                                        message->nlmsg_len - NLMSG_SPACE(sizeof(struct tcmsg)));
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_KIND)
            return fl_attr_string(&attr) ? fl_attr_string(&attr) : "";
    }
    return "";
}

/*
 * Filters that go one by one have a handle; a flush has none, and says only of which kind they were. Open
 * vSwitch deletes its flows one by one, and its policers (matchall) without a handle. Source: Linux 6.1
 * net/sched/cls_api.c tc_del_tfilter(), OVS 3.1 lib/netdev-linux.c tc_del_matchall_policer().
 */
static bool is_flush(const struct nlmsghdr *message, const struct tcmsg *header)
{
    bool is_hook = header->tcm_ifindex == BLOCK_IFINDEX ||
                   (header->tcm_parent & HOOK_MASK) == HOOK_MASK;

    return !header->tcm_handle && is_hook && !strcmp(kind_of(message), "flower");
}

static int take_tc(struct fl_tc_watched *watched, const struct nlmsghdr *message,
                   fl_tc_event_cb *tell, void *aux)
{
    const struct tcmsg *header = NLMSG_DATA(message);
    bool is_qdisc = message->nlmsg_type == RTM_DELQDISC;

    if (message->nlmsg_len < NLMSG_SPACE(sizeof *header))
        return -EBADMSG;
    /* The number of the hook is the same for ingress and clsact. */
    if (is_qdisc ? header->tcm_parent != TC_H_INGRESS : !is_flush(message, header))
        watched->n_left_out++;
    else if (!watched->is_listing)
        tell_tc(watched, header, is_qdisc ? FL_TC_QDISC_GONE : FL_TC_FILTERS_FLUSHED, tell, aux);
    return 0;
}

/* ---- The list ---- */

/* Return: as fl_tc_watched_take(). */
static int end_list(struct fl_tc_watched *watched, const struct nlmsghdr *message)
{
    const int *error = NLMSG_DATA(message);
    struct link *link;

    /* Both NLMSG_DONE and NLMSG_ERROR begin with it. */
    if (message->nlmsg_len < NLMSG_LENGTH(sizeof *error))
        return -EBADMSG;
    if (*error)
        return *error < 0 && *error >= -MAX_ERRNO ? *error : -EBADMSG;
    if (watched->is_interrupted)
        return -EAGAIN;
    HMAP_FOR_EACH_SAFE(link, node, &watched->by_index) {
        if (link->round != watched->round)
            forget(watched, link);
    }
    watched->is_listing = false;
    return 1;
}

static int take_message(struct fl_tc_watched *watched, const struct nlmsghdr *message,
                        fl_tc_event_cb *tell, void *aux)
{
    bool is_answer = message->nlmsg_seq == watched->sequence &&
                     message->nlmsg_pid == watched->portid;

    watched->n_messages++;
    if (is_answer && message->nlmsg_flags & NLM_F_DUMP_INTR)
        watched->is_interrupted = true;
    switch (message->nlmsg_type) {
    case NLMSG_DONE:
    case NLMSG_ERROR: return is_answer && watched->is_listing ? end_list(watched, message) : 0;
    case RTM_NEWLINK:
    case RTM_DELLINK: return take_link(watched, message, tell, aux);
    case RTM_DELQDISC:
    case RTM_DELTFILTER: return take_tc(watched, message, tell, aux);
    default: watched->n_left_out++; return 0;
    }
}

int fl_tc_watched_take(struct fl_tc_watched *watched, const void *bytes, size_t n,
                       fl_tc_event_cb *tell, void *aux)
{
    const struct nlmsghdr *message = bytes;
    int left = (int)n, ret = 0;

    for (; ret >= 0 && NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
        int taken = take_message(watched, message, tell, aux);

        ret = taken ? taken : ret;
    }
    /* What is left of the last one is padding, or nothing. */
    return ret >= 0 && left > 0 ? -EBADMSG : ret;
}
