/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/audit_view.h"
#include "cli/carry_out.h"
#include "cli/outcome_view.h"
#include "cli/plan_file.h"
#include "cli/plan_view.h"
#include "cli/progress.h"
#include "cli/reading.h"
#include "cli/waiter.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"

/*
 * A plan from a file goes the way of one made now: what forbids the one forbids the other, and rules
 * that are in the switch already are not put in again. Only a VM without traffic, of which nothing can
 * be planned now, is helped by a plan of earlier.
 */
static int get_plan_of_file(const struct fl_request *request, const struct fl_operator *op,
                            struct fl_plan *plan, bool *anew, struct fl_error *err)
{
    struct fl_flowset set;
    int error = fl_plan_file_read(request->plan, request->argument, &set, err);

    if (error)
        return error;
    error = fl_remedy_plan(op, request->argument, plan, err);
    if (error == -ENOENT && plan->vm && plan->vm->verdict == FL_VERDICT_IDLE) {
        fl_error_clear(err);
        error = 0;
    }
    if (error || (plan->installed && fl_flowset_equal(&plan->set, &set))) {
        fl_flowset_destroy(&set);
        return error;
    }
    fl_flowset_destroy(&plan->set);
    plan->set = set;
    plan->installed = false;
    free(plan->refused);
    plan->refused = NULL;
    return fl_remedy_prove(op, plan, anew, err);
}

static int get_plan(const struct fl_request *request, const struct fl_operator *op,
                    struct fl_plan *plan, bool *anew, struct fl_error *err)
{
    if (request->plan)
        return get_plan_of_file(request, op, plan, anew, err);
    return fl_remedy_plan(op, request->argument, plan, err);
}

/* Whoever gave the file is to see that what is done may not be what he has read in it. */
static void say_anew(struct fl_output *out)
{
    fl_output_styled(out, FL_STYLE_ODD,
                     "the pipeline has changed since this plan was made: proven anew\n");
}

/* There is no plan, or it was only to be shown. */
static int show_plan(const struct fl_plan_answer *answer, int code, bool anew,
                     struct fl_output *out)
{
    if (answer->request->format == FL_FORMAT_JSON) {
        json_t *document = fl_plan_json(answer, "apply");

        json_object_set_new(document, "changed", json_false());
        if (answer->request->plan)
            json_object_set_new(document, "proven_anew", json_boolean(anew));
        fl_output_json(out, document);
    } else {
        if (anew)
            say_anew(out);
        fl_plan_print(answer, NULL, out);
    }
    return fl_plan_exit_code(code);
}

/* A line for each rule, for copying. */
static char *rules_text(const struct fl_flowset *set)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < set->n_rules; i++) {
        _cleanup_free char *rule = fl_rule_text(&set->rules[i], set->cookie);

        if (!set->rules[i].decoy)
            ds_put_format(&text, "  %s\n", rule);
    }
    return ds_steal_cstr(&text);
}

/*
 * fl_carry_out_apply() may take the flow set out of the plan, so what is to be said of "before" is
 * gathered first.
 */
static int install(const struct fl_request *request, const struct fl_operator *op,
                   struct fl_plan *plan, bool anew, struct fl_output *out, struct fl_error *err)
{
    _cleanup_free char *rules = anew ? rules_text(&plan->set) : NULL;
    _cleanup_free char *name = xstrdup(plan->set.vm_name);
    struct fl_error why = FL_ERROR_INIT;
    struct fl_outcome outcome;
    struct fl_outcome_answer answer = {
        .request = request,
        .vm_name = name,
        .outcome = &outcome,
        .is_apply = true,
        .has_file = request->plan != NULL,
        .proven_anew = anew,
        .has_before = plan->vm != NULL && !plan->installed,
        .hw_share_before = plan->vm ? plan->vm->hw_share : -1,
        .packets_before = plan->vm ? fl_tally_all(plan->vm->storage.packets) : 0,
    };
    int exit_code = FL_EXIT_DONE;
    int error = fl_carry_out_apply(op, plan, &outcome, &why);

    if (error && error != -ECANCELED) {
        *err = why;
        if (outcome.changed)
            fl_error_prefix(err, "%s is %s, but", name, fl_remedy_state_name(outcome.state));
        exit_code = FL_EXIT_TROUBLE;
    } else {
        fl_progress_end();
        if (anew && request->format != FL_FORMAT_JSON) {
            say_anew(out);
            fl_output_styled(out, FL_STYLE_DIM, "%s", rules);
        }
        fl_outcome_show(&answer, out);
        exit_code = error ? FL_EXIT_NOT_DONE : FL_EXIT_DONE;
    }
    fl_outcome_destroy(&outcome);
    return exit_code;
}

/* Return: 0; -EINVAL when a remedy would retire at once. */
static int check_until(const struct fl_operator *op, const struct fl_plan *plan,
                       struct fl_error *err)
{
    const struct fl_inventory *inv = plan->snapshot ? fl_snapshot_inventory(plan->snapshot) : NULL;

    return fl_remedy_check_until(&op->until, fl_time_now_ms(), inv ? inv->ovs_version : NULL, err);
}

static int plan_and_install(const struct fl_request *request, const struct fl_operator *op,
                            struct fl_output *out, struct fl_error *err)
{
    struct fl_plan plan = { .snapshot = NULL };
    struct fl_error why = FL_ERROR_INIT;
    bool anew = false;
    int exit_code = FL_EXIT_TROUBLE;
    int code;

    /* A moment that is over needs no plan; which version runs comes with it. */
    if (op->until.time_ms && check_until(op, &plan, err))
        return FL_EXIT_TROUBLE;
    code = get_plan(request, op, &plan, &anew, &why);

    /* A plan file that is not there is no answer about the VM. */
    if (!fl_plan_answered(code) || (code == -ENOENT && !plan.vm)) {
        *err = why;
    } else if (!code && check_until(op, &plan, err)) {
        /* Said. */
    } else if (code || request->dry_run) {
        struct fl_plan_answer answer = fl_plan_answer(request, &plan, code, &why);

        fl_progress_end();
        exit_code = show_plan(&answer, code, anew, out);
    } else {
        exit_code = install(request, op, &plan, anew, out, err);
    }
    fl_plan_destroy(&plan);
    return exit_code;
}

int fl_verb_apply(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_config config;
    struct fl_operator op;
    int exit_code = FL_EXIT_TROUBLE;

    if (!fl_operator_open(request, &config, &op, err)) {
        op.progress = fl_progress_step;
        op.confirm_within_ms = request->confirm_within_ms;
        op.until = request->until;
        op.installing = fl_waiter_start;
        op.installing_aux = CONST_CAST(struct fl_request *, request);
        exit_code = plan_and_install(request, &op, out, err);
    }
    fl_operator_close(&op);
    fl_config_destroy(&config);
    return exit_code;
}
