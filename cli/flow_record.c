/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/flow_record.h"

#include <openvswitch/hmap.h>
#include <openvswitch/match.h>
#include <ovs/hash.h>
#include <ovs/odp-util.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>

#include "cli/audit_view.h"
#include "flows/actions.h"
#include "lib/audit_document.h"
#include "lib/text.h"

#define MAX_OUTPUTS 16

struct owner {
    struct hmap_node node;
    const struct fl_snapshot_flow *flow;
    const struct fl_vm_audit *vm;
    const struct fl_finding *finding;
};

struct fl_flow_owners {
    struct hmap flows;
};

static struct owner *find_owner(const struct fl_flow_owners *owners,
                                const struct fl_snapshot_flow *flow)
{
    struct owner *owner;

    HMAP_FOR_EACH_WITH_HASH(owner, node, hash_pointer(flow, 0), &owners->flows) {
        if (owner->flow == flow)
            return owner;
    }
    return NULL;
}

static void add_finding(struct fl_flow_owners *owners, const struct fl_vm_audit *vm,
                        const struct fl_finding *finding)
{
    for (size_t i = 0; i < finding->chain->n_links; i++) {
        const struct fl_snapshot_flow *flow = finding->chain->links[i];
        struct owner *owner;

        if (find_owner(owners, flow))
            continue;
        owner = xzalloc(sizeof *owner);
        *owner = (struct owner){ .flow = flow, .vm = vm, .finding = finding };
        hmap_insert(&owners->flows, &owner->node, hash_pointer(flow, 0));
    }
}

struct fl_flow_owners *fl_flow_owners_create(const struct fl_audit *audit)
{
    struct fl_flow_owners *owners = xzalloc(sizeof *owners);

    hmap_init(&owners->flows);
    for (size_t i = 0; i < audit->n_vms; i++) {
        for (size_t j = 0; j < audit->vms[i].n_findings; j++)
            add_finding(owners, &audit->vms[i], &audit->vms[i].findings[j]);
    }
    return owners;
}

void fl_flow_owners_destroy(struct fl_flow_owners *owners)
{
    struct owner *owner;

    if (!owners)
        return;
    HMAP_FOR_EACH_POP(owner, node, &owners->flows)
        free(owner);
    hmap_destroy(&owners->flows);
    free(owners);
}

/* The interface behind a datapath port; NULL where the dump has numbers only. */
static const struct fl_interface *interface_of(const struct fl_snapshot *snapshot, odp_port_t port)
{
    const struct fl_inventory *inv = fl_snapshot_inventory(snapshot);
    char number[16];

    if (!inv || port == ODPP_NONE)
        return NULL;
    return fl_inventory_interface(inv,
                                  fl_ports_name(fl_snapshot_ports_const(snapshot), port, number));
}

/* The VM's interface that a flow comes from or goes to. */
static const struct fl_interface *vm_interface(const struct fl_snapshot *snapshot,
                                               const struct fl_flow *flow,
                                               enum fl_direction *direction)
{
    const struct fl_interface *interface = interface_of(snapshot, flow->in_port);
    odp_port_t outputs[MAX_OUTPUTS];
    size_t n;

    *direction = FL_FROM_VM;
    if (interface && interface->vm >= 0)
        return interface;

    *direction = FL_TO_VM;
    n = flow->has_actions
            ? fl_actions_outputs(flow->actions, flow->actions_len, outputs, MAX_OUTPUTS)
            : 0;
    for (size_t i = 0; i < MIN(n, MAX_OUTPUTS); i++) {
        interface = interface_of(snapshot, outputs[i]);
        if (interface && interface->vm >= 0)
            return interface;
    }
    return NULL;
}

/* VLAN id in the packets that @match has: 0 untagged, -1 left open. */
static int matched_vlan(const struct match *match)
{
    uint16_t mask = ntohs(match->wc.masks.vlans[0].tci);
    uint16_t tci = ntohs(match->flow.vlans[0].tci);

    if (!(mask & VLAN_CFI))
        return -1;
    if (!(tci & VLAN_CFI))
        return 0;
    return (mask & VLAN_VID_MASK) == VLAN_VID_MASK ? tci & VLAN_VID_MASK : -1;
}

/*
 * The VLAN that the traffic is on: its tag, or the one pushed, or the access tag of the VM's port.
 */
static int vlan_of(const struct fl_flow *flow, const struct match *match,
                   const struct fl_interface *interface)
{
    int vlan = flow->has_match ? matched_vlan(match) : -1;
    int pushed = flow->has_actions ? fl_actions_pushed_vlan(flow->actions, flow->actions_len) : -1;
    bool is_access = interface && interface->tag > 0 &&
                     (interface->vlan_mode == FL_VLAN_DEFAULT ||
                      interface->vlan_mode == FL_VLAN_ACCESS);

    if (vlan > 0)
        return vlan;
    if (pushed > 0)
        return pushed;
    return is_access ? interface->tag : vlan;
}

/* A flow of no storage chain: what its own match says. */
static void judge_storage(const struct fl_reading *reading, const struct match *match,
                          const struct fl_interface *interface, enum fl_direction direction,
                          struct fl_flow_record *record)
{
    const struct fl_storage *storage = &reading->config.storage;

