/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/links.h"

#include <ovs/hash.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

void fl_tc_links_init(struct fl_tc_links *links)
{
    hmap_init(&links->by_index);
}

void fl_tc_links_destroy(struct fl_tc_links *links)
{
    struct fl_tc_link *link;

    HMAP_FOR_EACH_POP(link, node, &links->by_index)
        free(link);
    hmap_destroy(&links->by_index);
}

static uint32_t hash_index(int ifindex)
{
    return hash_int((uint32_t)ifindex, 0);
}

static struct fl_tc_link *find(const struct fl_tc_links *links, int ifindex)
{
    struct fl_tc_link *link;

    HMAP_FOR_EACH_WITH_HASH(link, node, hash_index(ifindex), &links->by_index) {
        if (link->ifindex == ifindex)
            return link;
    }
    return NULL;
}

void fl_tc_links_put(struct fl_tc_links *links, int ifindex, const char *name, const char *kind)
{
    struct fl_tc_link *link = find(links, ifindex);

    if (!link) {
        link = xzalloc(sizeof *link);
        link->ifindex = ifindex;
        hmap_insert(&links->by_index, &link->node, hash_index(ifindex));
    }
    ovs_strzcpy(link->name, name, sizeof link->name);
    ovs_strzcpy(link->kind, kind ? kind : "", sizeof link->kind);
}

const struct fl_tc_link *fl_tc_links_find(const struct fl_tc_links *links, int ifindex)
{
    return links ? find(links, ifindex) : NULL;
}

const struct fl_tc_link *fl_tc_links_find_name(const struct fl_tc_links *links, const char *name)
{
    const struct fl_tc_link *link;

    HMAP_FOR_EACH(link, node, &links->by_index) {
        if (!strcmp(link->name, name))
            return link;
    }
    return NULL;
}
