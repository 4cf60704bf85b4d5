/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls lib/dpdk/ for tests/integration/plugin.py.
 *
 *   dpdk_edges EXTRA PID check                the plug-in's versions
 *   dpdk_edges EXTRA PID ports                one a line
 *   dpdk_edges EXTRA PID rules PORT           the driver's lines, then "lines N bytes N complete yes|no"
 *   dpdk_edges EXTRA PID count PORT
 *   dpdk_edges EXTRA PID validate PORT        each line of standard input is a rule: one answer a line
 *   dpdk_edges offer KIND NAME=PORT...        the rule for each flow of the dump on standard input, as OVS offers
 *                                             it: "forwards" or "marks", with DPDK's numbers of ports
 *
 * EXTRA: other_config:dpdk-extra. PID: of ovs-vswitchd.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/decode.h"
#include "flows/rte_rule.h"
#include "lib/dpdk/plugin.h"

static int fail(int error, const struct fl_error *err)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", strerrorname_np(-error), err->text);
    return 1;
}

static int show_versions(struct fl_telemetry *telemetry, struct fl_error *err)
{
    struct fl_plugin_version version;
    int error = fl_plugin_check(telemetry, &version, err);

    if (!error) {
        printf("plug-in %s built for %s, %s, at %s\n", version.plugin, version.built_for,
               version.dpdk, fl_telemetry_path(telemetry));
    }
    return error;
}

static int show_ports(struct fl_telemetry *telemetry, struct fl_error *err)
{
    _cleanup_free struct fl_plugin_port *ports = NULL;
    size_t n = 0;
    int error = fl_plugin_ports(telemetry, &ports, &n, err);

    for (size_t i = 0; !error && i < n; i++) {
        printf("%u %s driver %s switch %s/%d/%d queues %d representor %d flow-api %d\n",
               ports[i].id, ports[i].name, ports[i].driver, ports[i].switch_name,
               ports[i].switch_domain, ports[i].switch_port, ports[i].n_rx_queues,
               ports[i].is_representor, ports[i].has_flow_api);
    }
    return error;
}

static int show_line(const char *line, void *aux)
{
    (void)aux;
    return puts(line) < 0 ? -EIO : 0;
}

static int show_rules(struct fl_telemetry *telemetry, uint16_t port, struct fl_error *err)
{
    struct fl_plugin_listing listing;
    int error = fl_plugin_rules(telemetry, port, false, show_line, NULL, &listing, err);

    if (!error) {
        printf("lines %" PRIu64 " bytes %" PRIu64 " complete %s\n", listing.lines, listing.bytes,
               listing.is_complete ? "yes" : "no");
    }
    return error;
}

static int show_count(struct fl_telemetry *telemetry, uint16_t port, struct fl_error *err)
{
    struct fl_plugin_listing listing;
    int error = fl_plugin_count(telemetry, port, false, &listing, err);

    if (!error) {
        printf("lines %" PRIu64 " bytes %" PRIu64 " took_us %" PRIu64 "\n", listing.lines,
               listing.bytes, listing.took_us);
    }
    return error;
}

static int show_answers(struct fl_telemetry *telemetry, uint16_t port)
{
    static const char *const verdicts[] = {
        [FL_PLUGIN_ACCEPTED] = "accepted",
        [FL_PLUGIN_REFUSED] = "refused",
        [FL_PLUGIN_UNKNOWN] = "unknown",
    };
    _cleanup_free char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        struct fl_error err = FL_ERROR_INIT;
        struct fl_plugin_answer answer;
        int error;

        line[strcspn(line, "\n")] = '\0';
        error = fl_plugin_validate(telemetry, port, line, &answer, &err);
        if (error) {
            printf("%s: %s\n", strerrorname_np(-error), err.text);
        } else {
            printf("%s %d %d %s: %s\n", verdicts[answer.verdict], answer.code, answer.type,
                   fl_plugin_type_name(answer.type), answer.text);
        }
    }
    return 0;
}

struct offering {
    struct fl_ports *ports;
    enum fl_rte_rule_kind kind;
    char *const *numbers; /* NAME=PORT, ended by NULL */
};

static int number_of(odp_port_t port, void *offering_)
{
    const struct offering *offering = offering_;
    char buf[16];
    const char *name = fl_ports_name(offering->ports, port, buf);

    for (char *const *number = offering->numbers; *number; number++) {
        size_t n = strcspn(*number, "=");

        if (strlen(name) == n && !strncmp(*number, name, n)) {
            return atoi(*number + n + 1);
        }
    }
    return -1;
}

static int show_offer(const struct fl_flow *flow, void *offering)
{
    struct fl_error err = FL_ERROR_INIT;
    struct ds text = DS_EMPTY_INITIALIZER;
    enum fl_rte_rule_kind kind = ((const struct offering *)offering)->kind;

    if (fl_rte_rule_format(flow, kind, number_of, offering, &text, &err)) {
        ds_put_format(&text, "none: %s", err.text);
    }
    puts(ds_cstr(&text));
    ds_destroy(&text);
    return 0;
}

static int show_offers(char *argv[])
{
    struct offering offering = {
        .ports = fl_ports_create(),
        .kind = strcmp(argv[0], "marks") ? FL_RTE_FORWARDS : FL_RTE_MARKS,
        .numbers = argv + 1,
    };
    struct fl_decoder *decoder = fl_decoder_create(offering.ports, 0, show_offer, &offering);
    char bytes[4096];
    size_t n;

    while ((n = fread(bytes, 1, sizeof bytes, stdin)) > 0) {
        fl_decoder_push(decoder, bytes, n);
    }
    fl_decoder_finish(decoder);
    fl_decoder_destroy(decoder);
    fl_ports_destroy(offering.ports);
    return 0;
}

static int run(struct fl_telemetry *telemetry, char *argv[], struct fl_error *err)
{
    uint16_t port = argv[1] ? (uint16_t)atoi(argv[1]) : 0;

    if (!strcmp(argv[0], "check")) {
        return show_versions(telemetry, err);
    }
    if (!strcmp(argv[0], "ports")) {
        return show_ports(telemetry, err);
    }
    if (!strcmp(argv[0], "rules")) {
        return show_rules(telemetry, port, err);
    }
    if (!strcmp(argv[0], "count")) {
        return show_count(telemetry, port, err);
    }
    return show_answers(telemetry, port);
}

int main(int argc, char *argv[])
{
    struct fl_telemetry *telemetry;
    struct fl_error err = FL_ERROR_INIT;
    int error;

    if (argc < 4) {
        fputs("usage: dpdk_edges EXTRA PID COMMAND [PORT]\n", stderr);
        return 2;
    }
    if (!strcmp(argv[1], "offer")) {
        return show_offers(argv + 2);
    }
    error = fl_telemetry_open_ovs(argv[1], atol(argv[2]), 5000, &telemetry, &err);
    if (error) {
        return fail(error, &err);
    }
    error = run(telemetry, argv + 3, &err);
    fl_telemetry_close(telemetry);
    return error ? fail(error, &err) : 0;
}
