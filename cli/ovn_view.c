/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ovn_view.h"

#include <inttypes.h>
#include <stdlib.h>

#include <openvswitch/dynamic-string.h>

#include "lib/text.h"

static const char *or_unknown(const char *text)
{
    return text ? text : "?";
}

static void put_acl(struct ds *text, const struct fl_ovn_row *row)
{
    const struct fl_ovn_acl *acl = row->acl;

    ds_put_format(text, "of ACL %08" PRIx32, row->hint);
    if (!acl)
        ds_put_cstr(text, " of the northbound");
    else
        ds_put_format(text, "%s%s%s: %s %d %s, %s", acl->name ? " (" : "",
                      acl->name ? acl->name : "", acl->name ? ")" : "", or_unknown(acl->direction),
                      acl->priority, or_unknown(acl->match), or_unknown(acl->action));
}

static void put_logical_flow(struct ds *text, const struct fl_ovn_row *row,
                             const struct fl_output *out)
{
    ds_put_format(text, "logical flow of %s table %d", or_unknown(row->pipeline), row->table_id);
    if (row->stage)
        ds_put_format(text, " (%s%s%s)", row->stage, row->source ? ", " : "",
                      row->source ? row->source : "");
    ds_put_format(text, " priority %d: %s %s %s", row->priority, or_unknown(row->match),
                  fl_output_arrow(out), or_unknown(row->actions));
}

void fl_ovn_rows_print(const struct fl_ovn *ovn, const char *bridge, uint64_t cookie,
                       struct fl_output *out)
{
    const struct fl_ovn_row *row = NULL;

    while ((row = fl_ovn_next(ovn, bridge, cookie, row))) {
        struct ds text = DS_EMPTY_INITIALIZER;

        ds_put_cstr(&text, "OVN: ");
        if (row->is_logical_flow)
            put_logical_flow(&text, row, out);
        else
            ds_put_format(&text, "%s %s", row->table, row->name ? row->name : "");
        fl_output_paragraph(out, 0, 6, ds_cstr(&text));
        if (row->is_acl) {
            ds_clear(&text);
            put_acl(&text, row);
            fl_output_paragraph(out, 0, 8, ds_cstr(&text));
        }
        ds_destroy(&text);
    }
}

static json_t *acl_json(const struct fl_ovn_row *row)
{
    const struct fl_ovn_acl *acl = row->acl;

    if (!acl)
        return json_null();
    return json_pack("{s:o, s:o, s:i, s:o, s:o}", "name", fl_text_json(acl->name), "direction",
                     fl_text_json(acl->direction), "priority", acl->priority, "match",
                     fl_text_json(acl->match), "action", fl_text_json(acl->action));
}

static json_t *logical_flow_json(const struct fl_ovn_row *row)
{
    char hint[9];

    snprintf(hint, sizeof hint, "%08" PRIx32, row->hint);
    return json_pack("{s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pipeline",
                     fl_text_json(row->pipeline), "table_id", row->table_id, "priority",
                     row->priority, "match", fl_text_json(row->match), "actions",
                     fl_text_json(row->actions), "stage", fl_text_json(row->stage), "source",
                     fl_text_json(row->source), "stage_hint",
                     row->has_hint ? json_string(hint) : json_null(), "northbound_table",
                     row->is_acl ? json_string("ACL") : json_null(), "acl", acl_json(row));
}

static json_t *row_json(const struct fl_ovn_row *row)
{
    json_t *json = json_object();
    char uuid[UUID_LEN + 1];

    snprintf(uuid, sizeof uuid, UUID_FMT, UUID_ARGS(&row->uuid));
    json_object_set_new(json, "table", json_string(row->table));
    json_object_set_new(json, "uuid", json_string(uuid));
    json_object_set_new(json, "name", fl_text_json(row->name));
    json_object_set_new(json, "logical_flow",
                        row->is_logical_flow ? logical_flow_json(row) : json_null());
    return json;
}

json_t *fl_ovn_rows_json(const struct fl_ovn *ovn, const char *bridge, uint64_t cookie)
{
    const struct fl_ovn_row *row = fl_ovn_next(ovn, bridge, cookie, NULL);
    json_t *rows;

    if (!row && (!ovn->is_complete || !fl_ovn_is_asked(ovn, bridge, cookie)))
        return json_null();
    rows = json_array();
    for (; row; row = fl_ovn_next(ovn, bridge, cookie, row))
        json_array_append_new(rows, row_json(row));
    return rows;
}

void fl_ovn_print(const struct fl_ovn *ovn, struct fl_output *out)
{
    if (!ovn->untold.code)
        return;
    fl_output_styled(out, FL_STYLE_UNSURE, "not asked of OVN: ");
    fl_output_paragraph(out, 18, 18, ovn->untold.text);
}

json_t *fl_ovn_json(const struct fl_ovn *ovn)
{
    if (!ovn->bridge)
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "bridge", fl_text_json(ovn->bridge), "southbound",
                     fl_text_json(ovn->southbound), "reason",
                     fl_text_json(ovn->untold.code ? ovn->untold.text : NULL));
}
