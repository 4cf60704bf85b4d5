/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ovs-vswitchd's main thread makes a dump's whole reply before it does anything else (the datapath
 * itself is not touched by that). Measured on OVS 3.1.0 with 50,000 flows of a userspace datapath, on
 * 2 cores, as the longest wait of a second connection's "version":
 *
 *     dump-flows -m, all at once                           900 to 1,040 ms (18 us a flow)
 *     ... --no-names                                       no better
 *     without -m                                           630 ms, but nothing tells what is offloaded
 *     pmd= of a PMD with no flows, type= of none           125 ms (2.5 us a flow to walk past)
 *     filter= that no flow fits                            270 ms (5 us a flow)
 *     filter=in_port=P, for one of 16 ports                300 to 360 ms; all 16 of them: 4.6 s
 *     pmd= of one of 5 threads, 62,500 flows in all        540 ms instead of 1,070 to 1,800 ms
 *
 * So flows are asked for one PMD at a time where there are many, with a pause between: every flow
 * belongs to exactly one, and the walk past the others is cheap. Other splits are not used: type= loses
 * a flow that is offloaded or falls back between two commands, and a filter for each port costs more
 * in sum than it saves at a time. A caller's filter loses no flow that has a packet in common with it,
 * since OVS lets bits that a flow leaves wild fit anything; but it only looks at one link of a chain.
 */
#include "lib/ovs/dump.h"

#include <errno.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/fatal-signal.h>
#include <ovs/packets.h>
#include <ovs/sset.h>
#include <ovs/svec.h>
#include <ovs/util.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"

static void release_sset(struct sset *sset)
{
    sset_destroy(sset);
}

/*
 * The datapaths that bridges use, as dpctl names them: "netdev@ovs-netdev". All bridges of a type share
 * one datapath, "ovs-TYPE". Source: OVS 3.1 ofproto/ofproto-dpif.c, open_dpif_backer().
 */
static void datapaths_in_use(const struct fl_inventory *inv, struct sset *names)
{
    for (size_t i = 0; i < inv->n_bridges; i++) {
        const char *type = inv->bridges[i].datapath_type;

        sset_add_and_free(names, xasprintf("%s@ovs-%s", type, type));
    }
}

/* Those that ovs-vswitchd has open. */
static int list_datapaths(struct fl_ctl *ctl, struct sset *names, struct fl_error *err)
{
    _cleanup_free char *reply = NULL;
    int error = fl_ctl_run(ctl, "dpctl/dump-dps", NULL, &reply, err);

    if (!error) {
        sset_from_delimited_string(names, reply, "\n");
    }
    return error;
}

/* Less than this many flows take some 100 ms: one command does. */
#define SPLIT_FLOWS 5000

struct dump {
    struct fl_ctl *ctl;
    const struct fl_dump_options *options;
    fl_ctl_sink *sink;
    void *aux;
    struct fl_error *err;
};

/* @pmd: "pmd=1", or NULL for all threads */
static int dump_part(struct dump *dump, const char *datapath, const char *pmd)
{
    const char *filter = dump->options->filter;
    _cleanup_free char *filter_argument = filter ? xasprintf("filter=%s", filter) : NULL;
    const char *argv[] = { "-m", datapath, pmd ? pmd : filter_argument,
                           pmd ? filter_argument : NULL, NULL };
    int error = fl_ctl_stream(dump->ctl, "dpctl/dump-flows", argv, dump->sink, dump->aux,
                              dump->err);

    poll(NULL, 0, dump->options->pause_ms);
    fatal_signal_run();
    return error;
}

static bool has_many_flows(struct fl_ctl *ctl, const char *datapath)
{
    const char *argv[] = { datapath, NULL };
    _cleanup_free char *reply = NULL;
    const char *flows;
    unsigned long long n;

    /* Without a number, one command it is. */
    if (fl_ctl_run(ctl, "dpctl/show", argv, &reply, NULL)) {
        return false;
    }
    flows = strstr(reply, "\n  flows: ");
    return flows && ovs_scan(flows, "\n  flows: %llu", &n) && n >= SPLIT_FLOWS;
}

