/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls one function of lib/ovs/ and prints what came of it, for tests/integration/ovs_edges.py. OVS is
 * found through OVS_RUNDIR. Exit code: 0, or 1 with "errno: sentence" on standard error.
 *
 *     edges db [REMOTE]                   edges run COMMAND [ARGUMENT...]
 *     edges stream COMMAND [ARGUMENT...]  edges dump [FILTER]
 *     edges connections ZONE MAX          edges trace BRIDGE PACKET ACTIONS|- [STATE...]
 *     edges replace BRIDGE COOKIE FILE    edges delete BRIDGE COOKIE MASK
 *     edges presence BRIDGE COOKIE FILE   edges regbit BRIDGE
 *     edges flows BRIDGE                  edges flood BRIDGE RATE N FLOW
 *     edges watch BRIDGE COOKIE FILE [stable]
 *     edges reading BRIDGE [tests]        edges worlds BRIDGE PACKET
 *     edges fates BRIDGE IN_PORT METADATA PACKET N [STATE...]
 *     edges ovn COOKIE...
 *
 * watch prints what changes until its standard input ends, and what that has cost. stable: no header is
 * rewritten. flood adds and deletes FLOW in turn, N times in all, RATE times a second (0: as fast as can
 * be).
 *
 * reading prints the fingerprint, or the tests of dl_src that packets of port 1, of port 2 and of any port
 * may meet.
 *
 * ovn looks for OVN's rows behind flows of br-int with these cookies, and ends with the memory that it took.
 *
 * FILE holds one rule a line, "PRIORITY;MATCH;ACTIONS". EDGES_TIMEOUT_MS: 5000 unless set.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openvswitch/match.h>
#include <openvswitch/ofp-flow.h>
#include <openvswitch/ofp-util.h>
#include <openvswitch/poll-loop.h>
#include <ovs/fatal-signal.h>
#include <ovs/packets.h>
#include <ovs/random.h>
#include <ovs/timeval.h>
#include <ovs/util.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "flows/draw.h"
#include "flows/flowset.h"
#include "flows/inventory.h"
#include "flows/limits.h"
#include "flows/region.h"
#include "lib/ovs/ctl.h"
#include "lib/ovs/db.h"
#include "lib/ovs/dump.h"
#include "lib/ovs/monitor.h"
#include "lib/ovs/openflow.h"
#include "lib/ovs/openflow_conn.h"
#include "lib/ovs/openflow_reading.h"
#include "lib/ovs/trace.h"
#include "lib/packet.h"
#include "tests/integration/edges_ovn.h"

static struct fl_error error_text = FL_ERROR_INIT;

static int timeout_ms(void)
{
    const char *text = getenv("EDGES_TIMEOUT_MS");

    return text ? atoi(text) : 5000;
}

static int run_db(char *argv[])
{
    struct fl_inventory inv;
    int error = fl_db_read(argv[0], &fl_vm_keys_default, timeout_ms(), &inv, &error_text);

    if (error) {
        return error;
    }
    printf("version %s\n", inv.ovs_version ? inv.ovs_version : "-");
    for (size_t i = 0; i < inv.n_bridges; i++) {
        printf("bridge %s %s\n", inv.bridges[i].name, inv.bridges[i].datapath_type);
    }
    for (size_t i = 0; i < inv.n_interfaces; i++) {
        const struct fl_interface *iface = &inv.interfaces[i];

        printf("interface %s bridge %s port %s ofport %" PRIu32 " tag %d vm %s\n", iface->name,
               iface->bridge, iface->port, (uint32_t)iface->ofport, iface->tag,
               iface->vm < 0 ? "-" : inv.vms[iface->vm].id);
    }
    fl_inventory_destroy(&inv);
    return 0;
}

static int run_ovn(char *argv[])
{
    return fl_edges_ovn(timeout_ms(), argv, &error_text);
}

static int with_ctl(int (*run)(struct fl_ctl *, char *argv[]), char *argv[])
{
    struct fl_ctl *ctl;
    int error = fl_ctl_open(NULL, timeout_ms(), &ctl, &error_text);

    if (error) {
        return error;
    }
    error = run(ctl, argv);
    fl_ctl_close(ctl);
    return error;
}

static int run_command(struct fl_ctl *ctl, char *argv[])
{
    char *reply;
    int error = fl_ctl_run(ctl, argv[0], (const char *const *)(argv + 1), &reply, &error_text);

    if (error) {
        return error;
    }
    fputs(reply, stdout);
    free(reply);
    return 0;
}

