/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/auto.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/sset.h>
#include <ovs/unixctl.h>
#include <ovs/util.h>

#include "agent/auto_file.h"
#include "agent/repair.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_auto);

/* Names of VMs in one line of the log; the others are counted. */
#define MOST_NAMES 10

/* What is said of no VM has such keys in fl_auto->said. */
#define ABOUT_ALL   " all"
#define ABOUT_FILE  " file"
#define ABOUT_AUDIT " audit"

static void free_vm(struct fl_auto_vm *vm)
{
    free(vm->id);
    free(vm->name);
    *vm = (struct fl_auto_vm){ .id = NULL };
}

/* Nobody waits any more. */
static void forget_queue(struct fl_auto *repairs)
{
    for (size_t i = 0; i < repairs->n_queue; i++) {
        free_vm(&repairs->queue[i]);
    }
    free(repairs->queue);
    repairs->queue = NULL;
    repairs->n_queue = 0;
}

void fl_auto_close(struct fl_auto *repairs)
{
    fl_worker_destroy(&repairs->worker);
    forget_queue(repairs);
    free_vm(&repairs->now);
    fl_auto_limits_destroy(&repairs->limits);
    free(repairs->unreadable);
    shash_destroy_free_data(&repairs->said);
}

bool fl_auto_is_on(const struct fl_auto *repairs)
{
    return !strcmp(repairs->op.config->agent_auto, "repair");
}

/* ---- Said once ---- */

/* @key: an identity, or one of the above; @what: the reason without what changes by itself, such as a number. */
static void say_once(struct fl_auto *repairs, const char *key, const char *what, const char *line)
{
    const char *last = shash_find_data(&repairs->said, key);
    _cleanup_free char *escaped = NULL;

    if (last && !strcmp(last, what)) {
        return;
    }
    escaped = fl_text_escaped(line);
    VLOG_WARN("%s", escaped);
    free(shash_replace(&repairs->said, key, xstrdup(what)));
    repairs->is_news = true;
}

static void say_no_more(struct fl_auto *repairs, const char *key)
{
    free(shash_find_and_delete(&repairs->said, key));
}

/* "vm2, vm3 and 4 more" */
static char *names_of_queue(const struct fl_auto *repairs)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    size_t n = repairs->n_queue;

    for (size_t i = 0; i < n && i < MOST_NAMES; i++) {
        ds_put_format(&ds, "%s%s", i ? ", " : "", repairs->queue[i].name);
    }
    if (n > MOST_NAMES) {
        ds_put_format(&ds, " and %zu more", n - MOST_NAMES);
    }
    return ds_steal_cstr(&ds);
}

static void say_stopped(struct fl_auto *repairs)
{
    _cleanup_free char *line = NULL, *names = names_of_queue(repairs);
    char text[FL_TIME_TEXT_BYTES];

    fl_time_format(repairs->limits.stopped_ms + FL_AUTO_HOUR_MS, text);
    line = xasprintf("nobody is repaired until %s or \"ovs-appctl -t flowlift-agent auto-resume\": "
                     "%s%s%s",
                     text, repairs->limits.stop_reason, *names ? "; stranded: " : "", names);
    say_once(repairs, ABOUT_ALL, "stopped", line);
}

/* ---- The file ---- */

/* Return: whether it is on disk. */
static bool save(struct fl_auto *repairs)
{
    struct fl_error err = FL_ERROR_INIT;

    if (fl_auto_save(repairs->op.root, &repairs->limits, &err)) {
        _cleanup_free char *line = xasprintf("repairs cannot be written down: %s", err.text);

        say_once(repairs, ABOUT_FILE, err.text, line);
        return false;
    }
    say_no_more(repairs, ABOUT_FILE);
    return true;
}

/* Return: whether the limits are known. */
static bool load(struct fl_auto *repairs)
{
    struct fl_error err = FL_ERROR_INIT;

    if (repairs->is_loaded) {
        return true;
    }
    free(repairs->unreadable);
    repairs->unreadable = NULL;
    if (fl_auto_load(repairs->op.root, &repairs->limits, &err)) {
        _cleanup_free char *line = xasprintf(
            "nothing is repaired, since it is not known what was: %s; \"ovs-appctl -t flowlift-agent "
            "auto-resume\" begins anew",
            err.text);

        repairs->unreadable = xstrdup(err.text);
        say_once(repairs, ABOUT_ALL, err.text, line);
        return false;
    }
    repairs->is_loaded = true;
    say_no_more(repairs, ABOUT_ALL);
    if (fl_auto_interrupted(&repairs->limits, fl_time_now_ms())) {
        save(repairs);
    }
    return true;
}

void fl_auto_open(struct fl_auto *repairs, const struct fl_operator *op)
{
    *repairs = (struct fl_auto){ .op = *op };
    fl_auto_limits_init(&repairs->limits);
    fl_worker_init(&repairs->worker);
    shash_init(&repairs->said);
}

void fl_auto_reread(struct fl_auto *repairs)
{
    if (fl_auto_is_on(repairs)) {
        load(repairs);
    } else {
        forget_queue(repairs);
    }
}

/* ---- Who ---- */

