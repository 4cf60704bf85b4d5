/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NIC profiles, as an administrator may add them one day: JSON.
 * Whatever is taken for a profile must judge a flow, and say of a rewrite whether it is allowed.
 */
#include <jansson.h>
#include <ovs/util.h>
#include <stdint.h>
#include <string.h>

#include "flows/decode.h"
#include "flows/nic_profile.h"
#include "flows/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char dump[] =
    "recirc_id(0x1),in_port(a),ct_state(+new+trk),eth(src=52:54:00:00:00:01),eth_type(0x8100),"
    "vlan(vid=7,pcp=0),encap(eth_type(0x0800),ipv4(src=10.0.0.0/8,proto=6,tos=3,ttl=64,frag=no),"
    "tcp(dst=2049)), packets:1, bytes:1, used:0s, dp:tc, actions:pop_vlan,ct(commit,zone=1),"
    "set(eth(dst=52:54:00:00:00:02)),set(ipv4(tos=0x1/0x3,ttl=63)),push_vlan(vid=9,pcp=1),b,c\n";

static void judge(const struct fl_profiles *profiles, enum fl_offload_api api,
                  const struct fl_flow *flow)
{
    for (size_t i = 0; i < profiles->n; i++) {
        struct fl_cause causes[FL_MAX_CAUSES];
        size_t n = fl_profile_judge(profiles->profiles[i], api, flow, causes);

        ovs_assert(n <= FL_MAX_CAUSES);
        for (size_t j = 0; j < n; j++)
            ovs_assert(causes[j].may_be && causes[j].detail[0]);
        fl_profile_allows_rewrite(profiles->profiles[i], api, "nw_ttl", FL_PROFILE_OVER_IPV4, NULL);
    }
}

static int judge_one(const struct fl_flow *flow, void *profiles)
{
    judge(profiles, FL_API_TC, flow);
    judge(profiles, FL_API_RTE_FLOW, flow);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_profiles profiles = { .profiles = NULL };
    struct fl_error err = FL_ERROR_INIT;
    json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    if (json && !fl_profiles_add(&profiles, json, &err)) {
        struct fl_profile_port port = { .api = FL_API_TC,
                                        .driver = "mlx5e_rep",
                                        .firmware = "22." };
        struct fl_ports *ports = fl_ports_create();
        struct fl_decoder *decoder = fl_decoder_create(ports, 0, judge_one, &profiles);

        fl_profiles_find(&profiles, &port);
        ovs_assert(!fl_decoder_push(decoder, dump, strlen(dump)));
        ovs_assert(!fl_decoder_finish(decoder));
        fl_decoder_destroy(decoder);
        fl_ports_destroy(ports);
    } else if (json) {
        ovs_assert(err.text[0]);
    }
    fl_profiles_destroy(&profiles);
    json_decref(json);
    return 0;
}
