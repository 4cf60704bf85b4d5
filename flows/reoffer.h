/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_REOFFER_H
#define FLOWLIFT_REOFFER_H

/*
 * Reoffer: have Open vSwitch build live megaflows anew, so that it offers them to the NIC once more
 * (DESIGN.md section 5). It offers a flow when it makes it, and never again while it lives: one that was
 * refused because a table was full for a second stays in software for as long as its traffic goes on.
 *
 * Rules are put in for a moment that make the lookup of exactly these flows test one bit more than their
 * masks have: Open vSwitch deletes a megaflow whose mask lacks a bit (flows/decoy.c), and the next packet
 * builds it anew. The rules themselves match what no storage flow has, SCTP or a TTL of 0, of the same port,
 * MAC addresses and VLAN. Should such a packet come, it fares as without them: their action is to set a
 * register bit that no flow of the bridge reads, and to begin the pipeline again, where the rules, which
 * match this bit being 0, are not met a second time.
 *
 * What else is built anew, then: flows of the same port and addresses that do not test the new bit either.
 * No IP address is in the rules, since the tries that the classifier has for them are shared by all rules
 * of a table: one more prefix would make flows of others test more bits, and be built anew as well.
 *
 * Source: OVS 3.1 lib/classifier.c, find_match_wc(), check_tries(); ofproto/ofproto-dpif-upcall.c,
 * revalidate_ukey__().
 */

#include "flows/audit.h"
#include "flows/flowset.h"

/**
 * fl_reoffer_wanted() - is this one of the flows that are to be offered again?
 * @finding: of a VM
 */
bool fl_reoffer_wanted(const struct fl_finding *finding);

/**
 * fl_reoffer_rules() - rules that make Open vSwitch build the VM's storage flows in software anew
 * @ports: of the snapshot that @vm was audited from
 * @own: of the packets that they match, only those of the flows themselves: a rule for each flow, to be proven
 * @set: initialised here; the rules have no guard bit and no actions yet, see fl_reoffer_hand_on()
 * Return: 0 with one rule at least; -ENOTSUP when that cannot be done for each of the flows, or there are
 * none, with the reason.
 */
int fl_reoffer_rules(const struct fl_vm_audit *vm, const struct fl_ports *ports, bool own,
                     struct fl_flowset *set, struct fl_error *err);

/**
 * fl_reoffer_hand_on() - give the rules the action that hands a packet on to the pipeline
 * @reg, @mask: a register bit that no other flow of the bridges reads
 */
void fl_reoffer_hand_on(struct fl_flowset *set, unsigned int reg, uint32_t mask);

/**
 * fl_reoffer_anew() - a flow as Open vSwitch will build it: with the bit that it will test more
 * @live: of fl_reoffer_wanted(); borrowed as long as @anew
 * @anew: minimatch_destroy(&anew->match) it
 */
void fl_reoffer_anew(const struct fl_flow *live, struct fl_flow *anew);

#endif
