/* SPDX-License-Identifier: Apache-2.0 */
/* Options of tunnels. Source: iproute2 6.1 tc/f_flower.c and tc/m_tunnel_key.c, which agree. */
#include <string.h>

#include "flows/tc_json_internal.h"

static json_t *geneve_json(const uint8_t *bytes, size_t n)
{
    json_t *list = json_array();

    for (size_t at = 0; at + 4 <= n; at += 4 + bytes[at + 3] * 4u) {
        json_t *option = json_object(), *data = json_array();

        for (size_t i = 0; i < bytes[at + 3] * 4u && at + 4 + i < n; i++)
            json_array_append_new(data, json_integer(bytes[at + 4 + i]));
        json_object_set_new(option, "class", json_integer(bytes[at] << 8 | bytes[at + 1]));
        json_object_set_new(option, "type", json_integer(bytes[at + 2]));
        json_object_set_new(option, "data", data);
        json_array_append_new(list, option);
    }
    return list;
}

json_t *fl_tc_opts_json(const struct fl_tc_tunnel_opts *opts)
{
    switch (opts->kind) {
    case FL_TC_OPTS_NONE: break;
    case FL_TC_OPTS_GENEVE: return geneve_json(opts->geneve, opts->n_bytes);
    case FL_TC_OPTS_VXLAN: return json_pack("[{s:I}]", "gbp", (json_int_t)opts->vxlan_gbp);
    case FL_TC_OPTS_ERSPAN:
        return json_pack("[{s:i, s:I, s:i, s:i}]", "ver", opts->erspan.version, "index",
                         (json_int_t)opts->erspan.index, "dir", opts->erspan.direction, "hwid",
                         opts->erspan.hwid);
    case FL_TC_OPTS_GTP:
        return json_pack("[{s:i, s:i}]", "pdu_type", opts->gtp.pdu_type, "qfi", opts->gtp.qfi);
    }
    return NULL;
}

/* A number of @object from 0 to @max. */
static bool get_number(const json_t *object, const char *key, json_int_t max, json_int_t *number)
{
    const json_t *json = json_object_get(object, key);

    if (!json_is_integer(json) || json_integer_value(json) < 0 || json_integer_value(json) > max)
        return false;
    *number = json_integer_value(json);
    return true;
}

static bool read_geneve(const json_t *option, struct fl_tc_tunnel_opts *opts)
{
    const json_t *data = json_object_get(option, "data");
    uint8_t *header = opts->geneve + opts->n_bytes;
    size_t n = json_array_size(data);
    json_int_t class, type;

    if (!json_is_array(data) || n % 4 || n > 124 || opts->n_bytes + 4 + n > sizeof opts->geneve ||
        !get_number(option, "class", UINT16_MAX, &class) ||
        !get_number(option, "type", UINT8_MAX, &type))
        return false;
    header[0] = (uint8_t)(class >> 8);
    header[1] = (uint8_t) class;
    header[2] = (uint8_t)type;
    header[3] = (uint8_t)(n / 4);
    for (size_t i = 0; i < n; i++)
        header[4 + i] = (uint8_t)json_integer_value(json_array_get(data, i));
    opts->n_bytes = (uint16_t)(opts->n_bytes + 4 + n);
    return true;
}

static bool read_option(const json_t *option, struct fl_tc_tunnel_opts *opts)
{
    json_int_t a, b, c, d;

    switch (opts->kind) {
    case FL_TC_OPTS_GENEVE: return read_geneve(option, opts);
    case FL_TC_OPTS_VXLAN:
        if (!get_number(option, "gbp", UINT32_MAX, &a))
            return false;
        opts->vxlan_gbp = (uint32_t)a;
        return true;
    case FL_TC_OPTS_ERSPAN:
        if (!get_number(option, "ver", UINT8_MAX, &a) ||
            !get_number(option, "index", UINT32_MAX, &b) ||
            !get_number(option, "dir", UINT8_MAX, &c) || !get_number(option, "hwid", UINT8_MAX, &d))
            return false;
        opts->erspan.version = (uint8_t)a;
        opts->erspan.index = (uint32_t)b;
        opts->erspan.direction = (uint8_t)c;
        opts->erspan.hwid = (uint8_t)d;
        return true;
    case FL_TC_OPTS_GTP:
    case FL_TC_OPTS_NONE: break;
    }
    return false;
}

bool fl_tc_opts_read(const json_t *json, const char *kind, struct fl_tc_tunnel_opts *opts)
{
    const json_t *option;
    size_t i;

    opts->n_bytes = 0;
    opts->kind = !strcmp(kind, "geneve")   ? FL_TC_OPTS_GENEVE
                 : !strcmp(kind, "vxlan")  ? FL_TC_OPTS_VXLAN
                 : !strcmp(kind, "erspan") ? FL_TC_OPTS_ERSPAN
                                           : FL_TC_OPTS_NONE;
    if (!json_is_array(json) || opts->kind == FL_TC_OPTS_NONE)
        return false;
    json_array_foreach(json, i, option) {
        if (!read_option(option, opts))
            return false;
    }
    return true;
}
