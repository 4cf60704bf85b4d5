/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message of a monitored bridge. Its version and length are put right first, as vconn refuses others.
 * What it says is told to two scopes: one that wants to know all, one with a region. What the second one
 * notes, the first one must have noted too.
 */
#include <openflow/openflow-common.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ovs/monitor_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fl_remedy_scope *new_scope(struct ovs_list *scopes, struct fl_monitor_scope *entry)
{
    struct fl_changes changes;

    entry->scope = fl_scope_new(UINT64_C(0xf10f000000000002));
    ovs_list_push_back(scopes, &entry->node);
    fl_scope_take(entry->scope, &changes);
    return entry->scope;
}

static void set_region(struct fl_remedy_scope *scope)
{
    struct match region = MATCH_CATCHALL_INITIALIZER;
    struct flow stable;

    memset(&stable, 0xff, sizeof stable);
    match_set_in_port(&region, 2);
    match_set_dl_type(&region, htons(0x0800));
    match_set_nw_proto(&region, 6);
    match_set_tp_dst(&region, htons(2049));
    fl_scope_set(scope, &region, 1, &stable);
}

static void check(struct fl_remedy_scope *all, struct fl_remedy_scope *one,
                  const struct fl_monitor_counts *counts)
{
    struct fl_changes of_all, of_one;

    ovs_assert(fl_scope_take(all, &of_all) == (of_all.n > 0));
    ovs_assert(fl_scope_take(one, &of_one) == (of_one.n > 0));
    ovs_assert(of_one.n <= of_all.n);
    ovs_assert(!(of_one.what & ~of_all.what));
    ovs_assert(!of_all.what == !of_all.example[0]);
    ovs_assert(counts->n_flows <= of_all.n + counts->n_left_out);
    ovs_assert(counts->n_left_out == 0); /* the first scope notes every flow */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ovs_list scopes = OVS_LIST_INITIALIZER(&scopes);
    struct fl_monitor_scope entries[2];
    struct fl_monitor_counts counts = { .n_flows = 0 };
    struct fl_remedy_scope *all = new_scope(&scopes, &entries[0]),
                           *one = new_scope(&scopes, &entries[1]);
    struct ofp_header *header;
    struct ofpbuf *msg;
    enum ofptype type;

    if (size >= sizeof *header && size <= UINT16_MAX) {
        msg = ofpbuf_clone_data(data, size);
        header = msg->data;
        header->version = OFP14_VERSION;
        header->length = htons((uint16_t)size);
        set_region(one);
        if (!ofptype_decode(&type, msg->data)) {
            fl_monitor_message(type, msg, &scopes, &counts);
        }
        ofpbuf_delete(msg);
        check(all, one, &counts);
    }
    fl_scope_free(all);
    fl_scope_free(one);
    return 0;
}
