/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>

#include "cli/chain_view.h"
#include "cli/options.h"
#include "cli/reading.h"
#include "cli/rule_words.h"
#include "flows/cleanup.h"
#include "lib/text.h"

bool fl_plan_answered(int code)
{
    return !code || code == -ENOENT || code == -ENOTSUP || code == -EPERM;
}

int fl_plan_exit_code(int code)
{
    return !code || code == -ENOENT ? FL_EXIT_DONE : FL_EXIT_NOT_DONE;
}

static const char *state_of(const struct fl_plan *plan, int code)
{
    if (code == -ENOENT)
        return plan->vm && plan->vm->verdict == FL_VERDICT_IDLE ? "no-traffic" : "not-needed";
    if (code)
        return "refused";
    return plan->installed ? "installed" : "planned";
}

struct fl_plan_answer fl_plan_answer(const struct fl_request *request, const struct fl_plan *plan,
                                     int code, const struct fl_error *why)
{
    const char *name = plan->vm ? plan->vm->name : plan->set.vm_name;

    return (struct fl_plan_answer){
        .request = request,
        .plan = plan,
        .vm_name = name ? name : request->argument,
        .reason = code ? why->text : NULL,
        .state = state_of(plan, code),
    };
}

static const struct fl_inventory *inventory_of(const struct fl_plan *plan)
{
    return plan->snapshot ? fl_snapshot_inventory(plan->snapshot) : NULL;
}

json_t *fl_plan_rules_json(const struct fl_flowset *set, const struct fl_inventory *inv)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < set->n_rules; i++) {
        const struct fl_rule *rule = &set->rules[i];
        _cleanup_free char *text = fl_rule_text(rule, set->cookie);
        _cleanup_free char *words = fl_rule_words(rule, inv);
        _cleanup_free char *match = fl_rule_match_text(rule);
        json_t *json = json_object();

        json_object_set_new(json, "bridge", fl_text_json(rule->bridge));
        json_object_set_new(json, "direction", json_string(fl_direction_name(rule->direction)));
        json_object_set_new(json, "priority", json_integer(rule->priority));
        json_object_set_new(json, "match", fl_text_json(match));
        json_object_set_new(json, "actions", fl_text_json(rule->actions));
        json_object_set_new(json, "text", fl_text_json(text));
        json_object_set_new(json, "words", fl_text_json(words));
        json_object_set_new(json, "decoy", json_boolean(rule->decoy));
        json_array_append_new(rules, json);
    }
    return rules;
}

json_t *fl_plan_relaxations_json(const struct fl_flowset *set)
{
    json_t *relaxations = json_array();

    for (size_t i = 0; i < set->n_relaxations; i++) {
        const struct fl_relaxation *relaxation = &set->relaxations[i];

        json_array_append_new(relaxations,
                              json_pack("{s:o, s:o, s:o}", "id", fl_text_json(relaxation->id),
                                        "meaning",
                                        fl_text_json(fl_relaxation_words(relaxation->id)),
                                        "example", fl_text_json(relaxation->example)));
    }
    return relaxations;
}

json_t *fl_plan_exceptions_json(const struct fl_flowset *set)
{
    json_t *exceptions = json_array();

    for (size_t i = 0; i < set->n_exceptions; i++)
        json_array_append_new(exceptions, json_pack("{s:o, s:o}", "example",
                                                    fl_text_json(set->exceptions[i].example), "why",
                                                    fl_text_json(set->exceptions[i].why)));
    return exceptions;
}

static json_t *refusals_json(const struct fl_plan *plan)
{
    json_t *refusals = json_array();

    for (size_t i = 0; i < plan->n_refusals; i++)
        json_array_append_new(refusals, fl_text_json(plan->refusals[i].reason));
    return refusals;
}

/* In this order, each if the one before did not help. */
static json_t *steps_json(const struct fl_plan *plan, bool has_set)
{
    json_t *steps = json_array();

    if (plan->reoffer.n_rules)
        json_array_append_new(steps, json_string("reoffer"));
    if (has_set)
        json_array_append_new(steps, json_string("simplify"));
    return steps;
}

/* The rules for a moment, or why there is no such step. */
static json_t *reoffer_json(const struct fl_plan *plan)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < plan->reoffer.n_rules; i++) {
        _cleanup_free char *text = fl_rule_text(&plan->reoffer.rules[i], plan->reoffer.cookie);

        json_array_append_new(rules, fl_text_json(text));
    }
    return json_pack("{s:o, s:o}", "rules", rules, "reason", fl_text_json(plan->no_reoffer));
}

