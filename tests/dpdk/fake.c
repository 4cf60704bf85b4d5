/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Source: DPDK 22.11 lib/telemetry/telemetry.c and rte_telemetry.h. */
#define MAX_COMMAND_BYTES 56
#define MAX_OUTPUT_BYTES  (1024 * 16)
#define REQUEST_BYTES     1023

#define MUST(CONDITION)                                                             \
    do {                                                                            \
        if (!(CONDITION)) {                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #CONDITION); \
            abort();                                                                \
        }                                                                           \
    } while (0)

/* A reply is kept as JSON. */
struct rte_tel_data {
    json_t *json;
    enum rte_tel_value_type type;
};

struct fake_dpdk fake_dpdk;

static uint16_t stopped_rx(void *queue, struct rte_mbuf **packets, uint16_t n)
{
    (void)queue;
    (void)packets;
    (void)n;
    return 0;
}

static uint16_t started_rx(void *queue, struct rte_mbuf **packets, uint16_t n)
{
    return stopped_rx(queue, packets, n);
}

struct rte_eth_fp_ops rte_eth_fp_ops[RTE_MAX_ETHPORTS] = { [0] = { .rx_pkt_burst = stopped_rx } };

static void set_started(void)
{
    for (size_t i = 0; i < RTE_DIM(rte_eth_fp_ops); i++) {
        rte_eth_fp_ops[i].rx_pkt_burst = fake_dpdk.is_stopped ? stopped_rx : started_rx;
    }
}

static struct {
    const char *name;
    telemetry_cb answer;
} commands[16];

const char *rte_version(void)
{
    return "DPDK " RTE_STR(RTE_VER_YEAR) "." RTE_STR(RTE_VER_MONTH) ".99";
}

int rte_log(uint32_t level, uint32_t type, const char *format, ...)
{
    char line[256];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    MUST(level <= RTE_LOG_DEBUG && type == RTE_LOGTYPE_USER1);
    MUST(n > 0 && (size_t)n < sizeof line && strchr(line, '\n') == line + n - 1);
    return n;
}

int rte_telemetry_register_cmd(const char *name, telemetry_cb answer, const char *help)
{
    MUST(name[0] == '/' && strlen(name) < MAX_COMMAND_BYTES);
    MUST(strlen(help) < RTE_TEL_MAX_STRING_LEN);
    commands[fake_dpdk.n_commands].name = name;
    commands[fake_dpdk.n_commands++].answer = answer;
    return 0;
}

/* ---- Replies ---- */

/* What DPDK's own writer of JSON cannot take: see fl_reply_character(). */
static json_t *checked_string(const char *text, size_t max_bytes)
{
    MUST(strlen(text) < max_bytes);
    for (size_t i = 0; text[i]; i++) {
        MUST((unsigned char)text[i] < 0x80);
    }
    return json_string(text);
}

static void start(struct rte_tel_data *reply, json_t *json)
{
    json_decref(reply->json);
    reply->json = json;
}

int rte_tel_data_start_array(struct rte_tel_data *reply, enum rte_tel_value_type type)
{
    start(reply, json_array());
    reply->type = type;
    return 0;
}

int rte_tel_data_start_dict(struct rte_tel_data *reply)
{
    start(reply, json_object());
    return 0;
}

int rte_tel_data_string(struct rte_tel_data *reply, const char *text)
{
    json_t *json = checked_string(text, RTE_TEL_MAX_SINGLE_STRING_LEN);

    MUST(json);
    start(reply, json);
    return 0;
}

int rte_tel_data_add_array_int(struct rte_tel_data *reply, int value)
{
    MUST(json_is_array(reply->json) && reply->type == RTE_TEL_INT_VAL);
    MUST(json_array_size(reply->json) < RTE_TEL_MAX_ARRAY_ENTRIES);
    json_array_append_new(reply->json, json_integer(value));
    return 0;
}

static int add(struct rte_tel_data *reply, const char *name, json_t *value)
{
    MUST(json_is_object(reply->json) && value);
    MUST(!json_object_get(reply->json, name));
    json_object_set_new(reply->json, name, value);
    return 0;
}

int rte_tel_data_add_dict_string(struct rte_tel_data *reply, const char *name, const char *value)
{
    return add(reply, name, checked_string(value, RTE_TEL_MAX_STRING_LEN));
}