static int print_bytes(const void *bytes, size_t n_bytes, void *aux OVS_UNUSED)
{
    return fwrite(bytes, 1, n_bytes, stdout) == n_bytes ? 0 : -EIO;
}

static int run_stream(struct fl_ctl *ctl, char *argv[])
{
    return fl_ctl_stream(ctl, argv[0], (const char *const *)(argv + 1), print_bytes, NULL,
                         &error_text);
}

static int run_dump(struct fl_ctl *ctl, char *argv[])
{
    struct fl_dump_options options = { .filter = argv[0], .pause_ms = 0 };
    struct fl_inventory inv;
    int error = fl_db_read(NULL, &fl_vm_keys_default, timeout_ms(), &inv, &error_text);

    if (error) {
        return error;
    }
    error = fl_dump_flows(ctl, &inv, &options, print_bytes, NULL, &error_text);
    fl_inventory_destroy(&inv);
    return error;
}

static int run_connections(struct fl_ctl *ctl, char *argv[])
{
    struct fl_connection *connections = NULL;
    size_t n = 0;
    int error = fl_dump_connections(ctl, (uint16_t)atoi(argv[0]), (size_t)atoi(argv[1]),
                                    &connections, &n, &error_text);

    if (!error || error == -E2BIG) {
        printf("%" PRIuSIZE " connections\n", n);
    }
    for (size_t i = 0; i < n; i++) {
        printf("proto %u port %u established %d nat %d\n", connections[i].proto,
               connections[i].orig_dport, connections[i].established,
               fl_connection_has_nat(&connections[i]));
    }
    free(connections);
    return error;
}

static void print_fate(const struct fl_fate *fate)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    fl_fate_format(fate, &text);
    printf("fate %s\n", ds_cstr(&text));
    ds_clear(&text);
    fl_fate_format_involved(fate->involves, &text);
    printf("involves %s\n", ds_cstr(&text));
    ds_clear(&text);
    match_format(&fate->region, NULL, &text, OFP_DEFAULT_PRIORITY);
    printf("region %s\n", ds_cstr(&text));
    ds_destroy(&text);
}

static int run_worlds(struct fl_ctl *ctl, char *argv[])
{
    struct fl_worlds worlds;
    int error = fl_trace_worlds(ctl, argv[0], argv[1], NULL, &worlds, &error_text);

    if (error) {
        return error;
    }
    printf("asked %u tested %u\n", worlds.n_asked, worlds.n_tested);
    for (enum fl_world world = 0; world < FL_N_WORLDS; world++) {
        printf("world %s\n", fl_world_name(world));
        print_fate(worlds.traces[world]->fate);
    }
    fl_worlds_release(&worlds);
    return 0;
}

static uint32_t random_bits(void *aux OVS_UNUSED)
{
    return random_uint32();
}

/* One that can be written; NULL where there seems to be none. */
static char *random_packet(const struct match *region, const struct match *in_port,
                           struct flow *packet)
{
    struct match here;
    char *text = NULL;

    if (!fl_region_intersect(region, in_port, &here)) {
        return NULL;
    }
    for (unsigned int i = 0; !text && i < 1000; i++) {
        text = fl_draw_at_random(&here, random_bits, NULL, packet) ? fl_packet_text(packet, 0, 0)
                                                                   : NULL;
    }
    return text;
}

/*
 * Traces PACKET, and then N packets drawn from its region: all must have the same fate. Packets as
 * fl_packet_text() writes them; METADATA is put to them.
 */
static int run_fates(struct fl_ctl *ctl, char *argv[])
{
    const char *const *states = (const char *const *)(argv + 5);
    struct fl_trace *trace, *other;
    struct match in_port;
    int error = fl_trace_run(ctl, argv[0], argv[3], states, NULL, &trace, &error_text);

    if (error) {
        return error;
    }
    print_fate(trace->fate);
    match_init_catchall(&in_port);
    match_set_in_port(&in_port, OFP_PORT_C((uint16_t)atoi(argv[1])));
    for (int i = atoi(argv[4]); !error && i > 0; i--) {
        struct flow packet;
        char *text, *line;

        text = random_packet(&trace->fate->region, &in_port, &packet);
        if (!text) {
            error = fl_error_set(&error_text, -ENOENT, "no packet can be drawn");
            break;
        }
        line = xasprintf("%s,metadata=%s", text, argv[2]);
        error = fl_trace_run(ctl, argv[0], line, states, NULL, &other, &error_text);
        if (!error) {
            if (!fl_fate_covers(trace->fate, &packet) || !fl_fate_covers(other->fate, &packet)) {
                printf("not covered: %s\n", line);
            }
            if (!fl_fate_same(trace->fate, other->fate, &other->fate->region)) {
                printf("differs: %s\n", line);
                print_fate(other->fate);
            }
            fl_trace_destroy(other);
        }
        free(text);
        free(line);
    }
    fl_trace_destroy(trace);
    return error;
}

