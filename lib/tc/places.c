/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/places.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tc/attr.h"

/* Without statistics a link takes a fifth of the bytes. Source: linux/rtnetlink.h. */
#define SKIP_STATS (1u << 3)
/* A dump that is interrupted is read again so often; then what there is has to do. */
#define MAX_ATTEMPTS 3

static int read_kind(const struct fl_attr *linkinfo, char kind[FL_LINK_KIND_BYTES])
{
    struct fl_attrs attrs = fl_attrs_nested(linkinfo);
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        const char *text = attr.type == IFLA_INFO_KIND ? fl_attr_string(&attr) : NULL;

        if (text)
            ovs_strzcpy(kind, text, FL_LINK_KIND_BYTES);
    }
    return 0;
}

static int see_link(const struct nlmsghdr *message, void *links)
{
    const struct ifinfomsg *info = NLMSG_DATA(message);
    char kind[FL_LINK_KIND_BYTES] = "";
    const char *name = NULL;
    struct fl_attrs attrs;
    struct fl_attr attr;

    if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof *info))
        return 0;
    attrs = fl_attrs_in(info + 1, message->nlmsg_len - NLMSG_LENGTH(sizeof *info));
    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == IFLA_IFNAME)
            name = fl_attr_string(&attr);
        else if (attr.type == IFLA_LINKINFO)
            read_kind(&attr, kind);
    }
    if (name)
        fl_tc_links_put(links, info->ifi_index, name, kind);
    return 0;
}

int fl_tc_read_links(struct fl_rtnl *rtnl, struct fl_tc_links *links, struct fl_error *err)
{
    bool interrupted = true;

    for (int i = 0; interrupted && i < MAX_ATTEMPTS; i++) {
        const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
        struct nlmsghdr *request = fl_rtnl_request(rtnl, RTM_GETLINK, &info, sizeof info);
        int ret;

        mnl_attr_put_u32(request, IFLA_EXT_MASK, SKIP_STATS);
        ret = fl_rtnl_dump(rtnl, see_link, links, &interrupted);
        if (ret)
            return fl_error_set(err, ret, "cannot list network devices: %s", strerror(-ret));
    }
    return 0;
}

/* Qdiscs */

struct search {
    const struct fl_tc_links *links;
    const struct fl_tc_dump_options *options;
    struct fl_tc_places *places;
};

static bool is_wanted(const struct search *search, const char *name)
{
    const struct fl_tc_dump_options *options = search->options;

    for (size_t i = 0; i < options->n_devices; i++) {
        if (!strcmp(options->devices[i], name))
            return true;
    }
    return !options->devices;
}

static struct fl_tc_place *add_place(struct fl_tc_places *places)
{
    if (places->n == places->allocated)
        places->places = x2nrealloc(places->places, &places->allocated, sizeof *places->places);
    return &places->places[places->n++];
}

/*
 * OVS gives the members of a bond one block, whose index is the ifindex of the bond. Source: OVS 3.1
 * lib/netdev-linux.c, netdev_linux_get_block_id().
 */
static const struct fl_tc_link *bond_of_block(const struct search *search, uint32_t block)
{
    const struct fl_tc_link *link = block <= INT32_MAX ? fl_tc_links_find(search->links, (int)block)
                                                       : NULL;

    return link && (!strcmp(link->kind, "bond") || !strcmp(link->kind, "team")) ? link : NULL;
}

static void add_block(const struct search *search, uint32_t block)
{
    const struct fl_tc_link *bond = bond_of_block(search, block);
    struct fl_tc_place *place;

    for (size_t i = 0; i < search->places->n; i++) {
        place = &search->places->places[i];
        if (place->hook == FL_TC_BLOCK && place->block == block) {
            place->block_members++;
            return;
        }
    }
    place = add_place(search->places);
    *place = (struct fl_tc_place){
        .dev = bond ? bond->name : NULL,
        .dev_kind = bond ? bond->kind : NULL,
        .ifindex = bond ? bond->ifindex : 0,
        .hook = FL_TC_BLOCK,
        .block = block,
        .block_members = 1,
    };
}

static void add_hook(const struct search *search, const struct fl_tc_link *link,
                     enum fl_tc_hook hook, uint32_t block)
{
    if (block) {
        add_block(search, block);
        return;
    }
    *add_place(search->places) = (struct fl_tc_place){
        .dev = link->name,
        .dev_kind = link->kind[0] ? link->kind : NULL,
        .ifindex = link->ifindex,
        .hook = hook,
    };
}

static int see_qdisc(const struct nlmsghdr *message, void *search_)
{
    const struct tcmsg *tc = NLMSG_DATA(message);
    uint32_t ingress_block = 0, egress_block = 0;
    const struct search *search = search_;
    const struct fl_tc_link *link;
    const char *kind = NULL;
    struct fl_attrs attrs;
    struct fl_attr attr;
    bool clsact;

    if (message->nlmsg_type != RTM_NEWQDISC || message->nlmsg_len < NLMSG_LENGTH(sizeof *tc))
        return 0;
    attrs = fl_attrs_in(tc + 1, message->nlmsg_len - NLMSG_LENGTH(sizeof *tc));
    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_KIND)
            kind = fl_attr_string(&attr);
        else if (attr.type == TCA_INGRESS_BLOCK && attr.n == 4)
            ingress_block = fl_attr_u32(&attr);
        else if (attr.type == TCA_EGRESS_BLOCK && attr.n == 4)
            egress_block = fl_attr_u32(&attr);
    }
    clsact = kind && !strcmp(kind, "clsact");
    if (!kind || (!clsact && strcmp(kind, "ingress")))
        return 0;
    link = fl_tc_links_find(search->links, tc->tcm_ifindex);
    /* One that came after the links were listed has no filters to speak of. */
    if (!link || !is_wanted(search, link->name))
        return 0;
    add_hook(search, link, FL_TC_INGRESS, ingress_block);
    if (clsact)
        add_hook(search, link, FL_TC_EGRESS, egress_block);
    return 0;
}

int fl_tc_read_places(struct fl_rtnl *rtnl, const struct fl_tc_links *links,
                      const struct fl_tc_dump_options *options, struct fl_tc_places *places,
                      struct fl_error *err)
{
    struct search search = { links, options, places };
    bool interrupted = true;

    for (int i = 0; interrupted && i < MAX_ATTEMPTS; i++) {
        const struct tcmsg tc = { .tcm_family = AF_UNSPEC };
        int ret;

        places->n = 0;
        fl_rtnl_request(rtnl, RTM_GETQDISC, &tc, sizeof tc);
        ret = fl_rtnl_dump(rtnl, see_qdisc, &search, &interrupted);
        if (ret)
            return fl_error_set(err, ret, "cannot list queueing disciplines: %s", strerror(-ret));
    }
    return interrupted ? fl_error_set(err, -EAGAIN,
                                      "queueing disciplines changed while they were listed; try "
                                      "again")
                       : 0;
}

void fl_tc_places_destroy(struct fl_tc_places *places)
{
    free(places->places);
}
