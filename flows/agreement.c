/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/agreement.h"

#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "flows/limits.h"

/* What Open vSwitch says of a flow; it may be in its datapath and in TC. */
enum word {
    SAYS_IN_HW = 1 << 0,       /* offloaded:yes, dp:tc */
    SAYS_IN_SOFTWARE = 1 << 1, /* no offloaded:, or dp:ovs */
};

struct fl_flow_word {
    ovs_u128 ufid;
    odp_port_t in_port;
    uint8_t words; /* enum word */
    bool seen;     /* In TC. */
};

/* How many flows of a DPDK port, read by one PMD thread, are in the NIC. */
struct fl_port_word {
    odp_port_t in_port;
    int pmd;
    uint64_t n;
};

void fl_agreement_init(struct fl_agreement *agreement, const struct fl_ports *ports)
{
    *agreement = (struct fl_agreement){ .ports = ports };
}

void fl_agreement_destroy(struct fl_agreement *agreement)
{
    for (size_t i = 0; i < agreement->n_found; i++) {
        free(agreement->found[i].text);
    }
    free(agreement->found);
    free(agreement->flows);
    free(agreement->port_words);
}

/* Open vSwitch's word. */

static uint8_t words_of(const struct fl_flow *flow)
{
    if (flow->layer == FL_LAYER_TC && flow->offloaded == FL_OFFLOADED_YES) {
        return SAYS_IN_HW;
    }
    return flow->layer == FL_LAYER_TC || flow->layer == FL_LAYER_OVS ? SAYS_IN_SOFTWARE : 0;
}

static void add_to_port(struct fl_agreement *agreement, const struct fl_flow *flow)
{
    struct fl_port_word *word;

    for (size_t i = 0; i < agreement->n_port_words; i++) {
        word = &agreement->port_words[i];
        if (word->in_port == flow->in_port && word->pmd == flow->pmd) {
            word->n++;
            return;
        }
    }
    agreement->port_words = xrealloc(agreement->port_words,
                                     (agreement->n_port_words + 1) * sizeof *word);
    agreement->port_words[agreement->n_port_words++] =
        (struct fl_port_word){ .in_port = flow->in_port, .pmd = flow->pmd, .n = 1 };
}

void fl_agreement_add_flow(struct fl_agreement *agreement, const struct fl_flow *flow)
{
    if (flow->path == FL_PATH_HW_PARTIAL ||
        (flow->layer == FL_LAYER_DPDK && flow->offloaded == FL_OFFLOADED_YES)) {
        add_to_port(agreement, flow);
        return;
    }
    if (!flow->has_ufid) {
        return;
    }
    if (agreement->n_flows == agreement->n_flows_allocated) {
        agreement->flows = x2nrealloc(agreement->flows, &agreement->n_flows_allocated,
                                      sizeof *agreement->flows);
    }
    agreement->flows[agreement->n_flows++] = (struct fl_flow_word){ .ufid = flow->id,
                                                                    .in_port = flow->in_port,
                                                                    .words = words_of(flow) };
}

static int compare_words(const void *a_, const void *b_)
{
    const struct fl_flow_word *a = a_, *b = b_;

    return memcmp(&a->ufid, &b->ufid, sizeof a->ufid);
}

/* Each flow once: it may have been listed by its datapath and by TC, and by each member of a block. */
static void sort_flows(struct fl_agreement *agreement)
{
    struct fl_flow_word *flows = agreement->flows;
    size_t n = 0;

    if (agreement->is_sorted) {
        return;
    }
    agreement->is_sorted = true;
    if (!agreement->n_flows) {
        return;
    }
    qsort(flows, agreement->n_flows, sizeof *flows, compare_words);
    for (size_t i = 1; i < agreement->n_flows; i++) {
        if (compare_words(&flows[n], &flows[i])) {
            flows[++n] = flows[i];
        } else {
            flows[n].words |= flows[i].words;
        }
    }
    agreement->n_flows = n + 1;
}

static struct fl_flow_word *find_flow(struct fl_agreement *agreement, ovs_u128 ufid)
{
    const struct fl_flow_word key = { .ufid = ufid };

