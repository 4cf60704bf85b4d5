/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A region is kept as those 64-bit words of struct flow that it tests, half a dozen of the eighty: a
 * busy bridge changes thousands of flows a second, and each is compared with each region.
 */
#include "lib/ovs/scope.h"

#include <limits.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/ofp-actions.h>
#include <ovs/byte-order.h>
#include <ovs/flow.h>
#include <ovs/timeval.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"

/* Tunnel metadata is numbered by each bridge as it likes, so words of the tunnel are left out. */
#define FIRST_WORD (offsetof(struct flow, metadata) / sizeof(uint64_t))

struct word {
    size_t index; /* in struct flow */
    uint64_t value, mask;
    uint64_t stable; /* of the mask */
};

struct region {
    struct word *words;
    size_t n;
};

struct fl_remedy_scope {
    uint64_t cookie;
    struct region *regions;
    size_t n_regions;
    uint64_t n_left_out; /* flow changes since the last take */
    struct fl_changes changes;
};

struct fl_remedy_scope *fl_scope_new(uint64_t cookie)
{
    struct fl_remedy_scope *scope = xzalloc(sizeof *scope);

    scope->cookie = cookie;
    fl_scope_note(scope, FL_CHANGED_UNSEEN, "the watch begins");
    return scope;
}

static void free_regions(struct region *regions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(regions[i].words);
    }
    free(regions);
}

void fl_scope_free(struct fl_remedy_scope *scope)
{
    if (scope) {
        free_regions(scope->regions, scope->n_regions);
        free(scope);
    }
}

static void compile(const struct match *match, const struct flow *stable, struct region *region)
{
    struct word words[FLOW_U64S];
    size_t n = 0;

    for (size_t i = FIRST_WORD; i < FLOW_U64S; i++) {
        uint64_t mask = flow_u64_value(&match->wc.masks, i);

        if (mask) {
            words[n++] = (struct word){
                .index = i,
                .value = flow_u64_value(&match->flow, i),
                .mask = mask,
                .stable = stable ? mask & flow_u64_value(stable, i) : 0,
            };
        }
    }
    region->words = n ? xmemdup(words, n * sizeof *words) : NULL;
    region->n = n;
}

/* Everything that @now leaves out, @before leaves out too. */
static bool leaves_out_no_less(const struct region *now, const struct region *before)
{
    if (now->n != before->n) {
        return false;
    }
    for (size_t i = 0; i < now->n; i++) {
        const struct word *a = &now->words[i], *b = &before->words[i];

        if (a->index != b->index || a->value != b->value || a->mask != b->mask ||
            (b->stable & ~a->stable)) {
            return false;
        }
    }
    return true;
}

void fl_scope_set(struct fl_remedy_scope *scope, const struct match *regions, size_t n_regions,
                  const struct flow *stable)
{
    struct region *compiled = xcalloc(n_regions, sizeof *compiled);
    bool good = n_regions == scope->n_regions;

    for (size_t i = 0; i < n_regions; i++) {
        compile(&regions[i], stable, &compiled[i]);
        good = good && leaves_out_no_less(&compiled[i], &scope->regions[i]);
    }
    free_regions(scope->regions, scope->n_regions);
    scope->regions = compiled;
    scope->n_regions = n_regions;
    if (!good && scope->n_left_out) {
        fl_scope_note(scope, FL_CHANGED_UNSEEN, "flows changed while the proof was made");
    }
    scope->n_left_out = 0;
}

bool fl_scope_take(struct fl_remedy_scope *scope, struct fl_changes *changes)
{
    *changes = scope->changes;
    scope->changes = (struct fl_changes){ .what = 0 };
    scope->n_left_out = 0;
    return changes->what != 0;
}

const struct fl_changes *fl_scope_peek(const struct fl_remedy_scope *scope)
{
    return &scope->changes;
}

long long fl_scope_due_ms(const struct fl_remedy_scope *scope)
{
    const struct fl_changes *changes = &scope->changes;

    return changes->what
               ? MIN(changes->latest_ms + FL_SCOPE_QUIET_MS, changes->first_ms + FL_SCOPE_LATE_MS)
               : LLONG_MAX;
}

void fl_scope_note(struct fl_remedy_scope *scope, enum fl_changed what, const char *example)
{
    struct fl_changes *changes = &scope->changes;

    changes->latest_ms = time_msec();
    if (!changes->what) {
        changes->first_ms = changes->latest_ms;
        ovs_strlcpy(changes->example, example, sizeof changes->example);
    }
    changes->what |= what;
    changes->n++;
}

/* Is there a packet of @region that hits @match, as far as can be told? */
static bool meets(const struct region *region, const struct match *match, bool unchanged)
{
    for (size_t i = 0; i < region->n; i++) {
        const struct word *word = &region->words[i];
        uint64_t differ = word->value ^ flow_u64_value(&match->flow, word->index);
        uint64_t tested = flow_u64_value(&match->wc.masks, word->index);

        if (differ & tested & (unchanged ? word->mask : word->stable)) {
            return false;
        }
    }
    return true;
}

/* May the flow send packets to table 0? */
static bool sends_back(const struct ofputil_flow_update *update)
{
    const struct ofpact *action;

    OFPACT_FOR_EACH_FLATTENED(action, update->ofpacts, update->ofpacts_len)
    {
        switch (action->type) {
        case OFPACT_GROUP: return true;
        case OFPACT_CT:
            if (ofpact_get_CT(action)->recirc_table == 0) {
                return true;
            }
            break;
        case OFPACT_RESUBMIT: {
            uint8_t table = ofpact_get_RESUBMIT(action)->table_id; /* 255: the flow's own */

            if (table == 0 || (table == 255 && update->table_id == 0)) {
                return true;
            }
            break;
        }
        default: break;
        }
    }
    return false;
}

static bool matters(const struct fl_remedy_scope *scope, const struct ofputil_flow_update *update)
{
    if (!scope->n_regions) {
        return true;
    }
    for (size_t i = 0; i < scope->n_regions; i++) {
        if (meets(&scope->regions[i], &update->match, update->table_id == 0)) {
            return true;
        }
    }
    return update->event != OFPFME_REMOVED && sends_back(update);
}

static const char *event_text(enum ofp_flow_update_event event)
{
    return event == OFPFME_REMOVED ? "removed" : event == OFPFME_MODIFIED ? "changed" : "added";
}

/* "added: table=0 priority=5,tcp actions=drop" */
static void note_flow(struct fl_remedy_scope *scope, enum fl_changed what,
                      const struct ofputil_flow_update *update)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct ofpact_format_params params = { .s = &text };

    if (!scope->changes.what) { /* only the first one's text is kept */
        ds_put_format(&text, "%s: table=%u ", event_text(update->event), update->table_id);
        match_format(&update->match, NULL, &text, update->priority);
        if (update->event != OFPFME_REMOVED) {
            ds_put_cstr(&text, " actions=");
            ofpacts_format(update->ofpacts, update->ofpacts_len, &params);
        }
    }
    fl_scope_note(scope, what, ds_cstr(&text));
    ds_destroy(&text);
}

bool fl_scope_flow(struct fl_remedy_scope *scope, const struct ofputil_flow_update *update)
{
    if (ntohll(update->cookie) == scope->cookie) {
        note_flow(scope, FL_CHANGED_OURS, update);
        return true;
    }
    if (matters(scope, update)) {
        note_flow(scope, FL_CHANGED_FLOWS, update);
        return true;
    }
    scope->n_left_out++;
    return false;
}
