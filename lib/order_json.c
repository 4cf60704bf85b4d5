/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON forms that lib/order.h shows. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/json_read.h"
#include "flows/limits.h"
#include "lib/document.h"
#include "lib/order.h"

#define ORDER_SCHEMA  "flowlift/order/1"
#define ANSWER_SCHEMA "flowlift/order-answer/1"
#define WHO_BYTES     FL_LIMIT_NAME_BYTES
/* A sentence may quote what others said. */
#define SENTENCE_BYTES 4096
#define MAX_TIMEOUT_MS (3600 * 1000)
#define MAX_COUNT      65536
#define MAX_ERRNO      4095
#define MAX_PACKETS    (INT64_C(1) << 62)
#define MAX_TIME_MS    INT64_C(253402300799999) /* the end of the year 9999 */

static const char *const step_names[FL_ORDER_N_STEPS] = {
    [FL_ORDER_APPLY] = "apply",     [FL_ORDER_VERIFY] = "verify",
    [FL_ORDER_REVERT] = "revert",   [FL_ORDER_REVERT_ALL] = "revert-all",
    [FL_ORDER_CONFIRM] = "confirm",
};
static const char *const via_names[] = {
    [FL_VIA_AUTO] = "auto", [FL_VIA_KERNEL] = "kernel", [FL_VIA_OVS] = "ovs"
};

const char *fl_order_step_name(enum fl_order_step step)
{
    return step < FL_ORDER_N_STEPS ? step_names[step] : "unknown";
}

void fl_order_destroy(struct fl_order *order)
{
    if (order->plan) {
        fl_plan_destroy(order->plan);
    }
    free(order->plan);
    free(order->vm);
    free(order->who);
    free(order->ticket);
    *order = (struct fl_order){ .vm = NULL };
}

/* ---- Reading, for both ---- */

static int read_schema(const json_t *json, const char *wanted, struct fl_error *err)
{
    const char *schema;
    int error = fl_json_object(json, "", err);

    if (!error) {
        error = fl_json_string(json, "", "schema", 64, &schema, err);
    }
    return error ? error
           : strcmp(schema, wanted)
               ? fl_error_set(err, -EINVAL, "schema is \"%s\", not \"%s\"", schema, wanted)
               : 0;
}

/* Return: the place of the word in @names, or -EINVAL. */
static int read_word(const json_t *json, const char *key, const char *const *names, size_t n,
                     struct fl_error *err)
{
    const char *word;
    int error = fl_json_string(json, "", key, 32, &word, err);

    for (size_t i = 0; !error && i < n; i++) {
        if (!strcmp(word, names[i])) {
            return (int)i;
        }
    }
    return error ? error : fl_error_set(err, -EINVAL, "%s is none that there is", key);
}

static int read_text(const json_t *json, const char *key, size_t max_bytes, char **text,
                     struct fl_error *err)
{
    const char *value;
    int error = fl_json_string_or_null(json, "", key, max_bytes, &value, err);

    if (!error) {
        *text = nullable_xstrdup(value);
    }
    return error;
}

/* ---- Orders ---- */

static void put_plan(json_t *json, const struct fl_plan *plan)
{
    json_object_set_new(json, "flow_set", fl_flowset_to_json(&plan->set));
    json_object_set_new(json, "installed", json_boolean(plan->installed));
    json_object_set_new(json, "busy", json_boolean(fl_plan_was_busy(plan)));
    json_object_set_new(json, "reoffer",
                        json_boolean(plan->reoffer.n_rules || plan->wants_reoffer));
    json_object_set_new(json, "refused", fl_json_of_string(plan->refused));
    json_object_set_new(json, "before",
                        plan->vm       ? fl_vm_audit_to_json(plan->vm)
                        : plan->before ? json_incref(plan->before)
                                       : json_null());
}

json_t *fl_order_to_json(const struct fl_order *order)
{
    json_t *json = json_object();

    json_object_set_new(json, "schema", json_string(ORDER_SCHEMA));
    json_object_set_new(json, "step", json_string(fl_order_step_name(order->step)));
    json_object_set_new(json, "vm", fl_json_of_string(order->vm));
    if (order->plan) {
        put_plan(json, order->plan);
    }
    json_object_set_new(json, "who", fl_json_of_string(order->who));
    json_object_set_new(json, "ticket", fl_json_of_string(order->ticket));
    json_object_set_new(json, "until", fl_until_json(&order->until));
    json_object_set_new(json, "timeout_ms", json_integer(order->timeout_ms));
    json_object_set_new(json, "via", json_string(via_names[order->via]));
    return json;
}

