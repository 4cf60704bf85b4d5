/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request, as a client of DPDK's telemetry socket sends it. Whatever it is, the reply fits what DPDK can
 * send (fake.c), and a rule that reaches the driver is whole: ended, and pointing only into itself.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../dpdk/fake.h"
#include "lib/dpdk/plugin/rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(CONDITION)                                                \
    do {                                                               \
        if (!(CONDITION)) {                                            \
            fprintf(stderr, "%d: not so: %s\n", __LINE__, #CONDITION); \
            abort();                                                   \
        }                                                              \
    } while (0)

/* Reads all of what a driver may read. */
static unsigned int sum(const void *bytes, size_t n)
{
    unsigned int total = 0;

    for (size_t i = 0; bytes && i < n; i++) {
        total += ((const uint8_t *)bytes)[i];
    }
    return total;
}

static unsigned int read_actions(const struct rte_flow_action *actions)
{
    unsigned int total = 0, n = 0;

    for (; actions->type != RTE_FLOW_ACTION_TYPE_END; actions++, n++) {
        const struct rte_flow_action_rss *rss = actions->conf;
        const struct rte_flow_action_raw_encap *raw = actions->conf;

        total += sum(actions->conf, FL_RULE_SLOT_BYTES);
        if (actions->type == RTE_FLOW_ACTION_TYPE_RSS) {
            total += sum(rss->queue, rss->queue_num * sizeof rss->queue[0]);
        } else if (actions->type == RTE_FLOW_ACTION_TYPE_RAW_ENCAP) {
            total += sum(raw->data, raw->size);
        }
    }
    MUST(n >= 1 && n <= FL_RULE_ACTIONS);
    return total;
}

static void check_rule(const struct rte_flow_attr *attr, const struct rte_flow_item *items,
                       const struct rte_flow_action *actions)
{
    unsigned int total = sum(attr, sizeof *attr), n = 0;

    for (; items[n].type != RTE_FLOW_ITEM_TYPE_END; n++) {
        MUST(!items[n].spec == !items[n].mask);
        MUST(!items[n].last || items[n].spec);
        total += sum(items[n].spec, FL_RULE_SLOT_BYTES) + sum(items[n].mask, FL_RULE_SLOT_BYTES) +
                 sum(items[n].last, FL_RULE_SLOT_BYTES);
    }
    MUST(n <= FL_RULE_ITEMS);
    total += read_actions(actions);
    MUST(total != UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fake_dpdk.on_validate = check_rule;
    fake_dpdk.dump = "rule \"1\"\n\x80";
    fake_dpdk.n_dump = 10;
    free(fake_dpdk_ask(data, size));
    return 0;
}
