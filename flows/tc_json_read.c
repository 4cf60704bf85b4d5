/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <ovs/util.h>
#include <stdio.h>
#include <string.h>

#include "flows/limits.h"
#include "flows/tc_json_internal.h"
#include "flows/tc_key.h"

/* A number, or a text that is one: "0x1". */
static bool get_number(const json_t *object, const char *key, uint64_t max, uint64_t *number)
{
    const json_t *json = json_object_get(object, key);
    const char *text = json_string_value(json);

    if (text)
        return fl_tc_number_read(text, 0, max, number);
    if (!json_is_integer(json) || json_integer_value(json) < 0 ||
        (uint64_t)json_integer_value(json) > max)
        return false;
    *number = (uint64_t)json_integer_value(json);
    return true;
}

static bool get_flag(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

/* A device's name; one that is too long for Linux is none. */
static const char *get_device(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text && *text && strlen(text) < FL_LIMIT_NAME_BYTES ? text : NULL;
}

/* Keys */

static void refuse_key(struct fl_tc_filter *filter, const char *name)
{
    fl_tc_not_understood(filter, FL_TC_ABOUT_MATCH, "%.60s", name);
}

/* {"start": 80, "end": 90}, as text */
static bool range_text(const json_t *value, char *text, size_t size)
{
    uint64_t start, end;

    if (!get_number(value, "start", UINT16_MAX, &start) ||
        !get_number(value, "end", UINT16_MAX, &end))
        return false;
    snprintf(text, size, "%" PRIu64 "-%" PRIu64, start, end);
    return true;
}

static const char *no_unless(const json_t *flag)
{
    return json_is_true(flag) ? "" : "no";
}

/* {"frag": true, "firstfrag": false}, as text */
static bool flags_text(const json_t *value, char *text, size_t size)
{
    const json_t *frag = json_object_get(value, "frag"),
                 *first = json_object_get(value, "firstfrag");

    if (frag && first)
        snprintf(text, size, "%sfrag/%sfirstfrag", no_unless(frag), no_unless(first));
    else if (frag)
        snprintf(text, size, "%sfrag", no_unless(frag));
    else
        snprintf(text, size, "%sfirstfrag", no_unless(first));
    return json_object_size(value) == (size_t)(frag != NULL) + (first != NULL) && (frag || first);
}

static bool value_text(const char *name, const json_t *value, char *text, size_t size)
{
    if (json_is_string(value))
        return snprintf(text, size, "%s", json_string_value(value)) < (int)size;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return true;
    }
    if (!json_is_object(value))
        return false;
    return strcmp(name, "ip_flags") ? range_text(value, text, size) : flags_text(value, text, size);
}

static bool read_mpls(const json_t *list, struct fl_tc_filter *filter)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) {
        struct fl_tc_mpls_lse lse = { .present = 0 };
        uint64_t number;

        if (filter->n_mpls == FL_TC_MPLS_MAX)
            return false;
#define FIELD(name, bit, type, max)              \
    if (get_number(item, #name, max, &number)) { \
        lse.name = (type)number;                 \
        lse.present |= bit;                      \
    }
        FIELD(depth, FL_TC_LSE_DEPTH, uint8_t, UINT8_MAX)
        FIELD(label, FL_TC_LSE_LABEL, uint32_t, UINT32_MAX)
        FIELD(tc, FL_TC_LSE_TC, uint8_t, UINT8_MAX)
        FIELD(bos, FL_TC_LSE_BOS, uint8_t, UINT8_MAX)
        FIELD(ttl, FL_TC_LSE_TTL, uint8_t, UINT8_MAX)
#undef FIELD
        filter->mpls[filter->n_mpls++] = lse;
    }
    return json_is_array(list);
}

/* "geneve_opt_key", "geneve_opt_mask" and the like. Return: false when @name is none of them. */
static bool read_opts(const char *name, const json_t *value, struct fl_tc_filter *filter)
{
    const char *suffix = strstr(name, "_opt_");
    char kind[16];
    bool is_mask;

    if (!suffix || suffix == name || suffix - name >= (int)sizeof kind)
        return false;
    ovs_strlcpy(kind, name, (size_t)(suffix - name) + 1);
    is_mask = !strcmp(suffix, "_opt_mask");
    if (!fl_tc_opts_read(value, kind, is_mask ? &filter->enc_opts_mask : &filter->enc_opts))
        refuse_key(filter, name);
    return true;
}

/* "ip_tos_mask" goes with "ip_tos". */
static bool is_mask_of_another(const char *name, const json_t *keys)
{
    size_t n = strlen(name);
    char base[64];

    if (n <= 5 || n >= sizeof base || strcmp(name + n - 5, "_mask"))
        return false;
    ovs_strlcpy(base, name, n - 5 + 1);
    return json_object_get(keys, base) != NULL;
}

static void read_key(const char *name, const json_t *value, const json_t *keys,
                     struct fl_tc_filter *filter)
{
    char text[96], mask_name[64];
    const char *mask;