static int read_before(const json_t *json, json_t **before, struct fl_error *err)
{
    json_t *value = json_object_get(json, "before");

    if (!value || json_is_null(value)) {
        return 0;
    }
    if (!json_is_object(value)) {
        return fl_error_set(err, -EINVAL, "before must be an object or null");
    }
    *before = json_deep_copy(value);
    return 0;
}

/* The rules, or the first step, or both. */
static int check_plan(const struct fl_plan *plan, struct fl_error *err)
{
    if (!plan->set.vm_id[0]) {
        return fl_error_set(err, -EINVAL, "flow_set.vm.id is empty");
    }
    if (!plan->refused) {
        return fl_order_check_rules(&plan->set, err);
    }
    if (!plan->wants_reoffer) {
        return fl_error_set(err, -EINVAL, "neither rules nor \"reoffer\": there is nothing to do");
    }
    return plan->set.n_rules ? fl_error_set(err, -EINVAL, "it has rules, and is refused") : 0;
}

static int read_plan(const json_t *json, struct fl_order *order, struct fl_error *err)
{
    struct fl_flowset set;
    struct fl_plan *plan;
    int error = fl_flowset_from_json(json_object_get(json, "flow_set"), &set, err);

    if (error) {
        fl_error_prefix(err, "flow_set");
        return error;
    }
    plan = order->plan = xzalloc(sizeof *plan);
    plan->set = set;
    error = fl_json_boolean(json, "", "installed", &plan->installed, err);
    if (!error) {
        error = fl_json_boolean(json, "", "busy", &plan->was_busy, err);
    }
    if (!error) {
        error = fl_json_boolean(json, "", "reoffer", &plan->wants_reoffer, err);
    }
    if (!error) {
        error = read_text(json, "refused", SENTENCE_BYTES, &plan->refused, err);
    }
    if (!error) {
        error = read_before(json, &plan->before, err);
    }
    return error ? error : check_plan(plan, err);
}

/* What the step is about. */
static int read_subject(const json_t *json, struct fl_order *order, struct fl_error *err)
{
    int error;

    switch (order->step) {
    case FL_ORDER_APPLY: return read_plan(json, order, err);
    case FL_ORDER_REVERT_ALL: return 0;
    case FL_ORDER_VERIFY:
    case FL_ORDER_REVERT:
    case FL_ORDER_CONFIRM:
    case FL_ORDER_N_STEPS:
    default:
        error = read_text(json, "vm", FL_LIMIT_NAME_BYTES, &order->vm, err);
        return error || (order->vm && *order->vm)
                   ? error
                   : fl_error_set(err, -EINVAL, "vm must be a name or an identity");
    }
}

static int read_circumstances(const json_t *json, struct fl_order *order, struct fl_error *err)
{
    int64_t timeout_ms = 0;
    int via, error = read_text(json, "who", WHO_BYTES, &order->who, err);

    if (!error) {
        error = read_text(json, "ticket", SENTENCE_BYTES, &order->ticket, err);
    }
    if (!error) {
        error = fl_until_read(json, &order->until, err);
    }
    if (!error) {
        error = fl_json_integer(json, "", "timeout_ms", 0, MAX_TIMEOUT_MS, 0, &timeout_ms, err);
    }
    if (error) {
        return error;
    }
    via = read_word(json, "via", via_names, ARRAY_SIZE(via_names), err);
    order->timeout_ms = (int)timeout_ms;
    order->via = via < 0 ? FL_VIA_AUTO : (enum fl_via)via;
    return MIN(via, 0);
}

int fl_order_from_json(const json_t *json, struct fl_order *order, struct fl_error *err)
{
    struct fl_order read = { .vm = NULL };
    int step, error = read_schema(json, ORDER_SCHEMA, err);

    if (error) {
        return error;
    }
    step = read_word(json, "step", step_names, FL_ORDER_N_STEPS, err);
    if (step < 0) {
        return step;
    }
    read.step = (enum fl_order_step)step;
    error = read_circumstances(json, &read, err);
    if (!error) {
        error = read_subject(json, &read, err);
    }
    if (error) {
        fl_order_destroy(&read);
        return error;
    }
    *order = read;
    return 0;
}

/* ---- Answers ---- */

void fl_order_answer_destroy(struct fl_order_answer *answer)
{
    free(answer->message);
    answer->message = NULL;
    fl_outcome_destroy(&answer->outcome);
}

