/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ask.h"

#include <errno.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/peer.h"
#include "lib/ask_api.h"
#include "lib/doctor_facts.h"

void fl_ask_failed(struct fl_asked *asked, int code, const char *why)
{
    asked->outcome = code == -EOPNOTSUPP ? FL_ASKED_NOT_OFFERED : FL_ASKED_CANNOT_TELL;
    ovs_strlcpy(asked->words, why, sizeof asked->words);
}

void fl_ask_add(struct fl_asked_all *all, const struct fl_audit *audit, enum fl_direction direction,
                const struct fl_flow *flow)
{
    struct fl_asked *asked = &all->flows[all->n++];
    char buf[16];

    *asked = (struct fl_asked){
        .direction = direction,
        .flow = flow,
        .api = fl_offload_api(flow, fl_snapshot_inventory(audit->snapshot)),
    };
    ovs_strlcpy(asked->device,
                fl_ports_name(fl_snapshot_ports_const(audit->snapshot), flow->in_port, buf),
                sizeof asked->device);
}

/* Of a flow whose path is not known it is not known that the NIC has not got it. */
static void find_flows(const struct fl_audit *audit, const struct fl_vm_audit *vm,
                       struct fl_asked_all *all)
{
    for (enum fl_direction direction = FL_FROM_VM; direction <= FL_TO_VM; direction++) {
        const struct fl_finding *finding = fl_peer_busiest(vm, direction);
        const struct fl_chain *chain = finding ? finding->chain : NULL;

        for (size_t i = 0; chain && i < chain->n_links && all->n < FL_ASKED_MAX; i++) {
            const struct fl_flow *flow = &chain->links[i]->flow;

            if (flow->path != FL_PATH_HW && flow->path != FL_PATH_UNKNOWN)
                fl_ask_add(all, audit, direction, flow);
        }
    }
}

static bool goes_on(const struct fl_asked_all *all, size_t i)
{
    return i < all->n && !(all->stops && i && all->flows[i - 1].outcome != FL_ASKED_ACCEPTED);
}

static bool has_api(const struct fl_asked_all *all, enum fl_offload_api api)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->flows[i].api == api)
            return true;
    }
    return false;
}

static void ask_tc(const struct fl_audit *audit, const struct fl_kernel_facts *facts,
                   struct fl_asked_all *all)
{
    struct fl_ask_tc tc;

    fl_ask_tc_open(&tc, fl_snapshot_ports_const(audit->snapshot),
                   facts && facts->recirc == FL_FACT_NO);
    for (size_t i = 0; goes_on(all, i); i++) {
        if (all->flows[i].api == FL_API_TC)
            fl_ask_tc(&tc, &all->flows[i]);
    }
    fl_ask_tc_close(&tc);
}

static void ask_dpdk(const struct fl_host *host, const struct fl_audit *audit,
                     const struct fl_inventory *inv, struct fl_asked_all *all)
{
    struct fl_ask_dpdk dpdk;

    fl_ask_dpdk_open(&dpdk, host, inv, fl_snapshot_ports_const(audit->snapshot));
    for (size_t i = 0; goes_on(all, i); i++) {
        if (all->flows[i].api == FL_API_RTE_FLOW)
            fl_ask_dpdk(&dpdk, &all->flows[i]);
    }
    fl_ask_dpdk_close(&dpdk);
}

void fl_ask_flows(const struct fl_host *host, const struct fl_audit *audit,
                  const struct fl_kernel_facts *facts, struct fl_asked_all *all)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->flows[i].api == FL_API_UNKNOWN)
            fl_ask_failed(&all->flows[i], -EINVAL,
                          "which of the two datapaths the flow is of is not known");
    }
    if (has_api(all, FL_API_TC))
        ask_tc(audit, facts, all);
    if (has_api(all, FL_API_RTE_FLOW))
        ask_dpdk(host, audit, fl_snapshot_inventory(audit->snapshot), all);
}

void fl_ask_nic(const struct fl_host *host, const struct fl_audit *audit,
                const struct fl_vm_audit *vm, const struct fl_kernel_facts *facts,
                struct fl_asked_all *all)
{
    *all = (struct fl_asked_all){ .n = 0 };
    if (!fl_verdict_is_bad(vm->verdict) || !fl_snapshot_inventory(audit->snapshot))
        return;
    all->flows = xcalloc(FL_ASKED_MAX, sizeof *all->flows);
    find_flows(audit, vm, all);
    fl_ask_flows(host, audit, facts, all);
}
