/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_LINKS_H
#define FLOWLIFT_TC_LINKS_H

/*
 * Devices by their ifindex: what netlink messages call them by, and what people do.
 */

#include <net/if.h>
#include <openvswitch/hmap.h>

#define FL_LINK_KIND_BYTES 16

struct fl_tc_link {
    struct hmap_node node;
    int ifindex;
    char name[IF_NAMESIZE];
    char kind[FL_LINK_KIND_BYTES]; /* "geneve", "bond", "dummy"; "" for hardware. */
};

struct fl_tc_links {
    struct hmap by_index;
};

void fl_tc_links_init(struct fl_tc_links *links);
void fl_tc_links_destroy(struct fl_tc_links *links);
/** fl_tc_links_put() - a new link, or the new name of a known one; @kind may be NULL */
void fl_tc_links_put(struct fl_tc_links *links, int ifindex, const char *name, const char *kind);
/** fl_tc_links_find() - NULL when there is none; @links may be NULL */
const struct fl_tc_link *fl_tc_links_find(const struct fl_tc_links *links, int ifindex);
/** fl_tc_links_find_name() - NULL when there is none */
const struct fl_tc_link *fl_tc_links_find_name(const struct fl_tc_links *links, const char *name);

#endif
