/* SPDX-License-Identifier: Apache-2.0 */
#include "flows/nic.h"

#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

void fl_nic_init(struct fl_nic *nic)
{
    *nic = (struct fl_nic){ .ports = NULL };
}

void fl_nic_destroy(struct fl_nic *nic)
{
    free(nic->ports);
    free(nic->incomplete);
    fl_nic_init(nic);
}

/* Where @ifindex is, or belongs. */
static size_t place_of(const struct fl_nic *nic, int64_t ifindex)
{
    size_t low = 0, high = nic->n_ports;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (nic->ports[middle].ifindex < ifindex)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct fl_nic_port *fl_nic_add(struct fl_nic *nic, int ifindex)
{
    size_t place = place_of(nic, ifindex), n = nic->n_ports;

    if (!(n & (n - 1))) /* full at each power of two */
        nic->ports = xrealloc(nic->ports, (n ? 2 * n : 1) * sizeof *nic->ports);
    memmove(&nic->ports[place + 1], &nic->ports[place], (n - place) * sizeof *nic->ports);
    nic->ports[place] = (struct fl_nic_port){ .ifindex = ifindex };
    nic->n_ports++;
    return &nic->ports[place];
}

struct fl_nic_port *fl_nic_port(const struct fl_nic *nic, int64_t ifindex)
{
    size_t place = place_of(nic, ifindex);

    return place < nic->n_ports && nic->ports[place].ifindex == ifindex ? &nic->ports[place] : NULL;
}

struct fl_nic_port *fl_nic_port_named(const struct fl_nic *nic, const char *name)
{
    for (size_t i = 0; i < nic->n_ports; i++) {
        if (!strcmp(nic->ports[i].name, name))
            return &nic->ports[i];
    }
    return NULL;
}

bool fl_nic_in_lag(const struct fl_nic_port *port)
{
    return !strcmp(port->master_kind, "bond") || !strcmp(port->master_kind, "team");
}

const char *fl_nic_role_name(enum fl_nic_role role)
{
    static const char *const names[] = {
        [FL_NIC_ROLE_UNKNOWN] = "unknown",
        [FL_NIC_ROLE_REPRESENTOR] = "representor",
        [FL_NIC_ROLE_UPLINK] = "uplink",
        [FL_NIC_ROLE_NEITHER] = "neither",
    };

    return names[role];
}

/* As `ethtool -k` prints it. */
const char *fl_nic_feature_name(enum fl_nic_feature feature)
{
    static const char *const names[] = {
        [FL_NIC_FEATURE_UNKNOWN] = "unknown",
        [FL_NIC_FEATURE_ON] = "on",
        [FL_NIC_FEATURE_OFF] = "off",
        [FL_NIC_FEATURE_ON_FIXED] = "on [fixed]",
        [FL_NIC_FEATURE_OFF_FIXED] = "off [fixed]",
    };

    return names[feature];
}

const char *fl_eswitch_mode_name(enum fl_eswitch_mode mode)
{
    static const char *const names[] = {
        [FL_ESWITCH_UNKNOWN] = "unknown",
        [FL_ESWITCH_LEGACY] = "legacy",
        [FL_ESWITCH_SWITCHDEV] = "switchdev",
    };

    return names[mode];
}

const char *fl_inline_mode_name(enum fl_inline_mode inline_mode)
{
    static const char *const names[] = {
        [FL_INLINE_UNKNOWN] = "unknown",     [FL_INLINE_NONE] = "none",
        [FL_INLINE_LINK] = "link",           [FL_INLINE_NETWORK] = "network",
        [FL_INLINE_TRANSPORT] = "transport",
    };

    return names[inline_mode];
}

const char *fl_encap_mode_name(enum fl_encap_mode encap)
{
    static const char *const names[] = {
        [FL_ENCAP_UNKNOWN] = "unknown",
        [FL_ENCAP_NONE] = "none",
        [FL_ENCAP_BASIC] = "basic",
    };

    return names[encap];
}

static bool ids_are_equal(const struct fl_nic_id *a, const struct fl_nic_id *b)
{
    return a->n_bytes == b->n_bytes && !memcmp(a->bytes, b->bytes, a->n_bytes);
}

static bool is_on_no_eswitch(const struct fl_nic_port *port)
{
    return port && port->role == FL_NIC_ROLE_NEITHER && !port->switch_id.n_bytes;
}

enum fl_nic_same fl_nic_same_eswitch(const struct fl_nic_port *const *ports, size_t n_ports,
                                     const struct fl_nic_port **odd)
{
    const struct fl_nic_port *first = NULL, *unlike = NULL, *untold = NULL;
    bool is_untold = false;

    for (size_t i = 0; i < n_ports && !unlike; i++) {
        const struct fl_nic_port *port = ports[i];

        if (is_on_no_eswitch(port)) {
            unlike = port;
        } else if (!port || !port->switch_id.n_bytes) {
            untold = is_untold ? untold : port;
            is_untold = true;
        } else if (!first) {
            first = port;
        } else if (!ids_are_equal(&first->switch_id, &port->switch_id)) {
            unlike = port;
        }
    }
    if (odd)
        *odd = unlike ? unlike : untold;
    if (unlike)
        return FL_NIC_SAME_NO;
    return is_untold || !n_ports ? FL_NIC_SAME_UNKNOWN : FL_NIC_SAME_YES;
}

/*
 * Drivers whose counters are known to mean something else than "all packets, of which the kernel says
 * those in software apart". Source: Linux 6.1, drivers/net/ethernet/broadcom/bnxt/bnxt_vfr.c
 * bnxt_vf_rep_get_stats64(): only what the representor itself received and sent (its driver has the
 * name of the uplink's). Taps and veth carry nothing but software packets.
 */
static const struct {
    const char *driver;
    enum fl_nic_role role; /* UNKNOWN: any */
    enum fl_nic_counters counters;
} counters_by_driver[] = {
    { "bnxt_en", FL_NIC_ROLE_REPRESENTOR, FL_NIC_COUNTERS_SLOW_LINK },
    { "tun", FL_NIC_ROLE_UNKNOWN, FL_NIC_COUNTERS_ALL_SLOW },
    { "veth", FL_NIC_ROLE_UNKNOWN, FL_NIC_COUNTERS_ALL_SLOW },
};

enum fl_nic_counters fl_nic_counters(const struct fl_nic_port *port, bool has_cpu_hit)
{
    if (has_cpu_hit)
        return FL_NIC_COUNTERS_CPU_HIT;
    for (size_t i = 0; port && i < ARRAY_SIZE(counters_by_driver); i++) {
        if (!strcmp(port->driver, counters_by_driver[i].driver) &&
            (counters_by_driver[i].role == FL_NIC_ROLE_UNKNOWN ||
             counters_by_driver[i].role == port->role))
            return counters_by_driver[i].counters;
    }
    return FL_NIC_COUNTERS_UNKNOWN;
}

/*
 * Source: Linux 6.1, drivers/net/ethernet/mellanox/mlx5/core/en_rep.c mlx5e_rep_get_stats():
 * "update HW stats in background for next time". The uplink's driver is mlx5_core.
 */
bool fl_nic_counters_lag(const char *driver)
{
    return driver && (!strcmp(driver, "mlx5e_rep") || !strcmp(driver, "mlx5_core"));
}
