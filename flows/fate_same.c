/* SPDX-License-Identifier: Apache-2.0 */

/* See fate.h. Here: what is done with fates. */

#include <ovs/flow.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/fate.h"

bool fl_fate_covers(const struct fl_fate *fate, const struct flow *packet)
{
    return flow_equal_except(packet, &fate->region.flow, &fate->region.wc);
}

/* VLAN headers */

struct vlans {
    unsigned int n_popped;
    unsigned int n_pushed;
    const union flow_vlan_hdr *pushed; /* The innermost first. */
};

/* A header that was put back as it was at entry was not taken off. */
static struct vlans vlans_of(const struct fl_fate_output *out, const struct match *region)
{
    struct vlans vlans = { out->n_popped, out->n_pushed, out->pushed };

    while (vlans.n_popped && vlans.n_pushed && vlans.n_popped <= FLOW_MAX_VLAN_HEADERS) {
        const union flow_vlan_hdr *entry = &region->flow.vlans[vlans.n_popped - 1];
        const union flow_vlan_hdr *mask = &region->wc.masks.vlans[vlans.n_popped - 1];

        if (mask->tci != OVS_BE16_MAX || entry->tci != vlans.pushed->tci ||
            vlans.pushed->tpid != htons(ETH_TYPE_VLAN_8021Q)) {
            break;
        }
        vlans.n_popped--;
        vlans.n_pushed--;
        vlans.pushed++;
    }
    return vlans;
}

static bool same_vlans(const struct vlans *a, const struct vlans *b)
{
    return a->n_popped == b->n_popped && a->n_pushed == b->n_pushed &&
           !memcmp(a->pushed, b->pushed, a->n_pushed * sizeof *a->pushed);
}

/* Headers */

/*
 * Bits that both set must be set to the same. A bit that one of them sets must be so at entry: bound by
 * the region to that value.
 */
static bool same_headers(const struct fl_fate_output *a, const struct fl_fate_output *b,
                         const struct match *region)
{
    const uint64_t *a_set = (const uint64_t *)&a->set, *a_mask = (const uint64_t *)&a->set_mask;
    const uint64_t *b_set = (const uint64_t *)&b->set, *b_mask = (const uint64_t *)&b->set_mask;
    const uint64_t *entry = (const uint64_t *)&region->flow;
    const uint64_t *bound = (const uint64_t *)&region->wc.masks;

    for (size_t i = 0; i < FLOW_U64S; i++) {
        uint64_t both = a_mask[i] & b_mask[i];
        uint64_t a_only = a_mask[i] & ~b_mask[i];
        uint64_t b_only = b_mask[i] & ~a_mask[i];

        if (((a_set[i] ^ b_set[i]) & both) || ((a_only | b_only) & ~bound[i]) ||
            ((a_set[i] ^ entry[i]) & a_only) || ((b_set[i] ^ entry[i]) & b_only)) {
            return false;
        }
    }
    return true;
}

static bool same_output(const struct fl_fate_output *a, const struct fl_fate_output *b,
                        const struct match *region)
{
    struct vlans a_vlans = vlans_of(a, region);
    struct vlans b_vlans = vlans_of(b, region);

    return !strcmp(a->port, b->port) && nullable_string_is_equal(a->tunnel, b->tunnel) &&
           a->max_bytes == b->max_bytes && same_vlans(&a_vlans, &b_vlans) &&
           same_headers(a, b, region);
}

bool fl_fate_same(const struct fl_fate *a, const struct fl_fate *b, const struct match *region)
{
    if (a->undecided || b->undecided || a->n_outputs != b->n_outputs) {
        return false;
    }
    for (size_t i = 0; i < a->n_outputs; i++) {
        if (!same_output(&a->outputs[i], &b->outputs[i], region)) {
            return false;
        }
    }
    return true;
}

/* Text */

