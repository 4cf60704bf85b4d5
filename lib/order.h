/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_ORDER_H
#define FLOWLIFT_ORDER_H

/*
 * An order: a step of a remedy (lib/remedy.h) that the CLI has the agent do, and what came of it, as JSON on the
 * agent's control socket. Who may write to the socket need not be who may change the switch: an order is taken
 * for what anybody may have written. Its rules have to be as flowlift makes them (priority, cookie, guard, a
 * few kinds of actions, packets that can come, decoys that are parts of rules), for a VM and bridges that are
 * here, and they are proven again, as they are. So an order gives nobody more than flowlift would. That flows are
 * to be offered to the NIC again it only asks for: which ones, and by which rules for a moment, the agent finds
 * out by itself. Without other rules ("refused" says why there are none) that is all that is asked for.
 *
 *     {"schema": "flowlift/order/1", "step": "apply", "vm": null, "flow_set": {...}, "installed": false,
 *      "busy": true, "reoffer": true, "refused": null, "before": {...}, "who": "root", "ticket": null,
 *      "until": "3.3.1", "timeout_ms": 0, "via": "auto"}
 *     {"schema": "flowlift/order-answer/1", "error": 0, "message": null, "outcome": {...}, "reverted": 0}
 */

#include <jansson.h>

#include "lib/remedy.h"

/* An order as JSON; an audit entry of a VM with many chains is most of it. */
#define FL_ORDER_BYTES (1024u * 1024)

enum fl_order_step {
    FL_ORDER_APPLY,
    FL_ORDER_VERIFY,
    FL_ORDER_REVERT,
    FL_ORDER_REVERT_ALL,
    FL_ORDER_CONFIRM,
    FL_ORDER_N_STEPS,
};
/** fl_order_step_name() - "apply", "revert-all", ... */
const char *fl_order_step_name(enum fl_order_step step);

/* All is owned, and to be destroyed, of one that was read; borrowed of one that is only written. */
struct fl_order {
    enum fl_order_step step;
    char *vm; /* Name or identity; NULL for apply and revert-all. */
    struct fl_plan
        *plan; /* Of apply; else NULL. Of what it was made from there is what its audit says. */
    char *who;
    char *ticket; /* or NULL */
    struct fl_until until;
    int timeout_ms; /* For each answer of OVS; 0: the default of each step. */
    enum fl_via via;
};
void fl_order_destroy(struct fl_order *order);
json_t *fl_order_to_json(const struct fl_order *order); /* new reference */
/**
 * fl_order_from_json() - read an order, whoever wrote it
 * Return: 0; -EINVAL with a sentence for what flowlift would not have written.
 */
int fl_order_from_json(const json_t *json, struct fl_order *order, struct fl_error *err);
/**
 * fl_order_check_rules() - are they such as flowlift makes?
 * Without Open vSwitch: what the proof of a rule does not look at, or takes for granted.
 */
int fl_order_check_rules(const struct fl_flowset *set, struct fl_error *err);
/** fl_order_check_place() - are the VM and the bridges of the rules here? */
int fl_order_check_place(const struct fl_flowset *set, const struct fl_inventory *inv,
                         struct fl_error *err);

struct fl_order_answer {
    int error; /* what the function of lib/remedy.h returned */
    char *message;
    struct fl_outcome outcome;
    size_t n_reverted; /* of revert-all */
};
void fl_order_answer_destroy(struct fl_order_answer *answer);
json_t *fl_order_answer_to_json(const struct fl_order_answer *answer); /* new reference */
/** fl_order_answer_from_json() - Return: 0 or -EINVAL */
int fl_order_answer_from_json(const json_t *json, struct fl_order_answer *answer,
                              struct fl_error *err);

/**
 * fl_order_carry_out() - do what it says
 * @op: whose host and root; what the order says of who, ticket, until, timeout and via is put into it
 * @answer: filled, to be destroyed
 */
void fl_order_carry_out(const struct fl_operator *op, struct fl_order *order,
                        struct fl_order_answer *answer);

#endif
