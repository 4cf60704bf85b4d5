/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/fleet_link.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/sset.h>
#include <ovs/timeval.h>
#include <ovs/util.h>

#include "agent/auto_limits.h"
#include "agent/share.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/fleet/tls.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_fleet);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(6, 6);

/* The store is another's for the moment. */
#define BUSY_MS 100
/* Keys that cannot be read are looked at again. */
#define JOIN_MS 60000
/* What could not be written down is tried again. */
#define UNWRITTEN_MS 5000
/* Remedies that one look writes down. */
#define MOST_WRITTEN 8
/* Between two looks, however much changes: a look's own time so often, and this at least. */
#define PACE_TIMES 10
#define PACE_MS    10
/* An order that could not be done, and a VM that is stranded: again after this, then twice as long each time. */
#define REVERT_FIRST_MS 2000
#define RETRY_FIRST_MS  (60 * 1000)
#define RETRY_MOST_MS   (60 * 60 * 1000)
/* It may plan, apply and verify: as agent/repair.c. */
#define JOB_MOST_MS (5 * 60 * 1000)

/* ---- In and out of a fleet ---- */

/* Once for the same sentence. */
static void say(struct fl_fleet_link *fleet, const char *why)
{
    if (why && (!fleet->trouble || strcmp(why, fleet->trouble))) {
        _cleanup_free char *escaped = fl_text_escaped(why);

        VLOG_WARN("the fleet: %s", escaped);
    }
    if (why != fleet->trouble) {
        free(fleet->trouble);
        fleet->trouble = nullable_xstrdup(why);
    }
}

static void join(struct fl_fleet_link *fleet)
{
    const struct fl_config *config = fleet->op->config;
    struct fl_error err = FL_ERROR_INIT;

    if (!config->fleet_remote) {
        return;
    }
    if (fl_fleet_tls(config, &err)) {
        say(fleet, err.text);
        return;
    }
    fleet->remote = xstrdup(config->fleet_remote);
    fleet->name = fl_fleet_host_name(config);
    fleet->cluster = fl_cluster_open(fleet->remote, fleet->name);
    fleet->is_due = true;
    VLOG_INFO("this host is %s in the fleet of %s", fleet->name, fleet->remote);
}

static void forget_job(struct fl_fleet_link *fleet)
{
    for (size_t i = 0; i < ARRAY_SIZE(fleet->job_text); i++) {
        free(fleet->job_text[i]);
        fleet->job_text[i] = NULL;
    }
    fleet->job = (struct fl_fleet_job){ .act = FL_ACT_LEAVE };
}

static void leave(struct fl_fleet_link *fleet)
{
    fl_cluster_close(fleet->cluster);
    fleet->cluster = NULL;
    free(fleet->remote);
    free(fleet->name);
    fleet->remote = fleet->name = NULL;
    say(fleet, NULL);
}

void fl_fleet_link_open(struct fl_fleet_link *fleet, const struct fl_operator *op,
                        struct fl_guard *guard, const struct fl_audit_timer *audit)
{
    *fleet =
        (struct fl_fleet_link){ .op = op, .guard = guard, .audit = audit, .look_ms = LLONG_MAX };
    shash_init(&fleet->tried);
    fl_worker_init(&fleet->worker);
    join(fleet);
}

void fl_fleet_link_close(struct fl_fleet_link *fleet)
{
    struct shash_node *node;

    if (!fleet->op) {
        return;
    }
    fl_worker_destroy(&fleet->worker);
    forget_job(fleet);
    leave(fleet);
    fl_remedy_list_free(fleet->remedies, fleet->n_remedies);
    SHASH_FOR_EACH(node, &fleet->tried)
        fl_fleet_tried_free(node->data);
    shash_destroy(&fleet->tried);
    fleet->op = NULL;
}

void fl_fleet_link_reread(struct fl_fleet_link *fleet)
{
    if (fleet->op) {
        leave(fleet);
        join(fleet);
    }
}

bool fl_fleet_link_is_connected(const struct fl_fleet_link *fleet)
{
    return fleet->cluster && fl_cluster_is_connected(fleet->cluster);
}

