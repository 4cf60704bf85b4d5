/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What one look at a remedy sees: where its VM is, whether the rules for there are in the switch, and whether
 * they are proven.
 */

#include <errno.h>

#include <ovs/flow.h>
#include <ovs/hash.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/mirror.h"
#include "lib/guard_internal.h"
#include "lib/prove.h"

/* ---- Where the VM is ---- */

static void see_place(const struct fl_guard *guard, const struct fl_ward *ward,
                      struct fl_look *look, struct fl_error *why)
{
    const struct fl_flowset *set = &ward->remedy.set;
    struct fl_error unread = FL_ERROR_INIT;
    const struct fl_inventory *inv = fl_db_inventory(guard->db, &unread);

    switch (inv ? fl_rebase(set, inv, &look->anew, why) : FL_REBASED_SAME) {
    case FL_REBASED_MOVED:
        look->view.place = FL_PLACE_MOVED;
        fl_flowset_drop_decoys(&look->anew);
        /* Zones of before may be somebody else's: the proof finds those of now. */
        look->anew.n_zones = 0;
        break;
    case FL_REBASED_GONE:
    case FL_REBASED_LOST: look->view.place = FL_PLACE_GONE; break;
    case FL_REBASED_SAME:
    default:
        look->view.place = FL_PLACE_SAME;
        look->tries_wider = inv && ward->widen == FL_WIDEN_NOW && set->n_wide;
        if (look->tries_wider) {
            fl_flowset_copy(&look->anew, set);
            fl_flowset_widen(&look->anew);
        }
        break;
    }
}

/* Of what OVSDB says all that matters to a remedy. */
static uint32_t db_signature(const struct fl_ward *ward, const struct fl_inventory *inv)
{
    struct fl_error ignored = FL_ERROR_INIT, mirror = FL_ERROR_INIT;
    struct fl_flowset moved = { .n_rules = 0 };
    enum fl_rebased rebased = fl_rebase(&ward->remedy.set, inv, &moved, &ignored);
    bool is_mirrored = fl_mirror_check_rules(inv, &ward->remedy.set, &mirror) != 0;
    uint32_t hash = hash_2words(rebased, is_mirrored);

    for (size_t i = 0; i < moved.n_ports; i++) {
        hash = hash_add(hash, ofp_to_u16(moved.ports[i].ofport));
        hash = hash_add64(hash, eth_addr_to_uint64(moved.ports[i].mac));
    }
    fl_flowset_destroy(&moved);
    return hash;
}

bool fl_ward_note_db(const struct fl_guard *guard, struct fl_ward *ward)
{
    struct fl_error ignored = FL_ERROR_INIT;
    const struct fl_inventory *inv = fl_db_inventory(guard->db, &ignored);
    uint32_t before = ward->db_signature;

    if (inv) {
        ward->db_signature = db_signature(ward, inv);
    }
    return ward->db_signature != before;
}

/* ---- What is in the switch ---- */

static enum fl_seen_rules see_rules(const struct fl_guard *guard, const struct fl_ward *ward,
                                    uint64_t *packets, struct fl_error *err)
{
    size_t n_rules = fl_step_n_rules(&ward->remedy.set);
    struct fl_presence presence;

    if (fl_step_present(&guard->op, &ward->remedy.set, &presence, err)) {
        return FL_RULES_UNKNOWN;
    }
    *packets = presence.packets;
    /* Decoys of ours stay for a moment. */
    if (presence.n_present == n_rules && (!presence.n_foreign || ward->settle_ms != LLONG_MAX)) {
        return FL_RULES_WHOLE;
    }
    return presence.n_present || presence.n_foreign ? FL_RULES_IN_PART : FL_RULES_ABSENT;
}

/* ---- What is proven ---- */

/* Once, knowing of the connections of those zones that @set has by now. */
static int prove_once(const struct fl_guard *guard, struct fl_ctl *ctl,
                      const struct fl_inventory *inv, struct fl_flowset *set, bool as_it_is,
                      struct fl_pipeline *pipeline, struct fl_error *err)
{
    _cleanup_free struct fl_connection *connections = NULL;
    struct fl_proof_of what = {
        .set = set,
        .pipeline = pipeline,
        .as_it_is = as_it_is,
        .within_ms = FL_GUARD_GRACE_MS,
    };
    int error = fl_step_premises_by(&guard->op, inv, set, &connections, &what.n_connections, err);

