/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/tc_offer.h"

#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/flow.h>
#include <ovs/util.h>

#include "flows/offerable.h"
#include "flows/tc_offer_internal.h"

static int see_whether_it_is_offered(const struct fl_flow *flow, struct fl_error *err)
{
    struct ds what = DS_EMPTY_INITIALIZER;
    int ret = 0;

    if (!flow->has_match || flow->match_partial || !flow->has_actions)
        ret = fl_error_set(err, -EINVAL, "the flow was not understood in full%s%s",
                           flow->parse_error ? ": " : "",
                           flow->parse_error ? flow->parse_error : "");
    else if (fl_unoffered_match(flow, FL_API_TC, &what))
        ret = fl_error_set(err, -EOPNOTSUPP, "Open vSwitch offers no match on %s", ds_cstr(&what));
    else if (fl_unoffered_action(flow, FL_API_TC, &what))
        ret = fl_error_set(err, -EOPNOTSUPP, "Open vSwitch does not offer %s", ds_cstr(&what));
    ds_destroy(&what);
    return ret;
}

static int set_place(const struct fl_flow *flow, struct fl_tc_offering *offering)
{
    struct fl_tc_filter *filter = offering->filter;
    struct fl_tc_port port = { .dev = NULL };

    if (!offering->host->port(flow->in_port, &port, offering->host->aux))
        return fl_error_set(offering->err, -ENODEV, "TC has no device for the port it comes in at");
    filter->dev = port.dev;
    filter->dev_kind = offering->dev_kind = port.kind;
    filter->hook = port.internal ? FL_TC_EGRESS : FL_TC_INGRESS;
    if (port.block && !port.internal) {
        filter->hook = FL_TC_BLOCK;
        filter->block = port.block;
    } else {
        filter->ifindex = port.ifindex;
    }
    filter->chain = flow->recirc_id;
    return 0;
}

/* Bits of the mask that no key has a form for: OVS then does not offer the flow. */
static int see_what_is_left(const struct match *match, struct fl_error *err)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    int ret;

    if (flow_wildcards_is_catchall(&match->wc))
        return 0;
    match_format(match, NULL, &text, OFP_DEFAULT_PRIORITY);
    ret = fl_error_set(err, -EOPNOTSUPP, "Open vSwitch offers no match on %s", ds_cstr(&text));
    ds_destroy(&text);
    return ret;
}

static bool goes_to_another_chain(const struct fl_tc_filter *filter)
{
    for (size_t i = 0; i < filter->n_actions; i++) {
        if ((filter->actions[i].control & FL_TC_EXT_MASK) == FL_TC_GOTO)
            return true;
    }
    return false;
}

int fl_tc_offer(const struct fl_flow *flow, const struct fl_tc_offer_host *host,
                struct fl_tc_filter *filter, struct fl_error *err)
{
    struct fl_tc_offering offering = { .host = host, .filter = filter, .err = err };
    struct match match;
    int ret = see_whether_it_is_offered(flow, err);

    if (ret)
        return ret;
    fl_tc_filter_clear(filter);
    minimatch_expand(&flow->match, &match);
    ret = set_place(flow, &offering);
    if (!ret)
        ret = fl_tc_offer_tunnel_match(&offering, &match);
    if (ret)
        return ret;
    fl_tc_offer_match(&offering, &match);
    ret = see_what_is_left(&match, err);
    if (!ret)
        ret = fl_tc_offer_actions(&offering, flow->actions, flow->actions_len);
    if (ret)
        return ret;
    if ((filter->chain || goes_to_another_chain(filter)) && host->without_recirc)
        return fl_error_set(
            err, -EOPNOTSUPP,
            "Open vSwitch offers no recirculation where the kernel does not share its "
            "ids with TC (NET_TC_SKB_EXT)");
    if (offering.needs_proto)
        fl_tc_put_key(filter, FL_TC_KEY_IP_PROTO)->n = offering.ip_proto;
    fl_tc_fill_masks(filter);
    filter->has_flags = true;
    return 0;
}
