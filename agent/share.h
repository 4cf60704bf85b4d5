/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_SHARE_H
#define FLOWLIFT_AGENT_SHARE_H

/* What there is to be known of this host in the fleet, as lib/fleet/cluster.h takes it. Pure. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <openvswitch/shash.h>

#include "flows/inventory.h"
#include "lib/fleet/cluster.h"
#include "lib/store/remedies.h"

/* An order without a remedy: what came of it. */
struct fl_fleet_tried {
    struct fl_decision word;
    int64_t number;
    bool is_revert;     /* what came of that is in the remedy */
    int64_t began_ms;   /* Unix time, as the others */
    int64_t changed_ms; /* 0: nothing came of it yet */
    int64_t retry_ms;   /* not before */
    unsigned int n_failed;
    char *name;   /* of the VM */
    char *state;  /* "none", or a remedy's */
    char *reason; /* a sentence */
    char *who, *ticket, *until;
};
void fl_fleet_tried_free(struct fl_fleet_tried *tried); /* NULL is fine */

/* All borrowed. */
struct fl_share_of {
    const struct fl_inventory *inv; /* NULL: not known now */
    const json_t *audit;            /* "flowlift/audit/1" of the last one, or NULL */
    int64_t audited_ms;             /* Unix time */
    int64_t interval_ms;            /* 0: there are no audits */
    const struct fl_remedy *remedies;
    size_t n_remedies;
    bool is_unread;            /* They are not all. */
    const struct shash *tried; /* VM identity -> struct fl_fleet_tried */
    int64_t (*number_of)(const char *vm_id, int64_t decided_ms,
                         void *aux); /* of an order; 0: of none */
    void *aux;
};

/** fl_share() - new reference */
json_t *fl_share(const struct fl_share_of *of);

#endif
