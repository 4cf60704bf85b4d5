/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/shrink_internal.h"
#include "flows/tc_key.h"
#include "flows/tc_rewrite.h"

static void format_output(const struct fl_tc_mirred *mirred, struct ds *text)
{
    ds_put_format(text, "%s to %s", mirred->mirror ? "mirror" : "redirect",
                  mirred->to_dev ? mirred->to_dev : "a device");
}

static void format_vlan(const struct fl_tc_vlan *vlan, struct ds *text)
{
    switch (vlan->action) {
    case FL_TC_VLAN_POP: ds_put_cstr(text, "vlan pop"); break;
    case FL_TC_VLAN_PUSH: ds_put_cstr(text, "vlan push"); break;
    case FL_TC_VLAN_MODIFY: ds_put_cstr(text, "vlan modify"); break;
    default: ds_put_cstr(text, "vlan"); break;
    }
}

static void format_gact(const struct fl_tc_action *action, struct ds *text)
{
    if ((action->control & FL_TC_EXT_MASK) == FL_TC_GOTO)
        ds_put_format(text, "goto chain %u", action->control & FL_TC_EXT_VALUE);
    else
        ds_put_cstr(text, action->control == FL_TC_SHOT ? "drop" : "gact");
}

static void format_action(const struct fl_tc_action *action, struct ds *text)
{
    switch (action->kind) {
    case FL_TC_MIRRED: format_output(&action->mirred, text); break;
    case FL_TC_VLAN: format_vlan(&action->vlan, text); break;
    case FL_TC_GACT: format_gact(action, text); break;
    case FL_TC_CT: ds_put_cstr(text, action->ct.flags & FL_TC_CT_CLEAR ? "ct clear" : "ct"); break;
    case FL_TC_TUNNEL_KEY:
        ds_put_cstr(text, action->tunnel_key.action == FL_TC_TUNNEL_SET ? "tunnel_key set"
                                                                        : "tunnel_key unset");
        break;
    case FL_TC_PEDIT: ds_put_cstr(text, "pedit"); break;
    case FL_TC_CSUM: ds_put_cstr(text, "csum"); break;
    case FL_TC_SKBEDIT: ds_put_cstr(text, "skbedit"); break;
    case FL_TC_POLICE: ds_put_cstr(text, "police"); break;
    case FL_TC_MPLS: ds_put_cstr(text, "mpls"); break;
    case FL_TC_SAMPLE: ds_put_cstr(text, "sample"); break;
    case FL_TC_OTHER: ds_put_cstr(text, action->kind_name ? action->kind_name : "action"); break;
    }
}

static void format_keys(uint64_t keys, struct ds *text)
{
    ds_put_cstr(text, fl_tc_key_name((enum fl_tc_key)__builtin_ctzll(keys)));
}

static void format_unit(const struct fl_shrink_unit *unit, const struct fl_tc_filter *filter,
                        struct ds *text)
{
    const struct fl_tc_rewrite *field;

    switch (unit->kind) {
    case FL_SHRINK_KEY: format_keys(unit->keys, text); break;
    case FL_SHRINK_TAG: ds_put_cstr(text, "vlan tag"); break;
    case FL_SHRINK_TUNNEL_OPTS: ds_put_cstr(text, "enc_opts"); break;
    case FL_SHRINK_MPLS: ds_put_cstr(text, "mpls"); break;
    case FL_SHRINK_ACTIONS: ds_put_cstr(text, "actions"); break;
    case FL_SHRINK_ACTION: format_action(&filter->actions[unit->action], text); break;
    case FL_SHRINK_REWRITE:
        field = fl_tc_rewrite_of(&filter->pedit_keys[unit->first]);
        ds_put_format(text, "set %s", field ? field->name : "header");
        break;
    }
}

void fl_shrunk_format(const struct fl_shrunk *shrunk, unsigned int part,
                      const struct fl_tc_filter *filter, struct ds *text)
{
    const struct fl_shrunk_part *of = &shrunk->parts[part];
    const char *between = "";

    for (uint64_t left = of->units; left; left &= left - 1) {
        int unit = __builtin_ctzll(left);

        ds_put_cstr(text, between);
        if (of->masks >> unit & 1)
            ds_put_cstr(text, "mask of ");
        format_unit(&shrunk->units[unit], filter, text);
        between = " with ";
    }
}
