/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/screen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/screen_count.h"

/* What one port counted one way, without the copies of floods. */
struct share {
    uint64_t packets; /* 0 when only software packets are counted */
    uint64_t software;
    double of_software; /* 0..1 */
};

/* What ports are judged by. */
struct measure {
    int64_t window_ms;
    double allowed;          /* Share in software that an audit allows. */
    double peers[FL_N_WAYS]; /* Median share of those with traffic. */
    size_t n_peers[FL_N_WAYS];
};

const char *fl_suspicion_name(enum fl_suspicion suspicion)
{
    static const char *const names[] = {
        [FL_SUSPICION_SUSPECT] = "suspect",
        [FL_SUSPICION_UNKNOWN] = "unknown",
        [FL_SUSPICION_CLEAN] = "clean",
        [FL_SUSPICION_IDLE] = "idle",
    };

    return names[suspicion];
}

static struct share share_of(const struct fl_screen_port *port, enum fl_way way)
{
    uint64_t flood = way == FL_WAY_OUT ? port->flood : 0;
    struct share share = { .software = port->software[way] - flood };

    if (port->state == FL_COUNTED)
        share.packets = port->packets[way] - flood;
    if (share.packets)
        share.of_software = (double)share.software / (double)share.packets;
    return share;
}

static struct measure measure_peers(const struct fl_screen_input *input,
                                    const struct fl_screen_port *ports)
{
    struct measure measure = { .window_ms = input->window_ms,
                               .allowed = 1 - input->stranded_below };
    double *shares = xmalloc(MAX(input->inv->n_interfaces, 1) * sizeof *shares);

    for (enum fl_way way = 0; way < FL_N_WAYS; way++) {
        size_t n = 0;

        for (size_t i = 0; i < input->inv->n_interfaces; i++) {
            struct share share;

            if (ports[i].iface->vm < 0 || ports[i].state != FL_COUNTED)
                continue;
            share = share_of(&ports[i], way);
            if (share.packets >= FL_SCREEN_MIN_PACKETS)
                shares[n++] = share.of_software;
        }
        measure.peers[way] = fl_screen_median(shares, n);
        measure.n_peers[way] = n;
    }
    free(shares);
    return measure;
}

static bool stands_out(const struct share *share, enum fl_way way, const struct measure *measure)
{
    return measure->n_peers[way] >= FL_SCREEN_MIN_PEERS &&
           share->of_software > measure->allowed / 5 &&
           share->of_software >= FL_SCREEN_TIMES_PEERS * measure->peers[way];
}

static bool is_suspect(const struct share *share, enum fl_way way, const struct measure *measure)
{
    if (share->software < FL_SCREEN_MIN_PACKETS)
        return false;
    return !share->packets || share->of_software > measure->allowed / 2 ||
           stands_out(share, way, measure);
}

static double seconds(const struct measure *measure)
{
    return (double)measure->window_ms / 1000;
}

static char *suspect_reason(const struct fl_screen_port *port, enum fl_way way,
                            const struct measure *measure)
{
    const char *direction = way == FL_WAY_IN ? "from" : "to";
    struct share share = share_of(port, way);

    if (!share.packets)
        return xasprintf("%" PRIu64 " packets %s %s were in software in %.1f s; the NIC does not "
                         "count those that it forwards itself",
                         share.software, direction, port->iface->name, seconds(measure));
    if (share.of_software > measure->allowed / 2)
        return xasprintf("%" PRIu64 " of %" PRIu64 " packets %s %s (%.1f %%) were in software in "
                         "%.1f s",
                         share.software, share.packets, direction, port->iface->name,
                         100 * share.of_software, seconds(measure));
    return xasprintf("%" PRIu64 " of %" PRIu64 " packets %s %s (%.1f %%) were in software in %.1f "
                     "s; the median of its peers is %.1f %%",
                     share.software, share.packets, direction, port->iface->name,
                     100 * share.of_software, seconds(measure), 100 * measure->peers[way]);
}

static char *unknown_reason(const struct fl_screen_port *port)
{
    const char *name = port->iface->name;

    switch (port->state) {
    case FL_COUNTERS_FELL: return xasprintf("the counters of %s fell: they were reset", name);
    case FL_PORT_GONE: return xasprintf("%s went away in the window", name);
    case FL_PORT_ABSENT: return xasprintf("the kernel has no device %s", name);
    case FL_COUNTED:
    case FL_COUNTED_SOFTWARE:
    case FL_NOT_COUNTED: break;
    }
    return port->nic && port->nic->driver[0]
               ? xasprintf("the driver of %s (%s) does not count software packets apart", name,
                           port->nic->driver)
               : xasprintf("the driver of %s does not count software packets apart", name);
}

