/* SPDX-License-Identifier: Apache-2.0 */
#include <ovs/util.h>

#include "cli/human.h"
#include "cli/options.h"
#include "cli/outcome_view.h"
#include "cli/progress.h"
#include "cli/reading.h"
#include "cli/table.h"
#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/text.h"

struct listing {
    const struct fl_request *request;
    struct fl_status_entry *entries;
    size_t n;
    const char *incomplete; /* Why not all could be read, or NULL. */
};

static json_t *entry_json(const struct fl_status_entry *e)
{
    json_t *json = json_object();

    json_object_set_new(json, "vm", fl_text_json(e->vm_name));
    json_object_set_new(json, "vm_id", fl_text_json(e->vm_id));
    json_object_set_new(json, "state", json_string(fl_remedy_state_name(e->state)));
    json_object_set_new(json, "recorded",
                        e->on_disk ? json_string(fl_remedy_state_name(e->recorded)) : json_null());
    json_object_set_new(json, "on_disk", json_boolean(e->on_disk));
    json_object_set_new(json, "readable", json_boolean(e->readable));
    json_object_set_new(json, "rules", json_integer((json_int_t)e->n_rules));
    json_object_set_new(json, "present",
                        e->readable ? json_integer((json_int_t)e->n_present) : json_null());
    json_object_set_new(json, "foreign",
                        e->readable ? json_integer((json_int_t)e->n_foreign) : json_null());
    json_object_set_new(json, "packets", e->readable ? fl_count_json(e->packets) : json_null());
    json_object_set_new(json, "bytes", e->readable ? fl_count_json(e->bytes) : json_null());
    json_object_set_new(json, "note", fl_text_json(e->note));
    json_object_set_new(json, "ticket", fl_text_json(e->ticket));
    json_object_set_new(json, "who", fl_text_json(e->who));
    json_object_set_new(json, "changed", fl_time_json(e->changed_ms));
    json_object_set_new(json, "confirm_by", fl_time_json(e->confirm_by_ms));
    json_object_set_new(json, "until", fl_until_json(&e->until));
    return json;
}

static void print_json(const struct listing *listing, struct fl_output *out)
{
    json_t *document = fl_document_here("status");
    json_t *remedies = json_array();

    for (size_t i = 0; i < listing->n; i++)
        json_array_append_new(remedies, entry_json(&listing->entries[i]));
    json_object_set_new(document, "incomplete", fl_text_json(listing->incomplete));
    json_object_set_new(document, "remedies", remedies);
    fl_output_json(out, document);
}

/* "2/2": rules in the switch, of those of the remedy. */
static void put_rules(struct fl_table *table, const struct fl_status_entry *e)
{
    bool gone = e->state == FL_REMEDY_REVERTED && !e->n_present;

    if (!e->readable)
        fl_table_cell(table, FL_STYLE_UNSURE, "?/%zu", e->n_rules);
    else if (gone)
        fl_table_cell(table, FL_STYLE_DIM, "-");
    else
        fl_table_cell(table, e->note ? FL_STYLE_ODD : FL_STYLE_PLAIN, "%zu/%zu", e->n_present,
                      e->n_rules);
}

static void put_counters(struct fl_table *table, const struct fl_status_entry *e)
{
    bool counted = e->readable && (e->n_present || e->n_foreign);
    char text[FL_HUMAN_BYTES];

    fl_table_cell(table, FL_STYLE_PLAIN, "%s", counted ? fl_human_count(e->packets, text) : "-");
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", counted ? fl_human_bytes(e->bytes, text) : "-");
}

static void put_row(struct fl_table *table, const struct fl_status_entry *e)
{
    int64_t age_ms = MAX(fl_time_now_ms() - e->changed_ms, 1000);
    char text[FL_HUMAN_BYTES];

    fl_table_cell(table, FL_STYLE_BOLD, "%s", e->vm_name);
    fl_table_cell(table, e->readable ? fl_remedy_style(e->state) : FL_STYLE_UNSURE, "%s",
                  e->readable ? fl_remedy_state_name(e->state) : "unknown");
    put_rules(table, e);
    put_counters(table, e);
    fl_table_cell(table, FL_STYLE_PLAIN, "%s",
                  e->changed_ms ? fl_human_duration(age_ms, text) : "-");
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", e->who ? e->who : "-");
    fl_table_cell(table, FL_STYLE_PLAIN, "%s", e->ticket ? e->ticket : "-");
}

