/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A host may have 100,000 flows. So each is gathered, written and forgotten; the JSON object is
 * written in pieces, and the table is measured in one pass and printed in another.
 */

#include <errno.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "cli/flow_record.h"
#include "cli/human.h"
#include "cli/nic_rules_view.h"
#include "cli/table.h"
#include "flows/cleanup.h"
#include "lib/text.h"

struct listing {
    const struct fl_request *request;
    const struct fl_reading *reading;
    const struct fl_vm_audit *only; /* NULL: all */
    struct fl_flow_owners *owners;
    uint64_t n_shown;
};

typedef void show_flow(const struct fl_flow_record *record, struct fl_output *out, void *aux);

static bool is_of_vm(const struct listing *listing, const struct fl_flow_record *record)
{
    const char *whose = listing->only->vm ? record->vm : record->in_port;

    return whose && !strcmp(whose, listing->only->name);
}

static bool is_wanted(const struct listing *listing, const struct fl_flow_record *record)
{
    const struct fl_request *request = listing->request;

    return (!request->has_path || record->seen->flow.path == request->path) &&
           (!request->storage || (record->storage_known && record->storage)) &&
           (!listing->only || is_of_vm(listing, record));
}

/* Flows in @order (indexes), or as they were dumped when that is NULL. */
static void for_each(struct listing *listing, const size_t *order, show_flow *show,
                     struct fl_output *out, void *aux)
{
    const struct fl_snapshot *snapshot = listing->reading->snapshot;

    listing->n_shown = 0;
    for (size_t i = 0; i < fl_snapshot_n_flows(snapshot); i++) {
        struct fl_flow_record record;

        fl_flow_record_make(listing->reading, listing->owners,
                            fl_snapshot_flow(snapshot, order ? order[i] : i), &record);
        if (!is_wanted(listing, &record))
            continue;
        show(&record, out, aux);
        listing->n_shown++;
    }
}

/* Each line of the text is in exactly one class. */
static json_t *lines_json(const struct fl_decode_stats *lines)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "total", (json_int_t)lines->lines, "flow",
                     (json_int_t)lines->flow_lines, "continued", (json_int_t)lines->continued_lines,
                     "heading", (json_int_t)lines->heading_lines, "other",
                     (json_int_t)lines->other_lines);
}

static json_t *summary_json(const struct listing *listing)
{
    const struct fl_snapshot *snapshot = listing->reading->snapshot;
    const struct fl_decode_stats *lines = fl_snapshot_lines(snapshot);
    json_t *summary = json_object(), *by_path = json_object();

    for (enum fl_path path = 0; path < FL_N_PATHS; path++)
        json_object_set_new(by_path, fl_path_key(path),
                            json_integer((json_int_t)fl_snapshot_n_by_path(snapshot, path)));
    json_object_set_new(summary, "flows", json_integer((json_int_t)fl_snapshot_n_seen(snapshot)));
    json_object_set_new(summary, "shown", json_integer((json_int_t)listing->n_shown));
    json_object_set_new(summary, "lines", lines_json(lines));
    json_object_set_new(summary, "parse_errors", json_integer((json_int_t)lines->parse_errors));
    json_object_set_new(summary, "by_path", by_path);
    return summary;
}

static void put_flow_json(const struct fl_flow_record *record, struct fl_output *out, void *aux)
{
    bool *first = aux;
    _cleanup_json json_t *json = fl_flow_record_json(record);

    fputs(*first ? "\n    " : ",\n    ", out->stream);
    json_dumpf(json, out->stream, JSON_COMPACT);
    *first = false;
}

