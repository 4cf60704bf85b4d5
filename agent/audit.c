/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/audit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/poll-loop.h>
#include <openvswitch/vlog.h>
#include <ovs/hash.h>
#include <ovs/timeval.h>
#include <ovs/unixctl.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/audit_document.h"
#include "lib/audit_host.h"
#include "lib/base/clock.h"
#include "lib/base/small_file.h"
#include "lib/collect_host.h"
#include "lib/text.h"

VLOG_DEFINE_THIS_MODULE(agent_audit);

/* Until an audit that failed is made again: twice as long each time, an interval at most. */
#define RETRY_FIRST_MS 5000
/* An audit that there is a reason for begins after this, and not so soon after another one. */
#define SOON_MS      2000
#define SOON_REST_MS 10000
/* Beside its two windows: dumps, of an Open vSwitch that is busy with 200,000 flows or more. */
#define MOST_MS 300000
/* Who may wait for an audit at a time. */
#define MOST_WAITERS 100

/* The hosts of a fleet are made of one image, or have one name: hardly both. */
static uint32_t offset_of_host(void)
{
    static const char path[] = "/etc/machine-id";
    struct fl_error ignored = FL_ERROR_INIT;
    _cleanup_free char *id = NULL;
    char name[FL_HOST_NAME_BYTES];
    size_t n_bytes;
    uint32_t hash = hash_string(fl_collect_host_name(name), 0);

    if (!fl_small_file_read(AT_FDCWD, path, path, 0, &id, &n_bytes, &ignored)) {
        hash = hash_string(id, hash);
    }
    return hash;
}

/* ---- When ---- */

/* From now until the next regular moment. */
static long long until_regular_ms(const struct fl_audit_timer *timer)
{
    int64_t interval_ms = timer->config->agent_interval_ms;

    return interval_ms - (fl_time_now_ms() + timer->offset_ms) % interval_ms;
}

static void schedule(struct fl_audit_timer *timer)
{
    long long wait_ms = until_regular_ms(timer);

    if (!strcmp(timer->config->agent_auto, "off")) {
        timer->due_ms = LLONG_MAX;
        return;
    }
    if (timer->n_in_a_row) {
        wait_ms = MIN(wait_ms, fl_backoff_ms(RETRY_FIRST_MS, timer->config->agent_interval_ms,
                                             timer->n_in_a_row));
    }
    timer->due_ms = time_msec() + wait_ms;
}

void fl_audit_timer_open(struct fl_audit_timer *timer, const struct fl_config *config,
                         const struct fl_host *host,
                         void (*done)(const json_t *document, void *aux), void *aux)
{
    *timer = (struct fl_audit_timer){
        .config = config,
        .host = *host,
        .done = done,
        .aux = aux,
        .offset_ms = offset_of_host(),
    };
    fl_worker_init(&timer->worker);
    fl_news_init(&timer->news);
    schedule(timer);
}

void fl_audit_timer_reread(struct fl_audit_timer *timer)
{
    schedule(timer);
}

void fl_audit_timer_soon(struct fl_audit_timer *timer)
{
    int64_t since_ms = fl_time_now_ms() - timer->last_ms;
    long long rest_ms = since_ms >= 0 && since_ms < SOON_REST_MS ? SOON_REST_MS - since_ms : 0;

    if (timer->due_ms != LLONG_MAX) {
        timer->due_ms = MIN(timer->due_ms, time_msec() + MAX(SOON_MS, rest_ms));
    }
}

int64_t fl_audit_timer_next_ms(const struct fl_audit_timer *timer)
{
    return timer->due_ms == LLONG_MAX || fl_worker_is_busy(&timer->worker)
               ? 0
               : fl_time_now_ms() + MAX(0, timer->due_ms - time_msec());
}

/* ---- In the child ---- */

/*
 * The counters of ports come first. Where they cannot be read at all, flows can all the same.
 */
static int read_host(const struct fl_audit_timer *timer, struct fl_host_audit *result,
                     struct fl_error *err)
{
    const struct fl_collect_options options = {
        .config = timer->config,
        .window_ms = timer->config->window_ms,
        .keep = FL_KEEP_STORAGE,
    };
    struct fl_error ignored = FL_ERROR_INIT;

    if (!fl_host_audit(&timer->host, &options, true, result, &ignored)) {
        return 0;
    }
    return fl_host_audit(&timer->host, &options, false, result, err);
}

static json_t *audit(void *timer_)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_host_audit result;
    json_t *document;

    if (read_host(timer_, &result, &err)) {
        return json_pack("{s:o}", "error", fl_text_json(err.text));
    }
    document = fl_audit_document(result.audit, NULL, result.doubts);
    fl_host_audit_release(&result);
    return json_pack("{s:o}", "document", document);
}

/* ---- What came of it ---- */

static void answer(struct fl_audit_timer *timer, const char *failure)
{
    _cleanup_free char *text = failure ? NULL : json_dumps(timer->last, JSON_INDENT(2));
    size_t n_left = 0;

    for (size_t i = 0; i < timer->n_waiters; i++) {
        struct fl_audit_waiter *waiter = &timer->waiters[i];

        if (!waiter->is_served) {
            timer->waiters[n_left++] = *waiter;
        } else if (failure) {
            unixctl_command_reply_error(waiter->conn, failure);
        } else {
            unixctl_command_reply(waiter->conn, text);
        }
    }
    timer->n_waiters = n_left;
}

