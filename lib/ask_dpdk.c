/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ask_api.h"

#include <errno.h>

#include <ovs/smap.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/rte_shrink.h"
#include "lib/dpdk/plugin.h"

void fl_ask_dpdk_open(struct fl_ask_dpdk *dpdk, const struct fl_host *host,
                      const struct fl_inventory *inv, const struct fl_ports *ports)
{
    *dpdk = (struct fl_ask_dpdk){ .inv = inv, .ports = ports };
    fl_plugin_open(smap_get(&inv->other_config, "dpdk-extra"), host->target,
                   fl_host_timeout_ms(host), &dpdk->telemetry, &dpdk->untold);
}

void fl_ask_dpdk_close(struct fl_ask_dpdk *dpdk)
{
    fl_telemetry_close(dpdk->telemetry);
}

static int number_of(odp_port_t port, void *dpdk_)
{
    const struct fl_ask_dpdk *dpdk = dpdk_;
    char buf[16];
    const struct fl_interface *iface = fl_inventory_interface(dpdk->inv, fl_ports_name(dpdk->ports,
                                                                                       port, buf));

    return iface ? fl_interface_dpdk_port(iface) : -1;
}

struct asking {
    struct fl_ask_dpdk *dpdk;
    uint16_t port;
};

static void ask(const char *rule, void *asking_, struct fl_tc_answer *answer)
{
    static const enum fl_tc_verdict verdicts[] = {
        [FL_PLUGIN_ACCEPTED] = FL_TC_ACCEPTED,
        [FL_PLUGIN_REFUSED] = FL_TC_REFUSED,
        [FL_PLUGIN_UNKNOWN] = FL_TC_CANNOT_TELL,
    };
    const struct asking *asking = asking_;
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plugin_answer said;
    int error = fl_pace_wait(&asking->dpdk->pace)
                    ? fl_plugin_validate(asking->dpdk->telemetry, asking->port, rule, &said, &err)
                    : fl_error_set(&err, -EDQUOT, "as many rules were offered as one session may");

    *answer = (struct fl_tc_answer){ .verdict = FL_TC_CANNOT_TELL, .error = error };
    if (!error) {
        answer->verdict = verdicts[said.verdict];
        answer->error = -said.code;
    }
    ovs_strlcpy(answer->text, error ? err.text : said.text, sizeof answer->text);
}

/* Return: 0 and the rule, and DPDK's number of the port where it would be; else as fl_ask_failed() takes it. */
static int find_rule(struct fl_ask_dpdk *dpdk, const struct fl_asked *asked, int *port,
                     struct ds *rule, struct fl_error *err)
{
    int error = fl_rte_rule_format(asked->flow, fl_rte_kind_of(dpdk->inv->ovs_version), number_of,
                                   dpdk, rule, err);

    if (error)
        return error;
    *port = number_of(asked->flow->in_port, dpdk);
    return *port < 0 ? fl_error_set(err, -ENODEV, "%s has no number of a port of DPDK in OVSDB",
                                    asked->device)
                     : 0;
}

void fl_ask_dpdk(struct fl_ask_dpdk *dpdk, struct fl_asked *asked)
{
    _cleanup_free struct fl_rte_shrunk *shrunk = xmalloc(sizeof *shrunk);
    struct asking asking = { .dpdk = dpdk };
    struct fl_error err = FL_ERROR_INIT;
    struct ds rule = DS_EMPTY_INITIALIZER;
    int port, error = find_rule(dpdk, asked, &port, &rule, &err);

    if (!error && dpdk->untold.code) {
        error = -EIO;
        err = dpdk->untold;
    }
    if (error) {
        fl_ask_failed(asked, error, err.text);
    } else {
        asking.port = (uint16_t)port;
        fl_rte_shrink(ds_cstr(&rule), ask, &asking, shrunk);
        fl_asked_take_rte(asked, shrunk);
    }
    ds_destroy(&rule);
}