/*
 * The threads that hold flows of a userspace datapath, as headings of a dump: "flow-dump from pmd on cpu
 * core: 1:". None for a kernel datapath.
 */
static void list_pmds(struct fl_ctl *ctl, const char *datapath, struct svec *headings)
{
    const char *argv[] = { strchr(datapath, '@') + 1, NULL };
    _cleanup_free char *reply = NULL;
    char *save = NULL;

    if (!strncmp(datapath, "system@", 7) ||
        fl_ctl_run(ctl, "dpif-netdev/pmd-stats-show", argv, &reply, NULL)) {
        return;
    }
    for (char *line = strtok_r(reply, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        int core;

        if (ovs_scan(line, "pmd thread numa_id %*d core_id %d:", &core)) {
            svec_add_nocopy(headings, xasprintf("flow-dump from pmd on cpu core: %d\n", core));
        } else if (!strcmp(line, "main thread:")) {
            svec_add(headings, "flow-dump from the main thread:\n");
        }
    }
    svec_sort(headings);
}

/* With pmd=, OVS leaves out the heading: we print it as OVS does without. */
static int dump_pmd(struct dump *dump, const char *datapath, const char *heading)
{
    char pmd[32] = "pmd=-1";
    int core, error;

    if (ovs_scan(heading, "flow-dump from pmd on cpu core: %d", &core)) {
        snprintf(pmd, sizeof pmd, "pmd=%d", core);
    }
    error = dump->sink(heading, strlen(heading), dump->aux);
    return error ? error : dump_part(dump, datapath, pmd);
}

static void release_svec(struct svec *svec)
{
    svec_destroy(svec);
}

static int dump_datapath(struct dump *dump, const char *datapath)
{
    _cleanup_(release_svec) struct svec before = SVEC_EMPTY_INITIALIZER;
    _cleanup_(release_svec) struct svec after = SVEC_EMPTY_INITIALIZER;

    if (has_many_flows(dump->ctl, datapath)) {
        list_pmds(dump->ctl, datapath, &before);
    }
    if (before.n < 2) {
        return dump_part(dump, datapath, NULL);
    }
    for (size_t i = 0; i < before.n; i++) {
        int error = dump_pmd(dump, datapath, before.names[i]);

        if (error) {
            return error;
        }
    }
    list_pmds(dump->ctl, datapath, &after);
    if (!svec_equal(&before, &after)) {
        return fl_error_set(dump->err, -EAGAIN,
                            "the PMD threads of %s changed while its flows were read; try again",
                            datapath);
    }
    return 0;
}

int fl_dump_flows(struct fl_ctl *ctl, const struct fl_inventory *inv,
                  const struct fl_dump_options *options, fl_ctl_sink *sink, void *aux,
                  struct fl_error *err)
{
    _cleanup_(release_sset) struct sset in_use = SSET_INITIALIZER(&in_use);
    _cleanup_(release_sset) struct sset present = SSET_INITIALIZER(&present);
    struct dump dump = { ctl, options, sink, aux, err };
    const char *datapath, *missing = NULL;
    int error = list_datapaths(ctl, &present, err);

    datapaths_in_use(inv, &in_use);
    SSET_FOR_EACH(datapath, &in_use) {
        if (error) {
            return error;
        }
        if (sset_contains(&present, datapath)) {
            error = dump_datapath(&dump, datapath);
        } else {
            missing = datapath;
        }
    }
    if (!error && missing) {
        return fl_error_set(err, -ENODEV,
                            "ovs-vswitchd has not opened datapath %s, which a bridge wants; see "
                            "ovs-vsctl show",
                            missing);
    }
    return error;
}

struct connection_list {
    struct fl_connection *connections;
    size_t n, allocated, max;
    struct ds line; /* what came of a line so far */
};

static int take_line(struct connection_list *list)
{
    struct fl_connection connection;
    bool understood = fl_connection_parse(ds_cstr(&list->line), &connection);

    ds_clear(&list->line);
    if (!understood) {
        return 0;
    }
    if (list->n >= list->max) {
        return -E2BIG;
    }
    if (list->n == list->allocated) {
        list->connections = x2nrealloc(list->connections, &list->allocated,
                                       sizeof *list->connections);
    }
    list->connections[list->n++] = connection;
    return 0;
}

static int take_text(const void *bytes_, size_t n_bytes, void *list_)
{
    struct connection_list *list = list_;
    const char *bytes = bytes_, *end = bytes + n_bytes;

    while (bytes < end) {
        const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        size_t n = (size_t)((newline ? newline : end) - bytes);
        int error = 0;

        if (list->line.length + n > FL_LIMIT_LINE_BYTES) {
            return -EMSGSIZE;
        }
        ds_put_buffer(&list->line, bytes, n);
        if (newline) {
            error = take_line(list);
        }
        if (error) {
            return error;
        }
        bytes += n + (newline != NULL);
    }
    return 0;
}

static int dump_zone(struct fl_ctl *ctl, const char *datapath, uint16_t zone,
                     struct connection_list *list, struct fl_error *err)
{
    _cleanup_free char *zone_argument = xasprintf("zone=%u", zone);
    const char *argv[] = { "-m", datapath, zone_argument, NULL };
    int error = fl_ctl_stream(ctl, "dpctl/dump-conntrack", argv, take_text, list, err);

    return error ? error : take_line(list);
}

int fl_dump_connections(struct fl_ctl *ctl, uint16_t zone, size_t max,
                        struct fl_connection **connections, size_t *n, struct fl_error *err)
{
    _cleanup_(release_sset) struct sset datapaths = SSET_INITIALIZER(&datapaths);
    struct connection_list list = { .max = max };
    const char *datapath;
    int error = list_datapaths(ctl, &datapaths, err);

    if (error) {
        return error;
    }
    SSET_FOR_EACH(datapath, &datapaths) {
        error = dump_zone(ctl, datapath, zone, &list, err);
        if (error) {
            break;
        }
    }
    ds_destroy(&list.line);
    if (error && error != -E2BIG) {
        free(list.connections);
        return error;
    }
    *connections = list.connections;
    *n = list.n;
    return error;
}

/* The whole tuple: OVS before 3.1 knows no other. */
static char *tuple_text(const struct fl_connection *c)
{
    bool ipv4 = IN6_IS_ADDR_V4MAPPED(&c->orig_src);
    const char *family = ipv4 ? "ct_nw" : "ct_ipv6";
    struct ds text = DS_EMPTY_INITIALIZER;

    ds_put_format(&text, "%s_src=", family);
    ipv6_format_mapped(&c->orig_src, &text);
    ds_put_format(&text, ",%s_dst=", family);
    ipv6_format_mapped(&c->orig_dst, &text);
    ds_put_format(&text, ",ct_nw_proto=%u,ct_tp_src=%u,ct_tp_dst=%u", c->proto, c->orig_sport,
                  c->orig_dport);
    return ds_steal_cstr(&text);
}

/* @datapath: NULL for the only one */
static int forget_in(struct fl_ctl *ctl, const char *datapath, uint16_t zone, const char *tuple,
                     struct fl_error *err)
{
    _cleanup_free char *zone_argument = xasprintf("zone=%u", zone);
    const char *argv[] = { datapath, zone_argument, tuple, NULL };
    _cleanup_free char *reply = NULL;
    int error = fl_ctl_run(ctl, "dpctl/flush-conntrack", datapath ? argv : argv + 1, &reply, err);

    if (error == -EREMOTEIO && strstr(err->text, "No such file or directory")) {
        fl_error_clear(err); /* it has no such connection (any more) */
        return 0;
    }
    return error;
}

int fl_forget_connection(struct fl_ctl *ctl, const struct fl_connection *connection,
                         struct fl_error *err)
{
    _cleanup_(release_sset) struct sset datapaths = SSET_INITIALIZER(&datapaths);
    _cleanup_free char *tuple = tuple_text(connection);
    int error = list_datapaths(ctl, &datapaths, err);
    bool only_one = sset_count(&datapaths) == 1;
    const char *datapath;

    SSET_FOR_EACH(datapath, &datapaths) {
        if (error) {
            break;
        }
        /* OVS 3.1.0 takes a datapath's name here for a part of the tuple: left out where it can be. */
        error = forget_in(ctl, only_one ? NULL : datapath, connection->zone, tuple, err);
    }
    return error;
}
