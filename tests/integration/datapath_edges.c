/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls lib/datapath/ and lib/conntrack/ and prints what came of it, for tests/kernel/datapath.py.
 *
 *     datapath_edges list              the datapaths
 *     datapath_edges ports             ports of all of them
 *     datapath_edges flows             flows as dpctl/dump-flows -m prints them, and " path:P"
 *     datapath_edges counters          ufid, packets and bytes alone
 *     datapath_edges time N            N dumps: decoded, and only received; milliseconds of CPU each
 *     datapath_edges record FOLDER     netlink messages of the flows, one a file
 *     datapath_edges connections       the kernel's connections
 *     datapath_edges zone N            the same of one zone, through fl_conntrack_connections()
 *     datapath_edges forget N          deletes those of a zone
 */
#include <errno.h>
#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/conntrack/entries.h"
#include "lib/datapath/flows.h"
#include "lib/datapath/genl.h"

static struct fl_error error_text = FL_ERROR_INIT;

static int print_flow(const struct fl_flow *flow, void *aux OVS_UNUSED)
{
    printf("%s path:%s%s%s\n", flow->raw, fl_path_name(flow->path),
           flow->parse_error ? " error:" : "", flow->parse_error ? flow->parse_error : "");
    return 0;
}

static int print_counters(const struct fl_flow *flow, void *aux OVS_UNUSED)
{
    char id[37];

    fl_flow_format_id(flow, id);
    printf("%s packets:%" PRIu64 ", bytes:%" PRIu64 "\n", id, flow->packets, flow->bytes);
    return 0;
}

static int print_port(const struct fl_datapath_port *port, void *aux OVS_UNUSED)
{
    printf("port %" PRIu32 " %s type %" PRIu32 " ifindex %d\n", port->number, port->name,
           port->type, port->ifindex);
    return 0;
}

static int count_flow(const struct fl_flow *flow, void *n)
{
    *(uint64_t *)n += flow->packets != FL_COUNT_UNKNOWN;
    return 0;
}

static int for_each(struct fl_datapath *datapath, unsigned int flags, fl_decode_cb *cb, void *aux)
{
    struct fl_ports *ports = fl_ports_create();
    int error = 0;

    for (size_t i = 0; !error && i < fl_datapath_n(datapath); i++) {
        error = fl_datapath_dump(datapath, fl_datapath_info(datapath, i)->ifindex, ports, flags, cb,
                                 aux, &error_text);
    }
    fl_ports_destroy(ports);
    return error;
}

static int run_list(struct fl_datapath *datapath, char *argv[] OVS_UNUSED)
{
    for (size_t i = 0; i < fl_datapath_n(datapath); i++) {
        const struct fl_datapath_info *info = fl_datapath_info(datapath, i);

        printf("%s flows %" PRIu64 " masks %" PRIu32 " lost %" PRIu64 "\n", info->name,
               info->n_flows, info->n_masks, info->n_lost);
    }
    return 0;
}

static int run_ports(struct fl_datapath *datapath, char *argv[] OVS_UNUSED)
{
    int error = 0;

    for (size_t i = 0; !error && i < fl_datapath_n(datapath); i++) {
        error = fl_datapath_ports(datapath, fl_datapath_info(datapath, i)->ifindex, print_port,
                                  NULL, &error_text);
    }
    return error;
}

static int run_flows(struct fl_datapath *datapath, char *argv[] OVS_UNUSED)
{
    return for_each(datapath, FL_DECODE_KEEP_TEXT, print_flow, NULL);
}

static int run_counters(struct fl_datapath *datapath, char *argv[] OVS_UNUSED)
{
    return for_each(datapath, FL_DATAPATH_COUNTERS, print_counters, NULL);
}

/* The same dump, past lib/datapath/flows.c. */
static int dump_messages(struct fl_datapath *datapath, fl_genl_take *take, void *aux)
{
    struct fl_genl *genl = NULL;
    int error = fl_genl_open(&genl, &error_text);
    int family = error ? error : fl_genl_family(genl, OVS_FLOW_FAMILY);

    error = MIN(family, 0);
    for (size_t i = 0; !error && i < fl_datapath_n(datapath); i++) {
        struct ovs_header header = { fl_datapath_info(datapath, i)->ifindex };

        error = fl_genl_dump(genl, family, OVS_FLOW_CMD_GET, OVS_FLOW_VERSION, &header,
                             sizeof header, take, aux);
    }
    fl_genl_close(genl);
    return error;
}

static int discard(const void *payload OVS_UNUSED, size_t n_bytes, void *n)
{
    *(uint64_t *)n += n_bytes > 0;
    return 0;
}

