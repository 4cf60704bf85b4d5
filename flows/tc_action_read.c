/* SPDX-License-Identifier: Apache-2.0 */
/* What all kinds of action have. */
#include <ovs/util.h>
#include <string.h>

#include "flows/tc_json_internal.h"
#include "flows/tc_key.h"

uint64_t fl_tc_number_or(const json_t *object, const char *key, uint64_t otherwise)
{
    const json_t *json = json_object_get(object, key);
    const char *text = json_string_value(json);
    uint64_t number;

    if (text && fl_tc_number_read(text, 0, UINT64_MAX >> 1, &number))
        return number;
    return json_is_integer(json) && json_integer_value(json) >= 0
               ? (uint64_t)json_integer_value(json)
               : otherwise;
}

const char *fl_tc_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

bool fl_tc_control_read(const json_t *json, uint32_t *control)
{
    const char *type = fl_tc_text_of(json, "type");
    uint32_t number;
    int other;

    if (fl_tc_word_read(fl_tc_control_words, type, &number)) {
        if (number == FL_TC_GOTO || number == FL_TC_JUMP)
            number |= fl_tc_number_or(json, number == FL_TC_GOTO ? "chain" : "jump", 0) &
                      FL_TC_EXT_VALUE;
        *control = number;
        return true;
    }
    if (!ovs_scan(type, "%d", &other))
        return false;
    *control = (uint32_t)other;
    return true;
}

static void read_counters(const json_t *json, struct fl_tc_counters *c)
{
    if (!json_is_object(json) || !json_object_get(json, "packets"))
        return;
    c->has_basic = true;
    c->packets = fl_tc_number_or(json, "packets", 0);
    c->bytes = fl_tc_number_or(json, "bytes", 0);
    if (json_object_get(json, "hw_packets")) {
        c->has_hw = true;
        c->hw_packets = fl_tc_number_or(json, "hw_packets", 0);
        c->hw_bytes = fl_tc_number_or(json, "hw_bytes", 0);
    }
    if (!json_object_get(json, "drops"))
        return;
    c->has_queue = true;
    c->drops = (uint32_t)fl_tc_number_or(json, "drops", 0);
    c->overlimits = (uint32_t)fl_tc_number_or(json, "overlimits", 0);
    c->requeues = (uint32_t)fl_tc_number_or(json, "requeues", 0);
    c->backlog = (uint32_t)fl_tc_number_or(json, "backlog", 0);
    c->qlen = (uint32_t)fl_tc_number_or(json, "qlen", 0);
}

static uint64_t ticks_of(const json_t *json, const char *key)
{
    uint64_t seconds = fl_tc_number_or(json, key, 0);

    return seconds > UINT32_MAX ? 0 : seconds * FL_TC_TICKS_PER_SECOND;
}

static void read_times(const json_t *json, struct fl_tc_action *action)
{
    if (!json_object_get(json, "installed") && !json_object_get(json, "last_used"))
        return;
    action->present |= FL_TC_HAS_TIMES;
    action->times.installed = ticks_of(json, "installed");
    action->times.last_used = ticks_of(json, "last_used");
    action->times.first_used = ticks_of(json, "first_used");
    action->times.expires = ticks_of(json, "expires");
}

static void read_hw_stats(const json_t *json, const char *key, uint8_t *bits,
                          enum fl_tc_part present, struct fl_tc_action *action)
{
    const json_t *list = json_object_get(json, key), *item;
    size_t i;

    if (!json_is_array(list))
        return;
    action->present |= present;
    json_array_foreach(list, i, item) {
        const char *text = json_string_value(item);

        *bits |= !text ? 0 : !strcmp(text, "immediate") ? 1 : !strcmp(text, "delayed") ? 2 : 0;
    }
}

static void read_cookie(const char *text, struct fl_tc_action *action)
{
    size_t n = strlen(text) / 2;

    if (n && n <= sizeof action->cookie && fl_tc_hex_read(text, action->cookie, n))
        action->n_cookie = (uint8_t)n;
}

static void read_action(const json_t *json, size_t i, struct fl_tc_filter *filter)
{
    const json_t *control = json_object_get(json, "control_action");
    struct fl_tc_action *action = fl_tc_add_action(filter);
    uint32_t kind = FL_TC_OTHER;

    if (!action)
        return;
    action->kind_name = fl_tc_text_of(json, "kind");
    action->present = FL_TC_HAS_OPTIONS;
    action->order = (uint16_t)fl_tc_number_or(json, "order", i + 1);
    fl_tc_word_read(fl_tc_kind_words, action->kind_name, &kind);
    action->kind = kind;
    action->control = FL_TC_PIPE;
    if ((control && !fl_tc_control_read(control, &action->control)) ||
        !fl_tc_kind_read(json, filter, action))
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "action %.20s", action->kind_name);
    action->index = (uint32_t)fl_tc_number_or(json, "index", 0);
    action->ref = (int32_t)(fl_tc_number_or(json, "ref", 0) & INT32_MAX);
    action->bind = (int32_t)(fl_tc_number_or(json, "bind", 0) & INT32_MAX);
    read_times(json, action);
    read_counters(json_object_get(json, "stats"), &action->counters);
    read_cookie(fl_tc_text_of(json, "cookie"), action);
    if (json_is_boolean(json_object_get(json, "no_percpu"))) {
        action->present |= FL_TC_HAS_FLAGS;
        action->selected = 1;
        action->flags = json_is_true(json_object_get(json, "no_percpu"));
    }
    read_hw_stats(json, "hw_stats", &action->hw_stats, FL_TC_HAS_HW_STATS, action);
    read_hw_stats(json, "used_hw_stats", &action->used_hw_stats, FL_TC_HAS_USED_HW_STATS, action);
}

void fl_tc_actions_read(const json_t *actions, struct fl_tc_filter *filter)
{
    const json_t *item;
    size_t i;

    if (!json_is_array(actions)) {
        fl_tc_not_understood(filter, FL_TC_ABOUT_ACTION, "actions that are no list");
        return;
    }
    json_array_foreach(actions, i, item)
        read_action(item, i, filter);
}
