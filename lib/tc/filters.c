/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/filters.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "lib/tc/decode.h"
#include "lib/tc/places.h"

#define MAX_ATTEMPTS 3

struct dump {
    const struct fl_tc_dump_options *options;
    const struct fl_tc_sink *sink;
    struct fl_tc_dump_stats *stats;
    struct fl_tc_links links;
    const struct fl_tc_place *place;
    struct fl_rtnl *rtnl;
    struct fl_tc_filter *filter;
    int refused; /* What the sink returned when it stopped the dump. */
};

static void format_place(const struct fl_tc_place *place, char buf[64])
{
    if (place->hook == FL_TC_BLOCK)
        snprintf(buf, 64, "block %u", place->block);
    else
        snprintf(buf, 64, "%s %s", place->dev, place->hook == FL_TC_EGRESS ? "egress" : "ingress");
}

/* A device that came after the links were listed has a name too. */
static void name_new_devices(struct dump *dump)
{
    struct fl_tc_filter *filter = dump->filter;

    for (size_t i = 0; i < filter->n_actions; i++) {
        struct fl_tc_action *action = &filter->actions[i];
        char name[IF_NAMESIZE];

        if (action->kind != FL_TC_MIRRED || action->mirred.to_dev || !action->mirred.ifindex ||
            !if_indextoname((unsigned int)action->mirred.ifindex, name))
            continue;
        fl_tc_links_put(&dump->links, action->mirred.ifindex, name, NULL);
        action->mirred.to_dev = fl_tc_links_find(&dump->links, action->mirred.ifindex)->name;
    }
}

static int see_filter(const struct nlmsghdr *message, void *dump_)
{
    struct dump *dump = dump_;
    struct fl_tc_filter *filter = dump->filter;
    const struct fl_tc_place *place = dump->place;
    int ret = fl_tc_decode(message, message->nlmsg_len, &dump->links, filter);

    switch (ret) {
    case 0: break;
    case -ENOENT: return 0;
    case -ENOTSUP: dump->stats->other_kinds++; return 0;
    default: dump->stats->malformed++; return 0;
    }
    filter->dev = place->dev;
    filter->dev_kind = place->dev_kind;
    filter->ifindex = place->ifindex;
    filter->hook = place->hook;
    filter->block = place->block;
    filter->block_members = place->block_members;
    name_new_devices(dump);
    dump->stats->filters++;
    dump->refused = dump->sink->filter(filter, dump->sink->aux);
    return dump->refused;
}

static void request_filters(struct dump *dump)
{
    const struct fl_tc_place *place = dump->place;
    const struct nla_bitfield32 terse = { TCA_DUMP_FLAGS_TERSE, TCA_DUMP_FLAGS_TERSE };
    struct tcmsg tc = { .tcm_family = AF_UNSPEC };
    struct nlmsghdr *request;

    if (place->hook == FL_TC_BLOCK) {
        tc.tcm_ifindex = (int)TCM_IFINDEX_MAGIC_BLOCK;
        tc.tcm_block_index = place->block;
    } else {
        tc.tcm_ifindex = place->ifindex;
        tc.tcm_parent = TC_H_MAKE(TC_H_CLSACT,
                                  place->hook == FL_TC_EGRESS ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
    }
    request = fl_rtnl_request(dump->rtnl, RTM_GETTFILTER, &tc, sizeof tc);
    if (dump->options->terse)
        mnl_attr_put(request, TCA_DUMP_FLAGS, sizeof terse, &terse);
}

static int place_error(struct dump *dump, int ret, struct fl_error *err)
{
    char where[64];

    if (ret == -ENODEV || ret == -ENOENT || ret == -EINVAL) {
        char name[IF_NAMESIZE];

        /* The kernel's answer for a qdisc or device that is no longer there. */
        if (dump->place->hook == FL_TC_BLOCK ||
            !if_indextoname((unsigned int)dump->place->ifindex, name) || ret != -EINVAL) {
            dump->stats->vanished++;
            return 0;
        }
    }
    format_place(dump->place, where);
    return fl_error_set(err, ret, "cannot read the TC filters of %s: %s%s", where, strerror(-ret),
                        ret == -EPERM || ret == -EACCES ? "; run as root" : "");
}

/* Return: 0, 1 where filters may be missing or have come twice, or negative errno. */
static int dump_place(struct dump *dump, struct fl_error *err)
{
    const struct fl_tc_sink *sink = dump->sink;
    bool interrupted = true;

    for (unsigned int attempt = 1; interrupted && attempt <= MAX_ATTEMPTS; attempt++) {
        int ret = sink->begin ? sink->begin(dump->place, attempt, sink->aux) : 0;

        if (ret)
            return ret;
        request_filters(dump);
        ret = fl_rtnl_dump(dump->rtnl, see_filter, dump, &interrupted);
        if (dump->refused)
            return dump->refused;
        if (ret)
            return place_error(dump, ret, err);
        dump->stats->interrupted += interrupted;
        if (!sink->begin)
            break;
    }
    return interrupted;
}

static int dump_places(struct dump *dump, const struct fl_tc_places *places, struct fl_error *err)
{
    const struct fl_tc_place *incomplete = NULL;
    char where[64];

    for (size_t i = 0; i < places->n; i++) {
        int ret;

        dump->place = &places->places[i];
        ret = dump_place(dump, err);
        if (ret < 0 || dump->refused)
            return ret;
        dump->stats->places++;
        if (ret && !incomplete)
            incomplete = dump->place;
    }
    if (incomplete) {
        format_place(incomplete, where);
        return fl_error_set(err, -EAGAIN,
                            "the TC filters of %s changed while they were read; try again", where);
    }
    if (dump->stats->malformed)
        return fl_error_set(err, -EBADMSG,
                            "%llu messages of the kernel about TC filters make no sense",
                            (unsigned long long)dump->stats->malformed);
    return 0;
}

static int dump_all(struct dump *dump, struct fl_error *err)
{
    struct fl_tc_places places = { .n = 0 };
    int ret = fl_tc_read_links(dump->rtnl, &dump->links, err);

    if (!ret)
        ret = fl_tc_read_places(dump->rtnl, &dump->links, dump->options, &places, err);
    if (!ret)
        ret = dump_places(dump, &places, err);
    fl_tc_places_destroy(&places);
    return ret;
}

int fl_tc_dump(const struct fl_tc_dump_options *options, const struct fl_tc_sink *sink,
               struct fl_tc_dump_stats *stats, struct fl_error *err)
{
    struct fl_tc_dump_stats ignored;
    struct dump dump = { .options = options, .sink = sink, .stats = stats ? stats : &ignored };
    int ret;

    memset(dump.stats, 0, sizeof *dump.stats);
    ret = fl_rtnl_open(&dump.rtnl, err);
    if (ret)
        return ret;
    dump.filter = malloc(sizeof *dump.filter);
    fl_tc_links_init(&dump.links);
    ret = dump.filter ? dump_all(&dump, err)
                      : fl_error_set(err, -ENOMEM, "cannot read TC filters: not enough memory");
    fl_tc_links_destroy(&dump.links);
    free(dump.filter);
    fl_rtnl_close(dump.rtnl);
    return ret;
}