json_t *fl_fleet_link_report(const struct fl_fleet_link *fleet)
{
    if (!fleet->op || !fleet->op->config->fleet_remote) {
        return json_null();
    }
    return json_pack("{s:s, s:o, s:b, s:o}", "remote", fleet->op->config->fleet_remote, "name",
                     fl_text_json(fleet->name), "connected", fl_fleet_link_is_connected(fleet),
                     "trouble", fl_text_json(fleet->trouble));
}

/* ---- What there is here ---- */

static void read_store(struct fl_fleet_link *fleet)
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

static const struct fl_remedy *find_remedy(const struct fl_fleet_link *fleet, const char *vm_id)
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

/* ---- Repair and revert, one after the other ---- */

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

static const char *name_of(const struct fl_fleet_link *fleet, const char *vm_id)
{
    const struct fl_inventory *inv = fl_guard_inventory(fleet->guard);
    const struct fl_vm *vm = inv ? fl_inventory_vm(inv, vm_id) : NULL;
    const struct fl_remedy *remedy = find_remedy(fleet, vm_id);

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
    forget_job(fleet);
    fleet->n_done++;
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

    if (fl_worker_is_busy(&fleet->worker) || must_rest(fleet, vm_id, word)) {
        return;
    }
    tried = tried_of(fleet, vm_id);
    tried->word = *word;
    tried->began_ms = fl_time_now_ms();
    tried->is_revert = act == FL_ACT_REVERT;
    replace(&tried->name, name_of(fleet, vm_id));
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

/* ---- What is to be done ---- */

/* What a look has found for the worker to do: a revert before a repair, then the VM that was tried longest ago. */
struct next_job {
    enum fl_act act;
    const char *vm_id;
    struct fl_decision word;
    int64_t tried_ms;
};

static void consider(struct fl_fleet_link *fleet, enum fl_act act, const char *vm_id,
                     const struct fl_decision *word, struct next_job *next)
{
    const struct fl_fleet_tried *tried = shash_find_data(&fleet->tried, vm_id);
    int64_t tried_ms = tried ? tried->began_ms : 0;
    bool is_first = next->act == FL_ACT_LEAVE ||
                    (act == FL_ACT_REVERT && next->act == FL_ACT_REPAIR) ||
                    (act == next->act && tried_ms < next->tried_ms);

    if (!must_rest(fleet, vm_id, word) && is_first) {
        *next = (struct next_job){ act, vm_id, *word, tried_ms };
    }
}

static bool is_untried(const struct fl_fleet_link *fleet, const char *vm_id,
                       const struct fl_decision *word)
{
    const struct fl_fleet_tried *tried = shash_find_data(&fleet->tried, vm_id);

    return !tried || tried->word.decided_ms != word->decided_ms;
}

/* Return: whether the store is another one now. */
static bool write_down(struct fl_fleet_link *fleet, enum fl_act act, const char *vm_id,
                       const struct fl_cluster_heard *heard, const struct fl_decision *word,
                       struct next_job *next)
{
    _cleanup_free char *id = fl_text_escaped(vm_id);
    struct fl_error err = FL_ERROR_INIT;
    int error = act == FL_ACT_ADOPT
                    ? fl_fleet_adopt(fleet->op, vm_id, name_of(fleet, vm_id), heard, word, &err)
                    : fl_fleet_note(fleet->op, vm_id, heard, word, &err);

    if (error) {
        /* Somebody else has the store, or was faster; or it cannot be written now. */
        fleet->look_ms = MIN(fleet->look_ms,
                             time_msec() + (error == -EAGAIN ? BUSY_MS : UNWRITTEN_MS));
        if (error != -EAGAIN && error != -EEXIST) {
            VLOG_WARN_RL(&rl, "%s: what the fleet decided is not written down: %s", id, err.text);
        }
        if (act == FL_ACT_ADOPT && error == -EINVAL && is_untried(fleet, vm_id, word)) {
            consider(fleet, FL_ACT_REPAIR, vm_id, word, next);
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
    const struct fl_remedy *remedy = find_remedy(fleet, vm_id);
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
        .tried_ms = tried ? tried->word.decided_ms : 0,
        .may_retry = !tried || fl_time_now_ms() >= tried->retry_ms,
    };
}

/* Return: whether the store is another one now. */
static bool look_at(struct fl_fleet_link *fleet, const char *vm_id, const struct sset *stranded,
                    struct next_job *next)
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
    case FL_ACT_REVERT: consider(fleet, act, vm_id, &word, next); return false;
    case FL_ACT_LEAVE:
    default: return false;
    }
}

