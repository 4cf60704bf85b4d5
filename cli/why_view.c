/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/why_view.h"

#include <ovs/util.h>

#include "lib/audit_document.h"
#include "lib/document.h"
#include "lib/text.h"

json_t *fl_why_json(const struct fl_why *why)
{
    json_t *causes = json_array();

    for (size_t i = 0; i < why->n; i++) {
        const struct fl_reason *reason = &why->reasons[i];
        const struct fl_cause_info *info = fl_cause_info(reason->id);
        json_t *seen = json_array();

        for (size_t j = 0; j < reason->n_evidence; j++)
            json_array_append_new(seen, fl_text_json(reason->evidence[j]));
        json_array_append_new(causes,
                              json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:o}", "id", info->id,
                                        "certainty", reason->may_be ? "may-be" : "seen", "by",
                                        fl_cause_by_name(info->by), "meaning", info->meaning,
                                        "evidence", seen, "cure", info->cure, "source",
                                        info->source, "packets", fl_count_json(reason->packets)));
    }
    return causes;
}

static void print_cause(struct fl_output *out, const struct fl_reason *reason)
{
    const struct fl_cause_info *info = fl_cause_info(reason->id);

    fl_output_printf(out, "  ");
    fl_output_styled(out, FL_STYLE_ODD, "%s", info->id);
    fl_output_printf(out, "%s\n", reason->may_be ? " (may be)" : "");
    fl_output_paragraph(out, 0, 4, info->meaning);
    for (size_t i = 0; i < reason->n_evidence; i++) {
        fl_output_printf(out, "    seen: ");
        fl_output_paragraph(out, 10, 10, reason->evidence[i]);
    }
    fl_output_printf(out, "    cure: ");
    fl_output_paragraph(out, 10, 10, info->cure);
}

static bool is_of_host(const struct fl_audit *audit, enum fl_cause_id id)
{
    for (size_t i = 0; i < audit->n_host_causes; i++) {
        if (audit->host_causes[i].id == id)
            return true;
    }
    return false;
}

void fl_why_print(const struct fl_audit *audit, const struct fl_why *why, struct fl_output *out)
{
    if (!why->n && !audit->n_host_causes)
        return;
    fl_output_styled(out, FL_STYLE_BOLD, "\nWhy\n");
    for (size_t i = 0; i < audit->n_host_causes; i++) {
        struct fl_reason reason = { .id = audit->host_causes[i].id, .n_evidence = 1 };

        ovs_strlcpy(reason.evidence[0], audit->host_causes[i].detail, sizeof reason.evidence[0]);
        print_cause(out, &reason);
    }
    for (size_t i = 0; i < why->n; i++) {
        if (!is_of_host(audit, why->reasons[i].id))
            print_cause(out, &why->reasons[i]);
    }
}