/* What a VM's ports counted together. */
struct tally {
    uint64_t packets, software; /* with floods */
    uint64_t own;               /* packets without floods */
    bool lacks_total;
};

static void add_port(struct tally *tally, const struct fl_screen_port *port)
{
    for (enum fl_way way = 0; way < FL_N_WAYS; way++) {
        struct share share = share_of(port, way);

        tally->packets += port->state == FL_COUNTED ? port->packets[way] : port->software[way];
        tally->software += port->software[way];
        tally->own += MAX(share.packets, share.software);
    }
    tally->lacks_total |= port->state == FL_COUNTED_SOFTWARE;
}

/* The worst way of a port, or FL_N_WAYS when neither is suspect. */
static enum fl_way suspect_way(const struct fl_screen_port *port, const struct measure *measure)
{
    enum fl_way worst = FL_N_WAYS;
    uint64_t most = 0;

    for (enum fl_way way = 0; way < FL_N_WAYS; way++) {
        struct share share = share_of(port, way);

        if (is_suspect(&share, way, measure) && share.software > most) {
            worst = way;
            most = share.software;
        }
    }
    return worst;
}

static void judge_port(const struct fl_screen_port *port, const struct measure *measure,
                       struct fl_screened *vm)
{
    enum fl_way way = fl_screen_has_software(port) ? suspect_way(port, measure) : FL_N_WAYS;

    if (way != FL_N_WAYS && vm->suspicion != FL_SUSPICION_SUSPECT) {
        free(vm->reason);
        vm->reason = suspect_reason(port, way, measure);
        vm->suspicion = FL_SUSPICION_SUSPECT;
    } else if (!fl_screen_has_software(port) && vm->suspicion > FL_SUSPICION_UNKNOWN) {
        vm->reason = unknown_reason(port);
        vm->suspicion = FL_SUSPICION_UNKNOWN;
    }
}

static void judge_quiet(const struct tally *tally, const struct measure *measure,
                        struct fl_screened *vm)
{
    if (tally->own < FL_SCREEN_MIN_PACKETS) {
        vm->suspicion = FL_SUSPICION_IDLE;
        vm->reason = xasprintf("%" PRIu64 " packets in %.1f s, besides floods", tally->own,
                               seconds(measure));
    } else {
        vm->suspicion = FL_SUSPICION_CLEAN;
        vm->reason = xasprintf("%" PRIu64 " of %" PRIu64 " packets were in software in %.1f s",
                               tally->software, tally->packets, seconds(measure));
    }
}

static struct fl_screened judge_vm(const struct fl_vm *vm, const struct fl_screen_port *ports,
                                   const struct measure *measure)
{
    struct fl_screened result = { .vm = vm, .suspicion = FL_SUSPICION_IDLE, .hw_share = -1 };
    struct tally tally = { 0 };

    for (size_t i = 0; i < vm->n_interfaces; i++) {
        const struct fl_screen_port *port = &ports[vm->interfaces[i]];

        judge_port(port, measure, &result);
        if (fl_screen_has_software(port))
            add_port(&tally, port);
    }
    if (!result.reason)
        judge_quiet(&tally, measure, &result);
    result.packets = tally.packets;
    result.software = tally.software;
    if (tally.packets && !tally.lacks_total && result.suspicion != FL_SUSPICION_UNKNOWN)
        result.hw_share = 1 - (double)tally.software / (double)tally.packets;
    return result;
}

static int compare_screened(const void *a_, const void *b_)
{
    const struct fl_screened *a = a_, *b = b_;

    if (a->suspicion != b->suspicion)
        return a->suspicion < b->suspicion ? -1 : 1;
    if (a->software != b->software)
        return a->software > b->software ? -1 : 1;
    return strcmp(a->vm->name, b->vm->name);
}

void fl_screen_run(const struct fl_screen_input *input, struct fl_screen *screen)
{
    const struct fl_inventory *inv = input->inv;
    struct fl_screen_port *ports = fl_screen_count(input);
    struct measure measure;

    fl_screen_find_floods(inv, ports);
    measure = measure_peers(input, ports);
    screen->n_vms = inv->n_vms;
    screen->vms = xcalloc(MAX(inv->n_vms, 1), sizeof *screen->vms);
    for (size_t i = 0; i < inv->n_vms; i++)
        screen->vms[i] = judge_vm(&inv->vms[i], ports, &measure);
    qsort(screen->vms, screen->n_vms, sizeof *screen->vms, compare_screened);
    free(ports);
}

void fl_screen_destroy(struct fl_screen *screen)
{
    for (size_t i = 0; i < screen->n_vms; i++)
        free(screen->vms[i].reason);
    free(screen->vms);
    *screen = (struct fl_screen){ .vms = NULL };
}
