/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_PLACES_H
#define FLOWLIFT_TC_PLACES_H

/*
 * Where filters can be attached on this host: read from its links and qdiscs.
 */

#include "lib/tc/filters.h"
#include "lib/tc/links.h"
#include "lib/tc/rtnl.h"

struct fl_tc_places {
    struct fl_tc_place *places; /* Their strings belong to the links. */
    size_t n, allocated;
};

/** fl_tc_read_links() - @links: initialised; what is read is added to it */
int fl_tc_read_links(struct fl_rtnl *rtnl, struct fl_tc_links *links, struct fl_error *err);

/**
 * fl_tc_read_places() - ingress and egress of every device that has a qdisc for filters there, and
 * each block that devices share once
 * @options: which devices; borrowed
 * @places: all zero; to be given to fl_tc_places_destroy() in any case
 */
int fl_tc_read_places(struct fl_rtnl *rtnl, const struct fl_tc_links *links,
                      const struct fl_tc_dump_options *options, struct fl_tc_places *places,
                      struct fl_error *err);
void fl_tc_places_destroy(struct fl_tc_places *places);

#endif
