/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/chain_view.h"

#include <netinet/in.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>

#include "cli/audit_view.h"
#include "cli/flow_record.h"
#include "cli/human.h"
#include "flows/actions.h"
#include "flows/cleanup.h"
#include "lib/audit_document.h"
#include "lib/text.h"

#define MAX_OUTPUTS 8
/* Where the drawing's text begins: "     | dp-sw       match". */
#define TEXT_COLUMN 19u

const char *fl_direction_name(enum fl_direction direction)
{
    return direction == FL_FROM_VM ? "from-vm" : "to-vm";
}

const char *fl_direction_words(enum fl_direction direction)
{
    return direction == FL_FROM_VM ? "from the VM" : "to the VM";
}

static const struct fl_flow *last_link(const struct fl_chain *chain)
{
    return &chain->links[chain->n_links - 1]->flow;
}

/* "p0", "p0, p1", "dropped", "not seen further". */
static char *where_it_ends(const struct fl_reading *reading, const struct fl_chain *chain)
{
    const struct fl_flow *flow = last_link(chain);
    struct ds ds = DS_EMPTY_INITIALIZER;
    odp_port_t outputs[MAX_OUTPUTS];
    char number[16];
    size_t n;

    if (chain->open)
        return xstrdup("what comes after is not in what was read");
    if (chain->drops)
        return xstrdup("dropped");
    n = flow->has_actions
            ? fl_actions_outputs(flow->actions, flow->actions_len, outputs, MAX_OUTPUTS)
            : 0;
    for (size_t i = 0; i < MIN(n, MAX_OUTPUTS); i++)
        ds_put_format(&ds, "%s%s", i ? ", " : "",
                      fl_ports_name(fl_snapshot_ports_const(reading->snapshot), outputs[i],
                                    number));
    if (n > MAX_OUTPUTS)
        ds_put_format(&ds, " and %zu more", n - MAX_OUTPUTS);
    if (!n)
        ds_put_cstr(&ds, "?");
    return ds_steal_cstr(&ds);
}

static void print_heading(const struct fl_finding *finding, size_t number, struct fl_output *out)
{
    const struct fl_chain *chain = finding->chain;
    char packets[FL_HUMAN_BYTES], bytes[FL_HUMAN_BYTES];

    fl_output_printf(out, "  %zu. %s", number, fl_direction_words(finding->direction));
    if (finding->vlan > 0)
        fl_output_printf(out, ", VLAN %d", finding->vlan);
    fl_output_printf(out, ": %s packets, %s%s\n", fl_human_count(chain->packets, packets),
                     fl_human_bytes(chain->bytes, bytes),
                     finding->fit == FL_STORAGE_MAYBE ? " (some of it may be other traffic)" : "");
}

static void print_link(const struct fl_flow *flow, struct fl_output *out)
{
    const char *actions = flow->drops ? "drop" : flow->actions_text ? flow->actions_text : "?";
    _cleanup_free char *margin = xasprintf("     %s", fl_output_bar(out));
    _cleanup_free char *match = fl_flow_match_text(flow);
    unsigned int arrow = (unsigned int)fl_text_width(fl_output_arrow(out)) + 1;

    fl_output_printf(out, "%s ", margin);
    fl_output_styled(out, flow->path == FL_PATH_HW ? FL_STYLE_GOOD : FL_STYLE_ODD, "%-10s",
                     fl_path_name(flow->path));
    fl_output_printf(out, "  ");
    fl_output_paragraph_behind(out, margin, TEXT_COLUMN, TEXT_COLUMN,
                               *match ? match : "any packet");
    fl_output_printf(out, "%s%*s%s ", margin, (int)TEXT_COLUMN - 6, "", fl_output_arrow(out));
    fl_output_paragraph_behind(out, margin, TEXT_COLUMN + arrow, TEXT_COLUMN + arrow, actions);
}

void fl_finding_print(const struct fl_reading *reading, const struct fl_finding *finding,
                      size_t number, struct fl_output *out)
{
    const struct fl_ports *ports = fl_snapshot_ports_const(reading->snapshot);
    const struct fl_chain *chain = finding->chain;
    const char *down = fl_output_down(out);
    _cleanup_free char *end = where_it_ends(reading, chain);
    odp_port_t in_port = chain->links[0]->flow.in_port;
    char port[16];

    print_heading(finding, number, out);
    fl_output_printf(out, "     %s\n",
                     in_port == ODPP_NONE ? "?" : fl_ports_name(ports, in_port, port));
    for (size_t i = 0; i < chain->n_links; i++) {
        const struct fl_flow *flow = &chain->links[i]->flow;

        if (i)
            fl_output_printf(out, "     %s recirc_id %#x\n", down, flow->recirc_id);
        print_link(flow, out);
    }
    fl_output_printf(out, "     %s %s\n", down, end);
}

