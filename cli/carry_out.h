/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_CARRY_OUT_H
#define FLOWLIFT_CLI_CARRY_OUT_H

/*
 * The steps of lib/remedy.h, done by the agent of this root when there is one that answers, else by ourselves
 * under the store's lock. One that cannot be asked is named in a line on standard error. When it goes away in
 * the middle, a step that may be done twice is done again; what became of an apply is told from what is on disk
 * and in the switch.
 *
 * apply --confirm-within is always done by ourselves: the waiter (cli/waiter.h) has to be there before the rules
 * go in, in a session of its own, and must end neither with the agent nor with its service.
 */

#include "lib/order.h"

/**
 * fl_carry_out_apply() - fl_remedy_apply()
 * Return: as that, or -ECONNABORTED: the agent went away; @err says how things stand.
 */
int fl_carry_out_apply(const struct fl_operator *op, struct fl_plan *plan,
                       struct fl_outcome *outcome, struct fl_error *err);
/**
 * fl_carry_out_for_vm() - fl_remedy_verify(), fl_remedy_revert(), fl_remedy_confirm()
 * @step: which of them
 */
int fl_carry_out_for_vm(const struct fl_operator *op, enum fl_order_step step, const char *vm,
                        struct fl_outcome *outcome, struct fl_error *err);
/** fl_carry_out_revert_all() - fl_remedy_revert_all() */
int fl_carry_out_revert_all(const struct fl_operator *op, size_t *n_reverted, struct fl_error *err);

#endif
