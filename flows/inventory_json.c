/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The JSON form of an inventory, as it stands in a capture. Names of keys are the names of the OVSDB
 * columns they come from (ovs-vswitchd.conf.db(5)).
 */

#include "flows/inventory.h"

#include <errno.h>
#include <inttypes.h>
#include <ovs/flow.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/json_read.h"
#include "flows/limits.h"

#define MAX_TEXT (64u * 1024)

static const char *const vlan_modes[] = {
    [FL_VLAN_DEFAULT] = "",
    [FL_VLAN_ACCESS] = "access",
    [FL_VLAN_TRUNK] = "trunk",
    [FL_VLAN_NATIVE_TAGGED] = "native-tagged",
    [FL_VLAN_NATIVE_UNTAGGED] = "native-untagged",
    [FL_VLAN_DOT1Q_TUNNEL] = "dot1q-tunnel",
};

/* Writing. */

static json_t *bridge_to_json(const struct fl_bridge *bridge)
{
    char id[17];

    snprintf(id, sizeof id, "%016" PRIx64, bridge->datapath_id);
    return json_pack("{so so ss so so so}", "name", fl_json_of_string(bridge->name),
                     "datapath_type", fl_json_of_string(bridge->datapath_type), "datapath_id", id,
                     "fail_mode", fl_json_of_string(bridge->fail_mode), "external_ids",
                     fl_json_of_smap(&bridge->external_ids), "other_config",
                     fl_json_of_smap(&bridge->other_config));
}

/* Without the key of an IPsec tunnel: a capture goes to whoever may read the ticket. */
static json_t *options_to_json(const struct smap *options)
{
    json_t *json = fl_json_of_smap(options);

    json_object_del(json, "psk");
    return json;
}

static json_t *interface_to_json(const struct fl_interface *iface)
{
    return json_pack("{so so so so so so sI sI si ss sb so so so}", "name",
                     fl_json_of_string(iface->name), "type", fl_json_of_string(iface->type),
                     "error", fl_json_of_string(iface->error), "bridge",
                     fl_json_of_string(iface->bridge), "port", fl_json_of_string(iface->port),
                     "peer", fl_json_of_string(iface->peer), "ofport",
                     (json_int_t)ofp_to_u16(iface->ofport), "ifindex", (json_int_t)iface->ifindex,
                     "tag", iface->tag, "vlan_mode", vlan_modes[iface->vlan_mode], "in_bond",
                     iface->in_bond, "external_ids", fl_json_of_smap(&iface->external_ids),
                     "options", options_to_json(&iface->options), "status",
                     fl_json_of_smap(&iface->status));
}

static json_t *svec_to_json(const struct svec *names)
{
    json_t *json = json_array();

    for (size_t i = 0; i < names->n; i++) {
        json_array_append_new(json, fl_json_of_string(names->names[i]));
    }
    return json;
}

static json_t *mirror_to_json(const struct fl_mirror *mirror)
{
    json_t *vlans = json_array();

    for (size_t i = 0; i < mirror->n_vlans; i++) {
        json_array_append_new(vlans, json_integer(mirror->vlans[i]));
    }
    return json_pack("{so so so sb so so so so si}", "name", fl_json_of_string(mirror->name),
                     "uuid", fl_json_of_string(mirror->uuid), "bridge",
                     fl_json_of_string(mirror->bridge), "select_all", mirror->select_all,
                     "select_src_port", svec_to_json(&mirror->src_ports), "select_dst_port",
                     svec_to_json(&mirror->dst_ports), "select_vlan", vlans, "output_port",
                     fl_json_of_string(mirror->output_port), "output_vlan", mirror->output_vlan);
}

static json_t *mirrors_to_json(const struct fl_inventory *inv)
{
    json_t *json = json_array();

    for (size_t i = 0; i < inv->n_mirrors; i++) {
        json_array_append_new(json, mirror_to_json(&inv->mirrors[i]));
    }
    return json;
}

json_t *fl_inventory_to_json(const struct fl_inventory *inv)
{
    json_t *bridges = json_array();
    json_t *interfaces = json_array();
    json_t *json;

    for (size_t i = 0; i < inv->n_bridges; i++) {
        json_array_append_new(bridges, bridge_to_json(&inv->bridges[i]));
    }
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        json_array_append_new(interfaces, interface_to_json(&inv->interfaces[i]));
    }
    json = json_pack("{so so sb so so so so}", "ovs_version", fl_json_of_string(inv->ovs_version),
                     "dpdk_version", fl_json_of_string(inv->dpdk_version), "dpdk_initialized",
                     inv->dpdk_initialized, "other_config", fl_json_of_smap(&inv->other_config),
                     "external_ids", fl_json_of_smap(&inv->external_ids), "bridges", bridges,
                     "interfaces", interfaces);
    if (inv->has_mirrors) {
        json_object_set_new(json, "mirrors", mirrors_to_json(inv));
    }
    if (inv->may_offload) {
        json_object_set_new(json, "may_offload", json_true());
    }
    return json;
}

/* Reading. */