static double cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static int run_time(struct fl_datapath *datapath, char *argv[])
{
    int error = 0;

    for (int i = 0; !error && i < atoi(argv[0]); i++) {
        double start = cpu_ms(), discarded, counted, decoded;
        uint64_t n = 0;

        error = dump_messages(datapath, discard, &n);
        discarded = cpu_ms();
        error = error ? error : for_each(datapath, FL_DATAPATH_COUNTERS, count_flow, &n);
        counted = cpu_ms();
        error = error ? error : for_each(datapath, 0, count_flow, &n);
        decoded = cpu_ms();
        printf("flows %" PRIu64 " discarded %.1f counters %.1f decoded %.1f\n", n / 3,
               discarded - start, counted - discarded, decoded - counted);
    }
    return error;
}

struct recording {
    const char *folder;
    unsigned int n;
};

static int record(const void *payload, size_t n_bytes, void *recording_)
{
    struct recording *recording = recording_;
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/flow-%04u", recording->folder, recording->n++);
    file = fopen(path, "wb");
    if (!file || fwrite(payload, 1, n_bytes, file) != n_bytes || fclose(file)) {
        return -EIO;
    }
    return 0;
}

static int run_record(struct fl_datapath *datapath, char *argv[])
{
    struct recording recording = { argv[0], 0 };

    return dump_messages(datapath, record, &recording);
}

static void print_end(const char *what, const struct in6_addr *src, const struct in6_addr *dst,
                      uint16_t sport, uint16_t dport)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    ipv6_format_mapped(src, &text);
    ds_put_cstr(&text, " dst=");
    ipv6_format_mapped(dst, &text);
    printf(" %s src=%s sport=%u dport=%u", what, ds_cstr(&text), sport, dport);
    ds_destroy(&text);
}

static int print_connection(const struct fl_connection *c, void *aux OVS_UNUSED)
{
    static const char *const offloads[] = { "unknown", "no", "software", "hardware" };

    printf("proto=%u", c->proto);
    print_end("orig", &c->orig_src, &c->orig_dst, c->orig_sport, c->orig_dport);
    print_end("reply", &c->reply_src, &c->reply_dst, c->reply_sport, c->reply_dport);
    printf(" zone=%u mark=%" PRIu32 " established=%d nat=%d offload=%s tcp_state=%u", c->zone,
           c->mark, c->established, fl_connection_has_nat(c), offloads[c->offload], c->tcp_state);
    if (c->orig_packets != FL_CONNECTION_COUNT_UNKNOWN) {
        printf(" packets=%" PRIu64 "/%" PRIu64, c->orig_packets, c->reply_packets);
    }
    putchar('\n');
    return 0;
}

static int run_connections(struct fl_datapath *datapath OVS_UNUSED, char *argv[] OVS_UNUSED)
{
    return fl_conntrack_dump(FL_CONNTRACK_ALL_ZONES, AF_UNSPEC, print_connection, NULL,
                             &error_text);
}

static int for_zone(char *zone, int (*act)(const struct fl_connection *, void *))
{
    struct fl_connection *connections = NULL;
    size_t n = 0;
    int error = fl_conntrack_connections((uint16_t)atoi(zone), 1000, &connections, &n, &error_text);

    for (size_t i = 0; !error && i < n; i++) {
        error = act(&connections[i], NULL);
    }
    free(connections);
    return error;
}

static int run_zone(struct fl_datapath *datapath OVS_UNUSED, char *argv[])
{
    return for_zone(argv[0], print_connection);
}

static int forget(const struct fl_connection *connection, void *aux OVS_UNUSED)
{
    int error = fl_conntrack_forget(connection, &error_text);

    return error ? error : fl_conntrack_forget(connection, &error_text); /* gone: no error */
}

static int run_forget(struct fl_datapath *datapath OVS_UNUSED, char *argv[])
{
    return for_zone(argv[0], forget);
}

static int with_datapath(int (*run)(struct fl_datapath *, char *argv[]), char *argv[])
{
    struct fl_datapath *datapath;
    int error = fl_datapath_open(&datapath, &error_text);

    if (error) {
        return error;
    }
    error = run(datapath, argv);
    fl_datapath_close(datapath);
    return error;
}

static const struct {
    const char *name;
    int n_arguments;
    int (*run)(struct fl_datapath *, char *argv[]);
    bool connections; /* needs no datapath */
} verbs[] = {
    { "list", 0, run_list, false },
    { "ports", 0, run_ports, false },
    { "flows", 0, run_flows, false },
    { "counters", 0, run_counters, false },
    { "time", 1, run_time, false },
    { "record", 1, run_record, false },
    { "connections", 0, run_connections, true },
    { "zone", 1, run_zone, true },
    { "forget", 1, run_forget, true },
};

int main(int argc, char *argv[])
{
    for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++) {
        int error;

        if (strcmp(argv[1], verbs[i].name) || argc - 2 < verbs[i].n_arguments) {
            continue;
        }
        error = verbs[i].connections ? verbs[i].run(NULL, argv + 2)
                                     : with_datapath(verbs[i].run, argv + 2);
        if (error) {
            fprintf(stderr, "%s: %s\n", strerrorname_np(-error), error_text.text);
        }
        return error != 0;
    }
    fputs("usage: see the comment at the top of datapath_edges.c\n", stderr);
    return 2;
}
