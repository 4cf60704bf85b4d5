/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/overview_look.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "lib/fleet/overview_patterns.h"

/* Filters. */

bool fl_fleet_version_matches(const char *version, const char *wanted)
{
    size_t n = strlen(wanted);

    return version && !strncmp(version, wanted, n) && !isalnum((unsigned char)version[n]);
}

static bool host_passes(const struct fl_fleet_filter *filter, const struct fl_fleet_host *host)
{
    if (filter->host && fnmatch(filter->host, host->name, 0))
        return false;
    return !filter->version || fl_fleet_version_matches(host->ovs_version, filter->version);
}

static bool nic_passes(const struct fl_fleet_filter *filter, const struct fl_fleet_nic *nic)
{
    if (filter->driver && (!nic->driver || strcmp(nic->driver, filter->driver)))
        return false;
    return !filter->firmware || fl_fleet_version_matches(nic->firmware, filter->firmware);
}

static bool has_cause(const struct fl_fleet_vm *vm, const char *cause)
{
    for (size_t i = 0; i < vm->n_causes; i++) {
        if (!strcmp(vm->causes[i], cause))
            return true;
    }
    return false;
}

static bool vm_passes(const struct fl_fleet_filter *filter, const struct fl_fleet_vm *vm)
{
    if (filter->has_verdict && fl_fleet_verdict(vm) != filter->verdict)
        return false;
    return !filter->cause || has_cause(vm, filter->cause);
}

bool fl_fleet_filter_wants_vms(const struct fl_fleet_filter *filter)
{
    return filter->has_verdict || filter->cause || filter->driver || filter->firmware;
}

/* Order. */

static unsigned int rank(enum fl_verdict verdict)
{
    switch (verdict) {
    case FL_VERDICT_STRANDED: return 0;
    case FL_VERDICT_LEAKING: return 1;
    case FL_VERDICT_UNKNOWN: return 2;
    case FL_VERDICT_OFFLOADED: return 3;
    case FL_VERDICT_IDLE: return 4;
    }
    return 5;
}

static int compare_vms(const void *a_, const void *b_)
{
    const struct fl_fleet_vm *a = *(const struct fl_fleet_vm *const *)a_;
    const struct fl_fleet_vm *b = *(const struct fl_fleet_vm *const *)b_;
    unsigned int rank_a = rank(fl_fleet_verdict(a)), rank_b = rank(fl_fleet_verdict(b));
    double rate_a = fl_fleet_sw_rate(a), rate_b = fl_fleet_sw_rate(b);
    int order;

    if (rank_a != rank_b)
        return rank_a < rank_b ? -1 : 1;
    if (rate_a < rate_b || rate_a > rate_b)
        return rate_a > rate_b ? -1 : 1;
    order = strcmp(a->host->name, b->host->name);
    order = order ? order : strcmp(a->name, b->name);
    return order || !a->id || !b->id ? order : strcmp(a->id, b->id);
}

static int compare_hosts(const void *a_, const void *b_)
{
    const struct fl_fleet_host_line *a = a_, *b = b_;

    for (enum fl_verdict verdict = FL_VERDICT_STRANDED; verdict <= FL_VERDICT_LEAKING; verdict++) {
        if (a->n_vms[verdict] != b->n_vms[verdict])
            return a->n_vms[verdict] > b->n_vms[verdict] ? -1 : 1;
    }
    if (a->host->state != b->host->state)
        return a->host->state < b->host->state ? -1 : 1;
    if (!a->host->trouble != !b->host->trouble)
        return a->host->trouble ? -1 : 1;
    if (a->n_vms[FL_VERDICT_UNKNOWN] != b->n_vms[FL_VERDICT_UNKNOWN])
        return a->n_vms[FL_VERDICT_UNKNOWN] > b->n_vms[FL_VERDICT_UNKNOWN] ? -1 : 1;
    if (a->sw_rate < b->sw_rate || a->sw_rate > b->sw_rate)
        return a->sw_rate > b->sw_rate ? -1 : 1;
    return strcmp(a->host->name, b->host->name);
}

/* Looking. */

static void count_nic(struct fl_fleet_host_line *line, const struct fl_fleet_nic *nic)
{
    if (!nic->driver && !nic->firmware)
        return;
    if (!line->nic.driver && !line->nic.firmware)
        line->nic = *nic;
    else if (!fl_fleet_nic_equals(&line->nic, nic))
        line->many_nics = true;
}

