/* SPDX-License-Identifier: Apache-2.0 */

/* Reading of what lib/doctor_nic.c and lib/doctor_offload.c judge. What cannot be read stays unknown. */

#include "lib/doctor_facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/orphan.h"
#include "flows/tc_flow.h"
#include "lib/conntrack/entries.h"
#include "lib/kernel_flows.h"
#include "lib/nic/ports.h"
#include "lib/tc/places.h"
#include "lib/vm_connections.h"

#define OPTION "CONFIG_NET_TC_SKB_EXT"
/* Of a kernel's configuration; Debian's has 260 KiB. */
#define CONFIG_BYTES (2u * 1024 * 1024)
/* Of a kernel's types; Debian's has 5 MiB. */
#define TYPES_BYTES (32u * 1024 * 1024)

enum fl_fact fl_kernel_config(const char *text)
{
    const char *set = strstr(text, "\n" OPTION "=");

    if (set)
        return set[strlen("\n" OPTION "=")] == 'y' ? FL_FACT_YES : FL_FACT_NO;
    return strstr(text, "CONFIG_") ? FL_FACT_NO : FL_FACT_UNKNOWN;
}

static enum fl_fact read_config(const char *before, const char *release, const char *after)
{
    _cleanup_free char *path = xasprintf("%s%s%s", before, release, after);
    _cleanup_free char *text = NULL;
    FILE *file = fopen(path, "re");
    size_t n;

    if (!file)
        return FL_FACT_UNKNOWN;
    text = xmalloc(CONFIG_BYTES + 1);
    n = fread(text, 1, CONFIG_BYTES, file);
    fclose(file);
    text[n] = '\0';
    return fl_kernel_config(text);
}

enum fl_fact fl_kernel_types(const char *types, size_t n)
{
    static const char extension[] = "\0TC_SKB_EXT", last[] = "\0SKB_EXT_NUM";

    if (memmem(types, n, extension, sizeof extension))
        return FL_FACT_YES;
    return memmem(types, n, last, sizeof last) ? FL_FACT_NO : FL_FACT_UNKNOWN;
}

/* Types of the running kernel (BTF), which name the members of each enumeration. */
static enum fl_fact read_types(void)
{
    _cleanup_free char *types = NULL;
    FILE *file = fopen("/sys/kernel/btf/vmlinux", "re");
    size_t n;

    if (!file)
        return FL_FACT_UNKNOWN;
    types = xmalloc(TYPES_BYTES);
    n = fread(types, 1, TYPES_BYTES, file);
    fclose(file);
    return fl_kernel_types(types, n);
}

static enum fl_fact read_recirculation(void)
{
    enum fl_fact fact = FL_FACT_UNKNOWN;
    struct utsname name;

    if (uname(&name))
        return fact;
    fact = read_types();
    if (fact == FL_FACT_UNKNOWN)
        fact = read_config("/boot/config-", name.release, "");
    return fact != FL_FACT_UNKNOWN ? fact : read_config("/lib/modules/", name.release, "/config");
}

static void add_ingress(struct fl_kernel_facts *facts, const struct fl_tc_places *places)
{
    facts->ingress = xcalloc(places->n + 1, sizeof *facts->ingress);
    for (size_t i = 0; i < places->n; i++) {
        if (places->places[i].hook != FL_TC_EGRESS)
            facts->ingress[facts->n_ingress++] = places->places[i].ifindex;
    }
}

static void read_ingress(struct fl_kernel_facts *facts)
{
    const struct fl_tc_dump_options all = { .devices = NULL };
    struct fl_tc_places places = { .places = NULL };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_tc_links links;
    struct fl_rtnl *rtnl;

    if (fl_rtnl_open(&rtnl, &err))
        return;
    fl_tc_links_init(&links);
    facts->ingress_known = !fl_tc_read_links(rtnl, &links, &err) &&
                           !fl_tc_read_places(rtnl, &links, &all, &places, &err);
    if (facts->ingress_known)
        add_ingress(facts, &places);
    fl_tc_places_destroy(&places);
    fl_tc_links_destroy(&links);
    fl_rtnl_close(rtnl);
}

static int count_flow(const struct fl_flow *flow, void *counts_)
{
    struct fl_offload_counts *counts = counts_;

    if (flow->layer == FL_LAYER_TC) {
        counts->tc_flows++;
    } else {
        counts->ovs_flows++;
        counts->ovs_recirc += flow->recirc_id != 0;
    }
    return 0;
}