static void say_line(bool is_bad, const char *line, void *timer_)
{
    struct fl_audit_timer *timer = timer_;

    VLOG(is_bad ? VLL_WARN : VLL_INFO, "%s", line);
    timer->is_news = true;
}

static void say_incomplete(struct fl_audit_timer *timer)
{
    const char *why = json_string_value(json_object_get(timer->last, "incomplete"));

    if (why && (!timer->incomplete || strcmp(why, timer->incomplete))) {
        _cleanup_free char *escaped = fl_text_escaped(why);

        VLOG_WARN("the audit is incomplete: %s", escaped);
    } else if (!why && timer->incomplete) {
        VLOG_INFO("the audit is complete again");
    }
    free(timer->incomplete);
    timer->incomplete = nullable_xstrdup(why);
}

static void succeed(struct fl_audit_timer *timer, json_t *document)
{
    json_decref(timer->last);
    timer->last = json_incref(document);
    timer->last_ms = fl_time_now_ms();
    timer->last_took_ms = fl_monotonic_ms() - timer->began_ms;
    timer->n_ok++;
    if (timer->failure) {
        VLOG_INFO("audits succeed again");
        timer->is_news = true;
    }
    free(timer->failure);
    timer->failure = NULL;
    timer->failed_ms = 0;
    timer->n_in_a_row = 0;
    say_incomplete(timer);
    fl_news_take(&timer->news, document, say_line, timer);
}

static void fail(struct fl_audit_timer *timer, const char *why)
{
    timer->n_failed++;
    timer->n_in_a_row++;
    if (!timer->failure) {
        _cleanup_free char *escaped = fl_text_escaped(why);

        VLOG_WARN("the audit failed, and is tried again until it succeeds: %s", escaped);
        timer->failed_ms = fl_time_now_ms();
        timer->is_news = true;
    }
    free(timer->failure);
    timer->failure = xstrdup(why);
}

static void take_result(const json_t *result, const char *why, void *timer_)
{
    struct fl_audit_timer *timer = timer_;
    json_t *document = json_object_get(result, "document");
    const char *error = json_string_value(json_object_get(result, "error"));

    if (json_is_object(document)) {
        succeed(timer, document);
    } else {
        fail(timer, why ? why : error ? error : "the audit ended without a result");
    }
    schedule(timer);
    answer(timer, timer->failure);
    if (!timer->failure && timer->done) {
        timer->done(timer->last, timer->aux);
    }
}

/* ---- In the loop ---- */

static void begin(struct fl_audit_timer *timer)
{
    struct fl_error err = FL_ERROR_INIT;
    const struct fl_job job = {
        .what = "audit",
        .run = audit,
        .done = take_result,
        .aux = timer,
        .most_ms = 2 * timer->config->window_ms + MOST_MS,
    };

    timer->began_ms = fl_monotonic_ms();
    for (size_t i = 0; i < timer->n_waiters; i++) {
        timer->waiters[i].is_served = true;
    }
    if (fl_worker_start(&timer->worker, &job, &err)) {
        take_result(NULL, err.text, timer);
    }
}

void fl_audit_timer_run(struct fl_audit_timer *timer)
{
    fl_worker_run(&timer->worker);
    if (!fl_worker_is_busy(&timer->worker) && (timer->n_waiters || time_msec() >= timer->due_ms)) {
        begin(timer);
    }
}

void fl_audit_timer_wait(const struct fl_audit_timer *timer)
{
    if (fl_worker_is_busy(&timer->worker)) {
        fl_worker_wait(&timer->worker);
    } else if (timer->n_waiters) {
        poll_immediate_wake();
    } else {
        poll_timer_wait_until(timer->due_ms);
    }
}

void fl_audit_timer_close(struct fl_audit_timer *timer)
{
    fl_worker_destroy(&timer->worker);
    for (size_t i = 0; i < timer->n_waiters; i++) {
        timer->waiters[i].is_served = true;
    }
    answer(timer, "the agent ends");
    free(timer->waiters);
    fl_news_destroy(&timer->news);
    json_decref(timer->last);
    free(timer->failure);
    free(timer->incomplete);
}

static void ask(struct unixctl_conn *conn, int argc OVS_UNUSED, const char *argv[] OVS_UNUSED,
                void *timer_)
{
    struct fl_audit_timer *timer = timer_;

    if (timer->n_waiters >= MOST_WAITERS) {
        unixctl_command_reply_error(conn, "too many wait for an audit already");
        return;
    }
    timer->waiters = xrealloc(timer->waiters, (timer->n_waiters + 1) * sizeof *timer->waiters);
    timer->waiters[timer->n_waiters++] = (struct fl_audit_waiter){ .conn = conn };
}

void fl_audit_timer_register(struct fl_audit_timer *timer)
{
    unixctl_command_register("audit", "", 0, 0, ask, timer);
}
