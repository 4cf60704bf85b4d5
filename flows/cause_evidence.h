/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CAUSE_EVIDENCE_H
#define FLOWLIFT_CAUSE_EVIDENCE_H

/*
 * Evidence: one function a cause, which looks for it in a flow and its surroundings. The table of cause.c
 * calls them; nobody else does.
 */

#include <openvswitch/dynamic-string.h>
#include <stdbool.h>

#include "flows/flow.h"
#include "flows/inventory.h"
#include "flows/offerable.h"

/* A flow and what is around it; @text takes the evidence. */
struct fl_scene {
    const struct fl_flow *flow; /* NULL when only the host is asked */
    const struct fl_ports *ports;
    const struct fl_inventory *inv;     /* or NULL */
    const struct fl_profiles *profiles; /* or NULL */
    enum fl_offload_api api;
    struct ds text;
    size_t n_found; /* Causes found so far. */
};

/*
 * Return: true with the evidence in @scene->text; false, and then the text is of no use. The first two
 * only look at the host.
 */
bool fl_shows_offload_off(struct fl_scene *scene);
bool fl_shows_tc_policy(struct fl_scene *scene);
bool fl_shows_orphan(struct fl_scene *scene);
bool fl_shows_reported(struct fl_scene *scene);
bool fl_shows_userspace(struct fl_scene *scene);
bool fl_shows_sampling(struct fl_scene *scene);
bool fl_shows_ct_helper(struct fl_scene *scene);
bool fl_shows_conntrack(struct fl_scene *scene);
bool fl_shows_dp_hash(struct fl_scene *scene);
bool fl_shows_recirculation(struct fl_scene *scene);
bool fl_shows_tunnel(struct fl_scene *scene);
bool fl_shows_meter(struct fl_scene *scene);
bool fl_shows_multi_output(struct fl_scene *scene);
bool fl_shows_local_port(struct fl_scene *scene);
bool fl_shows_no_port_offload(struct fl_scene *scene);
bool fl_shows_fragments(struct fl_scene *scene);
bool fl_shows_match(struct fl_scene *scene);
bool fl_shows_action(struct fl_scene *scene);
bool fl_shows_partial(struct fl_scene *scene);
bool fl_shows_block(struct fl_scene *scene);
bool fl_shows_refused(struct fl_scene *scene);

#endif