static void look_at_vm(struct fl_fleet_look *look, struct fl_fleet_host_line *line,
                       const struct fl_fleet_vm *vm)
{
    enum fl_verdict verdict = fl_fleet_verdict(vm);

    look->vms[look->n_vms++] = vm;
    look->n_by_verdict[verdict]++;
    line->n_vms[verdict]++;
    line->sw_rate += MAX(fl_fleet_sw_rate(vm), 0);
    count_nic(line, &vm->nic);
}

/* Return: how many of its VMs are let through. */
static size_t look_at_vms(struct fl_fleet_look *look, const struct fl_fleet_filter *filter,
                          struct fl_fleet_patterns *patterns, struct fl_fleet_host_line *line)
{
    const struct fl_fleet_vm *vm;
    size_t n_before = look->n_vms;

    HMAP_FOR_EACH(vm, node, &line->host->vms) {
        bool passes = nic_passes(filter, &vm->nic) && vm_passes(filter, vm);

        if (nic_passes(filter, &vm->nic))
            fl_fleet_patterns_add(patterns, vm, passes);
        if (passes)
            look_at_vm(look, line, vm);
    }
    return look->n_vms - n_before;
}

/*
 * Those of a host that is not heard are unknown, as those that are listed. That they have causes nobody says.
 * Return: how many are let through.
 */
static size_t count_unlisted(struct fl_fleet_look *look, const struct fl_fleet_filter *filter,
                             struct fl_fleet_patterns *patterns, struct fl_fleet_host_line *line)
{
    const struct fl_fleet_host *host = line->host;
    size_t n_passed = 0;

    if (!nic_passes(filter, &host->nic))
        return 0;
    for (enum fl_verdict i = 0; i < FL_FLEET_N_VERDICTS; i++) {
        enum fl_verdict verdict = host->state == FL_FLEET_HEARD ? i : FL_VERDICT_UNKNOWN;
        size_t n = host->n_unlisted[i];

        fl_fleet_patterns_add_alike(patterns, &host->nic, n);
        if (!n || filter->cause || (filter->has_verdict && filter->verdict != verdict))
            continue;
        look->n_by_verdict[verdict] += n;
        line->n_vms[verdict] += n;
        look->has_unlisted |= !host->nic.driver && !host->nic.firmware;
        n_passed += n;
    }
    if (n_passed)
        count_nic(line, &host->nic);
    return n_passed;
}

static void look_at_host(struct fl_fleet_look *look, const struct fl_fleet_filter *filter,
                         struct fl_fleet_patterns *patterns, const struct fl_fleet_host *host)
{
    struct fl_fleet_host_line *line = &look->hosts[look->n_hosts];
    size_t n_passed;

    if (!host_passes(filter, host))
        return;
    look->n_by_state[host->state]++;
    look->n_incomplete += host->state == FL_FLEET_HEARD && host->trouble;
    *line = (struct fl_fleet_host_line){ .host = host };
    n_passed = count_unlisted(look, filter, patterns, line);
    n_passed += look_at_vms(look, filter, patterns, line);
    if (n_passed || !fl_fleet_filter_wants_vms(filter))
        look->n_hosts++;
}

void fl_fleet_look(const struct fl_fleet *fleet, const struct fl_fleet_filter *filter,
                   struct fl_fleet_look *look)
{
    struct fl_fleet_patterns *patterns = fl_fleet_patterns_create();
    const struct fl_fleet_host *host;

    *look = (struct fl_fleet_look){
        .fleet = fleet,
        .hosts = xcalloc(hmap_count(&fleet->hosts) + 1, sizeof *look->hosts),
        .vms = xcalloc(fleet->n_vms + 1, sizeof *look->vms),
    };
    HMAP_FOR_EACH(host, node, &fleet->hosts)
        look_at_host(look, filter, patterns, host);
    qsort(look->hosts, look->n_hosts, sizeof *look->hosts, compare_hosts);
    qsort(look->vms, look->n_vms, sizeof *look->vms, compare_vms);
    look->patterns = fl_fleet_patterns_finish(patterns, &look->n_patterns, &look->shared);
}

void fl_fleet_look_destroy(struct fl_fleet_look *look)
{
    free(look->hosts);
    free(look->vms);
    free(look->patterns);
}

int fl_fleet_exit_code(const struct fl_fleet_look *look)
{
    bool bad = look->n_by_verdict[FL_VERDICT_STRANDED] || look->n_by_verdict[FL_VERDICT_LEAKING];

    if (look->n_incomplete || look->n_by_state[FL_FLEET_SILENT] ||
        look->n_by_state[FL_FLEET_AHEAD] || look->n_by_state[FL_FLEET_NEVER])
        return 2;
    if (bad)
        return 1;
    return look->n_by_verdict[FL_VERDICT_UNKNOWN] ? 2 : 0;
}
