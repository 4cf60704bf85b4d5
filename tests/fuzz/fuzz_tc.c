/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of the decoder of TC filters: a sequence of netlink messages. What was decoded is written
 * as JSON, read back, turned into a flow, and encoded as a request that can be decoded again.
 */
#include <jansson.h>
#include <linux/rtnetlink.h>
#include <ovs/netlink.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/tc_flow.h"
#include "flows/tc_json.h"
#include "lib/tc/decode.h"
#include "lib/tc/encode.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fl_tc_links links;
static struct fl_tc_filter filter, again;
static struct fl_tc_flow scratch;

static void check_flow(unsigned int flags)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct minimatch rebuilt;
    struct match match;
    struct fl_flow flow;

    fl_tc_to_flow(&scratch, &filter, flags, &flow);
    REQUIRE(flow.path < FL_N_PATHS && flow.layer == FL_LAYER_TC);
    REQUIRE(!flow.has_match || flow.has_actions || flow.parse_error);
    minimatch_expand(&flow.match, &match);
    match_zero_wildcarded_fields(&match);
    minimatch_init(&rebuilt, &match);
    REQUIRE(minimatch_equal(&rebuilt, &flow.match));
    minimatch_destroy(&rebuilt);
    if (flow.has_actions)
        format_odp_actions(&text, flow.actions, flow.actions_len, NULL);
    for (const char *p = flow.parse_error; p && *p; p++)
        REQUIRE((unsigned char)*p >= ' ' && *p != 0x7f);
    ds_destroy(&text);
    /* Nothing is left behind for the next flow. */
    fl_tc_to_flow(&scratch, &filter, FL_TC_FLOW_COUNTERS, &flow);
    REQUIRE(is_all_zeros(&scratch.wide.flow, sizeof scratch.wide.flow));
    REQUIRE(is_all_zeros(&scratch.wide.wc, sizeof scratch.wide.wc));
}

static void check_json(void)
{
    json_t *json = fl_tc_filter_json(&filter);
    char *text = json_dumps(json, JSON_COMPACT);

    REQUIRE(json && text);
    REQUIRE(fl_tc_filter_from_json(json, &again) == 0 || !filter.handle);
    REQUIRE(again.n_actions == filter.n_actions);
    free(text);
    json_decref(json);
}

static void check_encoding(void)
{
    static _Alignas(4) uint8_t request[FL_TC_MESSAGE_BYTES];
    const struct nlmsghdr *header = (const void *)request;

    if (fl_tc_encode(&filter, 1, request, sizeof request, NULL) || !filter.handle)
        return;
    REQUIRE(header->nlmsg_len <= sizeof request);
    REQUIRE(fl_tc_decode(request, header->nlmsg_len, &links, &again) == 0);
    REQUIRE(again.n_actions == filter.n_actions);
    REQUIRE(again.n_pedit_keys == filter.n_pedit_keys);
}

static void see(const struct nlmsghdr *message, size_t n)
{
    if (fl_tc_decode(message, n, &links, &filter))
        return;
    REQUIRE(filter.n_actions <= FL_TC_ACTIONS_MAX);
    REQUIRE(filter.n_pedit_keys <= FL_TC_PEDIT_KEYS_MAX);
    check_flow(0);
    check_flow(FL_TC_FLOW_COUNTERS);
    check_json();
    check_encoding();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_ports *ports = fl_ports_create();
    size_t at = 0;

    fl_tc_links_init(&links);
    fl_tc_links_put(&links, 2, "eth0", NULL);
    fl_tc_links_put(&links, 3, "genev_sys_6081", "geneve");
    fl_tc_flow_init(&scratch, ports);
    while (size - at >= sizeof(struct nlmsghdr)) {
        size_t n = size - at;
        struct nlmsghdr *message = xmemdup(data + at, n);
        size_t step = NLMSG_ALIGN(message->nlmsg_len);

        message->nlmsg_type = RTM_NEWTFILTER;
        message->nlmsg_len = (uint32_t)MIN(message->nlmsg_len, n);
        see(message, n);
        free(message);
        if (step < sizeof *message || step > n)
            break;
        at += step;
    }
    fl_tc_flow_uninit(&scratch);
    fl_ports_destroy(ports);
    fl_tc_links_destroy(&links);
    return 0;
}