    record->storage_known = record->seen->flow.has_match;
    if (!record->storage_known)
        return;
    if (interface)
        record->storage = fl_storage_fits(storage, match, direction, record->vlan);
    else if (!fl_snapshot_inventory(reading->snapshot))
        record->storage = fl_storage_fits(storage, match, FL_FROM_VM, record->vlan) ||
                          fl_storage_fits(storage, match, FL_TO_VM, record->vlan);
}

static void put_owner(const struct fl_reading *reading, const struct fl_flow_owners *owners,
                      struct fl_flow_record *record)
{
    const struct owner *owner = find_owner(owners, record->seen);
    const struct fl_inventory *inv = fl_snapshot_inventory(reading->snapshot);
    const struct fl_flow *flow = &record->seen->flow;
    const struct fl_interface *interface;
    enum fl_direction direction;
    struct match match;

    interface = vm_interface(reading->snapshot, flow, &direction);
    if (flow->has_match)
        minimatch_expand(&flow->match, &match);
    else
        match_init_catchall(&match);
    record->vlan = vlan_of(flow, &match, interface);

    if (owner) {
        record->vm = owner->vm->vm ? owner->vm->name : NULL;
        record->storage = record->storage_known = true;
        /* The tag may be pushed or popped by another link of the chain. */
        if (record->vlan <= 0 && owner->finding->vlan >= 0)
            record->vlan = owner->finding->vlan;
        return;
    }
    record->vm = interface ? inv->vms[interface->vm].name : NULL;
    judge_storage(reading, &match, interface, direction, record);
}

void fl_flow_record_make(const struct fl_reading *reading, const struct fl_flow_owners *owners,
                         const struct fl_snapshot_flow *seen, struct fl_flow_record *record)
{
    const struct fl_ports *ports = fl_snapshot_ports_const(reading->snapshot);
    const struct fl_flow *flow = &seen->flow;
    bool windowed = fl_snapshot_window_ms(reading->snapshot) > 0;

    *record = (struct fl_flow_record){ .seen = seen, .vlan = -1 };
    if (flow->in_port != ODPP_NONE)
        record->in_port = fl_ports_name(ports, flow->in_port, record->in_port_number);
    record->packets = windowed && flow->packets != FL_COUNT_UNKNOWN ? seen->window_packets
                                                                    : flow->packets;
    record->bytes = windowed && flow->bytes != FL_COUNT_UNKNOWN ? seen->window_bytes : flow->bytes;
    record->hw_packets = windowed ? seen->window_hw_packets : flow->hw_packets;
    put_owner(reading, owners, record);
    record->n_causes = fl_cause_of_flow(flow, ports, fl_snapshot_inventory(reading->snapshot),
                                        &reading->audit->profiles, record->causes);
}

static json_t *number_or_null(bool known, int64_t number)
{
    return known ? json_integer(number) : json_null();
}

json_t *fl_flow_record_json(const struct fl_flow_record *record)
{
    const struct fl_flow *flow = &record->seen->flow;
    json_t *json = json_object();
    char ufid[37];

    fl_flow_format_id(flow, ufid);
    json_object_set_new(json, "line", number_or_null(flow->line, flow->line));
    json_object_set_new(json, "ufid", flow->has_ufid ? json_string(ufid) : json_null());
    json_object_set_new(json, "in_port", fl_text_json(record->in_port));
    json_object_set_new(json, "vlan", number_or_null(record->vlan >= 0, record->vlan));
    json_object_set_new(json, "path", json_string(fl_path_name(flow->path)));
    json_object_set_new(json, "recirc_id", number_or_null(flow->has_recirc_id, flow->recirc_id));
    json_object_set_new(json, "packets", fl_count_json(record->packets));
    json_object_set_new(json, "bytes", fl_count_json(record->bytes));
    json_object_set_new(json, "used_ms", number_or_null(flow->used_ms >= 0, flow->used_ms));
    json_object_set_new(json, "vm", fl_text_json(record->vm));
    json_object_set_new(json, "storage",
                        record->storage_known ? json_boolean(record->storage) : json_null());
    json_object_set_new(json, "causes", fl_causes_json(record->causes, record->n_causes));
    json_object_set_new(json, "hw_packets", fl_count_json(record->hw_packets));
    json_object_set_new(json, "tc", flow->tc ? json_loads(flow->tc, 0, NULL) : json_null());
    json_object_set_new(json, "raw", fl_text_json(flow->raw));
    json_object_set_new(json, "parse_error", fl_text_json(flow->parse_error));
    return json;
}

char *fl_flow_match_text(const struct fl_flow *flow)
{
    struct match match;
    struct flow *mask = &match.wc.masks;

    if (!flow->has_match)
        return xstrdup(flow->match_text ? flow->match_text : "");
    minimatch_expand(&flow->match, &match);
    match.flow.in_port.odp_port = mask->in_port.odp_port = 0;
    match.flow.recirc_id = mask->recirc_id = 0;
    /* Nearly every flow is untagged and no fragment. */
    if (!match.flow.vlans[0].tci)
        mask->vlans[0].tci = 0;
    if (!match.flow.nw_frag)
        mask->nw_frag = 0;
    return match_to_string(&match, NULL, OFP_DEFAULT_PRIORITY);
}
