/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Causes that a flow and its host show: who looks for which. What is said of each is in catalogue.c.
 */

#include "flows/cause.h"

#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/cause_evidence.h"

/* NULL: the flow does not show it. */
static bool (*const shows[FL_N_CAUSES])(struct fl_scene *scene) = {
    [FL_CAUSE_OFFLOAD_OFF] = fl_shows_offload_off,
    [FL_CAUSE_TC_POLICY] = fl_shows_tc_policy,
    [FL_CAUSE_ORPHAN] = fl_shows_orphan,
    [FL_CAUSE_REPORTED] = fl_shows_reported,
    [FL_CAUSE_USERSPACE] = fl_shows_userspace,
    [FL_CAUSE_SAMPLING] = fl_shows_sampling,
    [FL_CAUSE_CT_HELPER] = fl_shows_ct_helper,
    [FL_CAUSE_CONNTRACK] = fl_shows_conntrack,
    [FL_CAUSE_DP_HASH] = fl_shows_dp_hash,
    [FL_CAUSE_RECIRCULATION] = fl_shows_recirculation,
    [FL_CAUSE_TUNNEL] = fl_shows_tunnel,
    [FL_CAUSE_METER] = fl_shows_meter,
    [FL_CAUSE_MULTI_OUTPUT] = fl_shows_multi_output,
    [FL_CAUSE_LOCAL_PORT] = fl_shows_local_port,
    [FL_CAUSE_NO_PORT_OFFLOAD] = fl_shows_no_port_offload,
    [FL_CAUSE_FRAGMENTS] = fl_shows_fragments,
    [FL_CAUSE_MATCH] = fl_shows_match,
    [FL_CAUSE_ACTION] = fl_shows_action,
    [FL_CAUSE_PARTIAL] = fl_shows_partial,
    [FL_CAUSE_BLOCK] = fl_shows_block,
    [FL_CAUSE_REFUSED] = fl_shows_refused,
};

/* What is wrong with a flow although the NIC has it. */
static bool is_of_hw_too(enum fl_cause_id id)
{
    return id == FL_CAUSE_ORPHAN || id == FL_CAUSE_BLOCK;
}

static bool is_asked(enum fl_cause_id id, const struct fl_scene *scene)
{
    if (!scene->flow) {
        return fl_cause_info(id)->by_host;
    }
    return is_of_hw_too(id) || scene->flow->path != FL_PATH_HW;
}

/* Of the host when the scene has no flow. */
static size_t find_causes(struct fl_scene *scene, struct fl_cause causes[FL_MAX_CAUSES])
{
    ds_init(&scene->text);
    for (enum fl_cause_id id = 0; id < FL_N_CAUSES && scene->n_found < FL_MAX_CAUSES; id++) {
        ds_clear(&scene->text);
        if (!shows[id] || !is_asked(id, scene) || !shows[id](scene)) {
            continue;
        }
        causes[scene->n_found] = (struct fl_cause){ .id = id };
        ovs_strlcpy(causes[scene->n_found].detail, ds_cstr(&scene->text),
                    sizeof causes[scene->n_found].detail);
        scene->n_found++;
    }
    ds_destroy(&scene->text);
    return scene->n_found;
}

size_t fl_cause_of_flow(const struct fl_flow *flow, const struct fl_ports *ports,
                        const struct fl_inventory *inv, const struct fl_profiles *profiles,
                        struct fl_cause causes[FL_MAX_CAUSES])
{
    struct fl_scene scene = {
        .flow = flow,
        .ports = ports,
        .inv = inv,
        .profiles = profiles,
        .api = fl_offload_api(flow, inv),
    };

    return flow->path == FL_PATH_UNKNOWN ? 0 : find_causes(&scene, causes);
}

struct fl_cause fl_cause_of_leak(uint64_t packets, uint64_t hw_packets)
{
    struct fl_cause cause = { .id = FL_CAUSE_LEAK };

    snprintf(cause.detail, sizeof cause.detail,
             "%" PRIu64 " of %" PRIu64 " packets were counted by software", packets - hw_packets,
             packets);
    return cause;
}

static bool has_cause(const struct fl_cause *causes, size_t n, enum fl_cause_id id)
{
    for (size_t i = 0; i < n; i++) {
        if (causes[i].id == id) {
            return true;
        }
    }
    return false;
}

size_t fl_causes_merge(struct fl_cause causes[FL_MAX_CAUSES], size_t n, const struct fl_cause *more,
                       size_t n_more)
{
    for (size_t i = 0; i < n_more; i++) {
        size_t at = n;

        if (has_cause(causes, n, more[i].id)) {
            continue;
        }
        while (at > 0 && more[i].id < causes[at - 1].id) {
            at--;
        }
        if (at == FL_MAX_CAUSES) {
            continue;
        }
        n = MIN(n + 1, FL_MAX_CAUSES);
        memmove(&causes[at + 1], &causes[at], (n - at - 1) * sizeof *causes);
        causes[at] = more[i];
    }
    return n;
}

size_t fl_cause_of_host(const struct fl_inventory *inv, struct fl_cause causes[FL_MAX_CAUSES])
{
    const char *type = inv ? fl_inventory_datapath_type(inv) : NULL;
    struct fl_scene scene = {
        .inv = inv,
        .api = type && !strcmp(type, "netdev") ? FL_API_RTE_FLOW : FL_API_UNKNOWN,
    };

    return inv ? find_causes(&scene, causes) : 0;
}