static json_t *outcome_to_json(const struct fl_outcome *outcome)
{
    json_t *json = json_object();

    json_object_set_new(json, "state", json_integer(outcome->state));
    json_object_set_new(json, "changed", json_boolean(outcome->changed));
    json_object_set_new(json, "had_traffic", json_boolean(outcome->had_traffic));
    json_object_set_new(json, "reoffered", json_boolean(outcome->reoffered));
    json_object_set_new(json, "reason", fl_json_of_string(outcome->reason));
    json_object_set_new(json, "evidence", fl_json_of_string(outcome->evidence));
    json_object_set_new(json, "hw_share", fl_share_json(outcome->hw_share));
    json_object_set_new(json, "packets",
                        json_integer((json_int_t)MIN(outcome->packets, MAX_PACKETS)));
    json_object_set_new(json, "confirm_by_ms", json_integer(outcome->confirm_by_ms));
    json_object_set_new(json, "until", fl_until_json(&outcome->until));
    return json;
}

json_t *fl_order_answer_to_json(const struct fl_order_answer *answer)
{
    json_t *json = json_object();

    json_object_set_new(json, "schema", json_string(ANSWER_SCHEMA));
    json_object_set_new(json, "error", json_integer(answer->error));
    json_object_set_new(json, "message", fl_json_of_string(answer->message));
    json_object_set_new(json, "outcome", outcome_to_json(&answer->outcome));
    json_object_set_new(json, "reverted", json_integer((json_int_t)answer->n_reverted));
    return json;
}

static int read_share(const json_t *json, double *share, struct fl_error *err)
{
    const json_t *value = json_object_get(json, "hw_share");

    *share = -1;
    if (!value || json_is_null(value)) {
        return 0;
    }
    if (!json_is_number(value) || !(json_number_value(value) >= 0) ||
        json_number_value(value) > 1) {
        return fl_error_set(err, -EINVAL, "hw_share must be a number from 0 to 1");
    }
    *share = json_number_value(value);
    return 0;
}

static int read_outcome(const json_t *json, struct fl_outcome *outcome, struct fl_error *err)
{
    int64_t state = 0, packets = 0;
    int error = fl_json_object(json, "outcome", err);

    if (!error) {
        error = fl_json_integer(json, "outcome", "state", FL_REMEDY_PLANNED, FL_REMEDY_SUSPENDED,
                                FL_REMEDY_PLANNED, &state, err);
    }
    if (!error) {
        error = fl_json_boolean(json, "outcome", "changed", &outcome->changed, err);
    }
    if (!error) {
        error = fl_json_boolean(json, "outcome", "had_traffic", &outcome->had_traffic, err);
    }
    if (!error) {
        error = fl_json_boolean(json, "outcome", "reoffered", &outcome->reoffered, err);
    }
    if (!error) {
        error = read_text(json, "reason", FL_ORDER_BYTES, &outcome->reason, err);
    }
    if (!error) {
        error = read_text(json, "evidence", FL_ORDER_BYTES, &outcome->evidence, err);
    }
    if (!error) {
        error = read_share(json, &outcome->hw_share, err);
    }
    if (!error) {
        error = fl_json_integer(json, "outcome", "packets", 0, MAX_PACKETS, 0, &packets, err);
    }
    if (!error) {
        error = fl_json_integer(json, "outcome", "confirm_by_ms", 0, MAX_TIME_MS, 0,
                                &outcome->confirm_by_ms, err);
    }
    if (!error) {
        error = fl_until_read(json, &outcome->until, err);
    }
    outcome->state = (enum fl_remedy_state)state;
    outcome->packets = (uint64_t)packets;
    return error;
}

int fl_order_answer_from_json(const json_t *json, struct fl_order_answer *answer,
                              struct fl_error *err)
{
    struct fl_order_answer read = { .message = NULL };
    int64_t code = 0, n_reverted = 0;
    int error = read_schema(json, ANSWER_SCHEMA, err);

    if (!error) {
        error = fl_json_integer(json, "", "error", -MAX_ERRNO, 0, 0, &code, err);
    }
    if (!error) {
        error = fl_json_integer(json, "", "reverted", 0, MAX_COUNT, 0, &n_reverted, err);
    }
    if (!error) {
        error = read_text(json, "message", SENTENCE_BYTES, &read.message, err);
    }
    if (!error) {
        error = read_outcome(json_object_get(json, "outcome"), &read.outcome, err);
    }
    if (error) {
        fl_order_answer_destroy(&read);
        return error;
    }
    read.error = (int)code;
    read.n_reverted = (size_t)n_reverted;
    *answer = read;
    return 0;
}