static void print_until(const struct fl_status_entry *e, struct fl_output *out)
{
    char text[FL_UNTIL_TEXT_BYTES];

    if (fl_until_is_set(&e->until) && !e->note)
        fl_output_printf(out, "%s: stands until %s%s\n", e->vm_name,
                         e->until.time_ms ? "" : "Open vSwitch ", fl_until_format(&e->until, text));
}

/* A time that is over is in the note. */
static void print_deadline(const struct listing *listing, const struct fl_status_entry *e,
                           struct fl_output *out)
{
    _cleanup_free char *confirm = fl_request_again(listing->request, "confirm", e->vm_name);
    char by[FL_TIME_TEXT_BYTES];

    if (e->confirm_by_ms > fl_time_now_ms())
        fl_output_printf(out, "%s: reverts at %s unless confirmed: %s\n", e->vm_name,
                         fl_time_format(e->confirm_by_ms, by), confirm);
}

static void print_notes(const struct listing *listing, struct fl_output *out)
{
    for (size_t i = 0; i < listing->n; i++) {
        const struct fl_status_entry *e = &listing->entries[i];
        _cleanup_free char *name = fl_text_clean(e->vm_name);

        print_deadline(listing, e, out);
        print_until(e, out);
        if (!e->note)
            continue;
        fl_output_styled(out, FL_STYLE_ODD, "%s: ", name);
        fl_output_paragraph(out, (unsigned int)fl_text_width(name) + 2, 2, e->note);
    }
}

static void print_text(const struct listing *listing, struct fl_output *out)
{
    static const struct fl_column columns[] = {
        { "VM", false },   { "STATE", false }, { "RULES", true }, { "PACKETS", true },
        { "BYTES", true }, { "SINCE", true },  { "WHO", false },  { "TICKET", false },
    };
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));

    for (size_t i = 0; i < listing->n; i++)
        put_row(table, &listing->entries[i]);
    if (listing->n)
        fl_table_print(table, out);
    else if (!listing->incomplete)
        fl_output_printf(out, "no remedies\n");
    fl_table_destroy(table);
    print_notes(listing, out);
    if (listing->incomplete) {
        fl_output_styled(out, FL_STYLE_UNSURE, "incomplete: ");
        fl_output_paragraph(out, 12, 12, listing->incomplete);
    }
}

/* A remedy that is not as recorded is something to act on. */
static int exit_code_of(const struct listing *listing)
{
    if (listing->incomplete)
        return FL_EXIT_TROUBLE;
    for (size_t i = 0; i < listing->n; i++) {
        if (!listing->entries[i].readable)
            return FL_EXIT_TROUBLE;
    }
    for (size_t i = 0; i < listing->n; i++) {
        if (listing->entries[i].note)
            return FL_EXIT_NOT_DONE;
    }
    return FL_EXIT_DONE;
}

int fl_verb_status(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct listing listing = { .request = request };
    struct fl_error why = FL_ERROR_INIT;
    struct fl_config config;
    struct fl_operator op;
    int exit_code = FL_EXIT_TROUBLE;

    if (!fl_operator_open(request, &config, &op, err)) {
        int error = fl_remedy_status(&op, &listing.entries, &listing.n, &why);

        fl_progress_end();
        listing.incomplete = error ? why.text : NULL;
        if (error && !listing.n) {
            *err = why;
        } else {
            if (request->format == FL_FORMAT_JSON)
                print_json(&listing, out);
            else
                print_text(&listing, out);
            exit_code = exit_code_of(&listing);
        }
        fl_status_free(listing.entries, listing.n);
    }
    fl_operator_close(&op);
    fl_config_destroy(&config);
    return exit_code;
}
