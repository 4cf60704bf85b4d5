/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/dpdk/plugin/validate.h"

#include <errno.h>
#include <string.h>

#include "lib/dpdk/plugin/driver.h"
#include "lib/dpdk/plugin/request.h"
#include "lib/dpdk/plugin/rule.h"

static int say(struct rte_tel_data *reply, const char *status, int code, const char *text)
{
    rte_tel_data_add_dict_string(reply, "status", status);
    rte_tel_data_add_dict_int(reply, "code", code);
    return rte_tel_data_add_dict_string(reply, "text", text);
}

/* ENOSYS: no flow API, or no such function in it. */
static const char *status_of(int code)
{
    switch (-code) {
    case 0: return "accepted";
    case ENOSYS:
    case ENODEV:
    case EAGAIN:
    case ENOMEM:
    case EIO: return "unknown";
    default: return "refused";
    }
}

/* The port's, if the rule may not say itself over how many queues it spreads packets. */
static int count_queues(uint16_t port, const char *rule, unsigned int *n_queues)
{
    struct fl_driver_port about = { .n_rx_queues = 0 };
    int error = strstr(rule, "rss") ? fl_driver_port(port, &about) : 0;

    *n_queues = about.n_rx_queues;
    return error;
}

int fl_validate_answer(const char *command, const char *params, struct rte_tel_data *reply)
{
    struct fl_driver_answer answer;
    struct fl_request request;
    char why[FL_RULE_WHY_BYTES];
    struct fl_rule rule;
    unsigned int n_queues;
    uint64_t port;
    int error;

    (void)command;
    fl_request_init(&request, params);
    rte_tel_data_start_dict(reply);
    rte_tel_data_add_dict_u64(reply, "check", request.check);
    if (!fl_request_number(&request, UINT16_MAX, &port)) {
        return say(reply, "malformed", EINVAL, "PORT,RULE is wanted");
    }
    rte_tel_data_add_dict_u64(reply, "port", port);
    error = count_queues((uint16_t)port, request.next, &n_queues);
    if (error) {
        return say(reply, "unknown", -error, fl_driver_explain(error));
    }
    if (fl_rule_parse(request.next, n_queues, &rule, why)) {
        return say(reply, "malformed", EINVAL, why);
    }
    fl_driver_validate((uint16_t)port, &rule, &answer);
    rte_tel_data_add_dict_int(reply, "type", answer.type);
    return say(reply, status_of(answer.code), -answer.code, answer.text);
}