static int run_trace(struct fl_ctl *ctl, char *argv[])
{
    const char *actions = strcmp(argv[2], "-") ? argv[2] : NULL;
    struct fl_trace *trace;
    int error = fl_trace_run(ctl, argv[0], argv[1], (const char *const *)(argv + 3), actions,
                             &trace, &error_text);

    if (error) {
        return error;
    }
    printf("steps %" PRIuSIZE "\n", trace->n_steps);
    print_fate(trace->fate);
    fl_trace_destroy(trace);
    return 0;
}

static void add_rule(struct fl_flowset *set, const char *bridge, char *line)
{
    struct fl_rule *rule = fl_flowset_add(set);
    char *save = NULL;
    int priority = atoi(strtok_r(line, ";", &save));
    char *match = strtok_r(NULL, ";", &save);
    char *actions = strtok_r(NULL, ";\n", &save);
    struct ofputil_flow_stats_request request;
    enum ofputil_protocol usable;
    char *wrong = parse_ofp_flow_stats_request_str(&request, false, match, NULL, NULL, &usable);

    if (wrong) {
        fprintf(stderr, "%s: %s\n", match, wrong);
        exit(2);
    }
    rule->bridge = xstrdup(bridge);
    rule->priority = (uint16_t)priority;
    rule->match = request.match;
    rule->actions = xstrdup(actions);
}

static void read_rules(struct fl_flowset *set, const char *bridge, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[4096];

    fl_flowset_init(set, "edges", "edges");
    if (!file) {
        exit(2);
    }
    while (fgets(line, sizeof line, file)) {
        add_rule(set, bridge, line);
    }
    fclose(file);
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 0);
}

static int run_replace(struct fl_openflow *of, char *argv[])
{
    struct fl_flowset set;
    int error;

    read_rules(&set, argv[0], argv[2]);
    error = fl_openflow_replace(of, number(argv[1]), set.rules, set.n_rules, &error_text);
    fl_flowset_destroy(&set);
    return error;
}

static int run_presence(struct fl_openflow *of, char *argv[])
{
    struct fl_presence presence;
    struct fl_flowset set;
    int error;

    read_rules(&set, argv[0], argv[2]);
    error = fl_openflow_presence(of, number(argv[1]), set.rules, set.n_rules, &presence,
                                 &error_text);
    if (!error) {
        printf("present %" PRIuSIZE " foreign %" PRIuSIZE " packets %" PRIu64 "\n",
               presence.n_present, presence.n_foreign, presence.packets);
    }
    fl_flowset_destroy(&set);
    return error;
}

static int run_delete(struct fl_openflow *of, char *argv[])
{
    size_t n = 0;
    int error = fl_openflow_delete(of, number(argv[1]), number(argv[2]), &n, &error_text);

    if (!error) {
        printf("deleted %" PRIuSIZE "\n", n);
    }
    return error;
}

static int run_regbit(struct fl_openflow *of, char *argv[] OVS_UNUSED)
{
    struct fl_reg_bit bit = { .mask = 0 };
    struct fl_openflow_reading reading;
    int error = fl_openflow_read(of, NULL, NULL, 0, &reading, &error_text);

    if (error) {
        return error;
    }
    error = fl_openflow_free_reg_bit(&reading, &bit, &error_text);
    if (!error) {
        printf("reg%u 0x%" PRIx32 "\n", bit.reg, bit.mask);
    }
    fl_openflow_reading_release(&reading);
    return error;
}

static void print_tests(const char *of_what, const struct fl_openflow_tests *tests)
{
    const struct fl_openflow_test *test;

    HMAP_FOR_EACH(test, node, &tests->by_hash) {
        char *text = minimatch_to_string(&test->match, NULL, OFP_DEFAULT_PRIORITY);

        printf("%s: %s\n", of_what, text);
        free(text);
    }
}