/* '"key": value' with what stands in front of it; @value is consumed. */
static void put_member(struct fl_output *out, const char *before, const char *key, json_t *value)
{
    fprintf(out->stream, "%s\"%s\": ", before, key);
    json_dumpf(value, out->stream, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(value);
}

static void print_json(struct listing *listing, struct fl_output *out)
{
    const struct fl_snapshot *snapshot = listing->reading->snapshot;
    _cleanup_json json_t *head = fl_document("flows", fl_snapshot_host(snapshot),
                                             fl_snapshot_time_ms(snapshot));
    const char *before = "{\n  ";
    bool first = true;
    const char *key;
    json_t *value;

    json_object_set_new(head, "window_ms", json_integer(fl_snapshot_window_ms(snapshot)));
    json_object_set_new(head, "incomplete", fl_text_json(fl_snapshot_incomplete(snapshot)));
    json_object_foreach(head, key, value) {
        put_member(out, before, key, json_incref(value));
        before = ",\n  ";
    }
    fprintf(out->stream, ",\n  \"flows\": [");
    for_each(listing, NULL, put_flow_json, out, &first);
    fprintf(out->stream, "%s]", first ? "" : "\n  ");
    put_member(out, before, "summary", summary_json(listing));
    fl_nic_rules_json(listing->request, fl_snapshot_inventory(snapshot),
                      listing->only ? listing->only->vm : NULL, out);
    fprintf(out->stream, "\n}\n");
}

static void put_flow_row(const struct fl_flow_record *record, struct fl_output *out, void *aux)
{
    const struct fl_flow *flow = &record->seen->flow;
    bool in_hw = flow->path == FL_PATH_HW;
    _cleanup_free char *match = fl_flow_match_text(flow);
    char text[FL_HUMAN_BYTES], recirc[32] = "";
    struct fl_table *table = aux;

    if (flow->recirc_id)
        snprintf(recirc, sizeof recirc, " recirc_id(%#x)", flow->recirc_id);
    fl_table_cell(table, in_hw ? FL_STYLE_GOOD : FL_STYLE_ODD, "%s", fl_path_name(flow->path));
    fl_table_cell(table, FL_STYLE_BOLD, "%s", record->vm ? record->vm : "-");
    if (record->vlan > 0)
        fl_table_cell(table, FL_STYLE_PLAIN, "%d", record->vlan);
    else
        fl_table_cell(table, FL_STYLE_PLAIN, "-");
    fl_table_cell(table, FL_STYLE_PLAIN, "%s",
                  record->packets == FL_COUNT_UNKNOWN ? "-"
                                                      : fl_human_count(record->packets, text));
    fl_table_cell(table, FL_STYLE_PLAIN, "%s",
                  record->bytes == FL_COUNT_UNKNOWN ? "-" : fl_human_bytes(record->bytes, text));
    fl_table_cell(table, FL_STYLE_PLAIN, "%s%s",
                  record->n_causes ? fl_cause_info(record->causes[0].id)->id : "-",
                  record->n_causes > 1 ? " ..." : "");
    fl_table_cell(table, FL_STYLE_PLAIN, "%s%s: %s %s %s", record->in_port ? record->in_port : "?",
                  recirc, match, fl_output_arrow(out),
                  flow->drops          ? "drop"
                  : flow->actions_text ? flow->actions_text
                                       : "?");
}

/* The order of people: worst path first, most packets first. */
static int compare_flows(const void *a_, const void *b_, void *snapshot)
{
    const struct fl_snapshot_flow *a = fl_snapshot_flow(snapshot, *(const size_t *)a_);
    const struct fl_snapshot_flow *b = fl_snapshot_flow(snapshot, *(const size_t *)b_);

    if (a->flow.path != b->flow.path)
        return a->flow.path > b->flow.path ? -1 : 1;
    if (a->window_packets != b->window_packets)
        return a->window_packets > b->window_packets ? -1 : 1;
    return *(const size_t *)a_ < *(const size_t *)b_ ? -1 : 1;
}

static size_t *sort_flows(const struct fl_snapshot *snapshot)
{
    size_t n = fl_snapshot_n_flows(snapshot);
    size_t *order = xcalloc(n + 1, sizeof *order);

    for (size_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, compare_flows, CONST_CAST(struct fl_snapshot *, snapshot));
    return order;
}

static void print_summary(const struct listing *listing, struct fl_output *out)
{
    const struct fl_snapshot *snapshot = listing->reading->snapshot;
    _cleanup_json json_t *summary = summary_json(listing);
    json_int_t n_errors = json_integer_value(json_object_get(summary, "parse_errors"));
    const char *separator = ": ";

    fl_output_printf(out, "%" PRIu64 " of %" PRIu64 " flows", listing->n_shown,
                     fl_snapshot_n_seen(snapshot));
    for (enum fl_path path = 0; path < FL_N_PATHS; path++) {
        if (!fl_snapshot_n_by_path(snapshot, path))
            continue;
        fl_output_printf(out, "%s%" PRIu64 " %s", separator, fl_snapshot_n_by_path(snapshot, path),
                         fl_path_name(path));
        separator = ", ";
    }
    if (n_errors)
        fl_output_printf(out, "; %" JSON_INTEGER_FORMAT " could not be parsed", n_errors);
    fl_output_printf(out, "\n");
    if (fl_snapshot_incomplete(snapshot)) {
        fl_output_styled(out, FL_STYLE_UNSURE, "incomplete: ");
        fl_output_paragraph(out, 12, 12, fl_snapshot_incomplete(snapshot));
    }
}

static void print_text(struct listing *listing, struct fl_output *out)
{
    static const struct fl_column columns[] = {
        { "PATH", false }, { "VM", false },    { "VLAN", true },  { "PACKETS", true },
        { "BYTES", true }, { "CAUSE", false }, { "FLOW", false },
    };
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));
    _cleanup_free size_t *order = sort_flows(listing->reading->snapshot);

    fl_table_measure(table);
    for_each(listing, order, put_flow_row, out, table);
    if (listing->n_shown) {
        fl_table_start(table, out);
        for_each(listing, order, put_flow_row, out, table);
        fl_output_printf(out, "\n");
    }
    fl_table_destroy(table);
    print_summary(listing, out);
    fl_disagreements_text(listing->request, fl_snapshot_inventory(listing->reading->snapshot), out);
}

int fl_verb_flows(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    enum fl_snapshot_keep keep = request->storage ? FL_KEEP_STORAGE : FL_KEEP_ALL;
    unsigned int flags = request->format == FL_FORMAT_JSON ? FL_DECODE_KEEP_RAW | FL_DECODE_KEEP_TC
                                                           : FL_DECODE_KEEP_PARTS;
    struct fl_reading reading;
    struct listing listing = { .request = request, .reading = &reading };
    int exit_code = FL_EXIT_TROUBLE;

    if (request->mlx5_dump && (request->format != FL_FORMAT_JSON || request->n_from)) {
        fl_error_set(err, -EINVAL, "--mlx5-dump is for flows --json of a live host");
        return FL_EXIT_TROUBLE;
    }
    if (!fl_reading_open(request, 0, keep, flags, &reading, err)) {
        if (request->argument)
            listing.only = fl_reading_vm(&reading, request->argument, err);
        if (!request->argument || listing.only) {
            listing.owners = fl_flow_owners_create(reading.audit);
            if (request->format == FL_FORMAT_JSON)
                print_json(&listing, out);
            else
                print_text(&listing, out);
            fl_flow_owners_destroy(listing.owners);
            /* A file that ends early was still read to its end; a host that stops answering not. */
            exit_code = fl_snapshot_incomplete(reading.snapshot) && !request->n_from
                            ? FL_EXIT_TROUBLE
                            : FL_EXIT_DONE;
        }
    }
    fl_reading_close(&reading);
    return exit_code;
}