/* A copy of a string that may be absent, owned by the inventory. */
static int read_text(const json_t *json, const char *where, const char *key, char **value,
                     struct fl_error *err)
{
    const char *text;
    int error = fl_json_string_or_null(json, where, key, MAX_TEXT, &text, err);

    if (!error) {
        *value = nullable_xstrdup(text);
    }
    return error;
}

static int read_name(const json_t *json, const char *where, const char *key, char **value,
                     struct fl_error *err)
{
    const char *text;
    int error = fl_json_string(json, where, key, FL_LIMIT_NAME_BYTES, &text, err);

    if (!error) {
        *value = xstrdup(text);
    }
    return error;
}

static int read_type(const json_t *json, const char *where, const char *key, char **value,
                     struct fl_error *err)
{
    int error = read_text(json, where, key, value, err);

    if (!error && !*value) {
        *value = xstrdup("");
    }
    return error;
}

static int read_datapath_id(const json_t *json, const char *where, uint64_t *id,
                            struct fl_error *err)
{
    const char *text;
    char *end;
    int error = fl_json_string_or_null(json, where, "datapath_id", 16, &text, err);

    if (error || !text) {
        return error;
    }
    if (text[0] == '\0' || strspn(text, "0123456789abcdefABCDEF") != strlen(text)) {
        return fl_error_set(err, -EINVAL, "%s.datapath_id must be 16 hexadecimal digits", where);
    }
    *id = strtoull(text, &end, 16);
    return 0;
}

static int read_bridge(const json_t *json, const char *where, struct fl_bridge *bridge,
                       struct fl_error *err)
{
    int error = fl_json_object(json, where, err);

    error = error ? error : read_name(json, where, "name", &bridge->name, err);
    error = error ? error : read_type(json, where, "datapath_type", &bridge->datapath_type, err);
    error = error ? error : read_datapath_id(json, where, &bridge->datapath_id, err);
    error = error ? error : read_text(json, where, "fail_mode", &bridge->fail_mode, err);
    error = error ? error : fl_json_smap(json, where, "external_ids", &bridge->external_ids, err);
    error = error ? error : fl_json_smap(json, where, "other_config", &bridge->other_config, err);
    return error;
}

static int read_vlan_mode(const json_t *json, const char *where, enum fl_vlan_mode *mode,
                          struct fl_error *err)
{
    const char *text;
    int error = fl_json_string_or_null(json, where, "vlan_mode", FL_LIMIT_NAME_BYTES, &text, err);

    if (error || !text) {
        return error;
    }
    for (size_t i = 0; i < ARRAY_SIZE(vlan_modes); i++) {
        if (!strcmp(text, vlan_modes[i])) {
            *mode = (enum fl_vlan_mode)i;
            return 0;
        }
    }
    return fl_error_set(err, -EINVAL, "%s.vlan_mode is \"%s\", which is no VLAN mode of OVS", where,
                        text);
}

static int read_interface_numbers(const json_t *json, const char *where, struct fl_interface *iface,
                                  struct fl_error *err)
{
    int64_t ofport;
    int64_t ifindex;
    int64_t tag;
    int error = fl_json_integer(json, where, "ofport", 0, UINT16_MAX, ofp_to_u16(OFPP_NONE),
                                &ofport, err);

    error = error ? error
                  : fl_json_integer(json, where, "ifindex", -1, INT32_MAX, -1, &ifindex, err);
    error = error ? error : fl_json_integer(json, where, "tag", -1, 4095, -1, &tag, err);
    if (error) {
        return error;
    }
    iface->ofport = u16_to_ofp((uint16_t)ofport);
    iface->ifindex = ifindex;
    iface->tag = (int)tag;
    return 0;
}

static int read_interface(const json_t *json, const char *where, struct fl_interface *iface,
                          struct fl_error *err)
{
    int error = fl_json_object(json, where, err);

    error = error ? error : read_name(json, where, "name", &iface->name, err);
    error = error ? error : read_type(json, where, "type", &iface->type, err);
    error = error ? error : read_text(json, where, "error", &iface->error, err);
    error = error ? error : read_name(json, where, "bridge", &iface->bridge, err);
    error = error ? error : read_name(json, where, "port", &iface->port, err);
    error = error ? error : read_text(json, where, "peer", &iface->peer, err);
    error = error ? error : read_interface_numbers(json, where, iface, err);
    error = error ? error : read_vlan_mode(json, where, &iface->vlan_mode, err);
    error = error ? error : fl_json_boolean(json, where, "in_bond", &iface->in_bond, err);
    error = error ? error : fl_json_smap(json, where, "external_ids", &iface->external_ids, err);
    error = error ? error : fl_json_smap(json, where, "options", &iface->options, err);
    error = error ? error : fl_json_smap(json, where, "status", &iface->status, err);
    return error;
}

static int read_bridges(const json_t *json, struct fl_inventory *inv, struct fl_error *err)
{
    const json_t *array;
    int error = fl_json_array(json, "inventory", "bridges", FL_LIMIT_PORTS, &array, err);

    for (size_t i = 0; !error && i < json_array_size(array); i++) {
        char where[64];

        snprintf(where, sizeof where, "inventory.bridges[%" PRIuSIZE "]", i);
        error = read_bridge(json_array_get(array, i), where, fl_inventory_add_bridge(inv), err);
    }
    return error;
}

