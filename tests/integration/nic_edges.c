/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Calls lib/nic/ for tests/kernel/nic.py.
 *
 *   nic_edges ports          what fl_nic_read() gives, as JSON
 *   nic_edges stats          one sample, as JSON
 *   nic_edges cost N         CPU time of two samples, as stage one takes them, N times: microseconds a line
 */

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/nic/ports.h"
#include "lib/nic/stats.h"

static int fail(const struct fl_error *err)
{
    fprintf(stderr, "nic_edges: %s\n", err->text);
    return 1;
}

static int print(json_t *json)
{
    json_dumpf(json, stdout, JSON_SORT_KEYS | JSON_COMPACT);
    putchar('\n');
    json_decref(json);
    return 0;
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *id_to_json(const struct fl_nic_id *id)
{
    char text[2 * FL_NIC_ID_BYTES + 1];

    for (size_t i = 0; i < id->n_bytes; i++)
        snprintf(&text[2 * i], 3, "%02x", id->bytes[i]);
    return id->n_bytes ? json_string(text) : json_null();
}

static json_t *port_to_json(const struct fl_nic_port *port)
{
    return json_pack("{si so so so so so so so si so ss ss so ss ss ss}", "ifindex", port->ifindex,
                     "name", text_or_null(port->name), "driver", text_or_null(port->driver),
                     "firmware", text_or_null(port->firmware), "bus", text_or_null(port->bus),
                     "switch_id", id_to_json(&port->switch_id), "port_id",
                     id_to_json(&port->port_id), "port_name", text_or_null(port->port_name),
                     "master", port->master, "master_kind", text_or_null(port->master_kind), "role",
                     fl_nic_role_name(port->role), "hw_tc_offload",
                     fl_nic_feature_name(port->tc_offload), "devlink", text_or_null(port->devlink),
                     "eswitch", fl_eswitch_mode_name(port->eswitch), "inline_mode",
                     fl_inline_mode_name(port->inline_mode), "encap",
                     fl_encap_mode_name(port->encap));
}

static json_t *nic_to_json(const struct fl_nic *nic)
{
    json_t *ports = json_array();

    for (size_t i = 0; i < nic->n_ports; i++)
        json_array_append_new(ports, port_to_json(&nic->ports[i]));
    return json_pack("{so so}", "ports", ports, "incomplete",
                     nic->incomplete ? json_string(nic->incomplete) : json_null());
}

static int show_ports(void)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_nic nic;
    int ret;

    fl_nic_init(&nic);
    ret = fl_nic_read(&nic, &err);
    if (!ret)
        print(nic_to_json(&nic));
    fl_nic_destroy(&nic);
    return ret ? fail(&err) : 0;
}

static json_t *count_to_json(const struct fl_port_count *count)
{
    return json_pack("{sI sI sI sI}", "rx_packets", (json_int_t)count->rx_packets, "tx_packets",
                     (json_int_t)count->tx_packets, "rx_bytes", (json_int_t)count->rx_bytes,
                     "tx_bytes", (json_int_t)count->tx_bytes);
}

static int show_stats(void)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_port_sample sample = { .ports = NULL };
    struct fl_stats *stats;
    json_t *ports = json_array();
    int ret = fl_stats_open(&stats, &err);

    if (ret)
        return fail(&err);
    ret = fl_stats_read(stats, false, &sample, &err);
    for (size_t i = 0; i < sample.n_ports; i++) {
        const struct fl_port_stats *port = &sample.ports[i];

        json_array_append_new(ports, json_pack("{si so so}", "ifindex", port->ifindex, "link",
                                               count_to_json(&port->link), "cpu_hit",
                                               port->has_cpu_hit ? count_to_json(&port->cpu_hit)
                                                                 : json_null()));
    }
    fl_stats_release(&sample);
    fl_stats_close(stats);
    print(ports);
    return ret ? fail(&err) : 0;
}

static int64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* Both samples, with all that they need: the socket too is opened and closed each time. */
static int take_two(struct fl_error *err)
{
    struct fl_port_sample before = { .ports = NULL }, after = { .ports = NULL };
    struct fl_stats *stats;
    int ret = fl_stats_open(&stats, err);

    if (ret)
        return ret;
    ret = fl_stats_read(stats, false, &before, err);
    ret = ret ? ret : fl_stats_read(stats, false, &after, err);
    fl_stats_release(&before);
    fl_stats_release(&after);
    fl_stats_close(stats);
    return ret;
}

static int show_cost(int n)
{
    struct fl_error err = FL_ERROR_INIT;

    for (int i = 0; i < n; i++) {
        int64_t started = cpu_us();

        if (take_two(&err))
            return fail(&err);
        printf("%" PRId64 "\n", cpu_us() - started);
    }
    return 0;
}

int main(int argc, char *argv[])
{
    if (argc == 2 && !strcmp(argv[1], "ports"))
        return show_ports();
    if (argc == 2 && !strcmp(argv[1], "stats"))
        return show_stats();
    if (argc == 3 && !strcmp(argv[1], "cost"))
        return show_cost(atoi(argv[2]));
    fputs("usage: nic_edges ports|stats|cost N\n", stderr);
    return 2;
}
