/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Linux 6.1 net/sched/act_pedit.c, tcf_pedit_dump(). */
#include <linux/tc_act/tc_pedit.h>

#include "lib/tc/decode_internal.h"

/* TCA_PEDIT_KEYS_EX: header and command of each key, in the order of the keys. */
static bool read_pedit_ex(const struct fl_attr *outer, struct fl_tc_pedit_key *keys, size_t n)
{
    struct fl_attrs attrs = fl_attrs_nested(outer);
    struct fl_attr attr;

    for (size_t i = 0; fl_attrs_next(&attrs, &attr); i++) {
        struct fl_attrs inner = fl_attrs_nested(&attr);

        if (attr.type != TCA_PEDIT_KEY_EX || i == n)
            return false;
        while (fl_attrs_next(&inner, &attr)) {
            if (attr.n != 2)
                return false;
            if (attr.type == TCA_PEDIT_KEY_EX_HTYPE)
                keys[i].header = (uint8_t)fl_attr_u16(&attr);
            else if (attr.type == TCA_PEDIT_KEY_EX_CMD)
                keys[i].add = (uint8_t)fl_attr_u16(&attr);
        }
    }
    return !attrs.malformed;
}

static void read_pedit_keys(const struct tc_pedit_sel *sel, struct fl_tc_pedit_key *keys)
{
    for (size_t i = 0; i < sel->nkeys; i++) {
        keys[i] = (struct fl_tc_pedit_key){
            .offset = (int32_t)sel->keys[i].off,
            .value = (ovs_be32)sel->keys[i].val,
            .mask = (ovs_be32)sel->keys[i].mask,
        };
    }
}

bool fl_tc_decode_pedit(struct fl_attrs attrs, struct fl_tc_filter *filter,
                        struct fl_tc_action *action)
{
    struct fl_tc_pedit_key *keys = &filter->pedit_keys[filter->n_pedit_keys];
    struct fl_attr attr, parms = { .data = NULL }, extended = { .data = NULL };
    const struct tc_pedit_sel *sel;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_PEDIT_TM)
            fl_tc_read_times(&attr, action);
        else if (attr.type == TCA_PEDIT_PARMS || attr.type == TCA_PEDIT_PARMS_EX)
            parms = attr;
        else if (attr.type == TCA_PEDIT_KEYS_EX)
            extended = attr;
    }
    if (attrs.malformed || !parms.data || !fl_tc_read_gen(&parms, sizeof *sel, action))
        return false;
    sel = parms.data;
    if (parms.n < sizeof *sel + sel->nkeys * sizeof sel->keys[0])
        return false;
    action->pedit.first = filter->n_pedit_keys;
    if (filter->n_pedit_keys + sel->nkeys > FL_TC_PEDIT_KEYS_MAX) {
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "pedit actions change more than %d words",
                             FL_TC_PEDIT_KEYS_MAX);
        return true;
    }
    action->pedit.n = sel->nkeys;
    filter->n_pedit_keys = (uint16_t)(filter->n_pedit_keys + sel->nkeys);
    read_pedit_keys(sel, keys);
    return !extended.data || read_pedit_ex(&extended, keys, sel->nkeys);
}
