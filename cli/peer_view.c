/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/peer_view.h"

#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/chain_view.h"
#include "flows/cleanup.h"
#include "lib/text.h"

#define LABEL_COLUMN 24

/* "    only vm2 matches:     ct_state, tp_dst"; nothing without names */
static void print_names(struct fl_output *out, const char *who, const char *does,
                        const struct svec *names, enum fl_style style)
{
    _cleanup_free char *label = xasprintf("%s %s:", who, does);
    _cleanup_free char *text = svec_join(names, ", ", "");
    unsigned int column = MAX(LABEL_COLUMN, (unsigned int)strlen(label) + 5);

    if (!names->n)
        return;
    fl_output_printf(out, "    ");
    fl_output_styled(out, style, "%s", label);
    fl_output_printf(out, "%*s", (int)(column - 4 - strlen(label)), "");
    fl_output_paragraph(out, column, LABEL_COLUMN, text);
}

static void print_sets(struct fl_output *out, const struct fl_peer *peer, const struct svec *of_vm,
                       const struct svec *of_peer, const char *does, const char *do_)
{
    _cleanup_free char *only_vm = xasprintf("only %s", peer->vm.vm->name),
                       *only_peer = xasprintf("only %s", peer->peer.vm->name);
    struct svec a, both, b;

    svec_diff(of_vm, of_peer, &a, &both, &b);
    print_names(out, only_vm, does, &a, FL_STYLE_ODD);
    print_names(out, only_peer, does, &b, FL_STYLE_PLAIN);
    print_names(out, "both", do_, &both, FL_STYLE_PLAIN);
    svec_destroy(&a);
    svec_destroy(&both);
    svec_destroy(&b);
}

void fl_peers_print(const struct fl_peer *peers, size_t n, struct fl_output *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct fl_peer *peer = &peers[i];

        fl_output_styled(out, FL_STYLE_BOLD, "\nBeside %s, %s\n", peer->peer.vm->name,
                         fl_direction_words(peer->direction));
        fl_output_printf(out, "  %zu flow%s of %s in the NIC, %zu of %s in software\n",
                         peer->peer.n_links, peer->peer.n_links == 1 ? "" : "s",
                         peer->peer.vm->name, peer->vm.n_links, peer->vm.vm->name);
        print_sets(out, peer, &peer->vm.fields, &peer->peer.fields, "matches", "match");
        print_sets(out, peer, &peer->vm.actions, &peer->peer.actions, "does", "do");
    }
}

static json_t *names_json(const struct svec *names)
{
    json_t *array = json_array();

    for (size_t i = 0; i < names->n; i++)
        json_array_append_new(array, fl_text_json(names->names[i]));
    return array;
}

static json_t *side_json(const struct fl_peer_side *side)
{
    return json_pack("{s:o, s:I, s:o, s:o}", "vm", fl_text_json(side->vm->name), "flows",
                     (json_int_t)side->n_links, "actions", names_json(&side->actions), "fields",
                     names_json(&side->fields));
}

json_t *fl_peers_json(const struct fl_peer *peers, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:o, s:o}", "direction",
                                               fl_direction_name(peers[i].direction), "of",
                                               side_json(&peers[i].vm), "beside",
                                               side_json(&peers[i].peer), "only_actions",
                                               names_json(&peers[i].only_actions), "only_fields",
                                               names_json(&peers[i].only_fields)));
    return array;
}