/* "10.1.0.2:2049", "10.1.0.0/24", "[fd00::1]:2049"; without an address its MAC; "*" */
static void put_endpoint(struct ds *ds, const struct match *match, bool source)
{
    const struct flow *flow = &match->flow, *mask = &match->wc.masks;
    bool is_ipv6 = flow->dl_type == htons(ETH_TYPE_IPV6);
    const struct in6_addr *ipv6 = source ? &flow->ipv6_src : &flow->ipv6_dst;
    const struct in6_addr *ipv6_mask = source ? &mask->ipv6_src : &mask->ipv6_dst;
    ovs_be32 ip = source ? flow->nw_src : flow->nw_dst;
    ovs_be32 ip_mask = source ? mask->nw_src : mask->nw_dst;
    struct eth_addr mac = source ? flow->dl_src : flow->dl_dst;
    struct eth_addr mac_mask = source ? mask->dl_src : mask->dl_dst;
    ovs_be16 port_mask = source ? mask->tp_src : mask->tp_dst;
    ovs_be16 port = (source ? flow->tp_src : flow->tp_dst) & port_mask;
    bool any = is_ipv6 ? ipv6_is_zero(ipv6_mask) : !ip_mask;

    if (any && eth_addr_is_zero(mac_mask))
        ds_put_char(ds, '*');
    else if (any)
        eth_format_masked(mac, &mac_mask, ds);
    else if (!is_ipv6)
        ip_format_masked(ip, ip_mask, ds);
    else if (port)
        ds_put_char(ds, '[');
    if (is_ipv6 && !any)
        ipv6_format_masked(ipv6, ipv6_mask, ds);
    if (is_ipv6 && !any && port)
        ds_put_char(ds, ']');
    if (port)
        ds_put_format(ds, ":%u", ntohs(port));
}

static const char *protocol_name(const struct match *match)
{
    const struct flow *flow = &match->flow;
    bool is_ipv6 = flow->dl_type == htons(ETH_TYPE_IPV6);

    switch (flow->nw_proto & match->wc.masks.nw_proto) {
    case IPPROTO_TCP: return is_ipv6 ? "tcp6" : "tcp";
    case IPPROTO_UDP: return is_ipv6 ? "udp6" : "udp";
    default: return is_ipv6 ? "ipv6" : "ip";
    }
}

char *fl_chain_in_short(const struct fl_chain *chain)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct match match;

    fl_chain_region(chain, &match);
    if (!match.wc.masks.dl_type ||
        (match.flow.dl_type != htons(ETH_TYPE_IP) && match.flow.dl_type != htons(ETH_TYPE_IPV6))) {
        match.flow.in_port.odp_port = match.wc.masks.in_port.odp_port = 0;
        return match_to_string(&match, NULL, OFP_DEFAULT_PRIORITY);
    }
    ds_put_format(&ds, "%s ", protocol_name(&match));
    put_endpoint(&ds, &match, true);
    ds_put_cstr(&ds, " > ");
    put_endpoint(&ds, &match, false);
    return ds_steal_cstr(&ds);
}

static json_t *link_json(const struct fl_reading *reading, const struct fl_snapshot_flow *seen)
{
    const struct fl_flow *flow = &seen->flow;
    struct fl_cause causes[FL_MAX_CAUSES];
    _cleanup_free char *words = fl_flow_match_text(flow);
    size_t n = fl_cause_of_flow(flow, fl_snapshot_ports_const(reading->snapshot),
                                fl_snapshot_inventory(reading->snapshot), &reading->audit->profiles,
                                causes);
    json_t *json = json_object();
    char ufid[37];

    fl_flow_format_id(flow, ufid);
    json_object_set_new(json, "ufid", flow->has_ufid ? json_string(ufid) : json_null());
    json_object_set_new(json, "line", flow->line ? json_integer(flow->line) : json_null());
    json_object_set_new(json, "recirc_id",
                        flow->has_recirc_id ? json_integer(flow->recirc_id) : json_null());
    json_object_set_new(json, "path", json_string(fl_path_name(flow->path)));
    json_object_set_new(json, "packets", fl_count_json(seen->window_packets));
    json_object_set_new(json, "bytes", fl_count_json(seen->window_bytes));
    json_object_set_new(json, "match", fl_text_json(flow->match_text));
    json_object_set_new(json, "match_words", fl_text_json(words));
    json_object_set_new(json, "actions", fl_text_json(flow->actions_text));
    json_object_set_new(json, "causes", fl_causes_json(causes, n));
    return json;
}

json_t *fl_finding_json(const struct fl_reading *reading, const struct fl_finding *finding)
{
    static const char *const fits[] = {
        [FL_STORAGE_NO] = "no", [FL_STORAGE_MAYBE] = "maybe", [FL_STORAGE_YES] = "yes"
    };
    const struct fl_chain *chain = finding->chain;
    struct fl_cause causes[FL_MAX_CAUSES];
    size_t n_causes = fl_finding_causes(reading->audit, finding, causes);
    json_t *json = json_object(), *links = json_array();

    for (size_t i = 0; i < chain->n_links; i++)
        json_array_append_new(links, link_json(reading, chain->links[i]));
    json_object_set_new(json, "direction", json_string(fl_direction_name(finding->direction)));
    json_object_set_new(json, "vlan",
                        finding->vlan >= 0 ? json_integer(finding->vlan) : json_null());
    json_object_set_new(json, "storage", json_string(fits[finding->fit]));
    json_object_set_new(json, "path", json_string(fl_path_name(chain->path)));
    json_object_set_new(json, "packets", fl_count_json(chain->packets));
    json_object_set_new(json, "bytes", fl_count_json(chain->bytes));
    json_object_set_new(json, "open", json_boolean(chain->open));
    json_object_set_new(json, "drops", json_boolean(chain->drops));
    json_object_set_new(json, "causes", fl_causes_json(causes, n_causes));
    json_object_set_new(json, "links", links);
    return json;
}
