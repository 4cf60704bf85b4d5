/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls fl_prove() and looks at what it says by single packets, for tests/proof/. OVS is found through
 * OVS_RUNDIR. Exit code: 0, or 1 with "errno: sentence" on standard error.
 *
 *     prover prove FILE RELAXATIONS       the proven set as JSON
 *     prover again SET RELAXATIONS [MS]   proves a set that is installed
 *     prover flows SET BRIDGE             a bridge's rules, for ovs-ofctl add-flows
 *     prover compare SET N SEED [HINTS]   N packets of its rules, with and without them
 *     prover within SET N SEED REGION [REGION]
 *                                         N packets of a region (or of what two share): how many does a rule
 *                                         match, and are those alike?
 *     prover mirror FILE                  does a mirror copy packets of these rules?
 *     prover differ BRIDGE PACKET GUARDED ACTIONS...
 *                                         is PACKET's fate by ACTIONS other than by the pipeline?
 *
 * FILE holds one rule a line, "BRIDGE;from-vm|to-vm;PRIORITY;MATCH;ACTIONS"; RELAXATIONS are those that
 * the policy allows, with commas between, or "-"; SET holds JSON; HINTS an OpenFlow match a line.
 */
#include <errno.h>
#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <openvswitch/match.h>
#include <openvswitch/ofp-flow.h>
#include <ovs/fatal-signal.h>
#include <ovs/random.h>
#include <ovs/svec.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "flows/mirror.h"
#include "flows/region.h"
#include "lib/ovs/db.h"
#include "lib/ovs/trace.h"
#include "lib/prove.h"

#define TIMEOUT_MS 20000

static struct fl_error error_text = FL_ERROR_INIT;

static void wrong(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(2);
}

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "r");

    if (!file) {
        wrong(path, strerror(errno));
    }
    return file;
}

static struct match read_match(const char *text)
{
    struct ofputil_flow_stats_request request;
    enum ofputil_protocol usable;
    char *why = parse_ofp_flow_stats_request_str(&request, false, text, NULL, NULL, &usable);

    if (why) {
        wrong(text, why);
    }
    request.match.wc.masks.packet_type = 0;
    return request.match;
}

static void add_rule(struct fl_flowset *set, char *line)
{
    struct fl_rule *rule = fl_flowset_add(set);
    char *save = NULL;
    const char *bridge = strtok_r(line, ";", &save);
    const char *direction = strtok_r(NULL, ";", &save);
    const char *priority = strtok_r(NULL, ";", &save);
    const char *match = strtok_r(NULL, ";", &save);
    const char *actions = strtok_r(NULL, ";\n", &save);

    if (!rule || !actions) {
        wrong(line, "no rule");
    }
    rule->bridge = xstrdup(bridge);
    rule->direction = strcmp(direction, "to-vm") ? FL_FROM_VM : FL_TO_VM;
    rule->priority = (uint16_t)atoi(priority);
    rule->match = read_match(match);
    rule->actions = xstrdup(actions);
}

static void read_rules(struct fl_flowset *set, const char *path)
{
    FILE *file = open_file(path);
    char line[4096];

    fl_flowset_init(set, "soak", "soak");
    while (fgets(line, sizeof line, file)) {
        add_rule(set, line);
    }
    fclose(file);
}

static void read_set(struct fl_flowset *set, const char *path)
{
    json_error_t why;
    json_t *json = json_load_file(path, 0, &why);

    if (!json) {
        wrong(path, why.text);
    }
    if (fl_flowset_from_json(json, set, &error_text)) {
        wrong(path, error_text.text);
    }
    json_decref(json);
}

static size_t read_hints(const char *path, struct match **hints)
{
    FILE *file = path ? open_file(path) : NULL;
    size_t n = 0, allocated = 0;
    char line[4096];

    *hints = NULL;
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (n == allocated) {
            *hints = x2nrealloc(*hints, &allocated, sizeof **hints);
        }
        (*hints)[n++] = read_match(line);
    }
    if (file) {
        fclose(file);
    }
    return n;
}

static void print_set(const struct fl_flowset *set)
{
    json_t *json = fl_flowset_to_json(set);

    json_dumpf(json, stdout, JSON_INDENT(1));
    puts("");
    json_decref(json);
}

