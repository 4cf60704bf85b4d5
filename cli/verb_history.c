/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/reading.h"
#include "cli/table.h"
#include "lib/base/clock.h"
#include "lib/store/journal.h"

static const char *text_of(const json_t *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry, key));

    return text && *text ? text : "-";
}

/* The journal's own precision is for machines. */
static void put_time(struct fl_table *table, const char *text)
{
    int64_t time_ms;

    if (fl_time_parse(text, &time_ms) && strlen(text) >= strlen("2026-11-22T21:56:00"))
        fl_table_cell(table, FL_STYLE_PLAIN, "%.10s %.8sZ", text, text + 11);
    else
        fl_table_cell(table, FL_STYLE_PLAIN, "%s", text);
}

static void print_text(const json_t *entries, size_t n_damaged, struct fl_output *out)
{
    static const struct fl_column columns[] = {
        { "TIME", false }, { "VM", false },     { "STEP", false },   { "STATE", false },
        { "WHO", false },  { "TICKET", false }, { "REASON", false },
    };
    static const char *const keys[] = { "vm", "step", "state", "who", "ticket", "reason" };
    struct fl_table *table = fl_table_create(columns, ARRAY_SIZE(columns));
    const json_t *entry;
    size_t i;

    json_array_foreach(entries, i, entry) {
        put_time(table, text_of(entry, "time"));
        for (size_t j = 0; j < ARRAY_SIZE(keys); j++)
            fl_table_cell(table, FL_STYLE_PLAIN, "%s", text_of(entry, keys[j]));
    }
    if (json_array_size(entries))
        fl_table_print(table, out);
    else
        fl_output_printf(out, "no entries\n");
    if (n_damaged)
        fl_output_styled(out, FL_STYLE_UNSURE, "%zu damaged line%s of the journal %s left out\n",
                         n_damaged, n_damaged == 1 ? "" : "s", n_damaged == 1 ? "was" : "were");
    fl_table_destroy(table);
}

int fl_verb_history(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    size_t n_damaged = 0;
    json_t *entries = fl_journal_read(request->root, request->argument, request->lines, &n_damaged,
                                      err);

    if (!entries)
        return FL_EXIT_TROUBLE;
    if (request->format == FL_FORMAT_JSON) {
        json_t *document = fl_document_here("history");

        json_object_set_new(document, "damaged", json_integer((json_int_t)n_damaged));
        json_object_set_new(document, "entries", entries);
        fl_output_json(out, document);
    } else {
        print_text(entries, n_damaged, out);
        json_decref(entries);
    }
    return FL_EXIT_DONE;
}
