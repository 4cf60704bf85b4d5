/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_VERIFY_H
#define FLOWLIFT_AGENT_VERIFY_H

/*
 * Rules that the guard put in are verified when they forward packets, and so is whatever an audit finds
 * stranded in spite of its remedy. One that does not help any more is derived anew from the VM's traffic, or
 * reverted (fl_remedy_renew()). One after the other, in a child.
 */

#include <openvswitch/list.h>

#include "agent/worker.h"
#include "lib/guard.h"
#include "lib/remedy.h"

struct fl_verify {
    const struct fl_operator *op; /* borrowed */
    struct fl_worker worker;
    struct ovs_list
        wanted; /* of struct fl_wanted: the first one is at work when the worker is busy */
};

void fl_verify_init(struct fl_verify *verify, const struct fl_operator *op);
void fl_verify_destroy(struct fl_verify *verify);
/**
 * fl_verify_want() - have the remedy of a VM verified; to say so once is enough
 * @vm_id: its identity
 * @vm_name: for the log
 * @is_doubted: even when it was verified
 */
void fl_verify_want(struct fl_verify *verify, const char *vm_id, const char *vm_name,
                    bool is_doubted);
/** fl_verify_take() - an event of the guard: one of rules that forward packets is heeded */
void fl_verify_take(struct fl_verify *verify, const struct fl_guard_event *event);
void fl_verify_run(struct fl_verify *verify);
void fl_verify_wait(const struct fl_verify *verify);

#endif
