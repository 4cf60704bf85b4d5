/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/fleet_internal.h"

#include <errno.h>
#include <string.h>

#include <openvswitch/vlog.h>
#include <ovs/sset.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "agent/auto_limits.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_fleet_look);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(6, 6);

/* The store is another's for the moment. */
#define BUSY_MS 100
/* What could not be written down is tried again. */
#define UNWRITTEN_MS 5000
/* Remedies that one look writes down. */
#define MOST_WRITTEN 8

/* ---- What there is here ---- */

void fl_fleet_read_store(struct fl_fleet_link *fleet)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy *list = NULL;
    struct fl_store *store;
    size_t n = 0;

    int error = fl_store_open(fleet->op->root, false, 0, &store, &err);

    if (!error) {
        error = fl_store_list(store, &list, &n, &err);
        fl_store_close(store);
    }
    /* What cannot be read is as it was: its rows in the database are not to go. */
    fleet->is_unread = error != 0;
    if (error) {
        fl_remedy_list_free(list, n);
        return;
    }
    fl_remedy_list_free(fleet->remedies, fleet->n_remedies);
    fleet->remedies = list;
    fleet->n_remedies = n;
}

const struct fl_remedy *fl_fleet_find_remedy(const struct fl_fleet_link *fleet, const char *vm_id)
{
    for (size_t i = 0; i < fleet->n_remedies; i++) {
        if (!strcmp(fleet->remedies[i].set.vm_id, vm_id)) {
            return &fleet->remedies[i];
        }
    }
    return NULL;
}

/* VMs that are here, and those with a remedy here. */
static void wanted_vms(const struct fl_fleet_link *fleet, struct sset *ids)
{
    const struct fl_inventory *inv = fl_guard_inventory(fleet->guard);

    for (size_t i = 0; inv && i < inv->n_vms; i++) {
        sset_add(ids, inv->vms[i].id);
    }
    for (size_t i = 0; i < fleet->n_remedies; i++) {
        sset_add(ids, fleet->remedies[i].set.vm_id);
    }
}

static void stranded_vms(const struct fl_fleet_link *fleet, struct sset *ids)
{
    const json_t *vm;
    size_t i;

    json_array_foreach(json_object_get(fleet->audit->last, "vms"), i, vm) {
        const char *id = json_string_value(json_object_get(vm, "id"));

        if (id && fl_auto_is_alone(vm)) {
            sset_add(ids, id);
        }
    }
}

static int64_t number_of(const char *vm_id, int64_t decided_ms, void *fleet_)
{
    const struct fl_fleet_link *fleet = fleet_;
    struct fl_cluster_heard heard;

    fl_cluster_hear(fleet->cluster, vm_id, &heard);
    return heard.order.decided_ms == decided_ms ? heard.number : 0;
}

static void publish(struct fl_fleet_link *fleet)
{
    const struct fl_audit_timer *audit = fleet->audit;
    _cleanup_json json_t *state = fl_share(&(struct fl_share_of){
        .inv = fl_guard_inventory(fleet->guard),
        .audit = audit->last,
        .audited_ms = audit->last ? audit->last_ms : 0,
        .interval_ms =
            strcmp(fleet->op->config->agent_auto, "off") ? fleet->op->config->agent_interval_ms : 0,
        .remedies = fleet->remedies,
        .n_remedies = fleet->n_remedies,
        .is_unread = fleet->is_unread,
        .tried = &fleet->tried,
        .number_of = number_of,
        .aux = fleet,
    });

    fl_cluster_publish(fleet->cluster, state);
}

/* ---- What is to be done ---- */

/* Return: whether the store is another one now. */
static bool write_down(struct fl_fleet_link *fleet, enum fl_act act, const char *vm_id,
                       const struct fl_cluster_heard *heard, const struct fl_decision *word,
                       struct fl_fleet_next *next)
{
    _cleanup_free char *id = fl_text_escaped(vm_id);
    struct fl_error err = FL_ERROR_INIT;
    int error = act == FL_ACT_ADOPT
                    ? fl_fleet_adopt(fleet->op, vm_id, fl_fleet_name_of(fleet, vm_id), heard, word,
                                     &err)
                    : fl_fleet_note(fleet->op, vm_id, heard, word, &err);

