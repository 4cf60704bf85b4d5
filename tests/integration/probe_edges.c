/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls lib/tc/probe.h and flows/shrink.h for tests/kernel/probe.py. Flows come as lines of dpctl/dump-flows on
 * standard input; for each it prints one line of JSON.
 *
 *   probe_edges filter     the filter that is offered for the flow, as tc writes it
 *   probe_edges offer      the answer of the NIC
 *   probe_edges shrink     the smallest refused parts
 *   probe_edges loop       offers the flow for ever, each time in a session of its own; "offering" when it begins
 *   probe_edges hold       one session that offers the flow for ever
 *   probe_edges sweep DEV  what sessions that were killed left there is removed; prints how many filters
 */
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <ovs/flow.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/decode.h"
#include "flows/shrink.h"
#include "flows/tc_json.h"
#include "flows/tc_offer.h"
#include "lib/tc/probe.h"

static struct fl_ports *ports;
static struct fl_tc_filter filter;
static const char *command;

static bool find_port(odp_port_t number, struct fl_tc_port *found, void *aux OVS_UNUSED)
{
    static char names[64][16];
    char buf[16];
    const char *name = fl_ports_name(ports, number, buf);

    *found = (struct fl_tc_port){ .ifindex = (int)if_nametoindex(name) };
    if (!found->ifindex)
        return false;
    found->dev = name == buf ? strcpy(names[odp_to_u32(number) % 64], buf) : name;
    found->kind = strncmp(name, "vxlan", 5) ? NULL : "vxlan";
    found->internal = !strncmp(name, "br", 2);
    return true;
}

static json_t *answer_json(const struct fl_tc_answer *answer)
{
    static const char *const verdicts[] = { "accepted", "refused", "cannot-tell" };

    return json_pack("{s:s, s:i, s:s, s:i}", "verdict", verdicts[answer->verdict], "error",
                     answer->error, "text", answer->text, "attribute", answer->attribute);
}

static void print(json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(json);
}

static json_t *parts_json(const struct fl_shrunk *shrunk)
{
    json_t *parts = json_array();

    for (unsigned int i = 0; i < shrunk->n_parts; i++) {
        struct ds text = DS_EMPTY_INITIALIZER;

        fl_shrunk_format(shrunk, i, &filter, &text);
        json_array_append_new(parts, json_pack("{s:s, s:o}", "part", ds_cstr(&text), "answer",
                                               answer_json(&shrunk->parts[i].answer)));
        ds_destroy(&text);
    }
    return parts;
}

static json_t *shrink(struct fl_tc_probe *probe)
{
    static const char *const outcomes[] = { "parts", "accepted", "everything", "passing",
                                            "cannot-tell" };
    static struct fl_shrunk shrunk;

    fl_shrink(&filter, fl_tc_probe_callback, probe, &shrunk);
    return json_pack("{s:s, s:o, s:i, s:i, s:o}", "outcome", outcomes[shrunk.outcome], "answer",
                     answer_json(&shrunk.answer), "offers", shrunk.n_offers, "units",
                     shrunk.n_units, "parts", parts_json(&shrunk));
}

static json_t *failure(const struct fl_error *err)
{
    return json_pack("{s:s, s:i}", "failure", err->text, "code", err->code);
}

static json_t *ask(struct fl_tc_probe *probe)
{
    struct fl_tc_answer answer;

    if (!strcmp(command, "shrink"))
        return shrink(probe);
    fl_tc_probe_offer(probe, &filter, &answer);
    return answer_json(&answer);
}

static json_t *ask_in_session(void)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_tc_probe *probe;
    json_t *json;

    if (fl_tc_probe_open(&filter, &probe, &err))
        return failure(&err);
    json = ask(probe);
    fl_tc_probe_close(probe);
    return json;
}

static void loop(void)
{
    puts("offering");
    fflush(stdout);
    for (;;) {
        json_t *json = ask_in_session();

        if (json_object_get(json, "failure"))
            print(json);
        else
            json_decref(json);
    }
}

static void hold(void)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_tc_answer answer;
    struct fl_tc_probe *probe;

    if (fl_tc_probe_open(&filter, &probe, &err))
        ovs_fatal(0, "%s", err.text);
    puts("offering");
    fflush(stdout);
    do
        fl_tc_probe_offer(probe, &filter, &answer);
    while (answer.verdict != FL_TC_CANNOT_TELL);
    print(answer_json(&answer));
    fl_tc_probe_close(probe);
}

static int see(const struct fl_flow *flow, void *aux OVS_UNUSED)
{
    const struct fl_tc_offer_host host = { .port = find_port };
    struct fl_error err = FL_ERROR_INIT;

    if (fl_tc_offer(flow, &host, &filter, &err))
        print(failure(&err));
    else if (!strcmp(command, "filter"))
        print(fl_tc_filter_json(&filter));
    else if (!strcmp(command, "loop"))
        loop();
    else if (!strcmp(command, "hold"))
        hold();
    else
        print(ask_in_session());
    return 0;
}

static int sweep(const char *dev)
{
    struct fl_error err = FL_ERROR_INIT;
    unsigned int n = 0;

    fl_tc_filter_clear(&filter);
    filter.hook = FL_TC_INGRESS;
    filter.ifindex = (int)if_nametoindex(dev);
    if (fl_tc_probe_sweep(&filter, &n, &err))
        ovs_fatal(0, "%s", err.text);
    printf("%u\n", n);
    return 0;
}

/* A flow for each line, whatever stands around. */
static void read_flows(void)
{
    char line[65536];

    while (fgets(line, sizeof line, stdin)) {
        struct fl_decoder *decoder = fl_decoder_create(ports, 0, see, NULL);

        fl_decoder_push(decoder, line, strlen(line));
        fl_decoder_finish(decoder);
        if (fl_decoder_stats(decoder)->flows != 1)
            print(json_pack("{s:s}", "failure", "no flow"));
        fl_decoder_destroy(decoder);
    }
}

int main(int argc, char **argv)
{
    command = argc > 1 ? argv[1] : "";
    if (!strcmp(command, "sweep") && argc == 3)
        return sweep(argv[2]);
    if (argc != 2 || !strstr(" filter offer shrink loop hold ", command)) {
        fprintf(stderr, "usage: probe_edges filter|offer|shrink|loop|hold|sweep DEV\n");
        return 2;
    }
    ports = fl_ports_create();
    read_flows();
    fl_ports_destroy(ports);
    return 0;
}
