/* SPDX-License-Identifier: Apache-2.0 */
/*
 * librte_flowlift.so: lets flowlift ask the NIC, from inside an unpatched ovs-vswitchd.
 *
 * Loaded by ovs-vsctl set Open_vSwitch . other_config:dpdk-extra="-d .../librte_flowlift.so", it adds commands
 * to DPDK's telemetry socket and does nothing but answer them:
 *
 *     /flowlift/version                        of the plug-in, of its interface and of DPDK
 *     /flowlift/ports                          numbers of the ports
 *     /flowlift/port,PORT                      one of them: name, driver, switch, flow API
 *     /flowlift/rules,PORT[,at-own-risk]       what the driver writes about its rules, in pages (rules.h)
 *     /flowlift/rules,PORT,OFFSET,SNAPSHOT     another page
 *     /flowlift/count,PORT[,at-own-risk]       how much that is
 *     /flowlift/validate,PORT,RULE             would the driver take this rule? (rule.h)
 *
 * It only reads. With another DPDK than the one it was built for it says so in the log, once, and adds nothing.
 */

#include <errno.h>
#include <stdio.h>

#include "lib/dpdk/plugin/driver.h"
#include "lib/dpdk/plugin/dump.h"
#include "lib/dpdk/plugin/request.h"
#include "lib/dpdk/plugin/rules.h"
#include "lib/dpdk/plugin/validate.h"

/* Of the commands above; a client that knows another one does not talk to this one. */
#define INTERFACE 1

/* Structs of rte_flow change from one release to the next, not within one. A test builds for another year. */
#ifndef FL_PLUGIN_YEAR
#define FL_PLUGIN_YEAR RTE_VER_YEAR
#endif
#define FL_PLUGIN_MONTH RTE_VER_MONTH

static int answer_version(const char *command __rte_unused, const char *params __rte_unused,
                          struct rte_tel_data *reply)
{
    char built_for[32], dpdk[64];

    fl_rules_forget();
    snprintf(built_for, sizeof built_for, "%d.%02d", FL_PLUGIN_YEAR, FL_PLUGIN_MONTH);
    fl_reply_text(dpdk, sizeof dpdk, rte_version());
    rte_tel_data_start_dict(reply);
    rte_tel_data_add_dict_string(reply, "plugin", FLOWLIFT_VERSION);
    rte_tel_data_add_dict_int(reply, "interface", INTERFACE);
    rte_tel_data_add_dict_string(reply, "dpdk", dpdk);
    rte_tel_data_add_dict_string(reply, "built_for", built_for);
    rte_tel_data_add_dict_u64(reply, "dump_bytes", FL_DUMP_BYTES);
    return 0;
}

static int answer_ports(const char *command __rte_unused, const char *params __rte_unused,
                        struct rte_tel_data *reply)
{
    rte_tel_data_start_array(reply, RTE_TEL_INT_VAL);
    for (uint16_t port = 0; port < RTE_TEL_MAX_ARRAY_ENTRIES; port++) {
        if (fl_driver_has_port(port)) {
            rte_tel_data_add_array_int(reply, port);
        }
    }
    return 0;
}

static void add_port(struct rte_tel_data *reply, const struct fl_driver_port *about)
{
    rte_tel_data_add_dict_string(reply, "status", "ok");
    rte_tel_data_add_dict_string(reply, "name", about->name);
    rte_tel_data_add_dict_string(reply, "driver", about->driver);
    rte_tel_data_add_dict_string(reply, "switch_name", about->switch_name);
    rte_tel_data_add_dict_int(reply, "switch_domain",
                              about->switch_domain == UINT16_MAX ? -1 : about->switch_domain);
    rte_tel_data_add_dict_int(reply, "switch_port", about->switch_port);
    rte_tel_data_add_dict_int(reply, "rx_queues", about->n_rx_queues);
    rte_tel_data_add_dict_int(reply, "representor", about->is_representor);
    rte_tel_data_add_dict_int(reply, "flow_api", about->has_flow_api);
}

