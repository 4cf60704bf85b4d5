/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of the decoder of the kernel datapath's flows: an input is one message of family
 * "ovs_flow" from its struct ovs_header on. What it makes of it can be walked through and printed, and
 * its text is read again by the decoder of dumps. The TC filter that Open vSwitch would offer for it can be
 * encoded and shrunk, whatever the NIC says.
 */
#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/actions.h"
#include "flows/decode.h"
#include "flows/odp_flow.h"
#include "flows/shrink.h"
#include "flows/tc_offer.h"
#include "lib/tc/encode.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct fl_ports *ports;
    const struct fl_flow *flow; /* That is being read again. */
    unsigned int n_again;
};

static bool visit(const struct nlattr *action, void *n)
{
    *(size_t *)n += nl_attr_get_size(action);
    return false;
}

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
    REQUIRE(!flow->match_partial || flow->parse_error);
}

/* It is never wider in text than it says, and never another flow's. */
static int see_again(const struct fl_flow *again, void *seen_)
{
    struct seen *seen = seen_;
    const struct fl_flow *flow = seen->flow;

    seen->n_again++;
    REQUIRE(again->has_ufid == flow->has_ufid);
    REQUIRE(!flow->has_ufid || ovs_u128_equals(again->id, flow->id));
    REQUIRE(again->match_partial || minimatch_equal(&again->match, &flow->match));
    REQUIRE(again->has_actions <= flow->has_actions);
    REQUIRE(again->packets == flow->packets || flow->packets == FL_COUNT_UNKNOWN);
    return 0;
}

static void read_again(struct seen *seen, const struct fl_flow *flow)
{
    struct fl_decoder *decoder = fl_decoder_create(seen->ports, 0, see_again, seen);

    seen->flow = flow;
    seen->n_again = 0;
    fl_decoder_push(decoder, flow->raw, strlen(flow->raw));
    fl_decoder_finish(decoder);
    REQUIRE(seen->n_again == 1);
    fl_decoder_destroy(decoder);
}

static bool find_port(odp_port_t port OVS_UNUSED, struct fl_tc_port *found, void *kind)
{
    *found = (struct fl_tc_port){ .dev = "eth0", .kind = kind, .ifindex = 2 };
    return true;
}

/* Of two filters it may refuse the smaller one. */
static void answer(const struct fl_tc_filter *filter, void *seed, struct fl_tc_answer *said)
{
    static _Alignas(4) uint8_t request[FL_TC_MESSAGE_BYTES];
    uint64_t hash = filter->present * 2654435761u + filter->n_actions + filter->n_pedit_keys;
    int ret = fl_tc_encode(filter, 1, request, sizeof request, NULL);

    REQUIRE(!ret || ret == -EOPNOTSUPP || ret == -EMSGSIZE);
    REQUIRE(filter->n_actions);
    said->verdict = (hash >> 7 ^ *(unsigned int *)seed) & 3 ? FL_TC_REFUSED : FL_TC_ACCEPTED;
    said->error = said->verdict == FL_TC_REFUSED ? -EOPNOTSUPP : 0;
}

static void check_offer(const struct fl_flow *flow, const char *kind)
{
    static struct fl_tc_filter filter;
    static struct fl_shrunk shrunk;
    const struct fl_tc_offer_host host = { .port = find_port, .aux = (void *)(uintptr_t)kind };
    struct fl_error err = FL_ERROR_INIT;
    struct ds text = DS_EMPTY_INITIALIZER;
    unsigned int seed = flow->actions_len;

    if (fl_tc_offer(flow, &host, &filter, &err)) {
        REQUIRE(err.text[0]);
        return;
    }
    fl_shrink(&filter, answer, &seed, &shrunk);
    REQUIRE(shrunk.n_offers <= 4 * shrunk.n_units + 16);
    for (unsigned int i = 0; i < shrunk.n_parts; i++) {
        REQUIRE(shrunk.parts[i].units);
        fl_shrunk_format(&shrunk, i, &filter, &text);
    }
    ds_destroy(&text);
}

static int see_flow(const struct fl_flow *flow, void *seen)
{
    size_t n = 0;

    REQUIRE(flow->raw && flow->match_text && (!flow->has_actions || flow->actions_text));
    REQUIRE(flow->has_actions || (flow->parse_error && !flow->actions_len));
    REQUIRE(flow->drops == (flow->has_actions && !flow->actions_len));
    REQUIRE(flow->path == FL_PATH_DP_SW || flow->path == FL_PATH_UPCALL);
    check_match(flow);
    fl_actions_walk(flow->actions, flow->actions_len, visit, &n);
    read_again(seen, flow);
    check_offer(flow, NULL);
    check_offer(flow, "geneve");
    return 0;
}

static int count(const struct fl_flow *flow OVS_UNUSED, void *n)
{
    ++*(unsigned int *)n;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_odp_decoder *decoder;
    struct seen seen = { .ports = NULL };
    unsigned int n = 0;
    void *attrs;

    if (size < sizeof(struct ovs_header))
        return 0;
    size -= sizeof(struct ovs_header);
    attrs = xmemdup(data + sizeof(struct ovs_header), size); /* aligned */
    seen.ports = fl_ports_create();
    decoder = fl_odp_decoder_create(seen.ports, FL_DECODE_KEEP_TEXT);
    fl_odp_decoder_map_port(decoder, 1, fl_ports_intern(seen.ports, "vf-rep-0", 8));
    REQUIRE(fl_odp_decode(decoder, attrs, size, 100000, see_flow, &seen) == 0);
    fl_odp_decoder_destroy(decoder);

    decoder = fl_odp_decoder_create(seen.ports, FL_ODP_COUNTERS);
    REQUIRE(fl_odp_decode(decoder, attrs, size, 100000, count, &n) == 0 && n == 1);
    fl_odp_decoder_destroy(decoder);
    fl_ports_destroy(seen.ports);
    free(attrs);
    return 0;
}
