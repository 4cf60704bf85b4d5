/* SPDX-License-Identifier: Apache-2.0 */

/* The JSON form of what is known of network devices, as it stands in a capture. */

#include "flows/nic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/json_read.h"
#include "flows/limits.h"

#define MAX_TEXT 4096u

/* Writing. */

static json_t *text_or_null(const char *text)
{
    return text[0] ? fl_json_of_string(text) : json_null();
}

static json_t *id_to_json(const struct fl_nic_id *id)
{
    char text[2 * FL_NIC_ID_BYTES + 1];

    for (size_t i = 0; i < id->n_bytes; i++)
        snprintf(&text[2 * i], 3, "%02x", id->bytes[i]);
    return id->n_bytes ? json_string(text) : json_null();
}

static json_t *port_to_json(const struct fl_nic_port *port)
{
    return json_pack("{si so so so so so so so si so ss ss so ss ss ss}", "ifindex", port->ifindex,
                     "name", text_or_null(port->name), "driver", text_or_null(port->driver),
                     "firmware", text_or_null(port->firmware), "bus", text_or_null(port->bus),
                     "switch_id", id_to_json(&port->switch_id), "port_id",
                     id_to_json(&port->port_id), "port_name", text_or_null(port->port_name),
                     "master", port->master, "master_kind", text_or_null(port->master_kind), "role",
                     fl_nic_role_name(port->role), "hw_tc_offload",
                     fl_nic_feature_name(port->tc_offload), "devlink", text_or_null(port->devlink),
                     "eswitch", fl_eswitch_mode_name(port->eswitch), "inline_mode",
                     fl_inline_mode_name(port->inline_mode), "encap",
                     fl_encap_mode_name(port->encap));
}

json_t *fl_nic_to_json(const struct fl_nic *nic)
{
    json_t *ports = json_array();

    for (size_t i = 0; i < nic->n_ports; i++)
        json_array_append_new(ports, port_to_json(&nic->ports[i]));
    return json_pack("{so so}", "ports", ports, "incomplete", fl_json_of_string(nic->incomplete));
}

/* Reading. */

/* Into an array of @n_bytes; absent or null leaves it empty. */
static int read_text(const json_t *json, const char *where, const char *key, char *text,
                     size_t n_bytes, struct fl_error *err)
{
    const char *read;
    int ret = fl_json_string_or_null(json, where, key, n_bytes - 1, &read, err);

    if (!ret && read)
        ovs_strlcpy(text, read, n_bytes);
    return ret;
}

static int read_id(const json_t *json, const char *where, const char *key, struct fl_nic_id *id,
                   struct fl_error *err)
{
    const char *text;
    bool ok = true;
    int ret = fl_json_string_or_null(json, where, key, 2 * sizeof id->bytes, &text, err);

    if (ret || !text)
        return ret;
    for (size_t i = 0; ok && text[i]; i += 2) {
        id->bytes[i / 2] = (uint8_t)hexits_value(&text[i], 2, &ok);
        id->n_bytes = (uint8_t)(i / 2 + 1);
    }
    return ok ? 0
              : fl_error_set(err, -EINVAL, "%s.%s must be pairs of hexadecimal digits", where, key);
}

/* The value of an enumeration whose names are @name_of(0) to @name_of(@n - 1); absent gives 0. */
static int read_name(const json_t *json, const char *where, const char *key,
                     const char *(*name_of)(unsigned int value), unsigned int n,
                     unsigned int *value, struct fl_error *err)
{
    const char *text;
    int ret = fl_json_string_or_null(json, where, key, FL_LIMIT_NAME_BYTES, &text, err);

    if (ret || !text)
        return ret;
    for (unsigned int i = 0; i < n; i++) {
        if (!strcmp(text, name_of(i))) {
            *value = i;
            return 0;
        }
    }
    return fl_error_set(err, -EINVAL, "%s.%s is \"%s\", which means nothing here", where, key,
                        text);
}

static const char *role_name(unsigned int value)
{
    return fl_nic_role_name((enum fl_nic_role)value);
}

static const char *feature_name(unsigned int value)
{
    return fl_nic_feature_name((enum fl_nic_feature)value);
}

static const char *eswitch_name(unsigned int value)
{
    return fl_eswitch_mode_name((enum fl_eswitch_mode)value);
}

static const char *inline_name(unsigned int value)
{
    return fl_inline_mode_name((enum fl_inline_mode)value);
}