static void count_flows(struct fl_offload_counts *counts)
{
    struct fl_ports *ports = fl_ports_create();
    struct fl_error err = FL_ERROR_INIT;

    counts->flows_known = !fl_kernel_flows_dump(ports, FL_KERNEL_FLOWS, count_flow, counts, &err);
    fl_ports_destroy(ports);
}

struct filters {
    struct fl_tc_flow scratch;
    struct fl_orphan_judge judge;
    struct fl_offload_counts *counts;
};

/*
 * Whether the running ovs-vswitchd looks after filters. Turned off, offload goes on until it is started
 * anew, and only then are its filters forgotten.
 */
static enum fl_fact looks_after(const struct fl_kernel_facts *facts, const struct fl_inventory *inv)
{
    if (facts->log.flow_api || smap_get_bool(&inv->other_config, "hw-offload", false))
        return FL_FACT_YES;
    return facts->log.seen_start ? FL_FACT_NO : FL_FACT_UNKNOWN;
}

static int count_filter(const struct fl_tc_filter *filter, void *filters_)
{
    struct filters *filters = filters_;
    struct fl_offload_counts *counts = filters->counts;
    struct fl_flow flow;

    fl_tc_to_flow(&filters->scratch, filter, 0, &flow);
    if (!flow.has_ufid)
        return 0;
    counts->filters++;
    counts->filters_in_hw += filter->has_flags && filter->flags & FL_TC_IN_HW;
    if (fl_orphan_of(&filters->judge, &flow)) {
        counts->orphans++;
        if (filter->dev)
            ovs_strlcpy(counts->orphan_device, filter->dev, sizeof counts->orphan_device);
    }
    return 0;
}

static void count_filters(struct fl_kernel_facts *facts, const struct fl_inventory *inv)
{
    const struct fl_tc_dump_options all = { .devices = NULL };
    enum fl_fact looked_after = looks_after(facts, inv);
    struct fl_ports *ports = fl_ports_create();
    struct filters filters = { .counts = &facts->counts };
    const struct fl_tc_sink sink = { .filter = count_filter, .aux = &filters };
    struct fl_error err = FL_ERROR_INIT;

    fl_tc_flow_init(&filters.scratch, ports);
    fl_orphan_judge_init(&filters.judge, inv, ports);
    filters.judge.offloads = looked_after != FL_FACT_NO;
    facts->counts.filters_known = !fl_tc_dump(&all, &sink, NULL, &err);
    facts->counts.orphans_known = facts->counts.filters_known &&
                                  (looked_after != FL_FACT_UNKNOWN || !facts->counts.filters);
    fl_tc_flow_uninit(&filters.scratch);
    fl_ports_destroy(ports);
}

struct connections {
    const struct fl_storage *storage;
    struct fl_offload_counts *counts;
};

static int count_connection(const struct fl_connection *connection, void *aux)
{
    struct connections *connections = aux;

    if (connection->proto == IPPROTO_TCP && fl_connection_is_open(connection) &&
        fl_storage_client(connections->storage, connection)) {
        connections->counts->connections++;
        connections->counts->connections_in_hw += connection->offload ==
                                                  FL_CONNECTION_OFFLOAD_HARDWARE;
    }
    return 0;
}

static void count_connections(struct fl_offload_counts *counts, const struct fl_storage *storage)
{
    struct connections connections = { .storage = storage, .counts = counts };
    struct fl_error err = FL_ERROR_INIT;
    int ret = fl_conntrack_dump(FL_CONNTRACK_ALL_ZONES, AF_UNSPEC, count_connection, &connections,
                                &err);

    /* Without the module nothing is tracked that could be in the NIC. */
    counts->connections_known = !ret || ret == -ENODEV;
}

void fl_kernel_facts_read_setup(struct fl_kernel_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    fl_nic_init(&facts->nic);
    fl_nic_read(&facts->nic, &facts->nic_err);
    facts->recirc = read_recirculation();
    fl_log_offload_read(&facts->log);
    read_ingress(facts);
}

void fl_kernel_facts_read(struct fl_kernel_facts *facts, const struct fl_inventory *inv,
                          const struct fl_storage *storage)
{
    fl_kernel_facts_read_setup(facts);
    count_flows(&facts->counts);
    count_filters(facts, inv);
    count_connections(&facts->counts, storage);
}

bool fl_kernel_has_ingress(const struct fl_kernel_facts *facts, int ifindex)
{
    for (size_t i = 0; i < facts->n_ingress; i++) {
        if (facts->ingress[i] == ifindex)
            return true;
    }
    return false;
}

void fl_kernel_facts_destroy(struct fl_kernel_facts *facts)
{
    fl_nic_destroy(&facts->nic);
    free(facts->ingress);
}