    if (error) {
        /* Somebody else has the store, or was faster; or it cannot be written now. */
        fleet->look_ms = MIN(fleet->look_ms,
                             time_msec() + (error == -EAGAIN ? BUSY_MS : UNWRITTEN_MS));
        if (error != -EAGAIN && error != -EEXIST) {
            VLOG_WARN_RL(&rl, "%s: what the fleet decided is not written down: %s", id, err.text);
        }
        if (act == FL_ACT_ADOPT && error == -EINVAL &&
            fl_fleet_tried_for_ms(fleet, vm_id) != word->decided_ms) {
            fl_fleet_consider(fleet, FL_ACT_REPAIR, vm_id, word, next);
        }
        return false;
    }
    if (act == FL_ACT_ADOPT) {
        _cleanup_free char *peer = fl_text_escaped(heard->peer);

        VLOG_INFO("%s: its remedy follows it from host %s", id, peer);
        fl_guard_look_again(fleet->guard, vm_id);
    }
    return true;
}

static struct fl_decide_on view_of(struct fl_fleet_link *fleet, const char *vm_id,
                                   const struct fl_cluster_heard *heard,
                                   const struct sset *stranded)
{
    const struct fl_inventory *inv = fl_guard_inventory(fleet->guard);
    const struct fl_remedy *remedy = fl_fleet_find_remedy(fleet, vm_id);
    const struct fl_fleet_tried *tried = shash_find_data(&fleet->tried, vm_id);
    struct fl_until until = { .time_ms = 0 };
    struct fl_error ignored = FL_ERROR_INIT;

    if (heard->until && *heard->until) {
        fl_until_parse(heard->until, &until, &ignored);
    }
    return (struct fl_decide_on){
        .order = heard->order,
        .order_is_over = fl_until_is_set(&until) &&
                         fl_until_has_come(&until, fl_time_now_ms(), inv ? inv->ovs_version : NULL),
        .peers = heard->peers,
        .peers_have_rules = heard->flow_set != NULL,
        .own = remedy ? (struct fl_decision){ remedy->decided_ms, !remedy->unwanted }
                      : (struct fl_decision){ .decided_ms = 0 },
        .own_is_in = remedy && remedy->state != FL_REMEDY_REVERTED,
        .is_here = inv && fl_inventory_vm(inv, vm_id),
        .is_stranded = sset_contains(stranded, vm_id) &&
                       (!tried || fleet->audit->last_ms > tried->changed_ms),
        .tried_ms = fl_fleet_tried_for_ms(fleet, vm_id),
        .may_retry = !tried || fl_time_now_ms() >= tried->retry_ms,
    };
}

/* Return: whether the store is another one now. */
static bool look_at(struct fl_fleet_link *fleet, const char *vm_id, const struct sset *stranded,
                    struct fl_fleet_next *next)
{
    struct fl_cluster_heard heard;
    struct fl_decision word;
    struct fl_decide_on view;
    enum fl_act act;

    fl_cluster_hear(fleet->cluster, vm_id, &heard);
    view = view_of(fleet, vm_id, &heard, stranded);
    act = fl_decide(&view, &word);
    switch (act) {
    case FL_ACT_HEED:
    case FL_ACT_ADOPT: return write_down(fleet, act, vm_id, &heard, &word, next);
    case FL_ACT_REPAIR:
    case FL_ACT_REVERT: fl_fleet_consider(fleet, act, vm_id, &word, next); return false;
    case FL_ACT_LEAVE:
    default: return false;
    }
}

void fl_fleet_look_round(struct fl_fleet_link *fleet)
{
    struct sset ids = SSET_INITIALIZER(&ids), stranded = SSET_INITIALIZER(&stranded);
    struct fl_fleet_next next = { .act = FL_ACT_LEAVE };
    unsigned int n_written = 0;
    const char *id;

    fl_fleet_forget_gone(fleet);
    wanted_vms(fleet, &ids);
    stranded_vms(fleet, &stranded);
    fl_cluster_want(fleet->cluster, &ids);
    if (fl_cluster_is_complete(fleet->cluster) && fl_guard_inventory(fleet->guard)) {
        /* The guard has its turn between: each remedy that is written down waits for the disk. */
        SSET_FOR_EACH(id, &ids) {
            if (n_written >= MOST_WRITTEN) {
                fleet->look_ms = MIN(fleet->look_ms, time_msec());
                break;
            }
            n_written += look_at(fleet, id, &stranded, &next);
        }
        fl_fleet_begin_next(fleet, &next);
    }
    if (n_written) {
        fl_fleet_read_store(fleet);
    }
    publish(fleet);
    sset_destroy(&ids);
    sset_destroy(&stranded);
}
