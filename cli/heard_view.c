/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/heard_view.h"

#include <inttypes.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/text.h"

static void print_text(const struct fl_extack *heard, struct fl_output *out)
{
    _cleanup_free char *text = xasprintf("%" PRIu64 " time%s: \"%s\"", heard->n,
                                         heard->n == 1 ? "" : "s", heard->text);

    fl_output_printf(out, "  ");
    fl_output_paragraph(out, 2, 4, text);
}

void fl_heard_print(const struct fl_extacks *heard, const struct fl_error *why,
                    struct fl_output *out)
{
    if (why->code) {
        fl_output_styled(out, FL_STYLE_UNSURE, "\nnot heard: ");
        fl_output_paragraph(out, 11, 11, why->text);
        return;
    }
    fl_output_styled(out, FL_STYLE_BOLD,
                     "\nWhat the kernel told ovs-vswitchd in %" PRId64 " s, of any flow\n",
                     heard->listened_ms / 1000);
    for (size_t i = 0; i < heard->n_texts; i++)
        print_text(&heard->texts[i], out);
    if (heard->n_others)
        fl_output_printf(out, "  %" PRIu64 " times: something else\n", heard->n_others);
    if (!heard->n_texts)
        fl_output_printf(out, "  nothing: no flow was refused in words; one that lives is not "
                              "offered again\n");
    if (heard->is_incomplete)
        fl_output_printf(out, "  and more that was lost\n");
}

static json_t *text_json(const struct fl_extack *heard)
{
    enum fl_cause_id cause = fl_extack_cause(heard->text);

    return json_pack("{s:o, s:I, s:o}", "words", fl_text_json(heard->text), "times",
                     (json_int_t)heard->n, "cause",
                     fl_text_json(cause == FL_CAUSE_REFUSED ? NULL : fl_cause_info(cause)->id));
}

json_t *fl_heard_json(const struct fl_extacks *heard, const struct fl_error *why)
{
    json_t *texts = json_array();

    for (size_t i = 0; i < heard->n_texts; i++)
        json_array_append_new(texts, text_json(&heard->texts[i]));
    return json_pack("{s:I, s:o, s:I, s:b, s:o}", "listened_ms", (json_int_t)heard->listened_ms,
                     "messages", texts, "others", (json_int_t)heard->n_others, "incomplete",
                     heard->is_incomplete, "missing", fl_text_json(why->code ? why->text : NULL));
}
