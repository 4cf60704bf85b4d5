/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_pkt_len(): a policer by length, then the actions for packets that are longer, of which the last jumps over
 * those for the others. Source: OVS 3.1 lib/netdev-offload-tc.c, parse_check_pkt_len_action(); lib/tc.c,
 * nl_msg_put_flower_acts().
 */
#include <errno.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/util.h>

#include "flows/tc_offer_internal.h"

struct length_check {
    uint16_t bytes;
    const struct nlattr *longer, *shorter;
};

static bool read_check(const struct nlattr *action, struct length_check *check)
{
    const struct nlattr *attr;
    size_t left;

    *check = (struct length_check){ .longer = NULL };
    NL_NESTED_FOR_EACH(attr, left, action) {
        switch (nl_attr_type(attr)) {
        case OVS_CHECK_PKT_LEN_ATTR_PKT_LEN: check->bytes = nl_attr_get_u16(attr); break;
        case OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_GREATER: check->longer = attr; break;
        case OVS_CHECK_PKT_LEN_ATTR_ACTIONS_IF_LESS_EQUAL: check->shorter = attr; break;
        }
    }
    return check->longer && check->shorter;
}

static int put_policer(struct fl_tc_offering *offering, uint16_t bytes)
{
    struct fl_tc_action *action = fl_tc_offer_add(offering, FL_TC_POLICE);

    if (!action)
        return -E2BIG;
    action->police.mtu = bytes;
    action->present |= FL_TC_HAS_RESULT | FL_TC_HAS_FLAGS;
    action->flags = action->selected = 1;
    return 0;
}

static int put_branch(struct fl_tc_offering *offering, const struct nlattr *branch, bool is_last,
                      bool is_end, size_t *jump)
{
    return fl_tc_offer_list(offering, nl_attr_get(branch), nl_attr_get_size(branch), is_last,
                            is_end, jump);
}

/* Where the packets go on that are through with the first branch. */
static uint32_t goes_on(bool is_last, size_t from, size_t to)
{
    return is_last ? FL_TC_STOLEN : to == from ? FL_TC_PIPE : FL_TC_JUMP | (uint32_t)to;
}

/* A drop, or one that goes on in another chain, is where its packets end anyway. */
static void set_control(struct fl_tc_filter *filter, size_t i, uint32_t control)
{
    if (i != SIZE_MAX && filter->actions[i].kind != FL_TC_GACT)
        filter->actions[i].control = control;
}

int fl_tc_offer_length_check(struct fl_tc_offering *offering, const struct nlattr *action,
                             bool is_last, bool is_end, size_t *jump)
{
    struct fl_tc_filter *filter = offering->filter;
    size_t policer = filter->n_actions, inner_longer = SIZE_MAX, inner_shorter = SIZE_MAX, end;
    struct length_check check;
    uint32_t control;
    bool has_shorter;
    int ret;

    if (!read_check(action, &check))
        return fl_error_set(offering->err, -EOPNOTSUPP, "a check_pkt_len() without its actions");
    has_shorter = nl_attr_get_size(check.shorter) != 0;
    ret = put_policer(offering, check.bytes);
    if (!ret)
        ret = put_branch(offering, check.longer, is_last, is_end && !has_shorter, &inner_longer);
    if (ret)
        return ret;
    end = filter->n_actions;
    filter->actions[policer].police.result = is_last && !has_shorter ? FL_TC_STOLEN
                                                                     : FL_TC_JUMP | (uint32_t)end;
    ret = put_branch(offering, check.shorter, is_last, is_end, &inner_shorter);
    if (ret)
        return ret;
    control = goes_on(is_last, end, filter->n_actions);
    set_control(filter, end - 1, control);
    /* What jumps over a branch inside, and ends there, goes on where this one does. */
    set_control(filter, inner_longer, control);
    set_control(filter, inner_shorter, control);
    *jump = is_last ? SIZE_MAX : end - 1;
    return 0;
}
