/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NIC's own word, asked past OVS: DPDK telemetry commands.
 *
 *     /flownic/ports                  the ports' numbers
 *     /flownic/port,ID                name, NIC, counters of one
 *     /flownic/rules,ID[,FROM]        rules of a port from a serial number on, as text: one
 *                                     a line; "more FROM" at the end if there are more
 *     /flownic/faults[,NIC]           the faults that are on
 *     /flownic/fault,NIC,WORDS        switch one (faults.h); answers with those on now
 */
#include "driver.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_telemetry.h>

#define RULE_LINE_BYTES 640
#define RULES_A_REPLY   64

static bool read_number(const char **text, uint64_t *number)
{
    char *end;

    if (!*text || **text < '0' || **text > '9') {
        return false;
    }
    *number = strtoull(*text, &end, 10);
    if (*end && *end != ',') {
        return false;
    }
    *text = *end ? end + 1 : NULL;
    return true;
}

static struct flownic_driver_port *read_port(const char **text)
{
    uint64_t id;

    if (!read_number(text, &id) || id >= FLOWNIC_MAX_PORTS) {
        return NULL;
    }
    return flownic_driver_port((uint32_t)id);
}

static int answer_ports(const char *command __rte_unused, const char *params __rte_unused,
                        struct rte_tel_data *reply)
{
    rte_tel_data_start_array(reply, RTE_TEL_INT_VAL);
    for (uint32_t i = 0; i < FLOWNIC_MAX_PORTS; i++) {
        if (flownic_driver_port(i)) {
            rte_tel_data_add_array_int(reply, (int)i);
        }
    }
    return 0;
}

static void add_software_counters(struct rte_tel_data *reply,
                                  const struct flownic_driver_port *port)
{
    struct flownic_queue_stats rx = { 0 }, tx = { 0 };

    for (size_t i = 0; i < FLOWNIC_MAX_QUEUES; i++) {
        rx.packets += port->rx[i].stats.packets;
        rx.bytes += port->rx[i].stats.bytes;
        tx.packets += port->tx[i].stats.packets;
        tx.bytes += port->tx[i].stats.bytes;
    }
    rte_tel_data_add_dict_u64(reply, "sw_rx_packets", rx.packets);
    rte_tel_data_add_dict_u64(reply, "sw_rx_bytes", rx.bytes);
    rte_tel_data_add_dict_u64(reply, "sw_tx_packets", tx.packets);
    rte_tel_data_add_dict_u64(reply, "sw_tx_bytes", tx.bytes);
    rte_tel_data_add_dict_u64(reply, "sw_missed_packets", port->port.software_missed);
    rte_tel_data_add_dict_u64(reply, "send_failed", port->port.send_failed);
}

static int answer_port(const char *command __rte_unused, const char *params,
                       struct rte_tel_data *reply)
{
    const struct flownic_driver_port *port = read_port(&params);
    struct flownic_port_counters counters;

    if (!port) {
        return -EINVAL;
    }
    counters = flownic_eswitch_port_counters(flownic_driver_eswitch(port), port->port.id);
    rte_tel_data_start_dict(reply);
    rte_tel_data_add_dict_string(reply, "name", port->name);
    rte_tel_data_add_dict_int(reply, "port", (int)port->port.id);
    rte_tel_data_add_dict_int(reply, "nic", (int)port->nic_number);
#define ADD(MEMBER) rte_tel_data_add_dict_u64(reply, #MEMBER, counters.MEMBER)
    ADD(rules);
    ADD(created);
    ADD(destroyed);
    ADD(refused);
    ADD(hw_fwd_packets);
    ADD(hw_fwd_bytes);
    ADD(hw_out_packets);
    ADD(hw_out_bytes);
    ADD(hw_drop_packets);
    ADD(hw_drop_bytes);
    ADD(hw_mark_packets);
    ADD(miss_packets);
    ADD(miss_bytes);
#undef ADD
    add_software_counters(reply, port);
    return 0;
}

