/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/asked_view.h"

#include <ovs/util.h>

#include "cli/chain_view.h"
#include "flows/cleanup.h"
#include "lib/text.h"

/* In the driver's own words, or the kernel's. */
static char *words_of(const char *words, int error)
{
    return *words ? xasprintf("\"%s\"", words) : xstrdup(ovs_strerror(error));
}

static char *outcome_text(const struct fl_asked *asked)
{
    _cleanup_free char *words = words_of(asked->words, asked->error);

    switch (asked->outcome) {
    case FL_ASKED_NOT_OFFERED: return xasprintf("not asked: %s", asked->words);
    case FL_ASKED_REFUSED: return xstrdup("refused because of");
    case FL_ASKED_REFUSES_ALL: return xasprintf("refused, as everything is: %s", words);
    case FL_ASKED_REFUSED_FOR_NOW: return xasprintf("refused for the moment: %s", words);
    case FL_ASKED_ACCEPTED: return xstrdup("accepted now");
    case FL_ASKED_CANNOT_TELL:
    default: return xasprintf("cannot tell: %s", asked->words);
    }
}

static void print_parts(const struct fl_asked *asked, struct fl_output *out)
{
    for (unsigned int i = 0; i < asked->n_parts; i++) {
        const struct fl_asked_part *part = &asked->parts[i];
        _cleanup_free char *words = words_of(part->words, part->error);
        _cleanup_free char *text = xasprintf("%s: %s", part->what, words);

        fl_output_paragraph(out, 0, 4, text);
    }
    if (asked->n_parts && *asked->words) {
        _cleanup_free char *text = xasprintf("there may be more: %s", asked->words);

        fl_output_paragraph(out, 0, 4, text);
    }
}

void fl_asked_print(const struct fl_asked_all *all, struct fl_output *out)
{
    if (all->n)
        fl_output_styled(out, FL_STYLE_BOLD, "\nWhat the NIC says\n");
    for (size_t i = 0; i < all->n; i++) {
        const struct fl_asked *asked = &all->flows[i];
        _cleanup_free char *outcome = outcome_text(asked);
        _cleanup_free char *recirc = asked->flow->recirc_id
                                         ? xasprintf(", recirc_id %#x", asked->flow->recirc_id)
                                         : xstrdup("");
        _cleanup_free char *text = xasprintf("%s, at %s%s: %s",
                                             fl_direction_words(asked->direction), asked->device,
                                             recirc, outcome);

        fl_output_paragraph(out, 0, 2, text);
        print_parts(asked, out);
    }
}

static json_t *parts_json(const struct fl_asked *asked)
{
    json_t *parts = json_array();

    for (unsigned int i = 0; i < asked->n_parts; i++) {
        const struct fl_asked_part *part = &asked->parts[i];

        json_array_append_new(parts,
                              json_pack("{s:o, s:o, s:i, s:s}", "part", fl_text_json(part->what),
                                        "words", fl_text_json(*part->words ? part->words : NULL),
                                        "errno", part->error, "cause",
                                        fl_cause_info(part->cause)->id));
    }
    return parts;
}

static json_t *asked_json(const struct fl_asked *asked)
{
    static const char *const apis[] = {
        [FL_API_UNKNOWN] = NULL,
        [FL_API_TC] = "tc",
        [FL_API_RTE_FLOW] = "rte_flow",
    };
    json_t *json = json_object();
    char ufid[37];

    fl_flow_format_id(asked->flow, ufid);
    json_object_set_new(json, "direction", json_string(fl_direction_name(asked->direction)));
    json_object_set_new(json, "ufid", asked->flow->has_ufid ? json_string(ufid) : json_null());
    json_object_set_new(json, "recirc_id", json_integer(asked->flow->recirc_id));
    json_object_set_new(json, "device", fl_text_json(asked->device));
    json_object_set_new(json, "api", fl_text_json(apis[asked->api]));
    json_object_set_new(json, "outcome", json_string(fl_asked_outcome_name(asked->outcome)));
    json_object_set_new(json, "words", fl_text_json(*asked->words ? asked->words : NULL));
    json_object_set_new(json, "parts", parts_json(asked));
    json_object_set_new(json, "offers", json_integer(asked->n_offers));
    return json;
}

json_t *fl_asked_json(const struct fl_asked_all *all)
{
    json_t *flows = json_array();

    for (size_t i = 0; i < all->n; i++)
        json_array_append_new(flows, asked_json(&all->flows[i]));
    return flows;
}