static int read_interfaces(const json_t *json, struct fl_inventory *inv, struct fl_error *err)
{
    const json_t *array;
    int error = fl_json_array(json, "inventory", "interfaces", FL_LIMIT_PORTS, &array, err);

    for (size_t i = 0; !error && i < json_array_size(array); i++) {
        char where[64];

        snprintf(where, sizeof where, "inventory.interfaces[%" PRIuSIZE "]", i);
        error = read_interface(json_array_get(array, i), where, fl_inventory_add_interface(inv),
                               err);
    }
    return error;
}

static int read_port_names(const json_t *json, const char *where, const char *key,
                           struct svec *names, struct fl_error *err)
{
    const json_t *array;
    int error = fl_json_array(json, where, key, FL_LIMIT_PORTS, &array, err);

    for (size_t i = 0; !error && i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));

        if (!name || strlen(name) > FL_LIMIT_NAME_BYTES) {
            return fl_error_set(err, -EINVAL, "%s.%s[%" PRIuSIZE "] must be the name of a port",
                                where, key, i);
        }
        svec_add(names, name);
    }
    return error;
}

static int read_vlans(const json_t *json, const char *where, struct fl_mirror *mirror,
                      struct fl_error *err)
{
    const json_t *array;
    int error = fl_json_array(json, where, "select_vlan", 4096, &array, err);

    if (error || !json_array_size(array)) {
        return error;
    }
    mirror->vlans = xmalloc(json_array_size(array) * sizeof *mirror->vlans);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *vlan = json_array_get(array, i);

        if (!json_is_integer(vlan) || json_integer_value(vlan) < 0 ||
            json_integer_value(vlan) > 4095) {
            return fl_error_set(err, -EINVAL,
                                "%s.select_vlan[%" PRIuSIZE "] must be a whole number from 0 to "
                                "4095",
                                where, i);
        }
        mirror->vlans[mirror->n_vlans++] = (uint16_t)json_integer_value(vlan);
    }
    return 0;
}

static int read_mirror(const json_t *json, const char *where, struct fl_mirror *mirror,
                       struct fl_error *err)
{
    int64_t output_vlan = -1;
    int error = fl_json_object(json, where, err);

    error = error ? error : read_type(json, where, "name", &mirror->name, err);
    error = error ? error : read_name(json, where, "uuid", &mirror->uuid, err);
    error = error ? error : read_name(json, where, "bridge", &mirror->bridge, err);
    error = error ? error : fl_json_boolean(json, where, "select_all", &mirror->select_all, err);
    error = error ? error
                  : read_port_names(json, where, "select_src_port", &mirror->src_ports, err);
    error = error ? error
                  : read_port_names(json, where, "select_dst_port", &mirror->dst_ports, err);
    error = error ? error : read_vlans(json, where, mirror, err);
    error = error ? error : read_text(json, where, "output_port", &mirror->output_port, err);
    error = error ? error
                  : fl_json_integer(json, where, "output_vlan", -1, 4095, -1, &output_vlan, err);
    mirror->output_vlan = (int)output_vlan;
    return error;
}

static int read_mirrors(const json_t *json, struct fl_inventory *inv, struct fl_error *err)
{
    const json_t *array = NULL;
    int error = fl_json_array(json, "inventory", "mirrors", FL_LIMIT_PORTS, &array, err);

    inv->has_mirrors = array != NULL;
    for (size_t i = 0; !error && i < json_array_size(array); i++) {
        char where[64];

        snprintf(where, sizeof where, "inventory.mirrors[%" PRIuSIZE "]", i);
        error = read_mirror(json_array_get(array, i), where, fl_inventory_add_mirror(inv), err);
    }
    return error;
}

int fl_inventory_from_json(const json_t *json, struct fl_inventory *inv, struct fl_error *err)
{
    const char *where = "inventory";
    struct fl_inventory read;
    int error;

    fl_inventory_init(&read);
    error = fl_json_object(json, where, err);
    error = error ? error : read_text(json, where, "ovs_version", &read.ovs_version, err);
    error = error ? error : read_text(json, where, "dpdk_version", &read.dpdk_version, err);
    error = error ? error
                  : fl_json_boolean(json, where, "dpdk_initialized", &read.dpdk_initialized, err);
    error = error ? error : fl_json_boolean(json, where, "may_offload", &read.may_offload, err);
    error = error ? error : fl_json_smap(json, where, "other_config", &read.other_config, err);
    error = error ? error : fl_json_smap(json, where, "external_ids", &read.external_ids, err);
    error = error ? error : read_bridges(json, &read, err);
    error = error ? error : read_interfaces(json, &read, err);
    error = error ? error : read_mirrors(json, &read, err);
    if (error) {
        fl_inventory_destroy(&read);
        return error;
    }
    fl_inventory_destroy(inv);
    fl_inventory_move(inv, &read);
    return 0;
}
