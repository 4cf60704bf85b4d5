/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The verdict of one VM, from packets alone. Where the path of some packets is not known, the verdict is
 * only given if it is the same whatever their path was.
 */

#include <ovs/util.h>

#include "flows/audit_internal.h"

enum fl_path fl_finding_path(const struct fl_finding *finding)
{
    return finding->chain->links[0]->flow.has_match ? finding->chain->path : FL_PATH_UNKNOWN;
}

bool fl_finding_leaks(const struct fl_finding *finding)
{
    return fl_finding_path(finding) == FL_PATH_HW &&
           finding->chain->hw_packets < finding->chain->packets;
}

struct fl_weights fl_vm_weights(const struct fl_vm_audit *vm)
{
    struct fl_weights weights = {
        .hw = vm->storage.packets[FL_PATH_HW],
        .unknown = vm->storage.packets[FL_PATH_UNKNOWN],
    };

    for (enum fl_path path = 0; path < FL_N_PATHS; path++) {
        if (fl_path_is_software(path)) {
            weights.software = fl_add_counts(weights.software, vm->storage.packets[path]);
        }
    }
    return weights;
}

/* A flow that appeared in the window may just be on its way into the NIC. */
static bool is_young(const struct fl_finding *finding, const struct fl_audit_options *options)
{
    return options->grace_ms > 0 && !finding->chain->seen_before &&
           fl_path_is_software(fl_finding_path(finding));
}

static void count(struct fl_tally *tally, enum fl_path path, uint64_t packets, uint64_t bytes)
{
    tally->packets[path] = fl_add_counts(tally->packets[path], packets);
    tally->bytes[path] = fl_add_counts(tally->bytes[path], bytes);
}

/* What leaks was forwarded by TC in software: that is who counts it. */
static void count_finding(struct fl_vm_audit *vm, const struct fl_finding *finding)
{
    const struct fl_chain *chain = finding->chain;
    enum fl_path path = fl_finding_path(finding);

    vm->storage.flows[path]++;
    if (!fl_finding_leaks(finding)) {
        count(&vm->storage, path, chain->packets, chain->bytes);
        return;
    }
    count(&vm->storage, FL_PATH_HW, chain->hw_packets, chain->hw_bytes);
    count(&vm->storage, FL_PATH_TC_SW, chain->packets - chain->hw_packets,
          chain->bytes - chain->hw_bytes);
    vm->leaked_packets = fl_add_counts(vm->leaked_packets, chain->packets - chain->hw_packets);
}

static void tally(struct fl_vm_audit *vm, const struct fl_audit_options *options)
{
    for (size_t i = 0; i < vm->n_findings; i++) {
        struct fl_finding *finding = &vm->findings[i];
        const struct fl_chain *chain = finding->chain;

        finding->counted = !chain->drops && !is_young(finding, options);
        if (finding->counted) {
            count_finding(vm, finding);
        } else if (!chain->drops) {
            vm->young_packets = fl_add_counts(vm->young_packets, chain->packets);
        }
    }
}

static bool lacks_counters(const struct fl_vm_audit *vm)
{
    for (size_t i = 0; i < vm->n_findings; i++) {
        const struct fl_chain *chain = vm->findings[i].chain;

        if (chain->links[chain->n_links - 1]->flow.packets == FL_COUNT_UNKNOWN) {
            return true;
        }
    }
    return false;
}

static enum fl_verdict judge_without_packets(const struct fl_vm_audit *vm,
                                             const struct fl_audit *audit, bool ports_are_numbers)
{
    return vm->young_packets || audit->incomplete || ports_are_numbers || lacks_counters(vm)
               ? FL_VERDICT_UNKNOWN
               : FL_VERDICT_IDLE;
}

/*
 * With flows that come and go within a window, most of the traffic is young all the time, and the grace
 * that is meant for the first second of a flow must not make a verdict of "offloaded".
 */
static bool hides_behind_grace(const struct fl_vm_audit *vm, double hw, double total,
                               double stranded_below)
{
    double young = (double)vm->young_packets;

    return young > total && hw / (total + young) < stranded_below;
}

/* A VM leaks when only the packets that leak keep it from being in hardware, or are not that few. */
static enum fl_verdict judge_packets(const struct fl_vm_audit *vm, const struct fl_audit *audit,
                                     const struct fl_audit_options *options)
{
    struct fl_weights weights = fl_vm_weights(vm);
    double stranded_below = options->stranded_below;
    double hw = (double)weights.hw;
    double unknown = (double)weights.unknown;
    double leaked = (double)vm->leaked_packets;
    double total = hw + (double)weights.software + unknown;
    bool few_leaked = vm->leaked_packets < FL_LEAK_MIN_PACKETS;

    if ((hw + leaked + unknown) / total < stranded_below) {
        return FL_VERDICT_STRANDED;
    }
    if (!few_leaked && leaked / total > options->leaking_above) {
        return FL_VERDICT_LEAKING;
    }
    if ((few_leaked ? hw + leaked : hw) / total < stranded_below || audit->incomplete ||
        hides_behind_grace(vm, hw, total, stranded_below)) {
        return FL_VERDICT_UNKNOWN;
    }
    return FL_VERDICT_OFFLOADED;
}

void fl_vm_judge(struct fl_vm_audit *vm, const struct fl_audit *audit,
                 const struct fl_audit_options *options, bool ports_are_numbers)
{
    struct fl_weights weights;

    tally(vm, options);
    weights = fl_vm_weights(vm);
    vm->hw_share = -1;
    if (!weights.hw && !weights.software && !weights.unknown) {
        vm->verdict = judge_without_packets(vm, audit, ports_are_numbers);
        return;
    }
    vm->verdict = judge_packets(vm, audit, options);
    if (weights.hw || weights.software) {
        vm->hw_share = (double)weights.hw / ((double)weights.hw + (double)weights.software);
    }
}
