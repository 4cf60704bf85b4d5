/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/fleet_internal.h"

#include <stdlib.h>
#include <string.h>

#include <openvswitch/vlog.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_fleet_jobs);

/* An order that could not be done, and a VM that is stranded: again after this, then twice as long each time. */
#define REVERT_FIRST_MS 2000
#define RETRY_FIRST_MS  (60 * 1000)
#define RETRY_MOST_MS   (60 * 60 * 1000)
/* It may plan, apply and verify: as agent/repair.c. */
#define JOB_MOST_MS (5 * 60 * 1000)

void fl_fleet_forget_job(struct fl_fleet_link *fleet)
{
    for (size_t i = 0; i < ARRAY_SIZE(fleet->job_text); i++) {
        free(fleet->job_text[i]);
        fleet->job_text[i] = NULL;
    }
    fleet->job = (struct fl_fleet_job){ .act = FL_ACT_LEAVE };
}

static struct fl_fleet_tried *tried_of(struct fl_fleet_link *fleet, const char *vm_id)
{
    struct fl_fleet_tried *tried = shash_find_data(&fleet->tried, vm_id);

    if (!tried) {
        tried = xzalloc(sizeof *tried);
        shash_add(&fleet->tried, vm_id, tried);
    }
    return tried;
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = nullable_xstrdup(with);
}

const char *fl_fleet_name_of(const struct fl_fleet_link *fleet, const char *vm_id)
{
    const struct fl_inventory *inv = fl_guard_inventory(fleet->guard);
    const struct fl_vm *vm = inv ? fl_inventory_vm(inv, vm_id) : NULL;
    const struct fl_remedy *remedy = fl_fleet_find_remedy(fleet, vm_id);

    return vm ? vm->name : remedy ? remedy->set.vm_name : vm_id;
}

static json_t *work(void *fleet_)
{
    const struct fl_fleet_link *fleet = fleet_;

    return fl_fleet_carry_out(fleet->op, &fleet->job);
}

static void finish(const json_t *result, const char *why, void *fleet_)
{
    struct fl_fleet_link *fleet = fleet_;
    struct fl_fleet_tried *tried = tried_of(fleet, fleet->job.vm_id);
    bool helped = json_is_true(json_object_get(result, "helped"));
    const char *state = json_string_value(json_object_get(result, "state"));
    const char *reason = json_string_value(json_object_get(result, "reason"));
    _cleanup_free char *name = fl_text_escaped(tried->name ? tried->name : fleet->job.vm_id);
    _cleanup_free char *sentence = NULL;

    replace(&tried->state, state ? state : "none");
    replace(&tried->reason, reason ? reason : why ? why : "no reason was given");
    sentence = fl_text_escaped(tried->reason);
    tried->changed_ms = fl_time_now_ms();
    tried->n_failed = helped ? 0 : tried->n_failed + 1;
    /* What needed nothing is tried as soon as it does. */
    tried->retry_ms = tried->changed_ms +
                      (helped ? 0
                              : fl_backoff_ms(tried->is_revert ? REVERT_FIRST_MS : RETRY_FIRST_MS,
                                              RETRY_MOST_MS, tried->n_failed));
    VLOG_INFO("%s: the fleet's %s is done: %s: %s", name,
              fleet->job.act == FL_ACT_REVERT ? "revert" : "order", tried->state, sentence);
    fl_guard_look_again(fleet->guard, fleet->job.vm_id);
    fl_fleet_forget_job(fleet);
    fleet->is_due = true;
    fleet->guard_serial = 0;
}

/* What failed for this decision rests for a while. */
static bool must_rest(struct fl_fleet_link *fleet, const char *vm_id,
                      const struct fl_decision *word)
{
    const struct fl_fleet_tried *tried = shash_find_data(&fleet->tried, vm_id);
    int64_t left_ms = tried ? tried->retry_ms - fl_time_now_ms() : 0;

    if (!tried || !tried->n_failed || tried->word.decided_ms != word->decided_ms || left_ms <= 0) {
        return false;
    }
    fleet->look_ms = MIN(fleet->look_ms, time_msec() + left_ms);
    return true;
}