static int answer_port(const char *command __rte_unused, const char *params,
                       struct rte_tel_data *reply)
{
    struct fl_driver_port about;
    struct fl_request request;
    uint64_t port;
    int error;

    fl_request_init(&request, params);
    rte_tel_data_start_dict(reply);
    if (!fl_request_number(&request, UINT16_MAX, &port) || !fl_request_is_done(&request)) {
        rte_tel_data_add_dict_string(reply, "status", "malformed");
        return rte_tel_data_add_dict_string(reply, "text", "PORT is wanted");
    }
    rte_tel_data_add_dict_u64(reply, "port", port);
    error = fl_driver_port((uint16_t)port, &about);
    if (error) {
        rte_tel_data_add_dict_string(reply, "status", "refused");
        rte_tel_data_add_dict_int(reply, "code", -error);
        return rte_tel_data_add_dict_string(reply, "text", fl_driver_explain(error));
    }
    add_port(reply, &about);
    return 0;
}

static const struct {
    const char *name;
    telemetry_cb answer;
    const char *help;
} commands[] = {
    { "/flowlift/version", answer_version, "Versions. No parameters" },
    { "/flowlift/ports", answer_ports, "Numbers of the ports. No parameters" },
    { "/flowlift/port", answer_port, "A port. Parameters: port" },
    { "/flowlift/rules", fl_rules_answer,
      "The driver's rules, in pages. Parameters: port[,offset,snapshot] or port,at-own-risk" },
    { "/flowlift/count", fl_rules_answer_count,
      "How many lines these are. Parameters: port[,at-own-risk]" },
    { "/flowlift/validate", fl_validate_answer,
      "Would the driver take a rule? Parameters: port,rule" },
};

/* Return: what of DPDK this process does not have, or NULL. */
static const char *missing_symbol(void)
{
    const struct {
        const char *name;
        bool is_there;
    } symbols[] = {
#define LIST(SYMBOL) { #SYMBOL, (SYMBOL) != NULL },
        FL_DPDK_SYMBOLS(LIST)
#undef LIST
    };

    for (size_t i = 0; i < RTE_DIM(symbols); i++) {
        if (!symbols[i].is_there) {
            return symbols[i].name;
        }
    }
    return NULL;
}

/* One line of the log of ovs-vswitchd. */
#define SAY(LEVEL, ...) rte_log(RTE_LOG_##LEVEL, RTE_LOGTYPE_USER1, "flowlift: " __VA_ARGS__)

static bool is_our_dpdk(void)
{
    int year = 0, month = 0;

    return sscanf(rte_version(), "%*s %d.%d", &year, &month) == 2 && year == FL_PLUGIN_YEAR &&
           month == FL_PLUGIN_MONTH;
}

RTE_INIT(fl_plugin_load)
{
    const char *missing = missing_symbol();

    if (missing) {
        fprintf(stderr, "flowlift: this process has no %s of DPDK to be seen; no commands added\n",
                missing);
        return;
    }
    if (!is_our_dpdk()) {
        SAY(WARNING,
            "built for DPDK %d.%02d, this is %s; no commands added: install the plug-in "
            "that was built for it\n",
            FL_PLUGIN_YEAR, FL_PLUGIN_MONTH, rte_version());
        return;
    }
    fl_driver_load();
    for (size_t i = 0; i < RTE_DIM(commands); i++) {
        int error = rte_telemetry_register_cmd(commands[i].name, commands[i].answer,
                                               commands[i].help);

        if (error) {
            SAY(WARNING, "cannot add the command %s: %d\n", commands[i].name, error);
        }
    }
    SAY(INFO, "plug-in " FLOWLIFT_VERSION " added %zu commands under /flowlift\n",
        RTE_DIM(commands));
}
