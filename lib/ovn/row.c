/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovn/row.h"

#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/limits.h"

/*
 * Source: OVN 23.03 and 26.03 controller/lflow.c, controller/physical.c: header_.uuid.parts[0] of these is given
 * to ofctrl_add_flow() as the cookie. Tables that an older southbound lacks are left out by who asks.
 */
const struct fl_ovn_table fl_ovn_tables[] = {
    { "Logical_Flow",
      { "pipeline", "table_id", "priority", "match", "actions", "external_ids", NULL } },
    { "Port_Binding", { "logical_port", NULL } },
    { "Multicast_Group", { "name", NULL } },
    { "MAC_Binding", { "ip", "logical_port", NULL } },
    { "Static_MAC_Binding", { "ip", "logical_port", NULL } },
    { "FDB", { "mac", NULL } },
    { "Load_Balancer", { "name", NULL } },
    { "Chassis", { "name", NULL } },
    { "Datapath_Binding", { "external_ids", NULL } },
};
const size_t fl_ovn_n_tables = ARRAY_SIZE(fl_ovn_tables);

const struct fl_ovn_table fl_ovn_acl_table = {
    "ACL", { "name", "direction", "priority", "match", "action", NULL }
};

/* ---- Values of RFC 7047 ---- */

static char *cut(const char *text)
{
    size_t n = strlen(text);

    if (n <= FL_LIMIT_OVN_TEXT_BYTES)
        return xstrdup(text);
    n = FL_LIMIT_OVN_TEXT_BYTES;
    /* Not in the middle of a character. */
    while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return xasprintf("%.*s...", (int)n, text);
}

/* Of a column that holds a text, or at most one: ["set", []]. Return: NULL when it holds none. */
static char *text_of(const json_t *json, const char *column)
{
    const char *text = json_string_value(json_object_get(json, column));

    return text ? cut(text) : NULL;
}

static int number_of(const json_t *json, const char *column)
{
    json_int_t value = json_integer_value(json_object_get(json, column));

    return value < 0 || value > INT32_MAX ? 0 : (int)value;
}

/* Of a map: ["map", [["key", "value"], ...]]. Return: NULL when it is not there. */
static char *mapped(const json_t *json, const char *column, const char *key)
{
    const json_t *pairs = json_array_get(json_object_get(json, column), 1), *pair;
    size_t i;

    json_array_foreach(pairs, i, pair) {
        const char *name = json_string_value(json_array_get(pair, 0));
        const char *value = json_string_value(json_array_get(pair, 1));

        if (name && value && !strcmp(name, key))
            return cut(value);
    }
    return NULL;
}

/* ---- Rows ---- */

/* Source: OVN 23.03 northd/northd.c, OVN_ACL_PRI_OFFSET; NB_Global's schema: an ACL has 0 to 32767. */
#define ACL_PRIORITY_MIN 1000
#define ACL_PRIORITY_MAX (ACL_PRIORITY_MIN + 32767)

/*
 * ls_in_acl, ls_out_acl, ls_in_acl_after_lb, ls_in_acl_eval, ...: with a hint they are of an ACL, but for those
 * of DHCP (34000). ls_in_pre_acl is of a port.
 */
static bool is_of_acl(const struct fl_ovn_row *row)
{
    return row->has_hint && row->stage &&
           (!strncmp(row->stage, "ls_in_acl", 9) || !strncmp(row->stage, "ls_out_acl", 10)) &&
           row->priority >= ACL_PRIORITY_MIN && row->priority <= ACL_PRIORITY_MAX;
}

/* "1a2b3c4d" */
static bool read_hint(const char *text, uint32_t *hint)
{
    unsigned long long value;
    bool ok = text && strlen(text) == 8 && strspn(text, "0123456789abcdef") == 8 &&
              str_to_ullong(text, 16, &value);

    if (ok)
        *hint = (uint32_t)value;
    return ok;
}

static void read_logical_flow(const json_t *json, struct fl_ovn_row *row)
{
    char *hint = mapped(json, "external_ids", "stage-hint");

    row->is_logical_flow = true;
    row->pipeline = text_of(json, "pipeline");
    row->table_id = number_of(json, "table_id");
    row->priority = number_of(json, "priority");
    row->match = text_of(json, "match");
    row->actions = text_of(json, "actions");
    row->stage = mapped(json, "external_ids", "stage-name");
    row->source = mapped(json, "external_ids", "source");
    row->has_hint = read_hint(hint, &row->hint);
    row->is_acl = is_of_acl(row);
    free(hint);
}

static char *name_of(const struct fl_ovn_table *table, const json_t *json)
{
    char *first, *second, *both;

    if (!strcmp(table->columns[0], "external_ids"))
        return mapped(json, "external_ids", "name");
    first = text_of(json, table->columns[0]);
    second = first && table->columns[1] ? text_of(json, table->columns[1]) : NULL;
    if (!second)
        return first;
    both = xasprintf("%s of %s", first, second);
    free(first);
    free(second);
    return both;
}

void fl_ovn_row_read(const struct fl_ovn_table *table, const struct uuid *uuid, const json_t *json,
                     struct fl_ovn_row *row)
{
    *row = (struct fl_ovn_row){ .uuid = *uuid, .table = table->name };
    if (table == &fl_ovn_tables[0])
        read_logical_flow(json, row);
    else
        row->name = name_of(table, json);
}

void fl_ovn_row_destroy(struct fl_ovn_row *row)
{
    free(row->name);
    free(row->pipeline);
    free(row->match);
    free(row->actions);
    free(row->stage);
    free(row->source);
    fl_ovn_acl_free(row->acl);
}

struct fl_ovn_acl *fl_ovn_acl_read(const json_t *json)
{
    struct fl_ovn_acl *acl = xzalloc(sizeof *acl);

    acl->name = text_of(json, "name");
    acl->direction = text_of(json, "direction");
    acl->priority = number_of(json, "priority");
    acl->match = text_of(json, "match");
    acl->action = text_of(json, "action");
    return acl;
}

void fl_ovn_acl_free(struct fl_ovn_acl *acl)
{
    if (acl) {
        free(acl->name);
        free(acl->direction);
        free(acl->match);
        free(acl->action);
        free(acl);
    }
}