    what.connections = connections;
    return error ? error : fl_prove(ctl, guard->op.config, &what, err);
}

/* A proof may find conntrack zones that nobody has looked into: what is there is to be known first. */
static int prove(const struct fl_guard *guard, const struct fl_inventory *inv,
                 struct fl_flowset *set, bool as_it_is, struct fl_pipeline *pipeline,
                 struct fl_error *err)
{
    struct fl_ctl *ctl;
    size_t n_zones;
    int error = fl_ctl_open(guard->op.host.target, fl_step_timeout_ms(&guard->op), &ctl, err);

    if (error) {
        return error;
    }
    error = fl_pipeline_read(set, pipeline, err);
    while (!error) {
        n_zones = set->n_zones;
        error = prove_once(guard, ctl, inv, set, as_it_is, pipeline, err);
        if (set->n_zones == n_zones) {
            break;
        }
    }
    fl_ctl_close(ctl);
    return error;
}

/*
 * What is proven while the VM is leaving may be narrower in one way and wider in another; then those of now stay.
 * Return: whether rules that are wider than those of now could be proven; they are @look->anew then.
 */
static bool prove_wider(const struct fl_guard *guard, const struct fl_ward *ward,
                        const struct fl_inventory *inv, struct fl_look *look)
{
    struct fl_error ignored = FL_ERROR_INIT;
    int error = prove(guard, inv, &look->anew, false, &look->pipeline, &ignored);

    look->is_wider = !error && fl_flowset_covers(&look->anew, &ward->remedy.set) &&
                     !fl_flowset_equal(&look->anew, &ward->remedy.set);
    if (!look->is_wider) {
        fl_pipeline_release(&look->pipeline);
    }
    return look->is_wider;
}

/* A proof fills in what it finds: the remedy's own set stays as it was installed. */
static int prove_look(const struct fl_guard *guard, const struct fl_ward *ward,
                      struct fl_look *look, struct fl_error *err)
{
    const struct fl_inventory *inv = fl_db_inventory(guard->db, err);
    struct fl_flowset copy;
    int error;

    if (!inv) {
        return -ENOTCONN;
    }
    if (look->view.place == FL_PLACE_MOVED) {
        return prove(guard, inv, &look->anew, false, &look->pipeline, err);
    }
    if (look->tries_wider && prove_wider(guard, ward, inv, look)) {
        return 0;
    }
    fl_flowset_copy(&copy, &ward->remedy.set);
    error = prove(guard, inv, &copy, true, &look->pipeline, err);
    fl_flowset_destroy(&copy);
    return error;
}

static enum fl_seen_proof see_proof(const struct fl_guard *guard, const struct fl_ward *ward,
                                    struct fl_look *look, struct fl_error *err)
{
    switch (prove_look(guard, ward, look, err)) {
    case 0: return FL_PROOF_HOLDS;
    case -EPERM:
    case -ENOSPC: /* The bit that guards the rules is in use. */ return FL_PROOF_FAILS;
    default: return FL_PROOF_UNKNOWN;
    }
}

void fl_ward_see(const struct fl_guard *guard, const struct fl_ward *ward, struct fl_look *look,
                 struct fl_error *why)
{
    struct fl_guard_view *view = &look->view;

    see_place(guard, ward, look, why);
    view->rules = see_rules(guard, ward, &look->packets, why);
    if (view->rules != FL_RULES_UNKNOWN && !view->late && !view->retired &&
        view->place != FL_PLACE_GONE) {
        view->proof = see_proof(guard, ward, look, why);
    }
    if (view->rules == FL_RULES_WHOLE && (view->place == FL_PLACE_MOVED || look->is_wider)) {
        view->rules = FL_RULES_IN_PART;
    }
}

void fl_look_release(struct fl_look *look)
{
    fl_pipeline_release(&look->pipeline);
    fl_flowset_destroy(&look->anew);
}
