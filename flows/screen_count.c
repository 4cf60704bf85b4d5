/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/screen_count.h"

#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

const struct fl_port_stats *fl_port_sample_find(const struct fl_port_sample *sample,
                                                int64_t ifindex)
{
    size_t low = 0, high = sample->n_ports;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sample->ports[middle].ifindex < ifindex)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sample->n_ports && sample->ports[low].ifindex == ifindex ? &sample->ports[low]
                                                                          : NULL;
}

/* The kernel's device of an interface. OVSDB may have an ifindex of before the VM's last start. */
static const struct fl_nic_port *device_of(const struct fl_screen_input *input,
                                           const struct fl_interface *iface)
{
    const struct fl_nic_port *nic = input->nic ? fl_nic_port(input->nic, iface->ifindex) : NULL;

    if (nic && !strcmp(nic->name, iface->name))
        return nic;
    return input->nic ? fl_nic_port_named(input->nic, iface->name) : NULL;
}

static bool fell(const struct fl_port_count *before, const struct fl_port_count *after)
{
    return after->rx_packets < before->rx_packets || after->tx_packets < before->tx_packets ||
           after->rx_bytes < before->rx_bytes || after->tx_bytes < before->tx_bytes;
}

/* What @after has more than @before, by way through the switch. */
static void subtract(const struct fl_port_count *before, const struct fl_port_count *after,
                     uint64_t packets[FL_N_WAYS])
{
    packets[FL_WAY_IN] = after->rx_packets - before->rx_packets;
    packets[FL_WAY_OUT] = after->tx_packets - before->tx_packets;
}

/* A port that appeared in the window counted from zero. */
static const struct fl_port_stats newborn;

/* Counters of a device over the window, whatever they mean. Return: false when they are no use. */
static bool count_device(const struct fl_screen_input *input, int64_t ifindex,
                         struct fl_screen_port *port, bool *has_cpu_hit)
{
    const struct fl_port_stats *before = fl_port_sample_find(input->before, ifindex);
    const struct fl_port_stats *after = fl_port_sample_find(input->after, ifindex);

    if (!after) {
        port->state = before ? FL_PORT_GONE : FL_PORT_ABSENT;
        return false;
    }
    if (!before)
        before = &newborn;
    if (fell(&before->link, &after->link) || fell(&before->cpu_hit, &after->cpu_hit)) {
        port->state = FL_COUNTERS_FELL;
        return false;
    }
    subtract(&before->link, &after->link, port->packets);
    subtract(&before->cpu_hit, &after->cpu_hit, port->software);
    *has_cpu_hit = after->has_cpu_hit && (before->has_cpu_hit || before == &newborn);
    return true;
}

/* Software packets of a bond are those of its members. */
static bool count_members(const struct fl_screen_input *input, int64_t master,
                          struct fl_screen_port *port)
{
    uint64_t software[FL_N_WAYS] = { 0 };
    size_t n = 0;

    for (size_t i = 0; input->nic && i < input->nic->n_ports; i++) {
        const struct fl_nic_port *member = &input->nic->ports[i];
        struct fl_screen_port counted = { .state = FL_COUNTED };
        bool has_cpu_hit;

        if (member->master != master || !fl_nic_in_lag(member))
            continue;
        if (!count_device(input, member->ifindex, &counted, &has_cpu_hit) || !has_cpu_hit)
            return false;
        software[FL_WAY_IN] += counted.software[FL_WAY_IN];
        software[FL_WAY_OUT] += counted.software[FL_WAY_OUT];
        n++;
    }
    if (n)
        memcpy(port->software, software, sizeof port->software);
    return n > 0;
}

static void swap_ways(uint64_t packets[FL_N_WAYS])
{
    uint64_t in = packets[FL_WAY_IN];

    packets[FL_WAY_IN] = packets[FL_WAY_OUT];
    packets[FL_WAY_OUT] = in;
}

/* An interrupt may come between the driver's two readings: software is part of all. */
static void bound_software(struct fl_screen_port *port)
{
    for (enum fl_way way = 0; way < FL_N_WAYS; way++)
        port->packets[way] = MAX(port->packets[way], port->software[way]);
}

