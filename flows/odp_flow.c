/* SPDX-License-Identifier: Apache-2.0 */

/* See odp_flow.h. */

#include "flows/odp_flow.h"

#include <arpa/inet.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/hash.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/flow_text.h"
#include "flows/odp_actions.h"

/* The kernel itself has no more (DP_MAX_PORTS); what is beyond stands for itself. */
#define MAX_PORTS 65536u

enum string { STRING_RAW, STRING_MATCH, STRING_ACTIONS, N_STRINGS };

struct fl_odp_decoder {
    const struct fl_ports *ports;
    unsigned int flags;
    odp_port_t *numbers; /* By the datapath's number; ODPP_NONE: not mapped. */
    size_t n_numbers;
    struct match wide; /* Before it becomes the flow's minimatch. */
    struct ofpbuf actions;
    struct ds strings[N_STRINGS];
    char error[160]; /* parse_error */
};

/* What a flow consists of; NULL for what is not there. */
struct parts {
    const struct nlattr *key, *mask, *actions, *stats, *used, *ufid;
    bool cut_off; /* Bytes at the end are no attribute. */
};

struct fl_odp_decoder *fl_odp_decoder_create(const struct fl_ports *ports, unsigned int flags)
{
    struct fl_odp_decoder *decoder = xzalloc(sizeof *decoder);

    decoder->ports = ports;
    decoder->flags = flags;
    ofpbuf_init(&decoder->actions, 512);
    for (size_t i = 0; i < N_STRINGS; i++) {
        ds_init(&decoder->strings[i]);
    }
    return decoder;
}

void fl_odp_decoder_destroy(struct fl_odp_decoder *decoder)
{
    if (!decoder) {
        return;
    }
    for (size_t i = 0; i < N_STRINGS; i++) {
        ds_destroy(&decoder->strings[i]);
    }
    ofpbuf_uninit(&decoder->actions);
    free(decoder->numbers);
    free(decoder);
}

void fl_odp_decoder_map_port(struct fl_odp_decoder *decoder, uint32_t number, odp_port_t port)
{
    if (number >= MAX_PORTS) {
        return;
    }
    if (number >= decoder->n_numbers) {
        size_t n = MAX(number + 1, 2 * decoder->n_numbers);

        decoder->numbers = xrealloc(decoder->numbers, n * sizeof *decoder->numbers);
        for (size_t i = decoder->n_numbers; i < n; i++) {
            decoder->numbers[i] = ODPP_NONE;
        }
        decoder->n_numbers = n;
    }
    decoder->numbers[number] = port;
}

static odp_port_t map_port(odp_port_t port, void *decoder_)
{
    const struct fl_odp_decoder *decoder = decoder_;
    uint32_t number = odp_to_u32(port);

    if (number < decoder->n_numbers && decoder->numbers[number] != ODPP_NONE) {
        return decoder->numbers[number];
    }
    return port;
}