void fl_auto_heed_revert(struct fl_auto *repairs, const char *vm_id, const char *vm_name,
                         int64_t reverted_ms, const char *why)
{
    int64_t now_ms = fl_time_now_ms(), until_ms = MIN(reverted_ms, now_ms) + FL_AUTO_HOUR_MS;

    if (until_ms > now_ms && load(repairs) && !fl_auto_held(&repairs->limits, vm_id)) {
        fl_auto_hold(&repairs->limits, vm_id, vm_name, why, until_ms);
    }
}

static bool is_wanted(struct fl_auto *repairs, const json_t *vm, const char *id, const char *name)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_remedy remedy;
    bool wanted = fl_auto_wants(vm, NULL);
    int error = wanted ? fl_store_read(repairs->op.root, id, &remedy, &err) : -ENOENT;

    if (!error) {
        wanted = fl_auto_wants(vm, &remedy);
        if (wanted) {
            _cleanup_free char *why = xasprintf("its remedy was reverted: %s", remedy.reason);

            fl_auto_heed_revert(repairs, id, remedy.set.vm_name, remedy.changed_ms, why);
        }
        fl_remedy_destroy(&remedy);
    } else if (error != -ENOENT) {
        _cleanup_free char *line = xasprintf("%s: is not repaired: %s", name, err.text);

        say_once(repairs, id, err.text, line);
        wanted = false;
    }
    return wanted;
}

/* Return: whether it is; that was said then. */
static bool is_left_alone(struct fl_auto *repairs, const char *id, const char *name)
{
    const struct fl_auto_hold *hold = fl_auto_held(&repairs->limits, id);
    _cleanup_free char *line = NULL;
    char text[FL_TIME_TEXT_BYTES];

    if (!hold || hold->until_ms <= fl_time_now_ms()) {
        return false;
    }
    line = xasprintf("%s: is stranded and left alone until %s: %s", name,
                     fl_time_format(hold->until_ms, text), hold->reason);
    say_once(repairs, id, "held", line);
    return true;
}

static void enqueue(struct fl_auto *repairs, const char *id, const char *name)
{
    repairs->queue = xrealloc(repairs->queue, (repairs->n_queue + 1) * sizeof *repairs->queue);
    repairs->queue[repairs->n_queue++] = (struct fl_auto_vm){
        .id = xstrdup(id),
        .name = xstrdup(name),
    };
}

/* What was said of a VM is forgotten when it is not stranded any more, or not there. */
static void forget_words(struct fl_auto *repairs, const json_t *vms)
{
    struct shash_node *node;
    struct sset stranded = SSET_INITIALIZER(&stranded);
    const json_t *vm;
    size_t i;

    json_array_foreach(vms, i, vm) {
        const char *id = json_string_value(json_object_get(vm, "id"));

        if (id && fl_auto_wants(vm, NULL)) {
            sset_add(&stranded, id);
        }
    }
    SHASH_FOR_EACH_SAFE(node, &repairs->said) {
        if (node->name[0] != ABOUT_ALL[0] && !sset_contains(&stranded, node->name)) {
            free(node->data);
            shash_delete(&repairs->said, node);
        }
    }
    sset_destroy(&stranded);
}

void fl_auto_consider(struct fl_auto *repairs, const json_t *document)
{
    const char *incomplete = json_string_value(json_object_get(document, "incomplete"));
    const json_t *vms = json_object_get(document, "vms"), *vm;
    size_t i;

    forget_queue(repairs);
    if (!load(repairs)) {
        return;
    }
    if (incomplete) {
        _cleanup_free char *line = xasprintf("nothing is repaired on an incomplete audit: %s",
                                             incomplete);

        say_once(repairs, ABOUT_AUDIT, incomplete, line);
        return;
    }
    say_no_more(repairs, ABOUT_AUDIT);
    fl_auto_age(&repairs->limits, fl_time_now_ms());
    forget_words(repairs, vms);
    json_array_foreach(vms, i, vm) {
        const char *id = json_string_value(json_object_get(vm, "id"));
        const char *name = json_string_value(json_object_get(vm, "name"));

        if (!id || !name || (repairs->now.id && !strcmp(id, repairs->now.id))) {
            continue;
        }
        if (is_wanted(repairs, vm, id, name) && !is_left_alone(repairs, id, name)) {
            enqueue(repairs, id, name);
        }
    }
}

/* ---- One after the other ---- */

static void finish(struct fl_auto *repairs, enum fl_auto_end end, const char *reason)
{
    int64_t now_ms = fl_time_now_ms();
    bool stops = fl_auto_end(&repairs->limits, repairs->now.id, end, reason, now_ms);
    const struct fl_auto_hold *hold = fl_auto_held(&repairs->limits, repairs->now.id);
    _cleanup_free char *name = fl_text_escaped(repairs->now.name);
    _cleanup_free char *why = fl_text_escaped(reason);
    char text[FL_TIME_TEXT_BYTES];

    repairs->ends[end]++;
    if (end == FL_AUTO_DONE || end == FL_AUTO_REOFFERED || end == FL_AUTO_NEEDLESS) {
        VLOG_INFO("%s: %s: %s", name, end == FL_AUTO_NEEDLESS ? "needs no repair" : "repaired",
                  why);
    } else {
        VLOG_WARN("%s: not repaired (%s): %s; it is left alone until %s", name,
                  fl_auto_end_name(end), why, fl_time_format(hold ? hold->until_ms : now_ms, text));
        /* That is what was said of it. */
        free(shash_replace(&repairs->said, repairs->now.id, xstrdup("held")));
    }
    if (stops) {
        say_stopped(repairs);
    }
    save(repairs);
    free_vm(&repairs->now);
    repairs->is_news = true;
}

