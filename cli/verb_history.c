/* SPDX-License-Identifier: Apache-2.0 */
#include <ovs/util.h>

#include "cli/history_view.h"
#include "cli/reading.h"
#include "lib/store/journal.h"

static void print_text(const json_t *entries, size_t n_damaged, struct fl_output *out)
{
    static const struct fl_column columns[] = {
        { "TIME", false }, { "VM", false },     { "STEP", false },   { "STATE", false },
        { "WHO", false },  { "TICKET", false }, { "REASON", false },
    };
    static const char *const keys[] = { "vm", "step", "state", "who", "ticket", "reason" };

    fl_history_view(entries, columns, keys, ARRAY_SIZE(keys), out);
    if (n_damaged)
        fl_output_styled(out, FL_STYLE_UNSURE, "%zu damaged line%s of the journal %s left out\n",
                         n_damaged, n_damaged == 1 ? "" : "s", n_damaged == 1 ? "was" : "were");
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