/* @relaxations: changed */
static int prove(struct fl_ctl *ctl, struct fl_flowset *set, char *relaxations, bool as_it_is,
                 int64_t within_ms)
{
    struct fl_pipeline pipeline;
    struct fl_proof_of what = {
        .set = set,
        .pipeline = &pipeline,
        .as_it_is = as_it_is,
        .within_ms = within_ms,
    };
    struct svec allowed = SVEC_EMPTY_INITIALIZER;
    struct fl_config config;
    char **defaults;
    int error;

    for (char *id = strtok(relaxations, ","); id; id = strtok(NULL, ",")) {
        svec_add(&allowed, id);
    }
    svec_terminate(&allowed);
    fl_config_init(&config);
    defaults = config.allow_relaxations;
    config.allow_relaxations = allowed.names;
    error = fl_pipeline_read(set, &pipeline, &error_text);
    error = error ? error : fl_prove(ctl, &config, &what, &error_text);
    fl_pipeline_release(&pipeline);
    config.allow_relaxations = defaults;
    fl_config_destroy(&config);
    svec_destroy(&allowed);
    return error;
}

static int run_prove(struct fl_ctl *ctl, char *argv[])
{
    struct fl_flowset set;
    int error;

    read_rules(&set, argv[0]);
    error = prove(ctl, &set, argv[1], false, 0);
    if (!error) {
        print_set(&set);
    }
    fl_flowset_destroy(&set);
    return error;
}

static int run_again(struct fl_ctl *ctl, char *argv[])
{
    struct fl_flowset set;
    int error;

    read_set(&set, argv[0]);
    error = prove(ctl, &set, argv[1], true, argv[2] ? atol(argv[2]) : 0);
    if (!error) {
        print_set(&set);
    }
    fl_flowset_destroy(&set);
    return error;
}

static int run_flows(struct fl_ctl *ctl OVS_UNUSED, char *argv[])
{
    struct fl_flowset set;

    read_set(&set, argv[0]);
    for (size_t i = 0; i < set.n_rules; i++) {
        char *text = fl_rule_text(&set.rules[i], set.cookie);

        if (!strcmp(set.rules[i].bridge, argv[1])) {
            puts(text);
        }
        free(text);
    }
    fl_flowset_destroy(&set);
    return 0;
}

static void print_counts(const struct proof_counts *counts)
{
    json_t *json = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:s?}", "packets",
                             (json_int_t)counts->packets, "agreed", (json_int_t)counts->agreed,
                             "relaxed", (json_int_t)counts->relaxed, "disagreed",
                             (json_int_t)counts->disagreed, "missed", (json_int_t)counts->missed,
                             "traces", (json_int_t)counts->traces, "first", counts->first);

    json_dumpf(json, stdout, 0);
    puts("");
    json_decref(json);
}

static int run_compare(struct fl_ctl *ctl, char *argv[])
{
    struct proof_counts counts = { .first = NULL };
    struct fl_flowset set;
    struct match *hints;
    size_t n_hints = read_hints(argv[3], &hints);
    long n = atol(argv[1]);
    int error = 0;

    read_set(&set, argv[0]);
    random_set_seed((uint32_t)atol(argv[2]));
    for (long i = 0; !error && i < n; i++) {
        const struct fl_rule *rule = &set.rules[(size_t)i % set.n_rules];
        struct flow packet;

        if (!rule->decoy && draw_of_rule(rule, hints, n_hints, &packet)) {
            error = compare_packet(ctl, &set, rule, &packet, &counts, &error_text);
        }
    }
    if (!error) {
        print_counts(&counts);
    }
    free(counts.first);
    free(hints);
    fl_flowset_destroy(&set);
    return error;
}

static const struct fl_rule *rule_for(const struct fl_flowset *set, const struct flow *packet)
{
    for (size_t i = 0; i < set->n_rules; i++) {
        if (fl_region_has(&set->rules[i].match, packet)) {
            return &set->rules[i];
        }
    }
    return NULL;
}

