/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plan and remedy files: any JSON is either read or refused, and what was read is the same again after
 * it was written and read once more.
 */

#include <stdint.h>
#include <stdlib.h>

#include "flows/cleanup.h"
#include "flows/flowset.h"
#include "lib/base/small_file.h"
#include "lib/store/remedies.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_flow_set(const json_t *json)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *first = NULL, *second = NULL;
    struct fl_flowset set, again;

    if (fl_flowset_from_json(json, &set, &err)) {
        if (!err.text[0])
            abort();
        return;
    }
    first = fl_flowset_to_json(&set);
    if (!first || fl_flowset_from_json(first, &again, &err))
        abort();
    second = fl_flowset_to_json(&again);
    if (!fl_flowset_equal(&set, &again) || !json_equal(first, second))
        abort();
    fl_flowset_destroy(&set);
    fl_flowset_destroy(&again);
}

static void check_remedy(const json_t *json)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *first = NULL, *second = NULL;
    struct fl_remedy remedy, again;

    if (fl_remedy_from_json(json, &remedy, &err)) {
        if (!err.text[0])
            abort();
        return;
    }
    first = fl_remedy_to_json(&remedy);
    if (!first || fl_remedy_from_json(first, &again, &err))
        abort();
    second = fl_remedy_to_json(&again);
    if (!json_equal(first, second))
        abort();
    fl_remedy_destroy(&remedy);
    fl_remedy_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *json = fl_json_parse("fuzz.json", (const char *)data, size, &err);
    const json_t *inner;

    if (!json) {
        if (!err.text[0])
            abort();
        return 0;
    }
    check_flow_set(json);
    check_remedy(json);
    inner = json_object_get(json, "flow_set");
    if (inner)
        check_flow_set(inner);
    return 0;
}