static size_t format_rule(const struct flownic_rule_view *view, char *line, size_t size)
{
    char match[384], actions[160];

    flownic_key_format(&view->spec.value, &view->spec.mask, match, sizeof match);
    flownic_actions_format(view->spec.actions, view->spec.n_actions, actions, sizeof actions);
    return (size_t)snprintf(line, size,
                            "rule=%" PRIu64 " kind=%s packets=%" PRIu64 " bytes=%" PRIu64
                            " actions=%s %s\n",
                            view->serial, view->spec.forwards ? "forward" : "mark",
                            view->total.packets, view->total.bytes, actions, match);
}

static int answer_rules(const char *command __rte_unused, const char *params,
                        struct rte_tel_data *reply)
{
    const struct flownic_driver_port *port = read_port(&params);
    static struct flownic_rule_view views[RULES_A_REPLY]; /* one telemetry thread a client */
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    char text[RTE_TEL_MAX_SINGLE_STRING_LEN / 2]; /* a newline becomes two bytes */
    uint64_t from = 0;
    size_t used = 0, n, i;

    if (!port) {
        return -EINVAL;
    }
    read_number(&params, &from);
    pthread_mutex_lock(&lock);
    n = flownic_eswitch_rules(flownic_driver_eswitch(port), port->port.id, from, views,
                              RULES_A_REPLY);
    text[0] = '\0';
    for (i = 0; i < n && used + RULE_LINE_BYTES + 32 < sizeof text; i++) {
        used += format_rule(&views[i], text + used, RULE_LINE_BYTES);
    }
    if (i < n || n == RULES_A_REPLY) {
        snprintf(text + used, sizeof text - used, "more %" PRIu64 "\n", views[i - 1].serial + 1);
    }
    pthread_mutex_unlock(&lock);
    return rte_tel_data_string(reply, text);
}

static int answer_faults_of(const struct flownic_nic *nic, struct rte_tel_data *reply)
{
    struct flownic_faults faults = flownic_eswitch_faults(flownic_hardware_eswitch(nic->hardware));
    char text[1024];

    flownic_faults_format(&faults, text, sizeof text);
    return rte_tel_data_string(reply, text);
}

static int answer_faults(const char *command __rte_unused, const char *params,
                         struct rte_tel_data *reply)
{
    uint64_t number = 0;
    const struct flownic_nic *nic;

    read_number(&params, &number);
    nic = flownic_driver_nic((uint32_t)number);
    return nic ? answer_faults_of(nic, reply) : -EINVAL;
}

static int answer_fault(const char *command __rte_unused, const char *params,
                        struct rte_tel_data *reply)
{
    const struct flownic_nic *nic;
    const char *wrong;
    uint64_t number;

    if (!read_number(&params, &number) || !params) {
        return -EINVAL;
    }
    nic = flownic_driver_nic((uint32_t)number);
    if (!nic) {
        return -ENODEV;
    }
    wrong = flownic_eswitch_set_fault(flownic_hardware_eswitch(nic->hardware), params);
    if (wrong) {
        char text[160];

        snprintf(text, sizeof text, "error: %s", wrong);
        return rte_tel_data_string(reply, text);
    }
    return answer_faults_of(nic, reply);
}

RTE_INIT(flownic_register_telemetry)
{
    rte_telemetry_register_cmd("/flownic/ports", answer_ports, "Ports of the simulated NICs");
    rte_telemetry_register_cmd("/flownic/port", answer_port, "Counters. Parameters: port");
    rte_telemetry_register_cmd("/flownic/rules", answer_rules,
                               "Rules of a port. Parameters: port[,first serial number]");
    rte_telemetry_register_cmd("/flownic/faults", answer_faults,
                               "Faults that are on. Parameters: [NIC]");
    rte_telemetry_register_cmd("/flownic/fault", answer_fault,
                               "Switch a fault. Parameters: NIC,name,...,value");
}
