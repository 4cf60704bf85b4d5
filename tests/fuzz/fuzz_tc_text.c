/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of what tc prints, as text and as JSON. The first byte says how the rest is cut into
 * pushes; the same text is decoded twice, cut and in one piece, and must give the same filters.
 */
#include <jansson.h>
#include <ovs/hash.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/tc_flow.h"
#include "flows/tc_json.h"
#include "flows/tc_text.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct fl_ports *ports;
    struct fl_tc_flow scratch;
    uint64_t filters;
    uint32_t last_line, hash;
};

static int see_filter(const struct fl_tc_filter *filter, void *seen_)
{
    struct seen *seen = seen_;
    json_t *json = fl_tc_filter_json(filter);
    char *text = json_dumps(json, JSON_COMPACT);
    struct fl_flow flow;

    REQUIRE(json && text);
    fl_tc_to_flow(&seen->scratch, filter, 0, &flow);
    REQUIRE(flow.line && flow.line >= seen->last_line);
    REQUIRE(flow.path < FL_N_PATHS);
    REQUIRE(flow.has_actions || flow.parse_error);
    for (const char *p = flow.parse_error; p && *p; p++)
        REQUIRE((unsigned char)*p >= ' ' && *p != 0x7f);
    seen->filters++;
    seen->last_line = flow.line;
    seen->hash = hash_string(text, seen->hash);
    free(text);
    json_decref(json);
    return 0;
}

static void decode(const uint8_t *data, size_t size, size_t cut, struct seen *seen)
{
    const struct fl_decode_stats *stats;
    struct fl_tc_text *text;

    memset(seen, 0, sizeof *seen);
    seen->ports = fl_ports_create();
    fl_tc_flow_init(&seen->scratch, seen->ports);
    text = fl_tc_text_create(see_filter, seen);
    for (size_t at = 0; at < size; at += MIN(cut, size - at))
        REQUIRE(fl_tc_text_push(text, data + at, MIN(cut, size - at)) == 0);
    REQUIRE(fl_tc_text_finish(text) == 0);
    stats = fl_tc_text_stats(text);
    REQUIRE(stats->lines ==
            stats->flow_lines + stats->continued_lines + stats->heading_lines + stats->other_lines);
    REQUIRE(stats->flows == seen->filters);
    fl_tc_text_destroy(text);
    fl_tc_flow_uninit(&seen->scratch);
    fl_ports_destroy(seen->ports);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, cut;

    if (size < 1)
        return 0;
    decode(data + 1, size - 1, SIZE_MAX, &whole);
    decode(data + 1, size - 1, 1 + data[0] % 64, &cut);
    REQUIRE(whole.filters == cut.filters && whole.hash == cut.hash);
    return 0;
}