static void format_vlans(const struct vlans *vlans, struct ds *text)
{
    for (unsigned int i = 0; i < vlans->n_popped; i++) {
        ds_put_cstr(text, "pop_vlan ");
    }
    for (unsigned int i = 0; i < vlans->n_pushed; i++) {
        const union flow_vlan_hdr *vlan = &vlans->pushed[i];

        ds_put_cstr(text, "push_vlan(");
        if (vlan->tpid != htons(ETH_TYPE_VLAN_8021Q)) {
            ds_put_format(text, "tpid=0x%04x,", ntohs(vlan->tpid));
        }
        ds_put_format(text, "vid=%u,pcp=%d) ", vlan_tci_to_vid(vlan->tci),
                      vlan_tci_to_pcp(vlan->tci));
    }
}

#define FIELD(NAME)                                                   \
    {                                                                 \
        offsetof(struct flow, NAME), sizeof(((struct flow *)0)->NAME) \
    }
static const struct {
    size_t offset, size;
} fields[] = {
    FIELD(skb_priority), FIELD(pkt_mark), FIELD(dl_src),   FIELD(dl_dst), FIELD(nw_src),
    FIELD(nw_dst),       FIELD(ipv6_src), FIELD(ipv6_dst), FIELD(nw_tos), FIELD(nw_ttl),
    FIELD(ipv6_label),   FIELD(arp_sha),  FIELD(arp_tha),  FIELD(tp_src), FIELD(tp_dst),
};
#undef FIELD

/* Clears the mask of fields that are set to what they are at entry. */
static void leave_out_unchanged(struct match *set, const struct match *region)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const uint8_t *value = (const uint8_t *)&set->flow + fields[i].offset;
        const uint8_t *entry = (const uint8_t *)&region->flow + fields[i].offset;
        const uint8_t *bound = (const uint8_t *)&region->wc.masks + fields[i].offset;
        uint8_t *mask = (uint8_t *)&set->wc.masks + fields[i].offset;
        bool changed = false;

        for (size_t j = 0; j < fields[i].size; j++) {
            changed |= mask[j] & (~bound[j] | (value[j] ^ entry[j]));
        }
        if (!changed) {
            memset(mask, 0, fields[i].size);
        }
    }
}

static void format_headers(const struct fl_fate_output *out, const struct match *region,
                           struct ds *text)
{
    struct match set = { .flow = out->set, .wc = { .masks = out->set_mask } };

    leave_out_unchanged(&set, region);
    match_zero_wildcarded_fields(&set);
    /* The names of fields depend on these. */
    set.flow.dl_type = region->flow.dl_type;
    set.flow.nw_proto = region->flow.nw_proto;
    if (!is_all_zeros(&set.wc.masks, sizeof set.wc.masks)) {
        match_format(&set, NULL, text, OFP_DEFAULT_PRIORITY);
        ds_put_char(text, ' ');
    }
}

void fl_fate_format(const struct fl_fate *fate, struct ds *text)
{
    for (size_t i = 0; i < fate->n_outputs; i++) {
        const struct fl_fate_output *out = &fate->outputs[i];
        struct vlans vlans = vlans_of(out, &fate->region);

        ds_put_cstr(text, i ? "; " : "");
        format_vlans(&vlans, text);
        format_headers(out, &fate->region, text);
        if (out->tunnel) {
            ds_put_format(text, "%s ", out->tunnel);
        }
        if (out->max_bytes) {
            ds_put_format(text, "trunc(%u) ", out->max_bytes);
        }
        ds_put_format(text, "-> %s", out->port);
    }
    if (!fate->n_outputs) {
        ds_put_cstr(text, "drop");
    }
    if (fate->undecided) {
        ds_put_format(text, " (undecided: %s)", fate->undecided);
    }
}

void fl_fate_format_involved(unsigned int involves, struct ds *text)
{
    static const char *const names[] = {
        "ct",         "commit",    "ct-state", "ct-entry", "nat",   "learn",
        "controller", "userspace", "meter",    "sample",   "group", "normal",
        "flood",      "tunnel",    "trunc",    "hash",     "clone", "recirc",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (involves & 1u << i) {
            ds_put_format(text, "%s%s", text->length ? " " : "", names[i]);
        }
    }
}
