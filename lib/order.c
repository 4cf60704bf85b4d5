/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/order.h"

#include <errno.h>

#include <ovs/util.h>

#include "lib/base/clock.h"
#include "lib/ovs/db.h"
#include "lib/remedy_steps.h"

/* What was asked for, whatever was checked by whoever asked: see lib/order.h. */
static int check(const struct fl_operator *op, const struct fl_plan *plan, struct fl_error *err)
{
    struct fl_vm_keys keys = fl_config_vm_keys(op->config);
    struct fl_inventory inv;
    int error = fl_db_read(op->host.db, &keys, fl_step_timeout_ms(op), &inv, err);

    if (error) {
        return error;
    }
    error = fl_order_check_place(&plan->set, &inv, err);
    if (!error) {
        error = fl_remedy_check_until(&op->until, fl_time_now_ms(), inv.ovs_version, err);
    }
    fl_inventory_destroy(&inv);
    return error;
}

/* A proof as it is forgets what the rules were narrowed for, which is for people and stays true. */
static int prove(const struct fl_operator *op, struct fl_plan *plan, struct fl_error *err)
{
    struct fl_exception *exceptions = plan->set.exceptions;
    size_t n = plan->set.n_exceptions;
    int error;

    plan->set.exceptions = NULL;
    plan->set.n_exceptions = 0;
    error = fl_remedy_prove(op, plan, NULL, err);
    for (size_t i = 0; i < n; i++) {
        fl_flowset_add_exception(&plan->set, exceptions[i].example, exceptions[i].why);
        free(exceptions[i].example);
        free(exceptions[i].why);
    }
    free(exceptions);
    return error;
}

/* That there is nothing to do any more is an answer. */
static int plan_reoffer(const struct fl_operator *op, struct fl_plan *plan,
                        struct fl_outcome *outcome, struct fl_error *err)
{
    int error = fl_remedy_plan_reoffer(op, plan, err);

    if (error == -ENOENT || error == -ENOTSUP || error == -EPERM) {
        outcome->state = FL_REMEDY_REVERTED;
        outcome->reason = xstrdup(err->text);
        error = -ECANCELED;
    }
    return error;
}

static int apply(const struct fl_operator *op, struct fl_plan *plan, struct fl_outcome *outcome,
                 struct fl_error *err)
{
    int error = check(op, plan, err);

    if (!error && !plan->refused) {
        error = prove(op, plan, err);
    }
    if (!error && plan->wants_reoffer) {
        error = plan_reoffer(op, plan, outcome, err);
    }
    return error ? error : fl_remedy_apply(op, plan, outcome, err);
}

void fl_order_carry_out(const struct fl_operator *op_, struct fl_order *order,
                        struct fl_order_answer *answer)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_operator op = *op_;

    op.who = order->who;
    op.ticket = order->ticket;
    op.until = order->until;
    op.host.timeout_ms = order->timeout_ms;
    op.host.via = order->via;
    *answer = (struct fl_order_answer){ .outcome = { .hw_share = -1 } };
    switch (order->step) {
    case FL_ORDER_APPLY: answer->error = apply(&op, order->plan, &answer->outcome, &err); break;
    case FL_ORDER_VERIFY:
        answer->error = fl_remedy_verify(&op, order->vm, &answer->outcome, &err);
        break;
    case FL_ORDER_REVERT:
        answer->error = fl_remedy_revert(&op, order->vm, &answer->outcome, &err);
        break;
    case FL_ORDER_REVERT_ALL:
        answer->error = fl_remedy_revert_all(&op, &answer->n_reverted, &err);
        break;
    case FL_ORDER_CONFIRM:
        answer->error = fl_remedy_confirm(&op, order->vm, &answer->outcome, &err);
        break;
    case FL_ORDER_N_STEPS:
    default: answer->error = fl_error_set(&err, -EINVAL, "there is no such step");
    }
    answer->message = answer->error ? xstrdup(err.text) : NULL;
}
