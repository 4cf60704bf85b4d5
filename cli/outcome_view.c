/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/outcome_view.h"

#include <string.h>

#include <ovs/util.h>

#include "cli/human.h"
#include "cli/options.h"
#include "cli/reading.h"
#include "cli/table.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/text.h"

enum fl_style fl_remedy_style(enum fl_remedy_state state)
{
    switch (state) {
    case FL_REMEDY_VERIFIED: return FL_STYLE_GOOD;
    case FL_REMEDY_PLANNED:
    case FL_REMEDY_INSTALLED: return FL_STYLE_ODD;
    case FL_REMEDY_SUSPENDED: return FL_STYLE_UNSURE;
    case FL_REMEDY_REVERTED: return FL_STYLE_DIM;
    }
    return FL_STYLE_PLAIN;
}

static json_t *before_json(const struct fl_outcome_answer *answer)
{
    if (!answer->has_before)
        return json_null();
    return json_pack("{s:o, s:o}", "hw_share", fl_share_json(answer->hw_share_before), "packets",
                     fl_count_json(answer->packets_before));
}

static json_t *outcome_json(const struct fl_outcome_answer *answer)
{
    const struct fl_outcome *outcome = answer->outcome;
    json_t *document = fl_document_here(answer->request->verb->name);

    json_object_set_new(document, "vm", fl_text_json(answer->vm_name));
    json_object_set_new(document, "ticket", fl_text_json(answer->request->ticket));
    json_object_set_new(document, "state", json_string(fl_remedy_state_name(outcome->state)));
    if (answer->is_apply)
        json_object_set_new(document, "step",
                            json_string(outcome->reoffered ? "reoffer" : "simplify"));
    json_object_set_new(document, "reason", fl_text_json(outcome->reason));
    json_object_set_new(document, "evidence", fl_text_json(outcome->evidence));
    json_object_set_new(document, "changed", json_boolean(outcome->changed));
    json_object_set_new(document, "packets", fl_count_json(outcome->packets));
    json_object_set_new(document, "hw_share", fl_share_json(outcome->hw_share));
    json_object_set_new(document, "confirm_by", fl_time_json(outcome->confirm_by_ms));
    json_object_set_new(document, "until", fl_until_json(&outcome->until));
    if (answer->has_file)
        json_object_set_new(document, "proven_anew", json_boolean(answer->proven_anew));
    json_object_set_new(document, "before", before_json(answer));
    return document;
}

static void put_numbers(struct fl_table *table, const char *when, double share, uint64_t packets,
                        enum fl_style style)
{
    char text[FL_HUMAN_BYTES];

    fl_table_cell(table, FL_STYLE_PLAIN, "%s", when);
    fl_table_cell(table, style, "%s", fl_human_share(share, text));
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", fl_human_count(packets, text));
}

static void print_numbers(const struct fl_outcome_answer *answer, struct fl_output *out)
{
    static const struct fl_column columns[] = {
        { "", false },
        { "HW %", true },
        { "STORAGE PACKETS", true },
    };
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));

    put_numbers(table, "  before", answer->hw_share_before, answer->packets_before, FL_STYLE_PLAIN);
    put_numbers(table, "  after", answer->outcome->hw_share, answer->outcome->packets,
                fl_remedy_style(answer->outcome->state));
    fl_table_print(table, out);
    fl_table_destroy(table);
}

/* What to do next. */
static char *next_step(const struct fl_outcome_answer *answer)
{
    const struct fl_request *request = answer->request;

    switch (answer->outcome->state) {
    case FL_REMEDY_INSTALLED: return fl_request_again(request, "verify", answer->vm_name);
    case FL_REMEDY_PLANNED: return fl_request_again(request, "apply", answer->vm_name);
    case FL_REMEDY_REVERTED:
        /* It was to be applied, and did not help. */
        if (answer->has_before)
            return fl_request_again(request, "explain", answer->vm_name);
        return fl_request_again(request, "audit", NULL);
    case FL_REMEDY_VERIFIED:
    case FL_REMEDY_SUSPENDED:
    default: return fl_request_again(request, "audit", NULL);
    }
}

/* The reason may have it in it. */
static bool evidence_is_news(const struct fl_outcome *outcome)
{
    return outcome->evidence && (!outcome->reason || !strstr(outcome->reason, outcome->evidence));
}

static void print_deadline(const struct fl_outcome_answer *answer, struct fl_output *out)
{
    _cleanup_free char *confirm = fl_request_again(answer->request, "confirm", answer->vm_name);
    char by[FL_TIME_TEXT_BYTES];

    if (answer->outcome->confirm_by_ms)
        fl_output_styled(out, FL_STYLE_BOLD, "reverts at %s unless confirmed: %s\n",
                         fl_time_format(answer->outcome->confirm_by_ms, by), confirm);
}

static void print_until(const struct fl_outcome_answer *answer, struct fl_output *out)
{
    const struct fl_until *until = &answer->outcome->until;
    char text[FL_UNTIL_TEXT_BYTES];

    if (fl_until_is_set(until))
        fl_output_printf(out, "stands until %s%s\n", until->time_ms ? "" : "Open vSwitch ",
                         fl_until_format(until, text));
}

static void print_outcome(const struct fl_outcome_answer *answer, struct fl_output *out)
{
    const struct fl_outcome *outcome = answer->outcome;
    _cleanup_free char *next = next_step(answer);
    _cleanup_free char *undo = fl_request_again(answer->request, "revert", answer->vm_name);

    fl_output_styled(out, FL_STYLE_BOLD, "%s", answer->vm_name);
    fl_output_printf(out, ": ");
    fl_output_styled(out, fl_remedy_style(outcome->state), "%s",
                     fl_remedy_state_name(outcome->state));
    fl_output_printf(out, "%s\n", outcome->changed ? "" : "; nothing was changed");
    if (outcome->reason)
        fl_output_paragraph(out, 0, 2, outcome->reason);
    if (evidence_is_news(outcome)) {
        fl_output_printf(out, "  seen: ");
        fl_output_paragraph(out, 8, 8, outcome->evidence);
    }
    if (answer->has_before && (answer->packets_before || outcome->packets))
        print_numbers(answer, out);
    fl_output_styled(out, FL_STYLE_BOLD, "next: %s\n", next);
    if (outcome->reoffered) {
        fl_output_printf(out, "nothing to undo: no rule stays in the switch\n");
    } else if (outcome->state == FL_REMEDY_INSTALLED || outcome->state == FL_REMEDY_VERIFIED) {
        fl_output_printf(out, "undo: %s\n", undo);
        print_deadline(answer, out);
        print_until(answer, out);
    }
}

void fl_outcome_show(const struct fl_outcome_answer *answer, struct fl_output *out)
{
    if (answer->request->format == FL_FORMAT_JSON)
        fl_output_json(out, outcome_json(answer));
    else
        print_outcome(answer, out);
}