static void count_port(const struct fl_screen_input *input, struct fl_screen_port *port)
{
    int64_t ifindex = port->nic ? port->nic->ifindex : input->nic ? -1 : port->iface->ifindex;
    bool is_internal = !strcmp(port->iface->type, "internal"), has_cpu_hit;

    if (!count_device(input, ifindex, port, &has_cpu_hit))
        return;
    if (is_internal || fl_nic_counters(port->nic, has_cpu_hit) == FL_NIC_COUNTERS_ALL_SLOW) {
        port->state = FL_COUNTED;
        memcpy(port->software, port->packets, sizeof port->software);
    } else if (fl_nic_counters(port->nic, has_cpu_hit) == FL_NIC_COUNTERS_SLOW_LINK) {
        port->state = FL_COUNTED_SOFTWARE;
        memcpy(port->software, port->packets, sizeof port->software);
    } else {
        port->state = has_cpu_hit || count_members(input, ifindex, port) ? FL_COUNTED
                                                                         : FL_NOT_COUNTED;
        bound_software(port);
    }
    /* What a bridge's own device receives is what the switch sent. */
    if (is_internal) {
        swap_ways(port->packets);
        swap_ways(port->software);
    }
}

struct fl_screen_port *fl_screen_count(const struct fl_screen_input *input)
{
    const struct fl_inventory *inv = input->inv;
    struct fl_screen_port *ports = xcalloc(MAX(inv->n_interfaces, 1), sizeof *ports);

    for (size_t i = 0; i < inv->n_interfaces; i++) {
        ports[i].iface = &inv->interfaces[i];
        ports[i].nic = device_of(input, ports[i].iface);
        count_port(input, &ports[i]);
    }
    return ports;
}

static int compare_numbers(const void *a_, const void *b_)
{
    const double *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

double fl_screen_median(double *numbers, size_t n)
{
    if (!n)
        return 0;
    qsort(numbers, n, sizeof *numbers, compare_numbers);
    return numbers[(n - 1) / 2];
}

/*
 * Software packets that left the switch beyond those that entered it. What a port without counters of
 * its own let in is not known: at most all that it received.
 */
static double copies_made(const struct fl_inventory *inv, const struct fl_screen_port *ports)
{
    double in = 0, out = 0;

    for (size_t i = 0; i < inv->n_interfaces; i++) {
        const struct fl_screen_port *port = &ports[i];

        if (fl_screen_has_software(port)) {
            in += (double)port->software[FL_WAY_IN];
            out += (double)port->software[FL_WAY_OUT];
        } else if (port->state == FL_NOT_COUNTED) {
            in += (double)port->packets[FL_WAY_IN];
        }
    }
    return MAX(out - in, 0);
}

/* By what a flood is confined to: bridge, and access VLAN where the port has one. */
static int compare_domains(const void *a_, const void *b_)
{
    const struct fl_screen_port *a = *(struct fl_screen_port *const *)a_;
    const struct fl_screen_port *b = *(struct fl_screen_port *const *)b_;
    int by_bridge = strcmp(a->iface->bridge, b->iface->bridge);

    return by_bridge ? by_bridge : a->iface->tag - b->iface->tag;
}

/* Ports of one domain: the median is theirs, the copies may be anybody's. */
static void find_flood(struct fl_screen_port **ports, size_t n, double copies)
{
    double *received = xmalloc(n * sizeof *received), flood;

    for (size_t i = 0; i < n; i++)
        received[i] = (double)ports[i]->software[FL_WAY_OUT];
    flood = fl_screen_median(received, n);
    flood = n > 1 ? MIN(flood, copies / (double)(n - 1)) : 0;
    for (size_t i = 0; i < n; i++)
        ports[i]->flood = MIN((uint64_t)flood, ports[i]->software[FL_WAY_OUT]);
    free(received);
}

void fl_screen_find_floods(const struct fl_inventory *inv, struct fl_screen_port *ports)
{
    struct fl_screen_port **sorted = xmalloc(MAX(inv->n_interfaces, 1) * sizeof *sorted);
    double copies = copies_made(inv, ports);
    size_t n = 0;

    for (size_t i = 0; i < inv->n_interfaces; i++) {
        if (ports[i].iface->vm >= 0 && fl_screen_has_software(&ports[i]))
            sorted[n++] = &ports[i];
    }
    qsort(sorted, n, sizeof *sorted, compare_domains);
    for (size_t first = 0, i = 1; i <= n; i++) {
        if (i == n || compare_domains(&sorted[first], &sorted[i])) {
            find_flood(&sorted[first], i - first, copies);
            first = i;
        }
    }
    free(sorted);
}