/* Packets that no rule matches are counted as missed, and no trace is made of them. */
static int run_within(struct fl_ctl *ctl, char *argv[])
{
    struct proof_counts counts = { .first = NULL };
    struct match region = read_match(argv[3]);
    struct fl_flowset set;
    long n = atol(argv[1]);
    struct match also = read_match(argv[4] ? argv[4] : "");
    int error = 0;

    if (!packets_that_come(&region, &region) || !fl_region_intersect(&region, &also, &region)) {
        wrong(argv[3], "no packet");
    }
    read_set(&set, argv[0]);
    random_set_seed((uint32_t)atol(argv[2]));
    for (long i = 0; !error && i < n; i++) {
        const struct fl_rule *rule;
        struct flow packet;

        if (!draw_of_region(&region, &packet)) {
            continue;
        }
        rule = rule_for(&set, &packet);
        if (rule) {
            error = compare_packet(ctl, &set, rule, &packet, &counts, &error_text);
        } else {
            counts.packets++;
            counts.missed++;
        }
    }
    if (!error) {
        print_counts(&counts);
    }
    free(counts.first);
    fl_flowset_destroy(&set);
    return error;
}

static int run_mirror(struct fl_ctl *ctl OVS_UNUSED, char *argv[])
{
    struct fl_inventory inv;
    struct fl_flowset set;
    int error;

    read_rules(&set, argv[0]);
    fl_inventory_init(&inv);
    error = fl_db_read(NULL, &fl_vm_keys_default, TIMEOUT_MS, &inv, &error_text);
    if (!error) {
        error = fl_mirror_check_rules(&inv, &set, &error_text);
    }
    fl_inventory_destroy(&inv);
    fl_flowset_destroy(&set);
    return error;
}

/* Prints "differs" or "same", and what becomes of the packet in each world by the pipeline. */
static int run_differ(struct fl_ctl *ctl, char *argv[])
{
    struct fl_worlds worlds;
    struct fl_trace *ours;
    bool differs = false;
    int error = fl_trace_worlds(ctl, argv[0], argv[2], NULL, &worlds, &error_text);

    if (error) {
        return error;
    }
    error = fl_trace_run(ctl, argv[0], argv[1], NULL, argv[3], &ours, &error_text);
    for (enum fl_world world = 0; !error && world < FL_N_WORLDS; world++) {
        const struct fl_fate *theirs = worlds.traces[world]->fate;
        struct ds text = DS_EMPTY_INITIALIZER;
        struct match both = theirs->region;

        differs |= !fl_region_intersect(&both, &ours->fate->region, &both) ||
                   !fl_fate_same(theirs, ours->fate, &both) ||
                   (theirs->involves & ~ours->fate->involves &
                    (FL_INVOLVES_NAT | FL_INVOLVES_LEARN | FL_INVOLVES_CONTROLLER |
                     FL_INVOLVES_METER));
        fl_fate_format(theirs, &text);
        ds_put_char(&text, ' ');
        fl_fate_format_involved(theirs->involves, &text);
        printf("%s: %s\n", fl_world_name(world), ds_cstr(&text));
        ds_destroy(&text);
    }
    if (!error) {
        puts(differs ? "differs" : "same");
        fl_trace_destroy(ours);
    }
    fl_worlds_release(&worlds);
    return error;
}

static const struct verb {
    const char *name;
    int n_arguments; /* at least */
    int (*run)(struct fl_ctl *ctl, char *argv[]);
} verbs[] = {
    { "prove", 2, run_prove },     { "again", 2, run_again },   { "flows", 2, run_flows },
    { "compare", 3, run_compare }, { "within", 4, run_within }, { "differ", 4, run_differ },
    { "mirror", 1, run_mirror },
};

int main(int argc, char *argv[])
{
    fatal_ignore_sigpipe();
    for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++) {
        struct fl_ctl *ctl;
        int error;

        if (strcmp(argv[1], verbs[i].name) || argc - 2 < verbs[i].n_arguments) {
            continue;
        }
        error = fl_ctl_open(NULL, TIMEOUT_MS, &ctl, &error_text);
        if (!error) {
            error = verbs[i].run(ctl, argv + 2);
            fl_ctl_close(ctl);
        }
        if (error) {
            fprintf(stderr, "%s: %s\n", strerrorname_np(-error), error_text.text);
        }
        return error != 0;
    }
    fputs("usage: see the comment at the top of prover.c\n", stderr);
    return 2;
}