static void blame(struct fl_odp_decoder *decoder, struct fl_flow *flow, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void blame(struct fl_odp_decoder *decoder, struct fl_flow *flow, const char *format, ...)
{
    va_list args;

    if (flow->parse_error) {
        return; /* the first is kept */
    }
    va_start(args, format);
    vsnprintf(decoder->error, sizeof decoder->error, format, args);
    va_end(args);
    flow->parse_error = decoder->error;
}

static void find_parts(const void *attrs, size_t n_bytes, struct parts *parts)
{
    const struct nlattr *attr;
    size_t left;

    memset(parts, 0, sizeof *parts);
    NL_ATTR_FOR_EACH(attr, left, attrs, n_bytes) {
        switch (nl_attr_type(attr)) {
        case OVS_FLOW_ATTR_KEY: parts->key = attr; break;
        case OVS_FLOW_ATTR_MASK: parts->mask = attr; break;
        case OVS_FLOW_ATTR_ACTIONS: parts->actions = attr; break;
        case OVS_FLOW_ATTR_STATS: parts->stats = attr; break;
        case OVS_FLOW_ATTR_USED: parts->used = attr; break;
        case OVS_FLOW_ATTR_UFID: parts->ufid = attr; break;
        }
    }
    parts->cut_off = left != 0;
}

/* Identity and counters */

/* Without ufid the kernel tells a flow by its whole key, whatever else was asked for. */
static void read_id(const struct parts *parts, struct fl_flow *flow)
{
    if (parts->ufid && nl_attr_get_size(parts->ufid) == sizeof flow->id) {
        memcpy(&flow->id, nl_attr_get(parts->ufid), sizeof flow->id);
        flow->has_ufid = true;
    } else if (parts->key) {
        hash_bytes128(nl_attr_get(parts->key), nl_attr_get_size(parts->key), 0, &flow->id);
    }
}

/* The kernel leaves out statistics of a flow that took no packet yet, and when it was used. */
static void read_counters(const struct parts *parts, int64_t now_ms, struct fl_flow *flow)
{
    struct ovs_flow_stats stats;
    uint64_t used_ms;

    flow->packets = 0;
    flow->bytes = 0;
    flow->hw_packets = 0;
    flow->hw_bytes = 0;
    flow->used_ms = FL_USED_NEVER;
    if (parts->stats && nl_attr_get_size(parts->stats) >= sizeof stats) {
        memcpy(&stats, nl_attr_get(parts->stats), sizeof stats);
        flow->packets = get_32aligned_u64((const ovs_32aligned_u64 *)&stats.n_packets);
        flow->bytes = get_32aligned_u64((const ovs_32aligned_u64 *)&stats.n_bytes);
    }
    if (parts->used && nl_attr_get_size(parts->used) >= sizeof used_ms) {
        memcpy(&used_ms, nl_attr_get(parts->used), sizeof used_ms);
        flow->used_ms = used_ms < (uint64_t)now_ms ? now_ms - (int64_t)used_ms : 0;
    }
}

/* The match */

/* Deeper than the tags that the kernel parses. */
#define MAX_ENCAP 4

static const struct nlattr *find_in(const struct nlattr *nest, int type)
{
    return nest ? nl_attr_find_nested(nest, (uint16_t)type) : NULL;
}

/* An attribute newer than libopenvswitch does not matter when nothing of it is matched. */
static bool is_wild(const struct nlattr *mask, int type)
{
    const struct nlattr *attr = find_in(mask, type);

    return attr && is_all_zeros(nl_attr_get(attr), nl_attr_get_size(attr));
}

/*
 * Looks at what libopenvswitch skips or believes; *@has_recirc_id is set when there is one.
 * Return: false when @key is not to be handed to it.
 */
static bool check_key(struct fl_odp_decoder *decoder, const struct nlattr *key,
                      const struct nlattr *mask, struct fl_flow *flow, bool *has_recirc_id,
                      unsigned int depth)
{
    const struct nlattr *attr;
    bool ignored = false;
    size_t left;

    if (depth > MAX_ENCAP) {
        return false;
    }
    NL_NESTED_FOR_EACH(attr, left, key) {
        int type = attr->nla_type & NLA_TYPE_MASK; /* for each attribute of each flow: no call */

        if (type <= OVS_KEY_ATTR_NSH && type != OVS_KEY_ATTR_TUNNEL && type != OVS_KEY_ATTR_ENCAP &&
            type != OVS_KEY_ATTR_UNSPEC) {
            *has_recirc_id |= type == OVS_KEY_ATTR_RECIRC_ID;
        } else if (type == OVS_KEY_ATTR_TUNNEL) {
            if (!fl_odp_tunnel_is_readable(attr)) {
                return false;
            }
        } else if (type == OVS_KEY_ATTR_ENCAP) {
            if (!check_key(decoder, attr, find_in(mask, type), flow, &ignored, depth + 1)) {
                return false;
            }
        } else if (!is_wild(mask, type)) {
            blame(decoder, flow, "a match attribute was not understood: type %d", type);
            flow->match_partial = true;
        }
    }
    return left == 0; /* it reads past the end of what it shows of bytes that are left */
}

static bool fits(enum odp_key_fitness fitness)
{
    return fitness == ODP_FIT_PERFECT || fitness == ODP_FIT_TOO_LITTLE;
}

/* Bits that no packet has, and the id of a tunnel that has none: a text does not tell them. */
static void forget_what_is_always_zero(struct match *match)
{
    struct flow *mask = &match->wc.masks;

    mask->tcp_flags &= htons(0x0fff);
    mask->ipv6_label &= htonl(0xfffff);
    if (mask->tunnel.flags & FLOW_TNL_F_KEY & ~match->flow.tunnel.flags) {
        mask->tunnel.tun_id = 0;
    }
}

/*
 * As decode_odp.c does it for the same flow's text: what the kernel does not send is wild.
 * Return: whether all was understood; else @match is what was, unless *@error is set.
 */
static bool to_match(const struct nlattr *key, const struct nlattr *mask, bool has_recirc_id,
                     struct match *match, char **error)
{
    enum odp_key_fitness key_fitness, mask_fitness = ODP_FIT_ERROR;

    memset(match, 0, sizeof *match);
    key_fitness = odp_flow_key_to_flow(nl_attr_get(key), nl_attr_get_size(key), &match->flow,
                                       error);
    if (key_fitness == ODP_FIT_ERROR) {
        return false;
    }
    mask_fitness = odp_flow_key_to_mask(mask ? nl_attr_get(mask) : NULL,
                                        mask ? nl_attr_get_size(mask) : 0, &match->wc, &match->flow,
                                        error);
    if (mask_fitness == ODP_FIT_ERROR) {
        return false;
    }
    if (!has_recirc_id) {
        match->wc.masks.recirc_id = 0;
    }
    if (match->flow.in_port.odp_port == ODPP_NONE) {
        match->wc.masks.in_port.odp_port = 0;
    }
    match->flow.packet_type = 0;
    match->wc.masks.packet_type = 0;
    forget_what_is_always_zero(match);
    return fits(key_fitness) && fits(mask_fitness);
}

/* The little that is of use when the whole cannot be read. */
static void read_some(const struct nlattr *key, struct match *match)
{
    const struct nlattr *attr;
    size_t left;

    memset(match, 0, sizeof *match);
    match->flow.in_port.odp_port = ODPP_NONE;
    NL_NESTED_FOR_EACH(attr, left, key) {
        if (nl_attr_get_size(attr) != sizeof(uint32_t)) {
            continue;
        }
        if (nl_attr_type(attr) == OVS_KEY_ATTR_IN_PORT) {
            match->flow.in_port.odp_port = nl_attr_get_odp_port(attr);
            match->wc.masks.in_port.odp_port = ODPP_NONE; /* all bits */
        } else if (nl_attr_type(attr) == OVS_KEY_ATTR_RECIRC_ID) {
            match->flow.recirc_id = nl_attr_get_u32(attr);
            match->wc.masks.recirc_id = UINT32_MAX;
        }
    }
}

static void read_match(struct fl_odp_decoder *decoder, const struct parts *parts,
                       struct fl_flow *flow)
{
    struct match *match = &decoder->wide;
    bool has_recirc_id = false, ignored = false;
    char *error = NULL;

    flow->has_match = check_key(decoder, parts->key, parts->mask, flow, &has_recirc_id, 0) &&
                      (!parts->mask ||
                       check_key(decoder, parts->mask, parts->mask, flow, &ignored, 0));
    if (flow->has_match && !to_match(parts->key, parts->mask, has_recirc_id, match, &error)) {
        blame(decoder, flow, "the match was not understood%s%s", error ? ": " : "",
              error ? error : "");
        flow->match_partial = true;
        flow->has_match = !error;
    }
    free(error);
    if (!flow->has_match) {
        blame(decoder, flow, "the match was not understood");
        flow->match_partial = true;
        read_some(parts->key, match);
    }
    flow->has_recirc_id = has_recirc_id;
    flow->recirc_id = match->flow.recirc_id;
    if (match->flow.in_port.odp_port != ODPP_NONE) {
        match->flow.in_port.odp_port = map_port(match->flow.in_port.odp_port, decoder);
    }
    flow->in_port = match->flow.in_port.odp_port;
    match_zero_wildcarded_fields(match);
    minimatch_init(&flow->match, match);
}

static void read_no_match(struct fl_odp_decoder *decoder, struct fl_flow *flow)
{
    memset(&decoder->wide, 0, sizeof decoder->wide);
    minimatch_init(&flow->match, &decoder->wide);
    flow->match_partial = true;
    if (!(decoder->flags & FL_ODP_COUNTERS)) {
        blame(decoder, flow, "the match is missing");
    }
}

/* Actions */

static void read_actions(struct fl_odp_decoder *decoder, const struct nlattr *actions,
                         struct fl_flow *flow)
{
    struct ofpbuf *copy = &decoder->actions;
    size_t n_bytes = actions ? nl_attr_get_size(actions) : 0;
    int refused;

    if (!actions) {
        if (!(decoder->flags & FL_ODP_COUNTERS)) {
            blame(decoder, flow, "the actions are missing");
        }
        return;
    }
    ofpbuf_clear(copy);
    ofpbuf_put(copy, nl_attr_get(actions), n_bytes);
    if (!fl_odp_actions_adopt(copy->data, &n_bytes, map_port, decoder, &refused)) {
        blame(decoder, flow, "an action was not understood: type %d", refused);
        return;
    }
    flow->has_actions = true;
    flow->actions = copy->data;
    flow->actions_len = (uint16_t)n_bytes;
    flow->drops = n_bytes == 0;
}

static void keep_text(struct fl_odp_decoder *decoder, struct fl_flow *flow)
{
    for (size_t i = 0; i < N_STRINGS; i++) {
        ds_clear(&decoder->strings[i]);
    }
    fl_flow_format_match(flow, decoder->ports, &decoder->strings[STRING_MATCH]);
    flow->match_text = ds_cstr(&decoder->strings[STRING_MATCH]);
    fl_flow_format(flow, decoder->ports, &decoder->strings[STRING_RAW]);
    flow->raw = ds_cstr(&decoder->strings[STRING_RAW]);
    if (flow->has_actions) {
        fl_flow_format_actions(flow, decoder->ports, &decoder->strings[STRING_ACTIONS]);
        flow->actions_text = ds_cstr(&decoder->strings[STRING_ACTIONS]);
    }
}

int fl_odp_decode(struct fl_odp_decoder *decoder, const void *attrs, size_t n_bytes, int64_t now_ms,
                  fl_decode_cb *cb, void *aux)
{
    struct fl_flow flow = {
        .path = FL_PATH_UNKNOWN,
        .layer = FL_LAYER_OVS,
        .pmd = FL_PMD_NONE,
        .in_port = ODPP_NONE,
    };
    struct parts parts;
    int retval;

    find_parts(attrs, n_bytes, &parts);
    read_id(&parts, &flow);
    read_counters(&parts, now_ms, &flow);
    if (parts.key && !(decoder->flags & FL_ODP_COUNTERS)) {
        read_match(decoder, &parts, &flow);
    } else {
        read_no_match(decoder, &flow);
    }
    if (parts.cut_off) {
        blame(decoder, &flow, "the flow is cut off");
        flow.match_partial = true;
    }
    read_actions(decoder, parts.actions, &flow);
    flow.path = fl_flow_path(&flow);
    if (decoder->flags & FL_DECODE_KEEP_TEXT) {
        keep_text(decoder, &flow);
    }
    retval = cb(&flow, aux);
    minimatch_destroy(&flow.match);
    return retval;
}
