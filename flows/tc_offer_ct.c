/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sources: OVS 3.1 lib/netdev-offload-tc.c, parse_put_flow_ct_action(), parse_put_flow_nat_action(); lib/tc.c,
 * nl_msg_put_act_ct().
 */
#include <errno.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/tc_offer_internal.h"

static void set_address(struct fl_tc_ct *ct, const struct nlattr *attr, struct fl_tc_value *value)
{
    size_t n = nl_attr_get_size(attr) == 4 ? 4 : 16;

    ct->nat_family = n == 4 ? 4 : 6;
    memcpy(value, nl_attr_get(attr), n);
    if (value == &ct->nat_max)
        ct->nat_has_max = !is_all_zeros(value, n);
}

static void set_nat(struct fl_tc_ct *ct, const struct nlattr *nat)
{
    const struct nlattr *attr;
    size_t left;

    ct->flags |= FL_TC_CT_NAT;
    NL_NESTED_FOR_EACH(attr, left, nat) {
        switch (nl_attr_type(attr)) {
        case OVS_NAT_ATTR_SRC: ct->flags |= FL_TC_CT_NAT_SRC; break;
        case OVS_NAT_ATTR_DST: ct->flags |= FL_TC_CT_NAT_DST; break;
        case OVS_NAT_ATTR_IP_MIN: set_address(ct, attr, &ct->nat_min); break;
        case OVS_NAT_ATTR_IP_MAX: set_address(ct, attr, &ct->nat_max); break;
        case OVS_NAT_ATTR_PROTO_MIN: ct->nat_port_min = nl_attr_get_u16(attr); break;
        case OVS_NAT_ATTR_PROTO_MAX: ct->nat_port_max = nl_attr_get_u16(attr); break;
        }
    }
    ct->nat_has_port = ct->nat_port_min != 0;
    ct->nat_has_port_max = ct->nat_has_port && ct->nat_port_max;
}

static void set_mark(struct fl_tc_action *action, const struct nlattr *attr)
{
    uint32_t mark[2];

    memcpy(mark, nl_attr_get(attr), sizeof mark);
    if (!mark[1])
        return;
    action->ct.mark = mark[0];
    action->ct.mark_mask = mark[1];
    action->present |= FL_TC_HAS_MARK;
}

static void set_label(struct fl_tc_action *action, const struct nlattr *attr)
{
    const uint8_t *label = nl_attr_get(attr);
    const size_t n = sizeof action->ct.label;

    if (is_all_zeros(label + n, n))
        return;
    memcpy(action->ct.label, label, n);
    memcpy(action->ct.label_mask, label + n, n);
    action->present |= FL_TC_HAS_LABEL;
}

static int set_attr(struct fl_tc_offering *offering, struct fl_tc_action *action,
                    const struct nlattr *attr)
{
    switch (nl_attr_type(attr)) {
    case OVS_CT_ATTR_COMMIT: action->ct.flags |= FL_TC_CT_COMMIT; break;
    case OVS_CT_ATTR_FORCE_COMMIT: action->ct.flags |= FL_TC_CT_COMMIT | FL_TC_CT_FORCE; break;
    case OVS_CT_ATTR_ZONE:
        action->ct.zone = nl_attr_get_u16(attr);
        action->present |= action->ct.zone ? FL_TC_HAS_ZONE : 0;
        break;
    case OVS_CT_ATTR_NAT: set_nat(&action->ct, attr); break;
    case OVS_CT_ATTR_MARK: set_mark(action, attr); break;
    case OVS_CT_ATTR_LABELS: set_label(action, attr); break;
    case OVS_CT_ATTR_HELPER:
        return fl_error_set(offering->err, -EOPNOTSUPP,
                            "Open vSwitch does not offer ct() with a helper (alg)");
    }
    return 0;
}

int fl_tc_offer_ct(struct fl_tc_offering *offering, const struct nlattr *ct)
{
    struct fl_tc_action *action = fl_tc_offer_add(offering, FL_TC_CT);
    const struct nlattr *attr;
    size_t left;
    int ret;

    if (!action)
        return -E2BIG;
    action->ct.mark_mask = UINT32_MAX;
    memset(action->ct.label_mask, 0xff, sizeof action->ct.label_mask);
    NL_NESTED_FOR_EACH(attr, left, ct) {
        ret = set_attr(offering, action, attr);
        if (ret)
            return ret;
    }
    return 0;
}
