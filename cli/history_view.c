/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/history_view.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/text.h"

/* The journal's own precision is for machines. */
static void put_time(struct fl_table *table, const char *text)
{
    int64_t time_ms;

    if (fl_time_parse(text, &time_ms) && strlen(text) >= strlen("2026-11-22T21:56:00"))
        fl_table_cell(table, FL_STYLE_PLAIN, "%.10s %.8sZ", text, text + 11);
    else
        fl_table_cell(table, FL_STYLE_PLAIN, "%s", *text ? text : "-");
}

void fl_history_view(const json_t *entries, const struct fl_column *columns,
                     const char *const *keys, size_t n_keys, struct fl_output *out)
{
    struct fl_table *table = fl_table_create(columns, n_keys + 1);
    const json_t *entry;
    size_t i;

    json_array_foreach(entries, i, entry) {
        put_time(table, fl_text_at(entry, "time"));
        for (size_t j = 0; j < n_keys; j++) {
            const char *text = fl_text_at(entry, keys[j]);

            fl_table_cell(table, FL_STYLE_PLAIN, "%s", *text ? text : "-");
        }
    }
    if (json_array_size(entries))
        fl_table_print(table, out);
    else
        fl_output_printf(out, "no entries\n");
    fl_table_destroy(table);
}
