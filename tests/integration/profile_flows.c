/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Judges flows that a NIC has by its profile, for test_corpus_profiles.py.
 *
 *   profile_flows PROFILE FILE     FILE as --from takes it. A JSON object a flow in hardware:
 *                                  {"line", "refused": [names], "depends": [names]}
 */

#include <stdio.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/nic_profile.h"
#include "lib/collect.h"

static void print_hits(const struct fl_flow *flow, const struct fl_profile_hit *hits, size_t n)
{
    json_t *refused = json_array(), *depends = json_array();
    _cleanup_json json_t *json = json_pack("{si so so}", "line", (int)flow->line, "refused",
                                           refused, "depends", depends);

    for (size_t i = 0; i < n; i++)
        json_array_append_new(hits[i].line->word == FL_PROFILE_DEPENDS ? depends : refused,
                              json_string(hits[i].line->name));
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
}

static void judge(const struct fl_snapshot *snapshot, const struct fl_profile *profile)
{
    for (size_t i = 0; i < fl_snapshot_n_flows(snapshot); i++) {
        const struct fl_flow *flow = &fl_snapshot_flow(snapshot, i)->flow;
        struct fl_profile_hit hits[FL_PROFILE_HITS_MAX];

        if (flow->path == FL_PATH_HW)
            print_hits(flow, hits,
                       fl_profile_against(profile, fl_offload_api(flow, NULL), flow, hits));
    }
}

int main(int argc, char *argv[])
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_collect_options options = { .keep = FL_KEEP_ALL };
    const struct fl_profile *profile;
    struct fl_profiles profiles;
    struct fl_snapshot *snapshot;
    struct fl_config config;
    int status = 2;

    if (argc != 3) {
        fprintf(stderr, "usage: profile_flows PROFILE FILE\n");
        return 2;
    }
    fl_profiles_init(&profiles);
    fl_config_init(&config);
    options.config = &config;
    profile = fl_profiles_named(&profiles, argv[1]);
    if (!profile) {
        fprintf(stderr, "profile_flows: no profile %s\n", argv[1]);
    } else if (fl_collect_files((const char *const[]){ argv[2] }, 1, &options, &snapshot, &err)) {
        fprintf(stderr, "profile_flows: %s\n", err.text);
    } else {
        judge(snapshot, profile);
        fl_snapshot_destroy(snapshot);
        status = 0;
    }
    fl_config_destroy(&config);
    fl_profiles_destroy(&profiles);
    return status;
}
