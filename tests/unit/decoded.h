/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_DECODED_H
#define FLOWLIFT_TESTS_DECODED_H

/*
 * The decoder's flows as text, one line each, with everything in it: what a test compares.
 *
 *     LINE: PATH UFID pmd N in_port P recirc_id N, N packets N bytes used N ms | MATCH | ACTIONS | ERROR
 */

#include <errno.h>
#include <ovs/netlink.h>
#include <ovs/odp-util.h>
#include <ovs/simap.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "flows/decode.h"

struct decoded {
    struct ds text;
    struct fl_ports *ports;
    struct fl_decode_stats stats;
    uint64_t stop_after; /* Flows; 0: none. */
    int returned;
};

static void put_count(struct ds *text, const char *unit, uint64_t count)
{
    if (count == FL_COUNT_UNKNOWN)
        ds_put_format(text, " ? %s", unit);
    else
        ds_put_format(text, " %" PRIu64 " %s", count, unit);
}

static void put_used(struct ds *text, int64_t used_ms)
{
    if (used_ms == FL_USED_UNKNOWN)
        ds_put_cstr(text, " used ?");
    else if (used_ms == FL_USED_NEVER)
        ds_put_cstr(text, " used never");
    else
        ds_put_format(text, " used %" PRId64 " ms", used_ms);
}

/* Without in_port, which stands before, and with what OpenFlow text hides. */
static void put_match(struct ds *text, const struct fl_flow *flow)
{
    struct match match;

    if (!flow->has_match) {
        ds_put_cstr(text, " | -");
        return;
    }
    minimatch_expand(&flow->match, &match);
    match.wc.masks.in_port.odp_port = 0;
    match.wc.masks.recirc_id = 0;
    ds_put_cstr(text, flow->match_partial ? " | partial " : " | ");
    match_format(&match, NULL, text, OFP_DEFAULT_PRIORITY);
    ds_chomp(text, ' ');
}

static void put_actions(struct ds *text, const struct fl_flow *flow, const struct fl_ports *ports)
{
    struct hmap names = HMAP_INITIALIZER(&names);
    struct simap_node *node;

    if (!flow->has_actions) {
        ds_put_cstr(text, " | -");
        return;
    }
    SIMAP_FOR_EACH(node, fl_ports_simap(ports))
        odp_portno_names_set(&names, u32_to_odp(node->data), node->name);
    ds_put_cstr(text, " | ");
    format_odp_actions(text, flow->actions, flow->actions_len, &names);
    odp_portno_names_destroy(&names);
    hmap_destroy(&names);
}

static int put_flow(const struct fl_flow *flow, void *decoded_)
{
    struct decoded *decoded = decoded_;
    struct ds *text = &decoded->text;
    char id[37], port[16];

    ds_put_format(text, "%" PRIu32 ": %s", flow->line, fl_path_name(flow->path));
    if (flow->has_ufid) {
        fl_flow_format_id(flow, id);
        ds_put_format(text, " %.8s", id);
    }
    if (flow->pmd != FL_PMD_NONE)
        ds_put_format(text, " pmd %d", flow->pmd);
    if (flow->in_port != ODPP_NONE)
        ds_put_format(text, " in_port %s", fl_ports_name(decoded->ports, flow->in_port, port));
    if (flow->has_recirc_id)
        ds_put_format(text, " recirc_id 0x%" PRIx32, flow->recirc_id);
    ds_put_char(text, ',');
    put_count(text, "packets", flow->packets);
    put_count(text, "bytes", flow->bytes);
    put_used(text, flow->used_ms);
    put_match(text, flow);
    put_actions(text, flow, decoded->ports);
    if (flow->offload_info)
        ds_put_format(text, " | info: %s", flow->offload_info);
    if (flow->parse_error)
        ds_put_format(text, " | %s", flow->parse_error);
    ds_put_char(text, '\n');
    return decoded->stop_after && !--decoded->stop_after ? -ECANCELED : 0;
}

/* Push @size bytes, @cut at a time. */
static void decode_bytes(struct decoded *decoded, const char *bytes, size_t size, size_t cut)
{
    struct fl_decoder *decoder;

    decoder = fl_decoder_create(decoded->ports, FL_DECODE_KEEP_TEXT, put_flow, decoded);
    for (size_t at = 0; at < size && !decoded->returned; at += MIN(cut, size - at))
        decoded->returned = fl_decoder_push(decoder, bytes + at, MIN(cut, size - at));
    if (!decoded->returned)
        decoded->returned = fl_decoder_finish(decoder);
    decoded->stats = *fl_decoder_stats(decoder);
    fl_decoder_destroy(decoder);
}

static void decoded_init(struct decoded *decoded)
{
    memset(decoded, 0, sizeof *decoded);
    ds_init(&decoded->text);
    decoded->ports = fl_ports_create();
}

static void decoded_destroy(struct decoded *decoded)
{
    ds_destroy(&decoded->text);
    fl_ports_destroy(decoded->ports);
}

/* All flows of @text, as described above; to be freed. */
static inline char *flows_of(const char *text)
{
    struct decoded decoded;
    char *flows;

    decoded_init(&decoded);
    decode_bytes(&decoded, text, strlen(text), SIZE_MAX);
    flows = ds_steal_cstr(&decoded.text);
    decoded_destroy(&decoded);
    return flows;
}

#endif
