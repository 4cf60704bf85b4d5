/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The catalogue of causes: as a list, one of them, as JSON, as docs/causes.md and as flowlift-causes(7).
 */

#include <errno.h>

#include <ovs/util.h>

#include "cli/roff.h"
#include "cli/table.h"
#include "cli/verbs.h"
#include "flows/cause.h"
#include "flows/nearest.h"
#include "lib/document.h"

/* Those behind one heading follow each other in the catalogue. */
static const struct {
    enum fl_cause_id first;
    const char *title;
    const char *intro;
} parts[] = {
    { FL_CAUSE_OFFLOAD_OFF, "The host", "How Open vSwitch, the kernel and the NIC are set up." },
    { FL_CAUSE_ORPHAN, "The flow",
      "What the flow itself shows: most of it Open vSwitch does not even offer to the NIC." },
    { FL_CAUSE_NIC_MATCH, "The NIC",
      "What the NIC refuses. Open vSwitch does not pass its words on; flowlift explain VM --probe asks." },
    { FL_CAUSE_NEIGHBOUR, "In the NIC, and yet in software",
      "The NIC has the flow, and counters show that software forwards." },
    { FL_CAUSE_FLOW_LIMIT, "Stuck", "The flow could be in the NIC, and is not." },
    { FL_CAUSE_SLOW_PPS, "Not to be seen from the host", "What no reading of this host can tell." },
    { FL_CAUSE_BUG_UFID, "Known bugs of Open vSwitch",
      "By the running version alone, so never more than \"may be\"." },
};

/* Where a cause begins a part: its index, else -1. */
static int part_at(enum fl_cause_id id)
{
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (parts[i].first == id)
            return (int)i;
    }
    return -1;
}

static json_t *cause_json(enum fl_cause_id id)
{
    const struct fl_cause_info *info = fl_cause_info(id);

    return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:s}", "id", info->id, "by",
                     fl_cause_by_name(info->by), "of_host", info->by_host, "meaning", info->meaning,
                     "shows", info->shows, "cure", info->cure, "source", info->source);
}

static void print_json(enum fl_cause_id first, enum fl_cause_id last, struct fl_output *out)
{
    json_t *document = fl_document_here("causes");
    json_t *causes = json_array();

    for (enum fl_cause_id id = first; id <= last; id++)
        json_array_append_new(causes, cause_json(id));
    json_object_set_new(document, "causes", causes);
    fl_output_json(out, document);
}

static void print_one(enum fl_cause_id id, struct fl_output *out)
{
    const struct fl_cause_info *info = fl_cause_info(id);

    fl_output_styled(out, FL_STYLE_BOLD, "%s\n", info->id);
    fl_output_paragraph(out, 0, 2, info->meaning);
    fl_output_printf(out, "  shows:  ");
    fl_output_paragraph(out, 10, 10, info->shows);
    fl_output_printf(out, "  cure:   ");
    fl_output_paragraph(out, 10, 10, info->cure);
    fl_output_printf(out, "  seen:   by %s\n  source: ", fl_cause_by_name(info->by));
    fl_output_paragraph(out, 10, 10, info->source);
}

static void print_list(struct fl_output *out)
{
    static const struct fl_column columns[] = { { "CAUSE", false },
                                                { "SEEN BY", false },
                                                { "MEANING", false } };
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));

    for (enum fl_cause_id id = 0; id < FL_N_CAUSES; id++) {
        const struct fl_cause_info *info = fl_cause_info(id);

        fl_table_cell(table, FL_STYLE_PLAIN, "%s", info->id);
        fl_table_cell(table, FL_STYLE_PLAIN, "%s", fl_cause_by_name(info->by));
        fl_table_cell(table, FL_STYLE_PLAIN, "%s", info->meaning);
    }
    fl_table_print(table, out);
    fl_table_destroy(table);
}

static void print_markdown(struct fl_output *out)
{
    fl_output_printf(out,
                     "# Causes\n\nWhy a flow is not in the NIC, strongest evidence first. Made by "
                     "`flowlift causes --format md`.\n");
    for (enum fl_cause_id id = 0; id < FL_N_CAUSES; id++) {
        const struct fl_cause_info *info = fl_cause_info(id);
        int part = part_at(id);

        if (part >= 0)
            fl_output_printf(out, "\n## %s\n\n%s\n", parts[part].title, parts[part].intro);
        fl_output_printf(out,
                         "\n### %s\n\n%s\n\n- Shows: %s\n- Cure: %s\n- Seen by: %s. Source: "
                         "%s\n",
                         info->id, info->meaning, info->shows, info->cure,
                         fl_cause_by_name(info->by), info->source);
    }
}

static void print_manual(struct fl_output *out)
{
    fl_output_printf(out,
                     ".TH FLOWLIFT\\-CAUSES 7 \"\" \"flowlift %s\" \"Miscellaneous\"\n"
                     ".SH NAME\nflowlift\\-causes \\- why a flow is not in the NIC\n"
                     ".SH DESCRIPTION\n"
                     "Causes as\n.BR flowlift (1)\nnames them, strongest evidence first.\n",
                     FLOWLIFT_VERSION);
    for (enum fl_cause_id id = 0; id < FL_N_CAUSES; id++) {
        const struct fl_cause_info *info = fl_cause_info(id);
        int part = part_at(id);

        if (part >= 0) {
            fl_roff_line(out, ".SH", parts[part].title);
            fl_roff_line(out, NULL, parts[part].intro);
        }
        fl_output_printf(out, ".TP\n");
        fl_roff_line(out, ".B", info->id);
        fl_roff_line(out, NULL, info->meaning);
        fl_output_printf(out, ".br\nShows: ");
        fl_roff_line(out, NULL, info->shows);
        fl_output_printf(out, ".br\nCure: ");
        fl_roff_line(out, NULL, info->cure);
        fl_output_printf(out, ".br\nSeen by %s. Source: ", fl_cause_by_name(info->by));
        fl_roff_line(out, NULL, info->source);
    }
    fl_output_printf(out, ".SH SEE ALSO\n.BR flowlift (1)\n");
}

static enum fl_cause_id find(const char *id, struct fl_error *err)
{
    enum fl_cause_id found = fl_cause_find(id);
    const char *known[FL_N_CAUSES], *nearest;

    if (found < FL_N_CAUSES)
        return found;
    for (enum fl_cause_id other = 0; other < FL_N_CAUSES; other++)
        known[other] = fl_cause_info(other)->id;
    if (fl_nearest(id, known, FL_N_CAUSES, &nearest, 1))
        fl_error_set(err, -ENOENT, "unknown cause '%s'; did you mean '%s'?", id, nearest);
    else
        fl_error_set(err, -ENOENT, "unknown cause '%s'; see flowlift causes", id);
    return FL_N_CAUSES;
}

int fl_verb_causes(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    enum fl_cause_id first = 0, last = FL_N_CAUSES - 1;

    if (request->argument) {
        first = last = find(request->argument, err);
        if (first == FL_N_CAUSES)
            return FL_EXIT_TROUBLE;
    }
    if (request->man)
        print_manual(out);
    else if (request->format == FL_FORMAT_JSON)
        print_json(first, last, out);
    else if (request->format == FL_FORMAT_MD)
        print_markdown(out);
    else if (request->argument)
        print_one(first, out);
    else
        print_list(out);
    return FL_EXIT_DONE;
}
