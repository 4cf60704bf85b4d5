/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PROVE_H
#define FLOWLIFT_PROVE_H

/*
 * Does a flow set forward the same packets as the pipeline without it? One call; OVS is the oracle.
 *
 * This version traces the packets of every observed chain (and for every rule a packet from the middle
 * and the edges of its region), with conntrack as established, and compares effects. The complete proof
 * by megaflow cover takes its place behind the same call.
 */

#include "flows/audit.h"
#include "flows/flowset.h"
#include "lib/base/config.h"
#include "lib/ovs/ctl.h"

/**
 * fl_prove() - prove @set, choose its guard bit, and settle each rule's actions
 * @vm: whose observed chains are traced; NULL: only the rules' own regions (re-proof)
 * @set: guard, relaxations, n_traces and basis are filled in; a rule whose pipeline used NORMAL gets
 *       NORMAL as its action, so that MAC learning stays alive
 * Return: 0 proven; -EPERM not proven or not allowed: @err has the difference and a counter-example in
 * ofproto/trace syntax; other negative errno when the oracle could not be asked.
 */
int fl_prove(struct fl_ctl *ctl, const struct fl_config *config, const struct fl_vm_audit *vm,
             struct fl_flowset *set, struct fl_error *err);

#endif
