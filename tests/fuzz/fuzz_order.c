/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders and answers on the agent's control socket: any JSON is either read or refused with a sentence, and what
 * was read is the same again after it was written and read once more.
 */

#include <stdint.h>
#include <stdlib.h>

#include "flows/cleanup.h"
#include "lib/base/small_file.h"
#include "lib/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_order(const json_t *json)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *first = NULL, *second = NULL;
    struct fl_order order, again;

    if (fl_order_from_json(json, &order, &err)) {
        if (!err.text[0])
            abort();
        return;
    }
    first = fl_order_to_json(&order);
    if (!first || fl_order_from_json(first, &again, &err))
        abort();
    second = fl_order_to_json(&again);
    if (!json_equal(first, second))
        abort();
    fl_order_destroy(&order);
    fl_order_destroy(&again);
}

static void check_answer(const json_t *json)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *first = NULL, *second = NULL;
    struct fl_order_answer answer, again;

    if (fl_order_answer_from_json(json, &answer, &err)) {
        if (!err.text[0])
            abort();
        return;
    }
    first = fl_order_answer_to_json(&answer);
    if (!first || fl_order_answer_from_json(first, &again, &err))
        abort();
    second = fl_order_answer_to_json(&again);
    if (!json_equal(first, second))
        abort();
    fl_order_answer_destroy(&answer);
    fl_order_answer_destroy(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *json = fl_json_parse("fuzz.json", (const char *)data, size, &err);

    if (json) {
        check_order(json);
        check_answer(json);
    }
    return 0;
}