static const char *encap_name(unsigned int value)
{
    return fl_encap_mode_name((enum fl_encap_mode)value);
}

static int read_modes(const json_t *json, const char *where, struct fl_nic_port *port,
                      struct fl_error *err)
{
    unsigned int role = 0, feature = 0, eswitch = 0, inline_mode = 0, encap = 0;
    int ret = read_name(json, where, "role", role_name, FL_NIC_ROLE_NEITHER + 1, &role, err);

    ret = ret ? ret
              : read_name(json, where, "hw_tc_offload", feature_name, FL_NIC_FEATURE_OFF_FIXED + 1,
                          &feature, err);
    ret = ret ? ret
              : read_name(json, where, "eswitch", eswitch_name, FL_ESWITCH_SWITCHDEV + 1, &eswitch,
                          err);
    ret = ret ? ret
              : read_name(json, where, "inline_mode", inline_name, FL_INLINE_TRANSPORT + 1,
                          &inline_mode, err);
    ret = ret ? ret : read_name(json, where, "encap", encap_name, FL_ENCAP_BASIC + 1, &encap, err);
    port->role = (enum fl_nic_role)role;
    port->tc_offload = (enum fl_nic_feature)feature;
    port->eswitch = (enum fl_eswitch_mode)eswitch;
    port->inline_mode = (enum fl_inline_mode)inline_mode;
    port->encap = (enum fl_encap_mode)encap;
    return ret;
}

static int read_texts(const json_t *json, const char *where, struct fl_nic_port *port,
                      struct fl_error *err)
{
    const struct {
        const char *key;
        char *text;
        size_t n_bytes;
    } texts[] = {
        { "name", port->name, sizeof port->name },
        { "driver", port->driver, sizeof port->driver },
        { "firmware", port->firmware, sizeof port->firmware },
        { "bus", port->bus, sizeof port->bus },
        { "port_name", port->port_name, sizeof port->port_name },
        { "master_kind", port->master_kind, sizeof port->master_kind },
        { "devlink", port->devlink, sizeof port->devlink },
    };
    int ret = 0;

    for (size_t i = 0; !ret && i < ARRAY_SIZE(texts); i++)
        ret = read_text(json, where, texts[i].key, texts[i].text, texts[i].n_bytes, err);
    return ret;
}

static int read_port(const json_t *json, const char *where, struct fl_nic *nic,
                     struct fl_error *err)
{
    struct fl_nic_port port = { .ifindex = 0 };
    int64_t ifindex, master;
    int ret = fl_json_object(json, where, err);

    ret = ret ? ret : fl_json_integer(json, where, "ifindex", 1, INT32_MAX, -1, &ifindex, err);
    ret = ret ? ret : fl_json_integer(json, where, "master", 0, INT32_MAX, 0, &master, err);
    ret = ret ? ret : read_texts(json, where, &port, err);
    ret = ret ? ret : read_id(json, where, "switch_id", &port.switch_id, err);
    ret = ret ? ret : read_id(json, where, "port_id", &port.port_id, err);
    ret = ret ? ret : read_modes(json, where, &port, err);
    if (ret)
        return ret;
    if (ifindex < 0 || fl_nic_port(nic, ifindex))
        return fl_error_set(err, -EINVAL, "%s.ifindex must be there, and no other port's", where);
    port.ifindex = (int)ifindex;
    port.master = (int)master;
    *fl_nic_add(nic, port.ifindex) = port;
    return 0;
}

int fl_nic_from_json(const json_t *json, struct fl_nic *nic, struct fl_error *err)
{
    const json_t *ports = NULL;
    const char *incomplete = NULL;
    struct fl_nic read;
    int ret = fl_json_object(json, "nic", err);

    fl_nic_init(&read);
    ret = ret ? ret : fl_json_array(json, "nic", "ports", FL_LIMIT_PORTS, &ports, err);
    ret = ret ? ret : fl_json_string_or_null(json, "nic", "incomplete", MAX_TEXT, &incomplete, err);
    for (size_t i = 0; !ret && i < json_array_size(ports); i++) {
        char where[64];

        snprintf(where, sizeof where, "nic.ports[%" PRIuSIZE "]", i);
        ret = read_port(json_array_get(ports, i), where, &read, err);
    }
    if (ret) {
        fl_nic_destroy(&read);
        return ret;
    }
    read.incomplete = nullable_xstrdup(incomplete);
    fl_nic_destroy(nic);
    *nic = read;
    return 0;
}
