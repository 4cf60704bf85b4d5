/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/carry_out.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/progress.h"
#include "flows/cleanup.h"
#include "lib/agent_client.h"
#include "lib/text.h"

/* A step of an agent that was killed ends with it, or has begun to. */
#define LOCK_WAIT_MS 5000

enum carried {
    CARRIED_OUT,   /* There is an answer. */
    CARRIED_ALONE, /* Nothing was begun. */
    CARRIED_LOST,  /* It was begun, and nobody knows what came of it. */
};

static void __attribute__((format(printf, 2, 3)))
say(const struct fl_error *why, const char *format, ...)
{
    _cleanup_free char *reason = fl_text_clean(why->text);
    va_list args;

    fl_progress_end();
    fprintf(stderr, "flowlift: %s: ", reason);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static enum carried by_agent(const struct fl_operator *op, struct fl_order *order,
                             struct fl_order_answer *answer, struct fl_error *why)
{
    struct fl_agent_client agent;
    int error = fl_agent_client_find(op->root, op->host.db, order->step == FL_ORDER_CONFIRM, &agent,
                                     why);

    if (error == -ENOENT)
        return CARRIED_ALONE;
    if (!error) {
        order->who = CONST_CAST(char *, op->who);
        order->ticket = CONST_CAST(char *, op->ticket);
        order->until = op->until;
        order->timeout_ms = op->host.timeout_ms;
        order->via = op->host.via;
        if (op->progress)
            op->progress("flowlift-agent is at it", op->progress_aux);
        error = fl_agent_client_order(&agent, order, answer, why);
        fl_agent_client_destroy(&agent);
    }
    if (!error)
        return CARRIED_OUT;
    if (error == -ECONNABORTED)
        return CARRIED_LOST;
    say(why, "working without it");
    return CARRIED_ALONE;
}

/* What the agent answered, as if we had done it. */
static int take_answer(struct fl_order_answer *answer, struct fl_outcome *outcome,
                       struct fl_error *err)
{
    int error = answer->error;

    if (error)
        fl_error_set(err, error, "%s", answer->message ? answer->message : "");
    if (outcome) {
        *outcome = answer->outcome;
        memset(&answer->outcome, 0, sizeof answer->outcome);
    }
    fl_order_answer_destroy(answer);
    return error;
}

/* ---- Apply ---- */

/*
 * The VM's remedy, once nobody is at it any more. @offers: its flows were to be offered again first, which leaves
 * none. Return: a sentence, free().
 */
static char *how_it_stands(const struct fl_operator *op, const char *vm_id, const char *vm_name,
                           bool offers)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_status_entry *entries = NULL;
    struct fl_store *store;
    char *text = NULL;
    size_t n = 0;
    int error = fl_store_open(op->root, true, LOCK_WAIT_MS, &store, &err);

    if (error)
        return xasprintf("how %s stands cannot be told: %s", vm_name, err.text);
    fl_store_close(store);
    error = fl_remedy_status(op, &entries, &n, &err);
    for (size_t i = 0; i < n && !text; i++) {
        const struct fl_status_entry *e = &entries[i];

        if (e->vm_id && !strcmp(e->vm_id, vm_id))
            text = xasprintf("%s is %s now%s%s", vm_name,
                             e->readable ? fl_remedy_state_name(e->state) : "unknown",
                             e->note ? ": " : "", e->note ? e->note : "");
    }
    fl_status_free(entries, n);
    if (!text)
        text = error ? xasprintf("how %s stands cannot be told: %s", vm_name, err.text)
                     : xasprintf("%s %s: run flowlift apply %s",
                                 offers ? "there is no remedy of" : "nothing was begun for",
                                 vm_name, vm_name);
    return text;
}

int fl_carry_out_apply(const struct fl_operator *op, struct fl_plan *plan,
                       struct fl_outcome *outcome, struct fl_error *err)
{
    struct fl_order order = { .step = FL_ORDER_APPLY, .plan = plan };
    struct fl_error why = FL_ERROR_INIT;
    _cleanup_free char *stands = NULL;
    struct fl_order_answer answer;
    /* The agent has no deadline to wait for. */
    enum carried carried = op->confirm_within_ms ? CARRIED_ALONE
                                                 : by_agent(op, &order, &answer, &why);

    switch (carried) {
    case CARRIED_OUT: return take_answer(&answer, outcome, err);
    case CARRIED_LOST:
        *outcome = (struct fl_outcome){ .hw_share = -1 };
        stands = how_it_stands(op, plan->set.vm_id, plan->set.vm_name, plan->reoffer.n_rules);
        return fl_error_set(err, -ECONNABORTED,
                            "flowlift-agent went away while it applied the plan; %s", stands);
    case CARRIED_ALONE:
    default: return fl_remedy_apply(op, plan, outcome, err);
    }
}

/* ---- What may be done twice ---- */

int fl_carry_out_for_vm(const struct fl_operator *op, enum fl_order_step step, const char *vm,
                        struct fl_outcome *outcome, struct fl_error *err)
{
    struct fl_order order = { .step = step, .vm = CONST_CAST(char *, vm) };
    struct fl_error why = FL_ERROR_INIT;
    struct fl_order_answer answer;
    enum carried carried = by_agent(op, &order, &answer, &why);

    if (carried == CARRIED_OUT)
        return take_answer(&answer, outcome, err);
    if (carried == CARRIED_LOST)
        say(&why, "finishing without it");
    switch (step) {
    case FL_ORDER_VERIFY: return fl_remedy_verify(op, vm, outcome, err);
    case FL_ORDER_REVERT: return fl_remedy_revert(op, vm, outcome, err);
    case FL_ORDER_CONFIRM: return fl_remedy_confirm(op, vm, outcome, err);
    case FL_ORDER_APPLY:
    case FL_ORDER_REVERT_ALL:
    case FL_ORDER_N_STEPS:
    default: OVS_NOT_REACHED();
    }
}

int fl_carry_out_revert_all(const struct fl_operator *op, size_t *n_reverted, struct fl_error *err)
{
    struct fl_order order = { .step = FL_ORDER_REVERT_ALL };
    struct fl_error why = FL_ERROR_INIT;
    struct fl_order_answer answer;
    enum carried carried = by_agent(op, &order, &answer, &why);

    if (carried == CARRIED_OUT) {
        *n_reverted = answer.n_reverted;
        return take_answer(&answer, NULL, err);
    }
    if (carried == CARRIED_LOST)
        say(&why, "finishing without it");
    return fl_remedy_revert_all(op, n_reverted, err);
}
