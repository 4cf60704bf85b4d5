/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Linux 6.1 net/sched/act_ct.c, tcf_ct_dump(). */
#include <linux/tc_act/tc_ct.h>

#include "lib/tc/decode_internal.h"

static void read_nat_address(const struct fl_attr *attr, bool is_max, struct fl_tc_ct *ct)
{
    struct fl_tc_value *value = is_max ? &ct->nat_max : &ct->nat_min;

    if (attr->n != 4 && attr->n != 16)
        return;
    memcpy(value, attr->data, attr->n);
    if (is_max)
        ct->nat_has_max = true;
    else
        ct->nat_family = attr->n == 4 ? 4 : 6;
}

static void read_ct_part(const struct fl_attr *attr, struct fl_tc_action *action)
{
    struct fl_tc_ct *ct = &action->ct;

    switch (attr->type) {
    case TCA_CT_ACTION: ct->flags = (uint16_t)fl_tc_number(attr, 2, action, 0); break;
    case TCA_CT_ZONE: ct->zone = (uint16_t)fl_tc_number(attr, 2, action, FL_TC_HAS_ZONE); break;
    case TCA_CT_MARK: ct->mark = fl_tc_number(attr, 4, action, FL_TC_HAS_MARK); break;
    case TCA_CT_MARK_MASK: ct->mark_mask = fl_tc_number(attr, 4, action, 0); break;
    case TCA_CT_LABELS:
        if (attr->n != sizeof ct->label)
            break;
        memcpy(ct->label, attr->data, sizeof ct->label);
        action->present |= FL_TC_HAS_LABEL;
        break;
    case TCA_CT_LABELS_MASK:
        if (attr->n == sizeof ct->label_mask)
            memcpy(ct->label_mask, attr->data, sizeof ct->label_mask);
        break;
    case TCA_CT_NAT_IPV4_MIN:
    case TCA_CT_NAT_IPV6_MIN: read_nat_address(attr, false, ct); break;
    case TCA_CT_NAT_IPV4_MAX:
    case TCA_CT_NAT_IPV6_MAX: read_nat_address(attr, true, ct); break;
    case TCA_CT_NAT_PORT_MIN:
        ct->nat_port_min = be16toh((uint16_t)fl_tc_number(attr, 2, action, 0));
        ct->nat_has_port = true;
        break;
    case TCA_CT_NAT_PORT_MAX:
        ct->nat_port_max = be16toh((uint16_t)fl_tc_number(attr, 2, action, 0));
        ct->nat_has_port_max = true;
        break;
    }
}

bool fl_tc_decode_ct(struct fl_attrs attrs, struct fl_tc_filter *filter,
                     struct fl_tc_action *action)
{
    struct fl_attr attr;
    bool ok = false;

    action->ct.mark_mask = UINT32_MAX;
    memset(action->ct.label_mask, 0xff, sizeof action->ct.label_mask);
    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_CT_TM)
            fl_tc_read_times(&attr, action);
        else if (attr.type == TCA_CT_PARMS)
            ok = fl_tc_read_gen(&attr, sizeof(struct tc_ct), action);
        else if (attr.type <= TCA_CT_PAD)
            read_ct_part(&attr, action);
        else
            fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "attribute %u of action ct",
                                 attr.type);
    }
    return ok && !attrs.malformed;
}
