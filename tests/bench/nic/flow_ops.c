/* SPDX-License-Identifier: Apache-2.0 */
#include "driver.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "translate.h"

#define DUMP_RULES 64

static bool is_on_same_nic(const void *context, uint32_t id)
{
    const struct flownic_driver_port *from = context;
    const struct flownic_driver_port *to = flownic_driver_port(id);

    return to && to->nic == from->nic;
}

static enum rte_flow_error_type error_type(enum flownic_refusal_part part)
{
    switch (part) {
    case FLOWNIC_REFUSED_MATCH: return RTE_FLOW_ERROR_TYPE_ITEM;
    case FLOWNIC_REFUSED_ACTION: return RTE_FLOW_ERROR_TYPE_ACTION;
    case FLOWNIC_REFUSED_KIND: return RTE_FLOW_ERROR_TYPE_ATTR;
    case FLOWNIC_REFUSED_NOTHING:
    case FLOWNIC_REFUSED_TABLE:
    default: return RTE_FLOW_ERROR_TYPE_HANDLE;
    }
}

static int set_refusal(struct rte_flow_error *error, const struct flownic_refusal *refusal)
{
    int code = refusal->part == FLOWNIC_REFUSED_TABLE ? ENOSPC : ENOTSUP;

    return rte_flow_error_set(error, code, error_type(refusal->part), NULL, refusal->text);
}

static int flow_validate(struct rte_eth_dev *device, const struct rte_flow_attr *attr,
                         const struct rte_flow_item items[], const struct rte_flow_action actions[],
                         struct rte_flow_error *error)
{
    const struct flownic_driver_port *port = device->data->dev_private;
    struct flownic_refusal refusal;
    struct flownic_rule_spec spec;
    int result = flownic_translate(attr, items, actions, is_on_same_nic, port, &spec, error);

    if (result) {
        return result;
    }
    refusal = flownic_eswitch_check(flownic_driver_eswitch(port), &spec);
    return refusal.part == FLOWNIC_REFUSED_NOTHING ? 0 : set_refusal(error, &refusal);
}

static struct rte_flow *flow_create(struct rte_eth_dev *device, const struct rte_flow_attr *attr,
                                    const struct rte_flow_item items[],
                                    const struct rte_flow_action actions[],
                                    struct rte_flow_error *error)
{
    const struct flownic_driver_port *port = device->data->dev_private;
    struct flownic_eswitch *eswitch = flownic_driver_eswitch(port);
    uint32_t latency_us = flownic_eswitch_faults(eswitch).latency_us;
    struct flownic_refusal refusal;
    struct flownic_rule_spec spec;
    struct flownic_rule *rule;

    if (latency_us) {
        usleep(latency_us);
    }
    if (flownic_translate(attr, items, actions, is_on_same_nic, port, &spec, error)) {
        flownic_eswitch_count_refusal(eswitch, port->port.id);
        return NULL;
    }
    rule = flownic_eswitch_add(eswitch, port->port.id, &spec, &refusal);
    if (!rule) {
        set_refusal(error, &refusal);
    }
    return (struct rte_flow *)rule;
}

static int flow_destroy(struct rte_eth_dev *device, struct rte_flow *flow,
                        struct rte_flow_error *error __rte_unused)
{
    const struct flownic_driver_port *port = device->data->dev_private;

    flownic_eswitch_remove(flownic_driver_eswitch(port), (struct flownic_rule *)flow);
    return 0;
}

static int flow_flush(struct rte_eth_dev *device, struct rte_flow_error *error __rte_unused)
{
    const struct flownic_driver_port *port = device->data->dev_private;

    flownic_eswitch_flush(flownic_driver_eswitch(port), port->port.id);
    return 0;
}

static int flow_query(struct rte_eth_dev *device, struct rte_flow *flow,
                      const struct rte_flow_action *actions, void *data,
                      struct rte_flow_error *error)
{
    const struct flownic_driver_port *port = device->data->dev_private;
    struct rte_flow_query_count *count = data;
    struct flownic_rule_counters counters;

    for (; actions->type != RTE_FLOW_ACTION_TYPE_END; actions++) {
        if (actions->type != RTE_FLOW_ACTION_TYPE_COUNT) {
            return rte_flow_error_set(error, ENOTSUP, RTE_FLOW_ERROR_TYPE_ACTION, actions,
                                      "flownic: only COUNT can be queried");
        }
        counters = flownic_eswitch_query(flownic_driver_eswitch(port), (struct flownic_rule *)flow,
                                         count->reset);
        count->hits_set = 1;
        count->bytes_set = 1;
        count->hits = counters.packets;
        count->bytes = counters.bytes;
    }
    return 0;
}

static void dump_rule(const struct flownic_driver_port *port, const struct flownic_rule_view *view,
                      FILE *file)
{
    char match[512], actions[256];

    flownic_key_format(&view->spec.value, &view->spec.mask, match, sizeof match);
    flownic_actions_format(view->spec.actions, view->spec.n_actions, actions, sizeof actions);
    fprintf(file,
            "rule %" PRIu64 " port %u %s priority %u match %s actions %s packets %" PRIu64
            " bytes %" PRIu64 "\n",
            view->serial, port->port.id, view->spec.forwards ? "forward" : "mark",
            view->spec.priority, match, actions, view->total.packets, view->total.bytes);
}

/* DPDK may ask for one rule; its handle is no index here, so the port's rules are written. */
static int flow_dump(struct rte_eth_dev *device, struct rte_flow *flow __rte_unused, FILE *file,
                     struct rte_flow_error *error __rte_unused)
{
    const struct flownic_driver_port *port = device->data->dev_private;
    struct flownic_rule_view views[DUMP_RULES];
    uint64_t from = 0;
    size_t n;

    do {
        n = flownic_eswitch_rules(flownic_driver_eswitch(port), port->port.id, from, views,
                                  DUMP_RULES);
        for (size_t i = 0; i < n; i++) {
            dump_rule(port, &views[i], file);
            from = views[i].serial + 1;
        }
    } while (n == DUMP_RULES);
    return 0;
}

static int flow_pick_transfer_proxy(struct rte_eth_dev *device, uint16_t *proxy,
                                    struct rte_flow_error *error __rte_unused)
{
    *proxy = device->data->port_id;
    return 0;
}

const struct rte_flow_ops flownic_flow_ops = {
    .validate = flow_validate,
    .create = flow_create,
    .destroy = flow_destroy,
    .flush = flow_flush,
    .query = flow_query,
    .dev_dump = flow_dump,
    .pick_transfer_proxy = flow_pick_transfer_proxy,
};
