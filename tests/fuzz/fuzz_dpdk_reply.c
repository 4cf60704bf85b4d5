/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes over DPDK's telemetry socket, taken for a greeting and for the reply to each request. What is
 * taken for good must hold what the rest relies on.
 */
#include <errno.h>
#include <ovs/util.h>
#include <stdint.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/dpdk/plugin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *reply_to(const char *command, const uint8_t *data, size_t size)
{
    struct fl_error err = FL_ERROR_INIT;
    json_t *value = NULL;
    int error = fl_telemetry_decode((const char *)data, size, command, &value, &err);

    ovs_assert(error == err.code && !error == (value != NULL));
    return value;
}

static void check_page(const json_t *reply)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_plugin_page page;
    int error = fl_plugin_decode_page(reply, &page, &err);

    ovs_assert(error == err.code);
    if (!error && page.status == FL_PLUGIN_OK) {
        ovs_assert(strlen(page.lines) == page.next - page.offset);
        ovs_assert(page.next <= page.stored && page.stored <= FL_LIMIT_NIC_RULES_BYTES);
        ovs_assert(page.next > page.offset || page.next == page.stored);
    }
}

static void check_others(const json_t *port, const json_t *count, const json_t *validate)
{
    struct fl_plugin_answer answer;
    struct fl_plugin_port about;
    struct fl_plugin_page page;
    struct fl_error err = FL_ERROR_INIT;

    ovs_assert(fl_plugin_decode_port(port, &about, &err) == err.code);
    fl_error_clear(&err);
    ovs_assert(fl_plugin_decode_count(count, &page, &err) == err.code);
    fl_error_clear(&err);
    ovs_assert(fl_plugin_decode_answer(validate, 1, &answer, &err) == err.code);
    if (!err.code) {
        ovs_assert((answer.verdict == FL_PLUGIN_ACCEPTED) == !answer.code);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_json json_t *page = reply_to("/flowlift/rules,1", data, size);
    _cleanup_json json_t *port = reply_to("/flowlift/port,1", data, size);
    _cleanup_json json_t *count = reply_to("/flowlift/count,1", data, size);
    _cleanup_json json_t *validate = reply_to("/flowlift/validate,1", data, size);
    struct fl_telemetry_greeting greeting;

    fl_telemetry_decode_greeting((const char *)data, size, &greeting, NULL);
    check_page(page);
    check_others(port, count, validate);
    return 0;
}