static int run_reading(struct fl_openflow *of, char *argv[])
{
    const ofp_port_t ports[] = { (OVS_FORCE ofp_port_t)1, (OVS_FORCE ofp_port_t)2 };
    struct fl_openflow_reading reading;
    struct flow headers;
    int error;

    memset(&headers, 0, sizeof headers);
    memset(&headers.dl_src, 0xff, sizeof headers.dl_src);
    error = fl_openflow_read(of, &headers, ports, ARRAY_SIZE(ports), &reading, &error_text);
    if (error) {
        return error;
    }
    if (argv[1]) {
        print_tests("1", fl_openflow_tests_of(&reading, ports[0]));
        print_tests("2", fl_openflow_tests_of(&reading, ports[1]));
        print_tests("any", fl_openflow_tests_of(&reading, OFPP_ANY));
    } else {
        printf("%016" PRIx64 "\n", reading.fingerprint);
    }
    fl_openflow_reading_release(&reading);
    return 0;
}

static int run_flows(struct fl_openflow *of, char *argv[] OVS_UNUSED)
{
    struct ofputil_flow_stats *flows;
    size_t n;
    int error = fl_openflow_dump(of, 0, 0, &flows, &n, &error_text);

    if (error) {
        return error;
    }
    printf("%" PRIuSIZE " flows\n", n);
    fl_openflow_flows_free(flows, n);
    return 0;
}

static int barrier(struct fl_openflow *of)
{
    struct ofpbuf *request = ofputil_encode_barrier_request(FL_OPENFLOW_VERSION), *reply;
    ovs_be32 xid = ((const struct ofp_header *)request->data)->xid;
    int error = fl_openflow_send(of, request, &error_text);
    bool done = false;

    while (!error && !done) {
        error = fl_openflow_receive(of, &reply, &error_text);
        if (!error) {
            done = ((const struct ofp_header *)reply->data)->xid == xid;
            ofpbuf_delete(reply);
        }
    }
    return error;
}

static int run_flood(struct fl_openflow *of, char *argv[])
{
    uint64_t rate = number(argv[1]), n = number(argv[2]);
    struct ofputil_flow_mod mod;
    enum ofputil_protocol usable;
    char *wrong = parse_ofp_flow_mod_str(&mod, argv[3], NULL, NULL, OFPFC_ADD, &usable);
    long long started_ms = time_msec();
    int error = 0;

    if (wrong) {
        fprintf(stderr, "%s: %s\n", argv[3], wrong);
        exit(2);
    }
    mod.out_port = OFPP_ANY;
    mod.out_group = OFPG_ANY;
    for (uint64_t i = 0; i < n && !error; i++) {
        mod.command = i % 2 ? OFPFC_DELETE_STRICT : OFPFC_ADD;
        error = fl_openflow_send(of, ofputil_encode_flow_mod(&mod, FL_OPENFLOW_PROTOCOL),
                                 &error_text);
        if (!rate && i % 1000 == 999) {
            error = error ? error : barrier(of);
        }
        while (rate && time_msec() - started_ms < (long long)(i * 1000 / rate)) {
            poll_timer_wait(1);
            poll_block();
        }
    }
    error = error ? error : barrier(of);
    minimatch_destroy(&mod.match);
    free(mod.ofpacts);
    return error;
}

static void print_changes(const struct fl_changes *changes)
{
    static const char *const words[] = { "flows", "groups", "ports", "ours", "unseen" };

    printf("changed");
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (changes->what & 1u << i) {
            printf(" %s", words[i]);
        }
    }
    printf(": %" PRIu64 " in %lld ms: %s\n", changes->n, changes->latest_ms - changes->first_ms,
           changes->example);
}

static void print_status(const struct fl_monitor *monitor, int *before)
{
    struct fl_error why = FL_ERROR_INIT;
    int status = fl_monitor_status(monitor, &why);

    if (status != *before && !status) {
        printf("live\n");
    } else if (status != *before) {
        printf("%s: %s\n", strerrorname_np(-status), why.text);
    }
    *before = status;
}

/* All of a header, and no register. */
static void stable_headers(struct flow *stable)
{
    memset(stable, 0, sizeof *stable);
    stable->in_port.ofp_port = OFP_PORT_C(UINT16_MAX);
    memset((char *)stable + offsetof(struct flow, dl_dst), 0xff,
           sizeof *stable - offsetof(struct flow, dl_dst));
}

