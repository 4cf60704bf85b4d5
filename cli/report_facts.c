/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_facts.h"

#include <string.h>
#include <sys/utsname.h>

#include <ovs/smap.h>

#include "lib/document.h"
#include "lib/text.h"

/* A host has a few; what is beyond is not listed. */
#define NICS_LISTED 16u

static json_t *kernel_json(bool is_live)
{
    struct utsname name;

    return is_live && !uname(&name) ? fl_text_json(name.release) : json_null();
}

/* Neither of a VM nor made by Open vSwitch itself. */
static bool is_nic(const struct fl_interface *interface)
{
    const char *type = interface->type ? interface->type : "";
    const char *driver = smap_get_def(&interface->status, "driver_name", "");

    if (interface->vm >= 0)
        return false;
    return !strcmp(type, "dpdk") || !strcmp(type, "doca") ||
           ((!strcmp(type, "") || !strcmp(type, "system")) && *driver &&
            strcmp(driver, "openvswitch") && strcmp(driver, "veth") && strcmp(driver, "tun"));
}

static json_t *nic_json(const struct fl_interface *interface)
{
    const struct smap *status = &interface->status;

    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", fl_text_json(interface->name), "bridge",
                     fl_text_json(interface->bridge), "type", fl_text_json(interface->type),
                     "driver", fl_text_json(smap_get(status, "driver_name")), "firmware",
                     fl_text_json(smap_get(status, "firmware_version")));
}

static json_t *nics_json(const struct fl_inventory *inv)
{
    json_t *nics = json_array();

    for (size_t i = 0; inv && i < inv->n_interfaces && json_array_size(nics) < NICS_LISTED; i++) {
        if (is_nic(&inv->interfaces[i]))
            json_array_append_new(nics, nic_json(&inv->interfaces[i]));
    }
    return nics;
}

/* A setting that is not there is not on. */
static json_t *setting_json(const struct fl_inventory *inv, const char *key, const char *absent)
{
    return inv ? fl_text_json(smap_get_def(&inv->other_config, key, absent)) : json_null();
}

static json_t *host_causes_json(const struct fl_audit *audit)
{
    json_t *causes = json_array();

    for (size_t i = 0; i < audit->n_host_causes; i++) {
        const struct fl_cause_info *info = fl_cause_info(audit->host_causes[i].id);
        json_t *seen = json_array();

        json_array_append_new(seen, fl_text_json(audit->host_causes[i].detail));
        json_array_append_new(causes,
                              json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:n}", "id", info->id,
                                        "certainty", "seen", "by", fl_cause_by_name(info->by),
                                        "meaning", info->meaning, "evidence", seen, "cure",
                                        info->cure, "source", info->source, "packets"));
    }
    return causes;
}

json_t *fl_report_host_json(const struct fl_audit *audit, bool is_live)
{
    const struct fl_snapshot *snapshot = audit->snapshot;
    const struct fl_inventory *inv = fl_snapshot_inventory(snapshot);
    json_t *host = json_object();

    json_object_set_new(host, "host", fl_text_json(fl_snapshot_host(snapshot)));
    json_object_set_new(host, "time", fl_time_json(fl_snapshot_time_ms(snapshot)));
    json_object_set_new(host, "flowlift", json_string(FLOWLIFT_VERSION));
    json_object_set_new(host, "kernel", kernel_json(is_live));
    json_object_set_new(host, "ovs_version", fl_text_json(inv ? inv->ovs_version : NULL));
    json_object_set_new(host, "dpdk_version", fl_text_json(inv ? inv->dpdk_version : NULL));
    json_object_set_new(host, "datapath",
                        fl_text_json(inv ? fl_inventory_datapath_type(inv) : NULL));
    json_object_set_new(host, "hw_offload", setting_json(inv, "hw-offload", "false"));
    json_object_set_new(host, "tc_policy", setting_json(inv, "tc-policy", "none"));
    json_object_set_new(host, "vms", json_integer((json_int_t)audit->n_vms));
    json_object_set_new(host, "window_ms", json_integer(fl_snapshot_window_ms(snapshot)));
    json_object_set_new(host, "incomplete", fl_text_json(audit->incomplete));
    json_object_set_new(host, "n_orphans", fl_count_json(fl_snapshot_n_orphans(snapshot)));
    json_object_set_new(host, "causes", host_causes_json(audit));
    json_object_set_new(host, "nics", nics_json(inv));
    return host;
}