static void begin_next(struct fl_fleet_link *fleet, const struct next_job *next)
{
    struct fl_cluster_heard heard;

    if (next->act != FL_ACT_LEAVE) {
        fl_cluster_hear(fleet->cluster, next->vm_id, &heard);
        begin(fleet, next->act, next->vm_id, &heard, &next->word);
    }
}

/* An order is tried anew for a VM that comes back. */
static void forget_gone(struct fl_fleet_link *fleet)
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

static void look(struct fl_fleet_link *fleet)
{
    struct sset ids = SSET_INITIALIZER(&ids), stranded = SSET_INITIALIZER(&stranded);
    struct next_job next = { .act = FL_ACT_LEAVE };
    unsigned int n_written = 0;
    const char *id;

    forget_gone(fleet);
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
        begin_next(fleet, &next);
    }
    if (n_written) {
        read_store(fleet);
    }
    publish(fleet);
    sset_destroy(&ids);
    sset_destroy(&stranded);
}

/* ---- The loop ---- */

static void tell_connection(struct fl_fleet_link *fleet)
{
    bool is_connected = fl_cluster_is_connected(fleet->cluster);
    const char *trouble = fl_cluster_trouble(fleet->cluster);

    if (is_connected != fleet->was_connected) {
        VLOG_INFO("the fleet's database %s",
                  is_connected ? "is connected" : "is away: this host goes on by its own store");
        fleet->was_connected = is_connected;
    }
    if (trouble) {
        _cleanup_free char *why = xasprintf("its database does not take what this host tells: %s",
                                            trouble);

        say(fleet, why);
    } else if (fl_cluster_has_written(fleet->cluster)) {
        say(fleet, NULL);
    }
}

static long long due_ms(const struct fl_fleet_link *fleet)
{
    return fleet->is_due ? fleet->rest_ms : fleet->look_ms;
}

void fl_fleet_link_run(struct fl_fleet_link *fleet)
{
    fl_worker_run(&fleet->worker);
    if (!fleet->cluster && fleet->op->config->fleet_remote && time_msec() >= fleet->join_ms) {
        fleet->join_ms = time_msec() + JOIN_MS;
        join(fleet);
    }
    if (!fleet->cluster) {
        return;
    }
    if (fl_cluster_run(fleet->cluster)) {
        fleet->is_due = true;
    }
    tell_connection(fleet);
    if (fl_guard_serial(fleet->guard) != fleet->guard_serial) {
        fleet->guard_serial = fl_guard_serial(fleet->guard);
        read_store(fleet);
        fleet->is_due = true;
    }
    if (fleet->audit->n_ok != fleet->n_audits) {
        fleet->n_audits = fleet->audit->n_ok;
        fleet->is_due = true;
    }
    if (time_msec() >= due_ms(fleet)) {
        int64_t began_ms = fl_monotonic_ms();

        fleet->is_due = false;
        fleet->look_ms = LLONG_MAX;
        look(fleet);
        fleet->rest_ms = time_msec() + MAX(PACE_TIMES * (fl_monotonic_ms() - began_ms), PACE_MS);
    }
}

void fl_fleet_link_wait(const struct fl_fleet_link *fleet)
{
    fl_worker_wait(&fleet->worker);
    if (!fleet->cluster && fleet->op->config->fleet_remote) {
        poll_timer_wait_until(fleet->join_ms);
    }
    if (fleet->cluster) {
        fl_cluster_wait(fleet->cluster);
        poll_timer_wait_until(due_ms(fleet));
    }
}
