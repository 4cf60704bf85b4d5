/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/dpdk/plugin/driver.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/dpdk/plugin/dpdk.h"
#include "lib/dpdk/plugin/request.h"
#include "lib/dpdk/plugin/rule.h"

static pthread_mutex_t in_driver = PTHREAD_MUTEX_INITIALIZER;

/* What stands in for the receive function of a port that is not started. */
static eth_rx_burst_t stopped_rx;

/* Source: DPDK 22.11 lib/ethdev/ethdev_private.c, eth_dev_fp_ops_reset(). */
void fl_driver_load(void)
{
    stopped_rx = rte_eth_fp_ops[0].rx_pkt_burst;
}

bool fl_driver_has_port(uint16_t port)
{
    return rte_eth_dev_is_valid_port(port);
}

const char *fl_driver_explain(int code)
{
    return code == -ENODEV   ? "there is no such port"
           : code == -EAGAIN ? "the port is stopped: it comes or goes"
                             : "the driver does not say";
}

/* Return: 0 if the port's driver may be asked now. The table has a place for each valid port. */
static int check_port(uint16_t port)
{
    if (!fl_driver_has_port(port)) {
        return -ENODEV;
    }
    return __atomic_load_n(&rte_eth_fp_ops[port].rx_pkt_burst, __ATOMIC_ACQUIRE) == stopped_rx
               ? -EAGAIN
               : 0;
}

/*
 * A port without the flow API says ENOSYS; with it, it says what it pleases. Nothing else that is public tells
 * them apart without a rule. Source: DPDK 22.11 lib/ethdev/rte_flow.c, rte_flow_ops_get().
 */
static bool has_flow_api(uint16_t port)
{
    struct rte_flow_port_info port_info = { 0 };
    struct rte_flow_queue_info queue_info = { 0 };
    struct rte_flow_error error = { 0 };

    return rte_flow_info_get(port, &port_info, &queue_info, &error) != -ENOSYS;
}

static int describe(uint16_t port, struct fl_driver_port *about)
{
    struct rte_eth_dev_info info;
    char name[RTE_ETH_NAME_MAX_LEN];
    int error = rte_eth_dev_get_name_by_port(port, name);

    if (!error) {
        error = rte_eth_dev_info_get(port, &info);
    }
    if (error) {
        return error;
    }
    *about = (struct fl_driver_port){
        .switch_domain = info.switch_info.domain_id,
        .switch_port = info.switch_info.port_id,
        .n_rx_queues = info.nb_rx_queues,
        .is_representor = info.dev_flags && *info.dev_flags & RTE_ETH_DEV_REPRESENTOR,
        .has_flow_api = has_flow_api(port),
    };
    fl_reply_text(about->name, sizeof about->name, name);
    fl_reply_text(about->driver, sizeof about->driver, info.driver_name);
    fl_reply_text(about->switch_name, sizeof about->switch_name, info.switch_info.name);
    return 0;
}

int fl_driver_port(uint16_t port, struct fl_driver_port *about)
{
    int error;

    pthread_mutex_lock(&in_driver);
    error = check_port(port);
    if (!error) {
        error = describe(port, about);
    }
    pthread_mutex_unlock(&in_driver);
    return error;
}

/* A driver that fails without a code has failed all the same, and one that says EINVAL and no more is quoted. */
static void set_answer(struct fl_driver_answer *answer, int code,
                       const struct rte_flow_error *error)
{
    *answer = (struct fl_driver_answer){ .code = code > 0 ? -code : code };
    if (code) {
        answer->type = (int)error->type;
        fl_reply_text(answer->text, sizeof answer->text, error->message);
    }
}

/*
 * mlx5 walks its lists of encapsulations and header rewrites without their locks while rules that use them come and
 * go. Source: DPDK 22.11 drivers/net/mlx5/mlx5_flow.c, mlx5_flow_dev_dump_sh_all().
 */
static bool dump_is_safe(uint16_t port)
{
    static const char driver[] = "mlx5";
    struct rte_eth_dev_info info;

    return rte_eth_dev_info_get(port, &info) ||
           strncmp(info.driver_name, driver, sizeof driver - 1) != 0;
}

void fl_driver_dump(uint16_t port, bool at_own_risk, FILE *file, struct fl_driver_answer *answer)
{
    struct rte_flow_error error = { 0 };
    int code;

    pthread_mutex_lock(&in_driver);
    code = check_port(port);
    if (code) {
        error.message = fl_driver_explain(code);
    } else if (!at_own_risk && !dump_is_safe(port)) {
        code = -EPERM;
        error.message = "mlx5 reads lists that change meanwhile, which may crash ovs-vswitchd; "
                        "ask \"at-own-risk\"";
    } else {
        code = rte_flow_dev_dump(port, NULL, file, &error);
    }
    pthread_mutex_unlock(&in_driver);
    set_answer(answer, code, &error);
}

void fl_driver_validate(uint16_t port, const struct fl_rule *rule, struct fl_driver_answer *answer)
{
    struct rte_flow_error error = { 0 };
    int code;

    pthread_mutex_lock(&in_driver);
    code = check_port(port);
    if (code) {
        error.message = fl_driver_explain(code);
    } else {
        code = rte_flow_validate(port, &rule->attr, rule->items, rule->actions, &error);
    }
    pthread_mutex_unlock(&in_driver);
    set_answer(answer, code, &error);
}