static void take_result(const json_t *result, const char *why, void *repairs_)
{
    const char *reason = json_string_value(json_object_get(result, "reason"));

    finish(repairs_, result ? fl_repair_end(result) : FL_AUTO_TROUBLE,
           reason ? reason
           : why  ? why
                  : "no reason was given");
}

static struct fl_auto_vm take_first(struct fl_auto *repairs)
{
    struct fl_auto_vm vm = repairs->queue[0];

    repairs->n_queue--;
    memmove(repairs->queue, repairs->queue + 1, repairs->n_queue * sizeof *repairs->queue);
    return vm;
}

/* The first of the queue. */
static void begin(struct fl_auto *repairs)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_free char *name = NULL;

    repairs->now = take_first(repairs);
    fl_auto_begin(&repairs->limits, repairs->now.id, repairs->now.name, fl_time_now_ms());
    if (!save(repairs)) {
        /* It would not be known of after a restart. */
        fl_auto_end(&repairs->limits, repairs->now.id, FL_AUTO_NEEDLESS, "", fl_time_now_ms());
        free_vm(&repairs->now);
        forget_queue(repairs);
        return;
    }
    name = fl_text_escaped(repairs->now.name);
    VLOG_INFO("%s: is stranded, its repair begins", name);
    repairs->is_news = true;
    if (fl_repair_start(&repairs->worker, repairs, take_result, &err)) {
        finish(repairs, FL_AUTO_TROUBLE, err.text);
    }
}

/* Return: whether the next one may begin; else it was said why not, and to whom that applies. */
static bool may_begin(struct fl_auto *repairs)
{
    int max = repairs->op.config->agent_max_repairs_per_hour;
    _cleanup_free char *line = NULL, *names = names_of_queue(repairs);
    char text[FL_TIME_TEXT_BYTES];
    int64_t until_ms;
    enum fl_auto_answer answer;

    answer = fl_auto_may(&repairs->limits, repairs->queue[0].id, max, fl_time_now_ms(), &until_ms);
    fl_time_format(until_ms, text);
    switch (answer) {
    case FL_AUTO_GO:
        say_no_more(repairs, repairs->queue[0].id);
        say_no_more(repairs, ABOUT_ALL);
        return true;
    case FL_AUTO_STOPPED: say_stopped(repairs); return false;
    case FL_AUTO_FULL:
        line = xasprintf("max-repairs-per-hour is %d: nobody more is repaired%s%s; stranded: %s",
                         max, until_ms ? " until " : "", until_ms ? text : "", names);
        say_once(repairs, ABOUT_ALL, "full", line);
        return false;
    case FL_AUTO_HELD:
    default: return false; /* Since it was put there: the next audit takes it out. */
    }
}

static void begin_next(struct fl_auto *repairs)
{
    while (repairs->n_queue && !repairs->now.id && may_begin(repairs)) {
        begin(repairs);
    }
}

void fl_auto_run(struct fl_auto *repairs)
{
    fl_worker_run(&repairs->worker);
    begin_next(repairs);
}

void fl_auto_wait(const struct fl_auto *repairs)
{
    fl_worker_wait(&repairs->worker);
}

/* ---- Control ---- */

static void resume(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[] OVS_UNUSED,
                   void *repairs_)
{
    struct fl_auto *repairs = repairs_;
    struct fl_auto_limits old;
    struct fl_error err = FL_ERROR_INIT;
    bool was_stopped;

    if (!repairs->is_loaded && fl_auto_load(repairs->op.root, &old, &err)) {
        fl_auto_limits_init(&repairs->limits);
    } else if (!repairs->is_loaded) {
        repairs->limits = old;
        fl_auto_interrupted(&repairs->limits, fl_time_now_ms());
    }
    was_stopped = repairs->limits.stopped_ms || err.code;
    fl_auto_resume(&repairs->limits);
    fl_error_clear(&err);
    if (fl_auto_save(repairs->op.root, &repairs->limits, &err)) {
        unixctl_command_reply_error(conn, err.text);
        return;
    }
    repairs->is_loaded = true;
    free(repairs->unreadable);
    repairs->unreadable = NULL;
    repairs->is_news = true;
    say_no_more(repairs, ABOUT_ALL);
    VLOG_INFO("auto-resume: automatic repairs go on");
    unixctl_command_reply(conn, was_stopped ? "automatic repairs go on"
                                            : "automatic repairs were not stopped");
}

void fl_auto_register(struct fl_auto *repairs)
{
    unixctl_command_register("auto-resume", "", 0, 0, resume, repairs);
}
