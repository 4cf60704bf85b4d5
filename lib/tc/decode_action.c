/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Linux 6.1 net/sched/act_api.c, tcf_action_dump_1(); net/core/gen_stats.c. */
#include <linux/gen_stats.h>
#include <linux/pkt_cls.h>

#include "lib/tc/decode_internal.h"

#define KIND(name, kind)        \
    {                           \
        name, sizeof name, kind \
    }

/* Most kinds differ in length or first letter: one comparison is enough for each. */
static enum fl_tc_kind kind_of(const char *name, size_t n)
{
    static const struct {
        char name[12];
        uint8_t n; /* With its NUL. */
        enum fl_tc_kind kind;
    } kinds[] = {
        KIND("mirred", FL_TC_MIRRED),   KIND("gact", FL_TC_GACT),
        KIND("vlan", FL_TC_VLAN),       KIND("ct", FL_TC_CT),
        KIND("csum", FL_TC_CSUM),       KIND("pedit", FL_TC_PEDIT),
        KIND("skbedit", FL_TC_SKBEDIT), KIND("tunnel_key", FL_TC_TUNNEL_KEY),
        KIND("police", FL_TC_POLICE),   KIND("mpls", FL_TC_MPLS),
        KIND("sample", FL_TC_SAMPLE),
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (n == kinds[i].n && name[0] == kinds[i].name[0] && !memcmp(name, kinds[i].name, n))
            return kinds[i].kind;
    }
    return FL_TC_OTHER;
}

static bool read_kind(const struct fl_attr *attr, struct fl_tc_action *action)
{
    const char *name = attr->data;

    action->kind = kind_of(name, attr->n);
    if (action->kind == FL_TC_OTHER) {
        if (!fl_attr_string(attr) || !*name)
            return false;
        action->kind = kind_of(name, strlen(name) + 1);
    }
    action->kind_name = name;
    return true;
}

static void read_basic(const struct fl_attr *attr, uint64_t *bytes, uint64_t *packets)
{
    const size_t n = offsetof(struct gnet_stats_basic, packets) + sizeof(uint32_t);
    struct gnet_stats_basic basic;

    /* The structure is padded at its end, and the kernel does not always send the padding. */
    if (attr->n < n)
        return;
    memcpy(&basic, attr->data, n);
    *bytes = basic.bytes;
    *packets = basic.packets;
}

static void read_queue(const struct fl_attr *attr, struct fl_tc_counters *counters)
{
    struct gnet_stats_queue queue;

    if (attr->n < sizeof queue)
        return;
    memcpy(&queue, attr->data, sizeof queue);
    counters->qlen = queue.qlen;
    counters->backlog = queue.backlog;
    counters->drops = queue.drops;
    counters->requeues = queue.requeues;
    counters->overlimits = queue.overlimits;
    counters->has_queue = true;
}

/* TCA_STATS_PKT64 is of the counters that it follows, and only there when they passed 2^32. */
static inline bool read_counters(const struct fl_attr *outer, struct fl_tc_counters *counters)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    uint16_t previous = TCA_STATS_UNSPEC;
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        switch (attr.type) {
        case TCA_STATS_BASIC:
            read_basic(&attr, &counters->bytes, &counters->packets);
            counters->has_basic = true;
            break;
        case TCA_STATS_BASIC_HW:
            read_basic(&attr, &counters->hw_bytes, &counters->hw_packets);
            counters->has_hw = true;
            break;
        case TCA_STATS_PKT64:
            if (attr.n != sizeof(uint64_t))
                return false;
            if (previous == TCA_STATS_BASIC_HW) {
                counters->hw_packets = fl_attr_u64(&attr);
            } else {
                counters->packets = fl_attr_u64(&attr);
                counters->has_packets64 = true;
            }
            break;
        case TCA_STATS_QUEUE: read_queue(&attr, counters); break;
        }
        if (attr.type != TCA_STATS_PAD)
            previous = attr.type;
    }
    return !attrs.malformed;
}

static void read_bits(const struct fl_attr *attr, uint32_t *value, uint32_t *selected)
{
    struct nla_bitfield32 bits = { 0, 0 };

    if (attr->n >= sizeof bits)
        memcpy(&bits, attr->data, sizeof bits);
    *value = bits.value;
    *selected = bits.selector;
}

static void read_hw_stats(const struct fl_attr *attr, uint8_t *hw_stats)
{
    uint32_t value, selected;

    read_bits(attr, &value, &selected);
    *hw_stats = (uint8_t)(value & selected);
}

static void read_cookie(const struct fl_attr *attr, struct fl_tc_filter *filter,
                        struct fl_tc_action *action)
{
    if (attr->n > sizeof action->cookie) {
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "an action has a cookie of %u bytes",
                             attr->n);
        return;
    }
    memcpy(action->cookie, attr->data, attr->n);
    action->n_cookie = (uint8_t)attr->n;
}

static inline bool read_part(const struct fl_attr *attr, struct fl_tc_filter *filter,
                             struct fl_tc_action *action)
{
    switch (attr->type) {
    case TCA_ACT_KIND: return read_kind(attr, action);
    case TCA_ACT_STATS: return read_counters(attr, &action->counters);
    case TCA_ACT_COOKIE: read_cookie(attr, filter, action); return true;
    case TCA_ACT_FLAGS:
        read_bits(attr, &action->flags, &action->selected);
        action->present |= FL_TC_HAS_FLAGS;
        return true;
    case TCA_ACT_HW_STATS:
        read_hw_stats(attr, &action->hw_stats);
        action->present |= FL_TC_HAS_HW_STATS;
        return true;
    case TCA_ACT_USED_HW_STATS:
        read_hw_stats(attr, &action->used_hw_stats);
        action->present |= FL_TC_HAS_USED_HW_STATS;
        return true;
    case TCA_ACT_INDEX:
        if (attr->n != sizeof(uint32_t))
            return false;
        action->index = fl_attr_u32(attr);
        return true;
    case TCA_ACT_IN_HW_COUNT:
        if (attr->n != sizeof(uint32_t))
            return false;
        action->in_hw_count = fl_attr_u32(attr);
        action->present |= FL_TC_HAS_IN_HW_COUNT;
        return true;
    case TCA_ACT_PAD: return true;
    }
    fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "action attribute %u of the kernel",
                         attr->type);
    return true;
}

static bool read_action(const struct fl_attr *outer, const struct fl_tc_links *links,
                        struct fl_tc_filter *filter)
{
    struct fl_tc_action *action = fl_tc_add_action(filter);
    struct fl_attr attr, options = { .data = NULL };
    struct fl_attrs attrs = fl_attrs_nested(outer);

    if (!action)
        return true;
    action->order = outer->type;
    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_ACT_OPTIONS)
            options = attr;
        else if (!read_part(&attr, filter, action))
            return false;
    }
    if (attrs.malformed || !action->kind_name)
        return false;
    if (!options.data) {
        filter->terse = true;
        return true;
    }
    action->present |= FL_TC_HAS_OPTIONS;
    return fl_tc_decode_options(&options, links, filter, action);
}

bool fl_tc_decode_actions(const struct fl_attr *outer, const struct fl_tc_links *links,
                          struct fl_tc_filter *filter)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        if (!read_action(&attr, links, filter))
            return false;
    }
    return !attrs.malformed;
}
