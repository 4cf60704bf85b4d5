/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/overview_patterns.h"

#include <stdlib.h>
#include <string.h>

#include <ovs/hash.h>
#include <ovs/util.h>

/* A NIC's driver and firmware. */
struct kind {
    struct hmap_node node;
    struct fl_fleet_nic nic;
    size_t n_vms;
    size_t n_stranded;
};

struct counted {
    struct hmap_node node;
    struct fl_fleet_pattern pattern;
    const struct kind *kind;
    const struct fl_fleet_host *last; /* That was counted in n_hosts. */
};

struct fl_fleet_patterns {
    struct hmap kinds;
    struct hmap patterns;
};

struct fl_fleet_patterns *fl_fleet_patterns_create(void)
{
    struct fl_fleet_patterns *patterns = xmalloc(sizeof *patterns);

    hmap_init(&patterns->kinds);
    hmap_init(&patterns->patterns);
    return patterns;
}

static uint32_t hash_of(const char *text, uint32_t basis)
{
    return text ? hash_string(text, basis) : basis;
}

static struct kind *kind_of(struct fl_fleet_patterns *patterns, const struct fl_fleet_nic *nic)
{
    uint32_t hash = hash_of(nic->firmware, hash_of(nic->driver, 1));
    struct kind *kind;

    HMAP_FOR_EACH_WITH_HASH(kind, node, hash, &patterns->kinds) {
        if (fl_fleet_nic_equals(&kind->nic, nic))
            return kind;
    }
    kind = xzalloc(sizeof *kind);
    kind->nic = *nic;
    hmap_insert(&patterns->kinds, &kind->node, hash);
    return kind;
}

static struct counted *counted_of(struct fl_fleet_patterns *patterns, const char *cause,
                                  const struct kind *kind)
{
    uint32_t hash = hash_of(cause, hash_pointer(kind, 0));
    struct counted *counted;

    HMAP_FOR_EACH_WITH_HASH(counted, node, hash, &patterns->patterns) {
        if (counted->kind == kind && nullable_string_is_equal(counted->pattern.cause, cause))
            return counted;
    }
    counted = xzalloc(sizeof *counted);
    counted->pattern.cause = cause;
    counted->pattern.nic = kind->nic;
    counted->kind = kind;
    hmap_insert(&patterns->patterns, &counted->node, hash);
    return counted;
}

void fl_fleet_patterns_add(struct fl_fleet_patterns *patterns, const struct fl_fleet_vm *vm,
                           bool counts)
{
    struct kind *kind = kind_of(patterns, &vm->nic);
    struct counted *counted;

    kind->n_vms++;
    if (!counts || fl_fleet_verdict(vm) != FL_VERDICT_STRANDED)
        return;
    kind->n_stranded++;
    counted = counted_of(patterns, vm->n_causes ? vm->causes[0] : NULL, kind);
    counted->pattern.n_stranded++;
    counted->pattern.n_hosts += counted->last != vm->host;
    counted->last = vm->host;
}

void fl_fleet_patterns_add_alike(struct fl_fleet_patterns *patterns, const struct fl_fleet_nic *nic,
                                 size_t n)
{
    if (n)
        kind_of(patterns, nic)->n_vms += n;
}

static int compare_texts(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int compare_patterns(const void *a_, const void *b_)
{
    const struct fl_fleet_pattern *a = a_, *b = b_;
    int order;

    if (a->n_stranded != b->n_stranded)
        return a->n_stranded > b->n_stranded ? -1 : 1;
    order = compare_texts(a->cause, b->cause);
    order = order ? order : compare_texts(a->nic.driver, b->nic.driver);
    return order ? order : compare_texts(a->nic.firmware, b->nic.firmware);
}

/* One kind has all that are stranded, and is not all there is. */
static bool is_shared(const struct fl_fleet_patterns *patterns)
{
    size_t n_with_stranded = 0, n_stranded = 0, n_known = 0;
    bool known = false;
    const struct kind *kind;

    HMAP_FOR_EACH(kind, node, &patterns->kinds) {
        n_known += kind->nic.firmware != NULL || kind->nic.driver != NULL;
        n_with_stranded += kind->n_stranded > 0;
        n_stranded += kind->n_stranded;
        known |= kind->n_stranded && (kind->nic.firmware || kind->nic.driver);
    }
    return n_with_stranded == 1 && n_stranded >= 2 && known && n_known >= 2;
}

struct fl_fleet_pattern *fl_fleet_patterns_finish(struct fl_fleet_patterns *patterns, size_t *n,
                                                  const struct fl_fleet_nic **shared)
{
    struct fl_fleet_pattern *found = xcalloc(hmap_count(&patterns->patterns) + 1, sizeof *found);
    bool one_kind = is_shared(patterns);
    struct counted *counted;
    struct kind *kind;

    *n = 0;
    HMAP_FOR_EACH_POP(counted, node, &patterns->patterns) {
        counted->pattern.n_alike = counted->kind->n_vms;
        found[(*n)++] = counted->pattern;
        free(counted);
    }
    qsort(found, *n, sizeof *found, compare_patterns);
    *shared = one_kind ? &found[0].nic : NULL;
    HMAP_FOR_EACH_POP(kind, node, &patterns->kinds)
        free(kind);
    hmap_destroy(&patterns->kinds);
    hmap_destroy(&patterns->patterns);
    free(patterns);
    return found;
}
