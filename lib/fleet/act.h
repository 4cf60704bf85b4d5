/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_ACT_H
#define FLOWLIFT_FLEET_ACT_H

/* What is done on this host for a decision that was heard (lib/fleet/decide.h). */

#include "lib/fleet/cluster.h"
#include "lib/remedy.h"

/**
 * fl_fleet_adopt() - the rules of a peer become a remedy here, which waits for the guard; never blocks for long
 * @vm_name: what it is called here
 * Return: 0; -EEXIST there is one that stands, or somebody has decided otherwise; -EAGAIN somebody else is changing remedies; -EINVAL the peer's
 * rules are none that flowlift makes; other negative errno: it could not be written down.
 */
int fl_fleet_adopt(const struct fl_operator *op, const char *vm_id, const char *vm_name,
                   const struct fl_cluster_heard *heard, const struct fl_decision *word,
                   struct fl_error *err);
/**
 * fl_fleet_note() - write a decision down with a remedy that stands already
 * Return: 0; -ENOENT there is none; -EEXIST and -EAGAIN as above; other negative errno.
 */
int fl_fleet_note(const struct fl_operator *op, const char *vm_id,
                  const struct fl_cluster_heard *heard, const struct fl_decision *word,
                  struct fl_error *err);

/* A repair or a revert, which take their time: for a child process. All borrowed. */
struct fl_fleet_job {
    enum fl_act act; /* FL_ACT_REPAIR or FL_ACT_REVERT */
    const char *vm_id;
    struct fl_decision word;
    const char *who, *ticket, *until; /* each may be NULL */
};
/**
 * fl_fleet_carry_out() - do it
 * Return: {"state": "none" or a remedy's, "reason": a sentence, "helped": whether nothing is left to be tried};
 * new reference.
 */
json_t *fl_fleet_carry_out(const struct fl_operator *op, const struct fl_fleet_job *job);

#endif
