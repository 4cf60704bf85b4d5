/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target of filters in JSON: read, written, read and written again, which must not change them. */
#include <jansson.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/tc_flow.h"
#include "flows/tc_json.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fl_tc_filter filter, again;

static void see(const json_t *json)
{
    struct fl_ports *ports = fl_ports_create();
    struct fl_tc_flow scratch;
    json_t *once, *twice;
    struct fl_flow flow;
    int ret = fl_tc_filter_from_json(json, &filter);

    fl_tc_flow_init(&scratch, ports);
    if (!ret) {
        fl_tc_to_flow(&scratch, &filter, 0, &flow);
        REQUIRE(flow.has_match && (flow.has_actions || flow.parse_error));
        once = fl_tc_filter_json(&filter);
        REQUIRE(once);
        if (!filter.unknown[0] && fl_tc_filter_from_json(once, &again) == 0 && !again.unknown[0]) {
            twice = fl_tc_filter_json(&again);
            REQUIRE(json_equal(once, twice));
            json_decref(twice);
        }
        json_decref(once);
    }
    fl_tc_flow_uninit(&scratch);
    fl_ports_destroy(ports);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_DISABLE_EOF_CHECK, NULL), *item;
    size_t i;

    json_array_foreach(json, i, item)
        see(item);
    if (json_is_object(json))
        see(json);
    json_decref(json);
    return 0;
}
