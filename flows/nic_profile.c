/* SPDX-License-Identifier: Apache-2.0 */

/* The set of NIC profiles, and which is for a port: nic_profile.h. */

#include "flows/nic_profile_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"

/* Of all, an administrator's too. */
#define PROFILES_MAX 256u

const char *fl_profile_kind_name(enum fl_profile_kind kind)
{
    static const char *const names[FL_PROFILE_N_KINDS] = { "matches", "actions", "rewrites",
                                                           "limits" };

    return names[kind];
}

/* ---- Their life ---- */

void fl_profile_line_destroy(struct fl_profile_line *line)
{
    free(line->name);
    free(line->says);
    free(line->source);
    svec_destroy(&line->needs);
    svec_destroy(&line->not_with);
}

void fl_profile_destroy(struct fl_profile *profile)
{
    free(profile->name);
    free(profile->title);
    free(profile->base);
    free(profile->identity_source);
    svec_destroy(&profile->firmware);
    svec_destroy(&profile->pci);
    for (size_t api = 0; api < ARRAY_SIZE(profile->of); api++) {
        svec_destroy(&profile->drivers[api]);
        for (size_t i = 0; i < profile->of[api].n; i++)
            fl_profile_line_destroy(&profile->of[api].lines[i]);
        free(profile->of[api].lines);
    }
    free(profile);
}

/* A base has no base: so that there is no circle. */
static void find_bases(struct fl_profiles *profiles)
{
    for (size_t i = 0; i < profiles->n; i++) {
        struct fl_profile *profile = profiles->profiles[i];

        profile->base_found = NULL;
        for (size_t j = 0; profile->base && j < profiles->n; j++) {
            if (!profiles->profiles[j]->base && !strcmp(profiles->profiles[j]->name, profile->base))
                profile->base_found = profiles->profiles[j];
        }
    }
}

int fl_profiles_add(struct fl_profiles *profiles, const json_t *json, struct fl_error *err)
{
    struct fl_profile *profile;
    size_t at = 0;
    int error = fl_profile_read(json, &profile, err);

    if (error)
        return error;
    while (at < profiles->n && strcmp(profiles->profiles[at]->name, profile->name))
        at++;
    if (at == PROFILES_MAX) {
        fl_profile_destroy(profile);
        return fl_error_set(err, -EINVAL, "more than %u profiles", PROFILES_MAX);
    }
    if (at < profiles->n) {
        fl_profile_destroy(profiles->profiles[at]);
    } else {
        profiles->profiles = xrealloc(profiles->profiles,
                                      (profiles->n + 1) * sizeof(struct fl_profile *));
        profiles->n++;
    }
    profiles->profiles[at] = profile;
    find_bases(profiles);
    return 0;
}

/* Their texts are tested: one that cannot be read is a fault of the program, and is left out. */
void fl_profiles_init(struct fl_profiles *profiles)
{
    *profiles = (struct fl_profiles){ .profiles = NULL };
    for (const char *const *text = fl_profile_texts; *text; text++) {
        _cleanup_json json_t *json = json_loads(*text, JSON_REJECT_DUPLICATES, NULL);

        if (json)
            fl_profiles_add(profiles, json, NULL);
    }
}

void fl_profiles_destroy(struct fl_profiles *profiles)
{
    for (size_t i = 0; i < profiles->n; i++)
        fl_profile_destroy(profiles->profiles[i]);
    free(profiles->profiles);
}

const struct fl_profile *fl_profiles_named(const struct fl_profiles *profiles, const char *name)
{
    for (size_t i = 0; i < profiles->n; i++) {
        if (!strcmp(profiles->profiles[i]->name, name))
            return profiles->profiles[i];
    }
    return NULL;
}

/* ---- Which is for a port ---- */

struct fl_profile_port fl_profile_port_of_nic(const struct fl_nic_port *port)
{
    return (struct fl_profile_port){
        .api = FL_API_TC,
        .driver = port->driver[0] ? port->driver : NULL,
        .firmware = port->firmware,
    };
}

struct fl_profile_port fl_profile_port_of_interface(const struct fl_interface *iface,
                                                    enum fl_offload_api api)
{
    struct fl_profile_port port = {
        .api = api,
        .driver = smap_get(&iface->status, "driver_name"),
        .firmware = smap_get(&iface->status, "firmware_version"),
    };
    const char *bus = smap_get(&iface->status, "bus_info");
    const char *ids = bus ? strstr(bus, "vendor_id=") : NULL;
    unsigned int vendor, device;

    /* "bus_name=pci, vendor_id=15b3, device_id=101d" (OVS 3.1 lib/netdev-dpdk.c) */
    if (ids && sscanf(ids, "vendor_id=%4x, device_id=%4x", &vendor, &device) == 2)
        snprintf(port.pci, sizeof port.pci, "%04x:%04x", vendor & 0xffff, device & 0xffff);
    return port;
}

static bool lists(const struct svec *names, const char *name)
{
    for (size_t i = 0; name && i < names->n; i++) {
        if (!strcmp(names->names[i], name))
            return true;
    }
    return false;
}

static bool has_prefix(const struct svec *prefixes, const char *text)
{
    for (size_t i = 0; text && i < prefixes->n; i++) {
        if (!strncmp(text, prefixes->names[i], strlen(prefixes->names[i])))
            return true;
    }
    return false;
}

/* 2: by what tells families apart, 1: by the driver only, 0: not for this port */
static int rank_of(const struct fl_profile *profile, const struct fl_profile_port *port)
{
    if (!lists(&profile->drivers[port->api == FL_API_RTE_FLOW], port->driver))
        return 0;
    if (!profile->firmware.n && !profile->pci.n)
        return 1;
    return has_prefix(&profile->firmware, port->firmware) || lists(&profile->pci, port->pci) ? 2
                                                                                             : 0;
}

const struct fl_profile *fl_profiles_find(const struct fl_profiles *profiles,
                                          const struct fl_profile_port *port)
{
    const struct fl_profile *best = NULL;
    int best_rank = 0;

    for (size_t i = 0; port->api != FL_API_UNKNOWN && i < profiles->n; i++) {
        int rank = rank_of(profiles->profiles[i], port);

        if (rank > best_rank) {
            best = profiles->profiles[i];
            best_rank = rank;
        }
    }
    return best;
}
