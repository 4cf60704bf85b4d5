/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls lib/tc for tests/kernel/: prints what it reads, or how long it takes.
 *
 *   tc_edges json  [DEV...]   each filter as JSON, one a line; then the statistics of the dump
 *   tc_edges flows [DEV...]   each filter as a flow: ufid, path, match and actions
 *   tc_edges terse [DEV...]   the same of a terse dump, without match and actions
 *   tc_edges count [DEV...]   nothing of them: time and memory of decoding and conversion
 *   tc_edges counters [DEV...] likewise, of a terse dump
 *   tc_edges bare DEV...      time of netlink dumps of the ingress of devices whose bytes are dropped
 *   tc_edges messages DEV     the messages of its ingress as hexadecimal text, one a line
 */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <openvswitch/match.h>
#include <ovs/odp-util.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "flows/tc_flow.h"
#include "flows/tc_json.h"
#include "lib/tc/filters.h"
#include "lib/tc/rtnl.h"

static struct fl_tc_flow scratch;
static unsigned int flow_flags;

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int print_json(const struct fl_tc_filter *filter, void *aux OVS_UNUSED)
{
    json_t *json = fl_tc_filter_json(filter);

    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(json);
    return 0;
}

static int print_flow(const struct fl_tc_filter *filter, void *aux OVS_UNUSED)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    char id[37], port[16];
    struct match match;
    struct fl_flow flow;

    fl_tc_to_flow(&scratch, filter, flow_flags, &flow);
    fl_flow_format_id(&flow, id);
    ds_put_format(&text, "%s %s in_port=%s packets=%lld hw=%lld used=%lld ",
                  flow.has_ufid ? id : "none", fl_path_name(flow.path),
                  fl_ports_name(scratch.ports, flow.in_port, port), (long long)flow.packets,
                  (long long)flow.hw_packets, (long long)flow.used_ms);
    minimatch_expand(&flow.match, &match);
    match.wc.masks.in_port.odp_port = 0;
    match_format(&match, NULL, &text, OFP_DEFAULT_PRIORITY);
    ds_put_cstr(&text, " actions=");
    if (flow.has_actions)
        format_odp_actions(&text, flow.actions, flow.actions_len, NULL);
    if (flow.parse_error)
        ds_put_format(&text, " (%s)", flow.parse_error);
    puts(ds_cstr(&text));
    ds_destroy(&text);
    return 0;
}

static int count_flow(const struct fl_tc_filter *filter, void *aux OVS_UNUSED)
{
    struct fl_flow flow;

    fl_tc_to_flow(&scratch, filter, flow_flags, &flow);
    return 0;
}

static int dump(int (*see)(const struct fl_tc_filter *, void *), char **devices, size_t n)
{
    const struct fl_tc_dump_options options = {
        .devices = n ? (const char *const *)devices : NULL,
        .n_devices = n,
        .terse = flow_flags & FL_TC_FLOW_COUNTERS,
    };
    const struct fl_tc_sink sink = { .filter = see };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_tc_dump_stats stats;
    double started = now();
    int ret = fl_tc_dump(&options, &sink, &stats, &err);
    double took = now() - started;
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("{\"filters\":%llu,\"other_kinds\":%llu,\"malformed\":%llu,\"interrupted\":%llu,"
           "\"places\":%u,\"vanished\":%u,\"ms\":%.3f,\"max_rss_kib\":%ld,\"error\":\"%s\"}\n",
           (unsigned long long)stats.filters, (unsigned long long)stats.other_kinds,
           (unsigned long long)stats.malformed, (unsigned long long)stats.interrupted, stats.places,
           stats.vanished, took * 1000, usage.ru_maxrss, err.text);
    return ret ? 1 : 0;
}

/* A dump of one device's ingress, of which nothing is decoded. */
static void bare_dump(const char *device, fl_rtnl_message_cb *see, void *aux)
{
    const struct tcmsg tc = {
        .tcm_ifindex = (int)if_nametoindex(device),
        .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
    };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_rtnl *rtnl;
    bool interrupted;
    int ret = fl_rtnl_open(&rtnl, &err);

    if (ret)
        ovs_fatal(0, "%s", err.text);
    fl_rtnl_request(rtnl, RTM_GETTFILTER, &tc, sizeof tc);
    ret = fl_rtnl_dump(rtnl, see, aux, &interrupted);
    if (ret)
        ovs_fatal(-ret, "cannot dump %s", device);
    fl_rtnl_close(rtnl);
}

static int count_bytes(const struct nlmsghdr *message, void *total)
{
    *(size_t *)total += message->nlmsg_len;
    return 0;
}

static int print_message(const struct nlmsghdr *message, void *aux OVS_UNUSED)
{
    const unsigned char *bytes = (const void *)message;

    for (size_t i = 0; i < message->nlmsg_len; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
    return 0;
}

static int run_bare(char **devices, size_t n)
{
    double started = now();
    size_t total = 0;

    for (size_t i = 0; i < n; i++)
        bare_dump(devices[i], count_bytes, &total);
    printf("{\"bytes\":%zu,\"ms\":%.3f}\n", total, (now() - started) * 1000);
    return 0;
}

int main(int argc, char **argv)
{
    struct fl_ports *ports = fl_ports_create();
    const char *what = argc > 1 ? argv[1] : "";
    char **devices = argv + 2;
    size_t n = argc > 2 ? (size_t)argc - 2 : 0;
    int status = 2;

    fl_tc_flow_init(&scratch, ports);
    if (!strcmp(what, "terse") || !strcmp(what, "counters"))
        flow_flags = FL_TC_FLOW_COUNTERS;
    if (!strcmp(what, "json"))
        status = dump(print_json, devices, n);
    else if (!strcmp(what, "flows") || !strcmp(what, "terse"))
        status = dump(print_flow, devices, n);
    else if (!strcmp(what, "count") || !strcmp(what, "counters"))
        status = dump(count_flow, devices, n);
    else if (!strcmp(what, "bare"))
        status = run_bare(devices, n);
    else if (!strcmp(what, "messages") && n == 1) {
        bare_dump(devices[0], print_message, NULL);
        status = 0;
    } else {
        fprintf(stderr, "usage: tc_edges json|flows|terse|count|counters|bare|messages [DEV...]\n");
    }
    fl_tc_flow_uninit(&scratch);
    fl_ports_destroy(ports);
    return status;
}
