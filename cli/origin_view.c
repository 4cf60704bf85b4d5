/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/origin_view.h"

#include <inttypes.h>
#include <stdlib.h>

#include <ovs/util.h>

#include "cli/chain_view.h"
#include "cli/ovn_view.h"
#include "flows/cleanup.h"
#include "lib/text.h"

static char *place_text(const char *bridge, unsigned int table, int priority, uint64_t cookie)
{
    return cookie ? xasprintf("%s table %u priority %d cookie 0x%" PRIx64, bridge, table, priority,
                              cookie)
                  : xasprintf("%s table %u priority %d", bridge, table, priority);
}

static void print_flow(struct fl_output *out, const struct fl_ovn *ovn, const char *bridge,
                       unsigned int table, int priority, uint64_t cookie, const char *match)
{
    _cleanup_free char *place = place_text(bridge, table, priority, cookie);
    _cleanup_free char *text = xasprintf("%s: %s", place, *match ? match : "every packet");

    fl_output_paragraph(out, 0, 4, text);
    fl_ovn_rows_print(ovn, bridge, cookie, out);
}

void fl_origin_print(const struct fl_origin *origin, const struct fl_ovn *ovn,
                     struct fl_output *out)
{
    fl_output_styled(out, FL_STYLE_BOLD, "\nOpenFlow flows that a packet %s hits\n",
                     fl_direction_words(origin->direction));
    fl_output_paragraph(out, 0, 2, origin->packet);
    for (size_t i = 0; i < origin->n_rules; i++) {
        const struct fl_traced_rule *rule = &origin->rules[i];

        print_flow(out, ovn, rule->bridge, rule->table, rule->priority, rule->cookie, rule->match);
    }
    for (size_t i = 0; i < origin->n_lookers; i++) {
        const struct fl_looker *looker = &origin->lookers[i];

        fl_output_printf(out, "  ");
        fl_output_styled(out, FL_STYLE_ODD, "%s", looker->field);
        fl_output_printf(out, " is looked at by %zu flow%s of %s table %u%s\n", looker->n,
                         looker->n == 1 ? "" : "s", looker->bridge, looker->table,
                         looker->n == 1 ? ":" : ", first of all:");
        print_flow(out, ovn, looker->bridge, looker->table, looker->priority, looker->cookie,
                   looker->match);
    }
}

static json_t *flow_json(const struct fl_ovn *ovn, const char *bridge, unsigned int table,
                         int priority, uint64_t cookie, const char *match)
{
    char text[19];

    snprintf(text, sizeof text, "0x%" PRIx64, cookie);
    return json_pack("{s:o, s:i, s:i, s:s, s:o, s:o}", "bridge", fl_text_json(bridge), "table",
                     (int)table, "priority", priority, "cookie", text, "match", fl_text_json(match),
                     "ovn", fl_ovn_rows_json(ovn, bridge, cookie));
}

json_t *fl_origin_json(const struct fl_origin *origin, const struct fl_ovn *ovn)
{
    json_t *flows = json_array(), *lookers = json_array();

    for (size_t i = 0; i < origin->n_rules; i++) {
        const struct fl_traced_rule *rule = &origin->rules[i];

        json_array_append_new(flows, flow_json(ovn, rule->bridge, rule->table, rule->priority,
                                               rule->cookie, rule->match));
    }
    for (size_t i = 0; i < origin->n_lookers; i++) {
        const struct fl_looker *looker = &origin->lookers[i];

        json_array_append_new(lookers, json_pack("{s:s, s:I, s:o}", "field", looker->field, "flows",
                                                 (json_int_t)looker->n, "first",
                                                 flow_json(ovn, looker->bridge, looker->table,
                                                           looker->priority, looker->cookie,
                                                           looker->match)));
    }
    return json_pack("{s:s, s:o, s:o, s:o}", "direction", fl_direction_name(origin->direction),
                     "packet", fl_text_json(origin->packet), "flows", flows, "lookers", lookers);
}