    if (is_mask_of_another(name, keys))
        return;
    if (!strcmp(name, "mpls") ? read_mpls(value, filter) : read_opts(name, value, filter))
        return;
    snprintf(mask_name, sizeof mask_name, "%.50s_mask", name);
    mask = json_string_value(json_object_get(keys, mask_name));
    if (!value_text(name, value, text, sizeof text) || !fl_tc_key_read(filter, name, text, mask))
        refuse_key(filter, name);
}

/* Those of MLNX versions are nested once more, and arrays of objects. */
static void read_keys(const json_t *keys, struct fl_tc_filter *filter, unsigned int depth)
{
    const char *name;
    json_t *value;
    size_t i;

    if (json_is_array(keys) && depth) {
        json_array_foreach(keys, i, value)
            read_keys(value, filter, depth - 1);
        return;
    }
    json_object_foreach((json_t *)(uintptr_t)keys, name, value) {
        if (depth && json_is_object(value) && !strcmp(name, "keys"))
            read_keys(value, filter, depth - 1);
        else
            read_key(name, value, keys, filter);
    }
}

/* The filter */

static void read_classid(const json_t *options, struct fl_tc_filter *filter)
{
    const char *text = json_string_value(json_object_get(options, "classid"));
    unsigned int major = 0, minor = 0;
    uint64_t hw_tc;

    if (get_number(options, "hw_tc", 15, &hw_tc)) {
        filter->classid = 0xffe0 + (uint32_t)hw_tc;
        filter->has_classid = true;
    } else if (text && (ovs_scan(text, "%x:%x", &major, &minor) || ovs_scan(text, ":%x", &minor))) {
        filter->classid = major << 16 | (minor & 0xffff);
        filter->has_classid = true;
    }
}

static void read_flags(const json_t *options, struct fl_tc_filter *filter)
{
    static const struct {
        const char *name;
        uint32_t flag;
    } flags[] = {
        { "skip_hw", FL_TC_SKIP_HW },
        { "skip_sw", FL_TC_SKIP_SW },
        { "in_hw", FL_TC_IN_HW },
        { "not_in_hw", FL_TC_NOT_IN_HW },
    };
    uint64_t count;

    for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
        if (get_flag(options, flags[i].name)) {
            filter->flags |= flags[i].flag;
            filter->has_flags = true;
        }
    }
    if (get_number(options, "in_hw_count", UINT32_MAX, &count)) {
        filter->in_hw_count = (uint32_t)count;
        filter->has_in_hw_count = true;
    }
}

static void read_place(const json_t *json, struct fl_tc_filter *filter)
{
    const char *parent = json_string_value(json_object_get(json, "parent"));
    uint64_t block;

    filter->dev = get_device(json, "dev");
    if (get_number(json, "block", UINT32_MAX, &block)) {
        filter->hook = FL_TC_BLOCK;
        filter->block = (uint32_t)block;
    } else if (get_flag(json, "egress")) {
        filter->hook = FL_TC_EGRESS;
    } else if (get_flag(json, "ingress") || (parent && !strncmp(parent, "ffff:", 5))) {
        filter->hook = FL_TC_INGRESS;
    }
}

static void read_header(const json_t *json, struct fl_tc_filter *filter)
{
    const char *protocol = json_string_value(json_object_get(json, "protocol"));
    uint32_t number;
    uint64_t value;

    read_place(json, filter);
    if (protocol && fl_tc_protocol_read(protocol, &number))
        filter->protocol = (uint16_t)number;
    else if (protocol)
        fl_tc_not_understood(filter, FL_TC_ABOUT_MATCH, "protocol %.40s", protocol);
    if (get_number(json, "pref", UINT16_MAX, &value))
        filter->priority = (uint16_t)value;
    if (get_number(json, "chain", UINT32_MAX, &value))
        filter->chain = (uint32_t)value;
}

int fl_tc_filter_from_json(const json_t *json, struct fl_tc_filter *filter)
{
    const json_t *options = json_object_get(json, "options"), *actions;
    const char *kind = json_string_value(json_object_get(json, "kind"));
    uint64_t handle = 0;

    if (!json_is_object(json))
        return -EINVAL;
    fl_tc_filter_clear(filter);
    if (!json_is_object(options) || !json_object_size(options))
        return -ENOENT;
    if (!get_number(options, "handle", UINT32_MAX, &handle) && !json_object_get(options, "fh") &&
        !json_object_get(options, "keys") && !json_object_get(options, "actions"))
        return -ENOENT;
    filter->handle = (uint32_t)handle;
    read_header(json, filter);
    read_classid(options, filter);
    read_flags(options, filter);
    filter->indev = get_device(options, "indev");
    actions = json_object_get(options, "actions");
    if (actions)
        fl_tc_actions_read(actions, filter);
    if (kind && strcmp(kind, "flower")) {
        filter->is_other_kind = true;
        fl_tc_not_understood(filter, FL_TC_ABOUT_MATCH, "a filter of kind %.20s", kind);
        return -ENOTSUP;
    }
    read_keys(json_object_get(options, "keys"), filter, 2);
    fl_tc_fill_masks(filter);
    return 0;
}