static void print_cost(const struct fl_monitor *monitor, long long started_ms)
{
    const struct fl_monitor_counts *counts = fl_monitor_counts(monitor);
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    printf("cost cpu_ms %lld wall_ms %lld messages %" PRIu64 " flows %" PRIu64 " left_out %" PRIu64
           " pauses %" PRIu64 " connected %" PRIu64 "\n",
           (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000LL +
               (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000,
           time_msec() - started_ms, counts->n_messages, counts->n_flows, counts->n_left_out,
           counts->n_pauses, counts->n_connected);
}

/* Return: false when standard input has ended. */
static bool watch_once(struct fl_monitor *monitor, struct fl_remedy_scope *scope, int input,
                       int *status)
{
    struct fl_changes changes;
    char byte;

    fl_monitor_run(monitor);
    print_status(monitor, status);
    if (fl_scope_due_ms(scope) <= time_msec() && fl_scope_take(scope, &changes)) {
        print_changes(&changes);
    }
    fflush(stdout);
    fl_monitor_wait(monitor);
    poll_timer_wait_until(fl_scope_due_ms(scope));
    poll_fd_wait(input, POLLIN);
    poll_block();
    return read(input, &byte, 1) != 0;
}

static int run_watch(char *argv[])
{
    long long started_ms = time_msec();
    struct fl_flowset set;
    struct fl_monitor *monitor;
    struct fl_remedy_scope *scope;
    struct match regions[FL_LIMIT_RULES];
    struct flow stable;
    int status = 1, input = dup(STDIN_FILENO); /* poll_fd_wait() takes no 0 */
    int error = fl_monitor_open(argv[0], &monitor, &error_text);

    if (error) {
        return error;
    }
    read_rules(&set, argv[0], argv[2]);
    for (size_t i = 0; i < set.n_rules; i++) {
        regions[i] = set.rules[i].match;
    }
    stable_headers(&stable);
    scope = fl_monitor_watch(monitor, number(argv[1]));
    fl_scope_set(scope, regions, set.n_rules, argv[3] ? &stable : NULL);
    fcntl(input, F_SETFL, O_NONBLOCK);
    while (watch_once(monitor, scope, input, &status)) {
    }
    print_cost(monitor, started_ms);
    fl_monitor_close(monitor);
    fl_flowset_destroy(&set);
    return 0;
}

static int with_bridge(int (*run)(struct fl_openflow *, char *argv[]), char *argv[])
{
    struct fl_openflow *of;
    int error = fl_openflow_open(argv[0], timeout_ms(), &of, &error_text);

    if (error) {
        return error;
    }
    error = run(of, argv);
    fl_openflow_close(of);
    return error;
}

struct verb {
    const char *name;
    int n_arguments; /* at least */
    int (*plain)(char *argv[]);
    int (*ctl)(struct fl_ctl *, char *argv[]);
    int (*bridge)(struct fl_openflow *, char *argv[]);
};

static const struct verb verbs[] = {
    { "db", 0, run_db, NULL, NULL },
    { "ovn", 0, run_ovn, NULL, NULL },
    { "run", 1, NULL, run_command, NULL },
    { "stream", 1, NULL, run_stream, NULL },
    { "dump", 0, NULL, run_dump, NULL },
    { "connections", 2, NULL, run_connections, NULL },
    { "trace", 3, NULL, run_trace, NULL },
    { "worlds", 2, NULL, run_worlds, NULL },
    { "fates", 5, NULL, run_fates, NULL },
    { "replace", 3, NULL, NULL, run_replace },
    { "presence", 3, NULL, NULL, run_presence },
    { "delete", 3, NULL, NULL, run_delete },
    { "regbit", 1, NULL, NULL, run_regbit },
    { "reading", 1, NULL, NULL, run_reading },
    { "flows", 1, NULL, NULL, run_flows },
    { "flood", 4, NULL, NULL, run_flood },
    { "watch", 3, run_watch, NULL, NULL },
};

static int run_verb(const struct verb *verb, char *argv[])
{
    if (verb->plain) {
        return verb->plain(argv);
    }
    return verb->ctl ? with_ctl(verb->ctl, argv) : with_bridge(verb->bridge, argv);
}

int main(int argc, char *argv[])
{
    fatal_ignore_sigpipe();
    for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++) {
        int error;

        if (strcmp(argv[1], verbs[i].name) || argc - 2 < verbs[i].n_arguments) {
            continue;
        }
        error = run_verb(&verbs[i], argv + 2);
        if (error) {
            fprintf(stderr, "%s: %s\n", strerrorname_np(-error), error_text.text);
        }
        return error != 0;
    }
    fputs("usage: see the comment at the top of edges.c\n", stderr);
    return 2;
}
