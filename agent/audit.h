/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_AUDIT_H
#define FLOWLIFT_AGENT_AUDIT_H

/*
 * The audit on a timer and on request, in a child process. Moments are a whole number of intervals after the
 * epoch, and a share of one that depends on the host's identity: they do not drift, and a fleet that was
 * started at once does not dump its flows at once. An audit that failed is made again after 5 s, 10 s, ... at
 * most an interval; that it failed is said once. A result that is not news is only kept.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/news.h"
#include "agent/worker.h"
#include "lib/base/config.h"
#include "lib/collect.h"

struct unixctl_conn;

/* Somebody who asked for an audit. */
struct fl_audit_waiter {
    struct unixctl_conn *conn;
    bool is_served; /* by the audit that is under way: it began after the question */
};

struct fl_audit_timer {
    /* For whoever renders it. */
    json_t *last;         /* "flowlift/audit/1" of the last audit that succeeded, or NULL */
    int64_t last_ms;      /* when that ended (Unix time) */
    int64_t last_took_ms; /* how long it took */
    uint64_t n_ok;        /* audits since the agent began */
    uint64_t n_failed;
    char *failure;           /* why the latest one failed; NULL: it did not. @last is older then. */
    int64_t failed_ms;       /* since when audits fail (Unix time), 0: they do not */
    unsigned int n_in_a_row; /* that failed */
    bool is_news;            /* since somebody set it to false */

    const struct fl_config *config; /* borrowed */
    struct fl_host host;            /* what it points to is borrowed */
    /* Called with each audit that succeeded; may be NULL. */
    void (*done)(const json_t *document, void *aux);
    void *aux;
    struct fl_worker worker;
    struct fl_news news;
    char *incomplete;   /* as was said, or NULL */
    uint32_t offset_ms; /* of this host */
    int64_t began_ms;   /* the one that is under way; monotonic */
    long long due_ms;   /* on the clock of time_msec(); LLONG_MAX: never */
    struct fl_audit_waiter *waiters;
    size_t n_waiters;
};

/**
 * fl_audit_timer_open() - begin
 * @config, what @host points to: borrowed until fl_audit_timer_close()
 * @done: see above
 */
void fl_audit_timer_open(struct fl_audit_timer *timer, const struct fl_config *config,
                         const struct fl_host *host,
                         void (*done)(const json_t *document, void *aux), void *aux);
/** fl_audit_timer_close() - who waits is told that the agent ends */
void fl_audit_timer_close(struct fl_audit_timer *timer);
/** fl_audit_timer_reread() - the configuration is another one: its interval counts from now */
void fl_audit_timer_reread(struct fl_audit_timer *timer);
/** fl_audit_timer_soon() - there is a reason for an audit before the next moment; not with auto = off */
void fl_audit_timer_soon(struct fl_audit_timer *timer);
/** fl_audit_timer_run() - begin the audit that is due, take the result of the last; never blocks */
void fl_audit_timer_run(struct fl_audit_timer *timer);
void fl_audit_timer_wait(const struct fl_audit_timer *timer);
/** fl_audit_timer_next_ms() - when the next one begins (Unix time); 0: nobody knows (auto = off, or now) */
int64_t fl_audit_timer_next_ms(const struct fl_audit_timer *timer);
/** fl_audit_timer_register() - the command "audit" */
void fl_audit_timer_register(struct fl_audit_timer *timer);

#endif