/* Not while another one is under way: its end is a reason to look again. */
static void begin(struct fl_fleet_link *fleet, enum fl_act act, const char *vm_id,
                  const struct fl_cluster_heard *heard, const struct fl_decision *word)
{
    bool is_order = heard->order.decided_ms == word->decided_ms;
    struct fl_error err = FL_ERROR_INIT;
    struct fl_fleet_tried *tried;
    const struct fl_job job = {
        .what = "step of the fleet",
        .run = work,
        .done = finish,
        .aux = fleet,
        .most_ms = JOB_MOST_MS,
    };

    if (fl_worker_is_busy(&fleet->worker)) {
        return;
    }
    tried = tried_of(fleet, vm_id);
    tried->word = *word;
    tried->began_ms = fl_time_now_ms();
    tried->is_revert = act == FL_ACT_REVERT;
    replace(&tried->name, fl_fleet_name_of(fleet, vm_id));
    tried->number = is_order ? heard->number : 0;
    replace(&tried->who, is_order ? heard->who : heard->peer_who);
    replace(&tried->ticket, is_order ? heard->ticket : heard->peer_ticket);
    replace(&tried->until, is_order ? heard->until : heard->peer_until);
    fleet->job_text[0] = xstrdup(vm_id);
    fleet->job_text[1] = nullable_xstrdup(tried->who);
    fleet->job_text[2] = nullable_xstrdup(tried->ticket);
    fleet->job_text[3] = nullable_xstrdup(tried->until);
    fleet->job = (struct fl_fleet_job){
        act, fleet->job_text[0], *word, fleet->job_text[1], fleet->job_text[2], fleet->job_text[3]
    };
    if (fl_worker_start(&fleet->worker, &job, &err)) {
        finish(NULL, err.text, fleet);
    }
}

int64_t fl_fleet_tried_for_ms(const struct fl_fleet_link *fleet, const char *vm_id)
{
    const struct fl_fleet_tried *tried = shash_find_data(&fleet->tried, vm_id);

    return tried ? tried->word.decided_ms : 0;
}

void fl_fleet_consider(struct fl_fleet_link *fleet, enum fl_act act, const char *vm_id,
                       const struct fl_decision *word, struct fl_fleet_next *next)
{
    const struct fl_fleet_tried *tried = shash_find_data(&fleet->tried, vm_id);
    int64_t tried_ms = tried ? tried->began_ms : 0;
    bool is_first = next->act == FL_ACT_LEAVE ||
                    (act == FL_ACT_REVERT && next->act == FL_ACT_REPAIR) ||
                    (act == next->act && tried_ms < next->tried_ms);

    if (!must_rest(fleet, vm_id, word) && is_first) {
        *next = (struct fl_fleet_next){ act, vm_id, *word, tried_ms };
    }
}

void fl_fleet_begin_next(struct fl_fleet_link *fleet, const struct fl_fleet_next *next)
{
    struct fl_cluster_heard heard;

    if (next->act != FL_ACT_LEAVE) {
        fl_cluster_hear(fleet->cluster, next->vm_id, &heard);
        begin(fleet, next->act, next->vm_id, &heard, &next->word);
    }
}

/* An order is tried anew for a VM that comes back. */
void fl_fleet_forget_gone(struct fl_fleet_link *fleet)
{
    const struct fl_inventory *inv = fl_guard_inventory(fleet->guard);
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE(node, &fleet->tried) {
        const struct fl_fleet_tried *tried = node->data;
        bool is_busy = fleet->job.vm_id && !strcmp(fleet->job.vm_id, node->name);
        bool rests = tried->n_failed && tried->retry_ms > fl_time_now_ms();

        if (inv && !is_busy && !rests && !fl_inventory_vm(inv, node->name)) {
            fl_fleet_tried_free(node->data);
            shash_delete(&fleet->tried, node);
        }
    }
}