    sort_flows(agreement);
    return agreement->n_flows
               ? bsearch(&key, agreement->flows, agreement->n_flows, sizeof key, compare_words)
               : NULL;
}

/* What is found. */

static void find(struct fl_agreement *agreement, enum fl_disagreement_kind kind, const char *device,
                 const ovs_u128 *ufid, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static void find(struct fl_agreement *agreement, enum fl_disagreement_kind kind, const char *device,
                 const ovs_u128 *ufid, const char *format, ...)
{
    struct fl_disagreement *found;
    struct ds text = DS_EMPTY_INITIALIZER;
    va_list args;

    if (agreement->n_found == FL_LIMIT_DISAGREEMENTS) {
        return;
    }
    if (agreement->n_found == agreement->n_found_allocated) {
        agreement->found = x2nrealloc(agreement->found, &agreement->n_found_allocated,
                                      sizeof *agreement->found);
    }
    found = &agreement->found[agreement->n_found++];
    *found = (struct fl_disagreement){ .kind = kind, .has_ufid = ufid != NULL };
    ovs_strlcpy(found->device, device, sizeof found->device);
    if (ufid) {
        const struct fl_flow flow = { .id = *ufid };
        char id[37];

        found->ufid = *ufid;
        fl_flow_format_id(&flow, id);
        ds_put_format(&text, "%s, flow %s: ", device, id);
    } else if (device[0]) {
        ds_put_format(&text, "%s: ", device);
    }
    va_start(args, format);
    ds_put_format_valist(&text, format, args);
    va_end(args);
    found->text = ds_steal_cstr(&text);
}

/* TC's word. */

static void judge_known(struct fl_agreement *agreement, const struct fl_flow_word *word,
                        const struct fl_tc_filter *filter, const struct fl_flow *flow,
                        const char *device)
{
    if (flow->path == FL_PATH_HW && word->words == SAYS_IN_SOFTWARE) {
        find(agreement, FL_DISAGREEMENT_IN_HW, device, &flow->id,
             "Open vSwitch has it in software, and TC says that the NIC has it");
    } else if (flow->path == FL_PATH_HW && word->words & SAYS_IN_SOFTWARE) {
        find(agreement, FL_DISAGREEMENT_IN_HW, device, &flow->id,
             "Open vSwitch has it in software too, and TC says that the NIC has it");
    } else if (flow->path != FL_PATH_HW && word->words & SAYS_IN_HW) {
        find(agreement, FL_DISAGREEMENT_NOT_IN_HW, device, &flow->id,
             "Open vSwitch says that it is offloaded, and TC says %s",
             filter->flags & FL_TC_NOT_IN_HW ? "that the NIC has not taken it"
                                             : "of no NIC that it has taken it");
    }
}

static void judge_unknown(struct fl_agreement *agreement, const struct fl_flow *flow,
                          const char *device, const char *orphan)
{
    if (orphan || agreement->lists_all) {
        find(agreement, FL_DISAGREEMENT_UNKNOWN, device, &flow->id,
             "a filter with this cookie is in %s, and Open vSwitch does not know it: %s",
             flow->path == FL_PATH_HW ? "the NIC" : "TC",
             orphan ? orphan : "it lists no such flow");
    }
}

static void judge_part(struct fl_agreement *agreement, const struct fl_tc_filter *filter,
                       const struct fl_flow *flow, const char *device)
{
    if (!filter->has_in_hw_count || !(filter->flags & FL_TC_IN_HW)) {
        return;
    }
    if (flow->block && filter->in_hw_count < flow->block_members) {
        find(agreement, FL_DISAGREEMENT_IN_PART, device, &flow->id,
             "TC says in_hw, and that %" PRIu32 " of %u devices of block %" PRIu32 " have taken it",
             filter->in_hw_count, flow->block_members, flow->block);
    } else if (!filter->in_hw_count) {
        find(agreement, FL_DISAGREEMENT_IN_PART, device, &flow->id,
             "TC says in_hw, and that no device has taken it");
    }
}

void fl_agreement_add_filter(struct fl_agreement *agreement, const struct fl_tc_filter *filter,
                             const struct fl_flow *flow, const char *orphan)
{
    struct fl_flow_word *word;
    char block[32];
    const char *device = filter->dev;

    if (!flow->has_ufid) {
        return;
    }
    if (!device) {
        snprintf(block, sizeof block, "block %" PRIu32, filter->block);
        device = block;
    }
    agreement->n_filters += !orphan;
    judge_part(agreement, filter, flow, device);
    word = find_flow(agreement, flow->id);
    if (word) {
        word->seen = true;
    }
    if (word && !orphan) {
        judge_known(agreement, word, filter, flow, device);
    } else {
        judge_unknown(agreement, flow, device, orphan);
    }
}

void fl_agreement_count(struct fl_agreement *agreement, uint64_t n_kept)
{
    if (n_kept != agreement->n_filters) {
        find(agreement, FL_DISAGREEMENT_COUNT, "", NULL,
             "Open vSwitch keeps %" PRIu64 " flow%s in TC, and TC has %" PRIu64
             " filter%s with its cookie",
             n_kept, n_kept == 1 ? "" : "s", agreement->n_filters,
             agreement->n_filters == 1 ? "" : "s");
    }
}

/* The word of a driver of DPDK. */

void fl_agreement_add_port(struct fl_agreement *agreement, const char *device, uint64_t n_lines)
{
    odp_port_t port = fl_ports_find(agreement->ports, device);
    uint64_t n = 0;

    agreement->n_ports++;
    /* One flow that two PMD threads have is one rule: of each thread's flows all are different. */
    for (size_t i = 0; i < agreement->n_port_words; i++) {
        const struct fl_port_word *word = &agreement->port_words[i];

        if (word->in_port == port && port != ODPP_NONE) {
            n = MAX(n, word->n);
        }
    }
    if (n_lines < n) {
        find(agreement, FL_DISAGREEMENT_FEWER, device, NULL,
             "Open vSwitch says that %" PRIu64 " flow%s in the NIC, whose driver lists %" PRIu64
             " line%s of rules",
             n, n == 1 ? " is" : "s are", n_lines, n_lines == 1 ? "" : "s");
    }
}

void fl_agreement_end(struct fl_agreement *agreement)
{
    sort_flows(agreement);
    for (size_t i = 0; i < agreement->n_flows; i++) {
        const struct fl_flow_word *word = &agreement->flows[i];
        char number[16];

        if (word->words & SAYS_IN_HW && !word->seen) {
            find(agreement, FL_DISAGREEMENT_MISSING,
                 word->in_port == ODPP_NONE
                     ? ""
                     : fl_ports_name(agreement->ports, word->in_port, number),
                 &word->ufid, "Open vSwitch says that it is offloaded, and TC has no such filter");
        }
    }
}

static int compare_found(const void *a_, const void *b_)
{
    const struct fl_disagreement *a = a_, *b = b_;
    int order = strcmp(a->device, b->device);

    order = order ? order : memcmp(&a->ufid, &b->ufid, sizeof a->ufid);
    order = order ? order : (int)a->kind - (int)b->kind;
    /* Numbers that change from look to look are of flows that come and go. */
    return order || a->kind != FL_DISAGREEMENT_COUNT ? order : strcmp(a->text, b->text);
}

void fl_agreement_confirm(struct fl_agreement *agreement, const struct fl_agreement *again)
{
    struct fl_disagreement *sorted = xmalloc((again->n_found + 1) * sizeof *sorted);
    size_t n = 0;

    if (again->n_found) {
        memcpy(sorted, again->found, again->n_found * sizeof *sorted);
        qsort(sorted, again->n_found, sizeof *sorted, compare_found);
    }
    for (size_t i = 0; i < agreement->n_found; i++) {
        struct fl_disagreement *found = &agreement->found[i];

        if (again->n_found &&
            bsearch(found, sorted, again->n_found, sizeof *sorted, compare_found)) {
            agreement->found[n++] = *found;
        } else {
            free(found->text);
        }
    }
    agreement->n_found = n;
    free(sorted);
}
