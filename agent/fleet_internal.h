/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_FLEET_INTERNAL_H
#define FLOWLIFT_AGENT_FLEET_INTERNAL_H

/* What the files agent/fleet_*.c share; nobody else includes this. */

#include "agent/fleet_link.h"
#include "agent/share.h"

/* ---- A look at all VMs: fleet_look.c ---- */

/** fl_fleet_read_store() - the remedies as they are on disk now */
void fl_fleet_read_store(struct fl_fleet_link *fleet);
/** fl_fleet_find_remedy() - by the VM's identity; borrowed, or NULL */
const struct fl_remedy *fl_fleet_find_remedy(const struct fl_fleet_link *fleet, const char *vm_id);
/** fl_fleet_look_round() - see what was decided of each VM, do it or have it done, and tell how things stand */
void fl_fleet_look_round(struct fl_fleet_link *fleet);

/* ---- Repairs and reverts, one after the other, in a child process: fleet_jobs.c ---- */

/* What a look has found for the worker to do: a revert before a repair, then the VM that was tried longest ago. */
struct fl_fleet_next {
    enum fl_act act;
    const char *vm_id;
    struct fl_decision word;
    int64_t tried_ms;
};
/** fl_fleet_consider() - @next becomes this, if it comes first and need not rest */
void fl_fleet_consider(struct fl_fleet_link *fleet, enum fl_act act, const char *vm_id,
                       const struct fl_decision *word, struct fl_fleet_next *next);
/** fl_fleet_begin_next() - unless another one is under way: its end is a reason to look again */
void fl_fleet_begin_next(struct fl_fleet_link *fleet, const struct fl_fleet_next *next);
/** fl_fleet_tried_for_ms() - the decision that it was last tried for to repair or revert the VM; 0: none */
int64_t fl_fleet_tried_for_ms(const struct fl_fleet_link *fleet, const char *vm_id);
/** fl_fleet_forget_gone() - an order is tried anew for a VM that comes back */
void fl_fleet_forget_gone(struct fl_fleet_link *fleet);
/** fl_fleet_forget_job() - none is under way */
void fl_fleet_forget_job(struct fl_fleet_link *fleet);
/** fl_fleet_name_of() - what the VM is called here; borrowed, its identity where that is not known */
const char *fl_fleet_name_of(const struct fl_fleet_link *fleet, const char *vm_id);

#endif