int rte_tel_data_add_dict_int(struct rte_tel_data *reply, const char *name, int value)
{
    return add(reply, name, json_integer(value));
}

int rte_tel_data_add_dict_u64(struct rte_tel_data *reply, const char *name, uint64_t value)
{
    MUST(value <= INT64_MAX);
    return add(reply, name, json_integer((json_int_t)value));
}

static telemetry_cb find(const char *command)
{
    for (size_t i = 0; command && i < fake_dpdk.n_commands; i++) {
        if (!strcmp(command, commands[i].name)) {
            return commands[i].answer;
        }
    }
    return NULL;
}

/* On the heap, with nothing behind it, so that AddressSanitizer sees a read past the end. */
char *fake_dpdk_ask(const void *bytes, size_t n)
{
    char *request = strndup(bytes, n < REQUEST_BYTES ? n : REQUEST_BYTES), *rest = NULL;
    const char *command = strtok_r(request, ",", &rest);
    const char *params = strtok_r(NULL, "", &rest);
    char *copy = params ? strdup(params) : NULL, *text = NULL;
    struct rte_tel_data reply = { 0 };
    telemetry_cb answer = find(command);

    set_started();
    if (answer && answer(command, copy, &reply) >= 0) {
        text = json_dumps(reply.json, JSON_ENCODE_ANY | JSON_COMPACT);
        MUST(text && strlen(text) + MAX_COMMAND_BYTES + 10 < MAX_OUTPUT_BYTES);
    }
    json_decref(reply.json);
    free(copy);
    free(request);
    return text;
}

json_t *fake_dpdk_ask_json(const char *request)
{
    char *text = fake_dpdk_ask(request, strlen(request));
    json_t *json = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;

    free(text);
    return json;
}

/* ---- Ports and their driver ---- */

int rte_eth_dev_is_valid_port(uint16_t port)
{
    return port < FAKE_PORTS || port == 7;
}

int rte_eth_dev_get_name_by_port(uint16_t port, char *name)
{
    MUST(rte_eth_dev_is_valid_port(port));
    snprintf(name, RTE_ETH_NAME_MAX_LEN, "0000:08:00.0_representor_vf%u\xe9", port);
    return port == 7 ? -ENODEV : 0;
}

int rte_eth_dev_info_get(uint16_t port, struct rte_eth_dev_info *info)
{
    static const uint32_t flags = RTE_ETH_DEV_REPRESENTOR;

    MUST(rte_eth_dev_is_valid_port(port));
    *info = (struct rte_eth_dev_info){
        .driver_name = fake_dpdk.driver ? fake_dpdk.driver : "net_fake",
        .switch_info = { .name = "0000:08:00.0", .domain_id = 4, .port_id = port },
        .nb_rx_queues = 2,
        .dev_flags = port ? &flags : NULL,
    };
    return 0;
}

int rte_flow_info_get(uint16_t port, struct rte_flow_port_info *port_info,
                      struct rte_flow_queue_info *queue_info, struct rte_flow_error *error)
{
    MUST(port_info && queue_info && error);
    return port == 2 ? -ENOSYS : -ENOTSUP;
}

static int explain(struct rte_flow_error *error, int code)
{
    MUST(error);
    *error = (struct rte_flow_error){
        .type = fake_dpdk.error_type,
        .message = fake_dpdk.error_message,
    };
    return code;
}

int rte_flow_dev_dump(uint16_t port, struct rte_flow *flow, FILE *file,
                      struct rte_flow_error *error)
{
    MUST(!flow && file);
    fake_dpdk.n_dumps++;
    if (port == 2) {
        return explain(error, -ENOSYS);
    }
    if (fake_dpdk.dump_ms) {
        usleep(fake_dpdk.dump_ms * 1000);
    }
    if (fake_dpdk.n_dump) {
        MUST(fwrite(fake_dpdk.dump, fake_dpdk.n_dump, 1, file) == 1);
    }
    return explain(error, fake_dpdk.dump_error);
}

int rte_flow_validate(uint16_t port, const struct rte_flow_attr *attr,
                      const struct rte_flow_item items[], const struct rte_flow_action actions[],
                      struct rte_flow_error *error)
{
    fake_dpdk.n_validated++;
    if (port == 2) {
        return explain(error, -ENOSYS);
    }
    if (fake_dpdk.on_validate) {
        fake_dpdk.on_validate(attr, items, actions);
    }
    return explain(error, fake_dpdk.validate_error);
}
