/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rules that are in do not always have the packets: a live megaflow whose mask holds every bit of them stays,
 * and its mask with it (flows/decoy.c). The decoys of the plan are for the megaflows of that day; when rules
 * come back, others live. So once they have taken hold the datapath is asked, and where such a megaflow still
 * is, decoys go in for it.
 */

#include "flows/simplify.h"
#include "lib/guard_internal.h"

/* @set: gets decoys for what lives now. Return: how many, or negative errno. */
static int find_decoys(const struct fl_operator *op, struct fl_flowset *set, struct fl_error *err)
{
    const struct fl_vm_audit *vm;
    struct fl_snapshot *snapshot;
    struct fl_audit *audit;
    /* What flows there are, not who counts packets. */
    int error = fl_step_read(op, 0, &snapshot, &audit, err);
    int n = 0;

    if (error) {
        return error;
    }
    vm = fl_audit_vm(audit, set->vm_name);
    if (vm && !audit->incomplete) {
        n = fl_simplify_decoys(vm, set, err);
    }
    fl_audit_destroy(audit);
    fl_snapshot_destroy(snapshot);
    return n;
}

int fl_guard_rebuild(const struct fl_operator *op, const struct fl_flowset *set,
                     struct fl_error *err)
{
    struct fl_flowset copy;
    int n;

    fl_flowset_copy(&copy, set);
    fl_flowset_drop_decoys(&copy);
    n = find_decoys(op, &copy, err);
    if (n > 0) {
        int error = fl_step_install(op, &copy, true, err);

        n = error ? error : n;
    }
    fl_flowset_destroy(&copy);
    return n;
}
