/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of the dump decoder. The first byte says how the rest is cut into pushes; the same text
 * is decoded twice, cut and in one piece, and must give the same flows.
 */
#include <ovs/hash.h>
#include <ovs/netlink.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/decode.h"
#include "flows/limits.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What one pass over the text gave. */
struct seen {
    struct fl_ports *ports;
    uint64_t flows;
    uint64_t parse_errors;
    uint32_t last_line;
    uint32_t hash; /* Of all flows. */
};

static void check_strings(const struct fl_flow *flow)
{
    const char *const strings[] = { flow->match_text, flow->actions_text, flow->raw,
                                    flow->offload_info, flow->parse_error };

    for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
        for (const char *p = strings[i]; p && *p; p++)
            REQUIRE((unsigned char)*p >= ' ' && *p != 0x7f);
    }
}

static void check_path(const struct fl_flow *flow)
{
    if (flow->path == FL_PATH_HW)
        REQUIRE(flow->offloaded == FL_OFFLOADED_YES);
    if (flow->path == FL_PATH_HW_PARTIAL)
        REQUIRE(flow->offloaded == FL_OFFLOADED_PARTIAL || flow->offloaded == FL_OFFLOADED_YES);
    if (flow->path == FL_PATH_DP_SW)
        REQUIRE(flow->layer == FL_LAYER_OVS);
    if (flow->path == FL_PATH_TC_SW)
        REQUIRE(flow->layer == FL_LAYER_TC);
    REQUIRE(flow->path < FL_N_PATHS);
}

/* Every bit of the match that is wildcarded is zero; it comes back from its minimatch as it went in. */
static void check_match(const struct fl_flow *flow)
{
    struct minimatch again;
    struct match match;

    minimatch_expand(&flow->match, &match);
    match_zero_wildcarded_fields(&match);
    minimatch_init(&again, &match);
    REQUIRE(minimatch_equal(&again, &flow->match));
    minimatch_destroy(&again);
    REQUIRE(flow->has_match || flow->match_partial);
}

/* The actions can be walked through and printed. */
static void check_actions(const struct fl_flow *flow)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    REQUIRE(!flow->drops || flow->has_actions);
    if (!flow->has_actions) {
        REQUIRE(flow->actions_len == 0);
        return;
    }
    REQUIRE(flow->drops == (flow->actions_len == 0));
    format_odp_actions(&text, flow->actions, flow->actions_len, NULL);
    ds_destroy(&text);
}

static void add_to_hash(struct seen *seen, const struct fl_flow *flow)
{
    uint32_t hash = seen->hash;

    hash = hash_add64(hash, flow->packets);
    hash = hash_add64(hash, flow->bytes);
    hash = hash_add64(hash, (uint64_t)flow->used_ms);
    hash = hash_add64(hash, flow->id.u64.hi ^ flow->id.u64.lo);
    hash = hash_add(hash, flow->path);
    hash = hash_add(hash, odp_to_u32(flow->in_port));
    hash = hash_add(hash, flow->recirc_id);
    hash = hash_add(hash, flow->line);
    hash = hash_add(hash, (uint32_t)flow->pmd);
    hash = hash_string(flow->raw, hash);
    hash = hash_string(flow->parse_error ? flow->parse_error : "", hash);
    seen->hash = hash_add(hash, flow->actions_len);
}

static int see_flow(const struct fl_flow *flow, void *aux)
{
    struct seen *seen = aux;
    char buf[37];

    seen->flows++;
    seen->parse_errors += flow->parse_error != NULL;
    REQUIRE(flow->line >= seen->last_line && flow->line > 0);
    seen->last_line = flow->line;
    REQUIRE(flow->raw && flow->raw[0] && strlen(flow->raw) <= FL_LIMIT_LINE_BYTES + 64);
    if (flow->in_port != ODPP_NONE)
        REQUIRE(fl_ports_name(seen->ports, flow->in_port, buf)[0]);
    REQUIRE(flow->has_actions || flow->parse_error);
    REQUIRE(!flow->match_partial || flow->parse_error);
    check_strings(flow);
    check_path(flow);
    check_match(flow);
    check_actions(flow);
    fl_flow_format_id(flow, buf);
    add_to_hash(seen, flow);
    return 0;
}

static void decode(const uint8_t *data, size_t size, size_t cut, struct seen *seen)
{
    struct fl_decoder *decoder;
    const struct fl_decode_stats *stats;

    memset(seen, 0, sizeof *seen);
    seen->ports = fl_ports_create();
    decoder = fl_decoder_create(seen->ports, FL_DECODE_KEEP_TEXT, see_flow, seen);
    for (size_t at = 0; at < size; at += MIN(cut, size - at))
        REQUIRE(fl_decoder_push(decoder, data + at, MIN(cut, size - at)) == 0);
    REQUIRE(fl_decoder_finish(decoder) == 0);

    stats = fl_decoder_stats(decoder);
    REQUIRE(stats->lines ==
            stats->flow_lines + stats->continued_lines + stats->heading_lines + stats->other_lines);
    REQUIRE(stats->flows == seen->flows && stats->parse_errors == seen->parse_errors);
    REQUIRE(stats->flows >= stats->flow_lines);
    fl_decoder_destroy(decoder);
    fl_ports_destroy(seen->ports);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, cut;

    if (size < 1)
        return 0;
    decode(data + 1, size - 1, SIZE_MAX, &whole);
    decode(data + 1, size - 1, 1 + data[0] % 64, &cut);
    REQUIRE(whole.flows == cut.flows && whole.hash == cut.hash);
    return 0;
}