json_t *fl_plan_json(const struct fl_plan_answer *answer, const char *verb)
{
    const struct fl_plan *plan = answer->plan;
    json_t *document = fl_document_here(verb);
    bool has_set = plan->set.n_rules && !answer->reason;

    json_object_set_new(document, "vm", fl_text_json(answer->vm_name));
    json_object_set_new(document, "vm_id", fl_text_json(has_set ? plan->set.vm_id : NULL));
    json_object_set_new(document, "state", json_string(answer->state));
    json_object_set_new(document, "reason", fl_text_json(answer->reason));
    json_object_set_new(document, "audit", plan->vm ? fl_vm_audit_to_json(plan->vm) : json_null());
    json_object_set_new(document, "steps", steps_json(plan, has_set));
    json_object_set_new(document, "reoffer", reoffer_json(plan));
    json_object_set_new(document, "rules",
                        has_set ? fl_plan_rules_json(&plan->set, inventory_of(plan))
                                : json_array());
    json_object_set_new(document, "relaxations",
                        has_set ? fl_plan_relaxations_json(&plan->set) : json_array());
    json_object_set_new(document, "exceptions",
                        has_set ? fl_plan_exceptions_json(&plan->set) : json_array());
    json_object_set_new(document, "refusals", refusals_json(plan));
    json_object_set_new(document, "traces", json_integer(plan->set.n_traces));
    json_object_set_new(document, "regions", json_integer(plan->set.n_regions));
    json_object_set_new(document, "proof_ms", json_integer(plan->set.proof_ms));
    json_object_set_new(document, "flowset",
                        has_set ? fl_flowset_to_json(&plan->set) : json_null());
    return document;
}

static size_t n_decoys(const struct fl_flowset *set)
{
    size_t n = 0;

    for (size_t i = 0; i < set->n_rules; i++)
        n += set->rules[i].decoy;
    return n;
}

static void print_rule(const struct fl_plan *plan, const struct fl_rule *rule, size_t number,
                       struct fl_output *out)
{
    _cleanup_free char *text = fl_rule_text(rule, plan->set.cookie);
    _cleanup_free char *words = fl_rule_words(rule, inventory_of(plan));

    fl_output_printf(out, "\n  %zu. ", number);
    fl_output_styled(out, FL_STYLE_BOLD, "%s", fl_direction_words(rule->direction));
    fl_output_printf(out, ", bridge %s\n", rule->bridge);
    fl_output_paragraph(out, 0, 5, words);
    /* Not wrapped: this is for copying. */
    fl_output_styled(out, FL_STYLE_DIM, "     %s\n", text);
}

#define LABEL_COLUMN 13u

/* The first relaxation of each kind; an example is enough. */
static bool is_first_of_its_kind(const struct fl_flowset *set, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (!strcmp(set->relaxations[j].id, set->relaxations[i].id))
            return false;
    }
    return true;
}

static void print_proof(const struct fl_flowset *set, struct fl_output *out)
{
    _cleanup_free char *text =
        xasprintf("every packet of these rules fares as it does without them, "
                  "but for the relaxations: %u region%s, %u trace%s of "
                  "ovs-vswitchd's own, %" PRId64 " ms",
                  set->n_regions, set->n_regions == 1 ? "" : "s", set->n_traces,
                  set->n_traces == 1 ? "" : "s", set->proof_ms);

    fl_output_printf(out, "\n%-*s", (int)LABEL_COLUMN, "proven");
    fl_output_paragraph(out, LABEL_COLUMN, LABEL_COLUMN, text);
}

/* What the rules were narrowed for. */
static void print_exceptions(const struct fl_flowset *set, struct fl_output *out)
{
    for (size_t i = 0; i < set->n_exceptions; i++) {
        _cleanup_free char *text = xasprintf("%s: ofproto/trace '%s'", set->exceptions[i].why,
                                             set->exceptions[i].example);

        fl_output_printf(out, "%-*s", (int)LABEL_COLUMN, i ? "" : "excepted");
        fl_output_paragraph(out, LABEL_COLUMN, LABEL_COLUMN, text);
    }
}

static void print_relaxations(const struct fl_flowset *set, struct fl_output *out)
{
    for (size_t i = 0; i < set->n_relaxations; i++) {
        const struct fl_relaxation *relaxation = &set->relaxations[i];
        const char *words = fl_relaxation_words(relaxation->id);

        if (!is_first_of_its_kind(set, i))
            continue;
        fl_output_printf(out, "%-*s", (int)LABEL_COLUMN, i ? "" : "relaxations");
        fl_output_styled(out, FL_STYLE_ODD, "%s", relaxation->id);
        fl_output_printf(out, "%s%s\n", words ? ": " : "", words ? words : "");
        if (relaxation->example) {
            fl_output_printf(out, "%*sexample: ", (int)LABEL_COLUMN, "");
            fl_output_paragraph(out, LABEL_COLUMN + 9, LABEL_COLUMN + 9, relaxation->example);
        }
    }
    if (!set->n_relaxations)
        fl_output_printf(out, "relaxations  none\n");
}

