/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which patch port a VM's storage traffic takes, where several lead to the same bridge: OVN makes a pair
 * for each logical switch that is on a physical network. The wrong one would carry the packets too, but
 * the far bridge would learn the VM's MAC address there. OVS is asked with a packet of the VM.
 */

#include <errno.h>

#include <ovs/util.h>

#include "flows/draw.h"
#include "lib/ovs/trace.h"
#include "lib/packet.h"
#include "lib/remedy_steps.h"

static int find_patch(struct fl_ctl *ctl, const struct fl_inventory *inv,
                      const struct fl_finding *finding, struct fl_patch *patch,
                      struct fl_error *err)
{
    static const char *const established[] = { "trk,est", "trk,est", "trk,est", "trk,est", NULL };
    const struct fl_interface *vm = finding->iface;
    _cleanup_free char *text = NULL;
    struct fl_trace *trace;
    struct match region;
    struct flow packet;
    int error;

    fl_chain_region(finding->chain, &region);
    match_set_in_port(&region, vm->ofport);
    text = fl_draw_packet(&region, NULL, &packet) ? fl_packet_text(&packet, 0, 0) : NULL;
    if (!text)
        return fl_error_set(err, -ENOTSUP,
                            "OVS cannot be asked which patch port storage traffic of %s takes",
                            vm->name);
    error = fl_trace_run(ctl, vm->bridge, text, established, NULL, &trace, err);
    if (error)
        return error;
    *patch = (struct fl_patch){
        .vm = vm,
        .port = trace->patch_port ? fl_inventory_interface(inv, trace->patch_port) : NULL,
    };
    fl_trace_destroy(trace);
    return patch->port ? 0
                       : fl_error_set(err, -ENOTSUP,
                                      "the patch port by which storage traffic of %s leaves bridge "
                                      "%s cannot be told; see ovs-appctl ofproto/trace %s '%s'",
                                      vm->name, vm->bridge, vm->bridge, text);
}

int fl_step_find_patches(struct fl_ctl *ctl, const struct fl_snapshot *snapshot,
                         const struct fl_vm_audit *vm, struct fl_patch *patches, size_t max,
                         size_t *n, struct fl_error *err)
{
    _cleanup_free const struct fl_finding **findings = xmalloc(max * sizeof *findings);
    size_t n_findings = fl_simplify_needs_patch(snapshot, vm, findings, max);
    int error = 0;

    *n = 0;
    for (size_t i = 0; !error && i < n_findings; i++) {
        error = find_patch(ctl, fl_snapshot_inventory(snapshot), findings[i], &patches[i], err);
        *n += !error;
    }
    return error;
}