static void print_prospect(const struct fl_plan *plan, struct fl_output *out)
{
    size_t decoys = n_decoys(&plan->set);

    fl_output_printf(out, "%-*s", (int)LABEL_COLUMN, "when applied");
    fl_output_paragraph(out, LABEL_COLUMN, LABEL_COLUMN,
                        "all rules go in at once; then the storage packets are counted, and unless "
                        "the NIC forwards them the rules are taken out again");
    if (decoys)
        fl_output_printf(out,
                         "%*s%zu more rule%s for a moment, so that live flows are built anew\n",
                         (int)LABEL_COLUMN, "", decoys, decoys == 1 ? "" : "s");
}

static void print_footer(const struct fl_plan_answer *answer, const char *written_to,
                         struct fl_output *out)
{
    const struct fl_plan *plan = answer->plan;

    print_proof(&plan->set, out);
    print_relaxations(&plan->set, out);
    print_exceptions(&plan->set, out);
    if (!plan->installed)
        print_prospect(plan, out);
    for (size_t i = 0; i < plan->n_refusals; i++) {
        fl_output_printf(out, "%-*s", (int)LABEL_COLUMN, "left out");
        fl_output_paragraph(out, LABEL_COLUMN, LABEL_COLUMN, plan->refusals[i].reason);
    }
    if (written_to)
        fl_output_printf(out, "%-*s%s\n", (int)LABEL_COLUMN, "written to", written_to);
}

static void print_next(const struct fl_plan_answer *answer, const char *written_to,
                       struct fl_output *out)
{
    const char *verb = answer->plan->installed ? "verify" : "apply";
    _cleanup_free char *next = fl_request_again(answer->request, verb, answer->vm_name);
    _cleanup_free char *file = fl_shell_word(written_to ? written_to : "");

    fl_output_styled(out, FL_STYLE_BOLD, "\nnext: %s", next);
    if (written_to && !answer->plan->installed)
        fl_output_styled(out, FL_STYLE_BOLD, " --plan %s", file);
    fl_output_printf(out, "\n");
}

/* What comes before any rule. */
static void print_reoffer(const struct fl_plan_answer *answer, struct fl_output *out)
{
    size_t n = answer->plan->reoffer.n_rules;
    const char *refused = answer->plan->refused;
    _cleanup_free char *otherwise =
        xasprintf("if that does not help, %s%s",
                  refused ? "nothing else can be done: " : "rules go in:", refused ? refused : "");
    _cleanup_free char *text = xasprintf(
        "the NIC would take its storage flows now: Open vSwitch is made to build them anew, "
        "which offers them again, by %zu rule%s for a moment that change%s no packet's fate",
        n, n == 1 ? "" : "s", n == 1 ? "s" : "");

    fl_output_styled(out, FL_STYLE_BOLD, "%s", answer->vm_name);
    fl_output_printf(out, ": reoffer comes first\n");
    fl_output_paragraph(out, 0, 2, text);
    fl_output_paragraph(out, 0, 2, otherwise);
}

static void print_plan(const struct fl_plan_answer *answer, const char *written_to,
                       struct fl_output *out)
{
    const struct fl_plan *plan = answer->plan;
    size_t n = plan->set.n_rules - n_decoys(&plan->set);

    if (plan->reoffer.n_rules)
        print_reoffer(answer, out);
    if (plan->refused) {
        print_next(answer, written_to, out);
        return;
    }
    fl_output_styled(out, FL_STYLE_BOLD, "%s", answer->vm_name);
    fl_output_printf(out, ": %zu rule%s%s\n", n, n == 1 ? "" : "s",
                     plan->installed ? ", in the switch already"
                                     : " would carry its storage traffic");
    for (size_t i = 0; i < plan->set.n_rules; i++) {
        if (!plan->set.rules[i].decoy)
            print_rule(plan, &plan->set.rules[i], i + 1, out);
    }
    print_footer(answer, written_to, out);
    print_next(answer, written_to, out);
}

static void print_reason(const struct fl_plan_answer *answer, struct fl_output *out)
{
    const struct fl_plan *plan = answer->plan;

    fl_output_styled(out, FL_STYLE_BOLD, "%s", answer->vm_name);
    fl_output_printf(out, ": %s\n", strcmp(answer->state, "refused") ? "nothing to do" : "refused");
    fl_output_paragraph(out, 0, 2, answer->reason);
    for (size_t i = 0; i < plan->n_refusals; i++) {
        fl_output_printf(out, "  - ");
        fl_output_paragraph(out, 4, 4, plan->refusals[i].reason);
    }
}

void fl_plan_print(const struct fl_plan_answer *answer, const char *written_to,
                   struct fl_output *out)
{
    if (answer->reason)
        print_reason(answer, out);
    else
        print_plan(answer, written_to, out);
}
