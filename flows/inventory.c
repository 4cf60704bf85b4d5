/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inventory as a value, and the VMs in it. Its JSON form is in inventory_json.c.
 */

#include "flows/inventory.h"

#include <errno.h>
#include <openvswitch/shash.h>
#include <ovs/hash.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "flows/nearest.h"

/* Shortest beginning of an identity that an operator may give for the whole. */
#define MIN_ID_PREFIX   8
#define MAX_SUGGESTIONS 3

static const char *const default_id_keys[] = { "vm-id", "vm-uuid", "xs-vm-uuid", "iface-id", NULL };
static const char *const default_name_keys[] = { "vm-name", NULL };

const struct fl_vm_keys fl_vm_keys_default = {
    .id_keys = default_id_keys,
    .name_keys = default_name_keys,
};

void fl_inventory_init(struct fl_inventory *inv)
{
    memset(inv, 0, sizeof *inv);
    smap_init(&inv->other_config);
    smap_init(&inv->external_ids);
}

static void destroy_bridge(struct fl_bridge *bridge)
{
    free(bridge->name);
    free(bridge->datapath_type);
    free(bridge->fail_mode);
    smap_destroy(&bridge->external_ids);
    smap_destroy(&bridge->other_config);
}

static void destroy_interface(struct fl_interface *iface)
{
    free(iface->name);
    free(iface->type);
    free(iface->error);
    free(iface->bridge);
    free(iface->port);
    free(iface->peer);
    smap_destroy(&iface->external_ids);
    smap_destroy(&iface->options);
    smap_destroy(&iface->status);
}

static void destroy_mirror(struct fl_mirror *mirror)
{
    free(mirror->name);
    free(mirror->uuid);
    free(mirror->bridge);
    svec_destroy(&mirror->src_ports);
    svec_destroy(&mirror->dst_ports);
    free(mirror->vlans);
    free(mirror->output_port);
}

static void destroy_vms(struct fl_inventory *inv)
{
    for (size_t i = 0; i < inv->n_vms; i++) {
        free(inv->vms[i].id);
        free(inv->vms[i].id_key);
        free(inv->vms[i].name);
        free(inv->vms[i].interfaces);
    }
    free(inv->vms);
    inv->vms = NULL;
    inv->n_vms = 0;
}

void fl_inventory_destroy(struct fl_inventory *inv)
{
    free(inv->ovs_version);
    free(inv->dpdk_version);
    smap_destroy(&inv->other_config);
    smap_destroy(&inv->external_ids);
    for (size_t i = 0; i < inv->n_bridges; i++) {
        destroy_bridge(&inv->bridges[i]);
    }
    free(inv->bridges);
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        destroy_interface(&inv->interfaces[i]);
    }
    free(inv->interfaces);
    for (size_t i = 0; i < inv->n_mirrors; i++) {
        destroy_mirror(&inv->mirrors[i]);
    }
    free(inv->mirrors);
    destroy_vms(inv);
    fl_inventory_init(inv);
}

void fl_inventory_move(struct fl_inventory *to, struct fl_inventory *from)
{
    *to = *from;
    hmap_moved(&to->other_config.map);
    hmap_moved(&to->external_ids.map);
    fl_inventory_init(from);
}

/* Arrays grow by doubling at the powers of two, so that no capacity need be kept. */
static bool is_full(size_t n)
{
    return n == 0 || is_pow2(n);
}

static void *grow(void *array, size_t n, size_t size)
{
    return is_full(n) ? xrealloc(array, (n ? 2 * n : 1) * size) : array;
}

/* An hmap, and so an smap, may point into itself: it is told when it was moved. */
struct fl_bridge *fl_inventory_add_bridge(struct fl_inventory *inv)
{
    struct fl_bridge *bridge;

    inv->bridges = grow(inv->bridges, inv->n_bridges, sizeof *bridge);
    for (size_t i = 0; is_full(inv->n_bridges) && i < inv->n_bridges; i++) {
        hmap_moved(&inv->bridges[i].external_ids.map);
        hmap_moved(&inv->bridges[i].other_config.map);
    }
    bridge = &inv->bridges[inv->n_bridges++];
    memset(bridge, 0, sizeof *bridge);
    smap_init(&bridge->external_ids);
    smap_init(&bridge->other_config);
    return bridge;
}

struct fl_interface *fl_inventory_add_interface(struct fl_inventory *inv)
{
    struct fl_interface *iface;

    inv->interfaces = grow(inv->interfaces, inv->n_interfaces, sizeof *iface);
    for (size_t i = 0; is_full(inv->n_interfaces) && i < inv->n_interfaces; i++) {
        hmap_moved(&inv->interfaces[i].external_ids.map);
        hmap_moved(&inv->interfaces[i].options.map);
        hmap_moved(&inv->interfaces[i].status.map);
    }
    iface = &inv->interfaces[inv->n_interfaces++];
    memset(iface, 0, sizeof *iface);
    iface->ofport = OFPP_NONE;
    iface->ifindex = -1;
    iface->tag = -1;
    iface->vm = -1;
    smap_init(&iface->external_ids);
    smap_init(&iface->options);
    smap_init(&iface->status);
    return iface;
}

struct fl_mirror *fl_inventory_add_mirror(struct fl_inventory *inv)
{
    struct fl_mirror *mirror;

    inv->mirrors = grow(inv->mirrors, inv->n_mirrors, sizeof *mirror);
    mirror = &inv->mirrors[inv->n_mirrors++];
    *mirror = (struct fl_mirror){ .output_vlan = -1 };
    return mirror;
}

/* The first key of @keys for which @ids has a usable value, or NULL. */
static const char *first_key(const struct smap *ids, const char *const *keys)
{
    for (; keys && *keys; keys++) {
        const char *value = smap_get(ids, *keys);

        if (value && value[0] && strlen(value) <= FL_LIMIT_NAME_BYTES) {
            return *keys;
        }
    }
    return NULL;
}

static struct fl_vm *add_vm(struct fl_inventory *inv, const char *id, const char *id_key)
{
    struct fl_vm *vm;

    inv->vms = grow(inv->vms, inv->n_vms, sizeof *vm);
    vm = &inv->vms[inv->n_vms++];
    *vm = (struct fl_vm){ .id = xstrdup(id), .id_key = xstrdup(id_key) };
    return vm;
}

static void name_after_interface(struct fl_vm *vm, const struct fl_interface *iface,
                                 const struct fl_vm_keys *keys)
{
    const char *key = first_key(&iface->external_ids, keys->name_keys);

    if (key && !vm->name) {
        vm->name = xstrdup(smap_get(&iface->external_ids, key));
    }
}

/*
 * VMs that share a name get the beginning of their identity behind it, or all of it. The last resort
 * is a count, for a VM whose name was chosen to look like another's.
 */
static char *unique_name(const struct shash *taken, const struct fl_vm *vm)
{
    char *name = xasprintf("%s (%.8s)", vm->name, vm->id);

    if (shash_find(taken, name)) {
        free(name);
        name = xasprintf("%s (%s)", vm->name, vm->id);
    }
    for (unsigned int i = 2; shash_find(taken, name); i++) {
        free(name);
        name = xasprintf("%s (%s) %u", vm->name, vm->id, i);
    }
    return name;
}

static void make_names_unique(struct fl_inventory *inv)
{
    struct shash taken = SHASH_INITIALIZER(&taken);
    struct shash shared = SHASH_INITIALIZER(&shared);

    for (size_t i = 0; i < inv->n_vms; i++) {
        struct fl_vm *vm = &inv->vms[i];

        if (!vm->name) {
            vm->name = xstrdup(vm->id);
        }
        if (!shash_add_once(&taken, vm->name, NULL)) {
            shash_add_once(&shared, vm->name, NULL);
        }
    }
    for (size_t i = 0; i < inv->n_vms; i++) {
        struct fl_vm *vm = &inv->vms[i];

        if (shash_find(&shared, vm->name)) {
            char *name = unique_name(&taken, vm);

            free(vm->name);
            vm->name = name;
            shash_add_once(&taken, name, NULL);
        }
    }
    shash_destroy(&taken);
    shash_destroy(&shared);
}

void fl_inventory_group_vms(struct fl_inventory *inv, const struct fl_vm_keys *keys)
{
    struct shash by_id = SHASH_INITIALIZER(&by_id);

    destroy_vms(inv);
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        struct fl_interface *iface = &inv->interfaces[i];
        const char *key = first_key(&iface->external_ids, keys->id_keys);
        const char *id = key ? smap_get(&iface->external_ids, key) : NULL;
        struct fl_vm *vm;
        void *found;

        iface->vm = -1;
        if (!id) {
            continue;
        }
        found = shash_find_data(&by_id, id);
        if (!found) {
            add_vm(inv, id, key);
            /* An index cannot be NULL: it is kept one too high. */
            found = (void *)(uintptr_t)inv->n_vms;
            shash_add(&by_id, id, found);
        }
        iface->vm = (int)(uintptr_t)found - 1;
        vm = &inv->vms[iface->vm];
        vm->interfaces = grow(vm->interfaces, vm->n_interfaces, sizeof *vm->interfaces);
        vm->interfaces[vm->n_interfaces++] = i;
        name_after_interface(vm, iface, keys);
    }
    shash_destroy(&by_id);
    make_names_unique(inv);
}

const struct fl_interface *fl_inventory_interface(const struct fl_inventory *inv, const char *name)
{
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        if (inv->interfaces[i].name && !strcmp(inv->interfaces[i].name, name)) {
            return &inv->interfaces[i];
        }
    }
    return NULL;
}

const struct fl_bridge *fl_inventory_bridge(const struct fl_inventory *inv, const char *name)
{
    for (size_t i = 0; i < inv->n_bridges; i++) {
        if (inv->bridges[i].name && !strcmp(inv->bridges[i].name, name)) {
            return &inv->bridges[i];
        }
    }
    return NULL;
}

const struct fl_vm *fl_inventory_vm(const struct fl_inventory *inv, const char *id)
{
    for (size_t i = 0; i < inv->n_vms; i++) {
        if (!strcmp(inv->vms[i].id, id)) {
            return &inv->vms[i];
        }
    }
    return NULL;
}

const char *fl_inventory_datapath_type(const struct fl_inventory *inv)
{
    bool netdev = false;
    bool system = false;

    for (size_t i = 0; i < inv->n_bridges; i++) {
        const char *type = inv->bridges[i].datapath_type;

        if (type && !strcmp(type, "netdev")) {
            netdev = true;
        } else {
            system = true; /* An empty type is the system datapath. */
        }
    }
    return netdev && system ? "mixed" : netdev ? "netdev" : system ? "system" : NULL;
}

int fl_interface_dpdk_port(const struct fl_interface *iface)
{
    int number = strcmp(iface->type, "dpdk") ? -1 : smap_get_int(&iface->status, "port_no", -1);

    return number < 0 || number > UINT16_MAX ? -1 : number;
}

bool fl_interface_mac(const struct fl_interface *iface, struct eth_addr *mac)
{
    static const char *const keys[] = { "attached-mac", "attached_mac", NULL };

    for (const char *const *key = keys; *key; key++) {
        const char *text = smap_get(&iface->external_ids, *key);
        struct eth_addr parsed;

        if (text && eth_addr_from_string(text, &parsed)) {
            *mac = parsed;
            return true;
        }
    }
    return false;
}

static bool vm_is(const struct fl_inventory *inv, const struct fl_vm *vm, const char *what)
{
    struct eth_addr wanted;
    bool is_mac = eth_addr_from_string(what, &wanted);

    for (size_t i = 0; i < vm->n_interfaces; i++) {
        const struct fl_interface *iface = &inv->interfaces[vm->interfaces[i]];
        struct eth_addr mac;

        if (!strcmp(iface->name, what) ||
            (is_mac && fl_interface_mac(iface, &mac) && eth_addr_equals(mac, wanted))) {
            return true;
        }
    }
    return false;
}

/* How exactly @what tells @vm: 0 not at all. */
static int vm_rank(const struct fl_inventory *inv, const struct fl_vm *vm, const char *what)
{
    size_t len = strlen(what);

    return !strcmp(vm->name, what)                               ? 4
           : !strcmp(vm->id, what)                               ? 3
           : vm_is(inv, vm, what)                                ? 2
           : len >= MIN_ID_PREFIX && !strncmp(vm->id, what, len) ? 1
                                                                 : 0;
}

static void set_unknown_vm(const struct fl_inventory *inv, const char *what, struct fl_error *err)
{
    size_t n = inv->n_vms + inv->n_interfaces;
    _cleanup_free const char **known = NULL;
    const char *near[MAX_SUGGESTIONS];
    size_t n_near;

    if (!inv->n_vms) {
        fl_error_set(err, -ENOENT,
                     "no VM \"%s\": no Interface carries the identity of a VM in its external_ids",
                     what);
        return;
    }
    known = xcalloc(n, sizeof *known);
    for (size_t i = 0; i < inv->n_vms; i++) {
        known[i] = inv->vms[i].name;
    }
    for (size_t i = 0; i < inv->n_interfaces; i++) {
        const struct fl_interface *iface = &inv->interfaces[i];

        if (iface->vm >= 0 && strcmp(iface->name, inv->vms[iface->vm].name)) {
            known[inv->n_vms + i] = iface->name;
        }
    }
    n_near = fl_nearest(what, known, n, near, ARRAY_SIZE(near));
    if (!n_near) {
        fl_error_set(err, -ENOENT, "no VM \"%s\" among the %" PRIuSIZE " VMs of this host", what,
                     inv->n_vms);
    } else {
        fl_error_set(err, -ENOENT, "no VM \"%s\"; the nearest: %s%s%s%s%s", what, near[0],
                     n_near > 1 ? ", " : "", n_near > 1 ? near[1] : "", n_near > 2 ? ", " : "",
                     n_near > 2 ? near[2] : "");
    }
}

const struct fl_vm *fl_inventory_find_vm(const struct fl_inventory *inv, const char *what,
                                         struct fl_error *err)
{
    const struct fl_vm *best = NULL;
    const struct fl_vm *second = NULL;
    int best_rank = 0;

    for (size_t i = 0; i < inv->n_vms; i++) {
        int rank = vm_rank(inv, &inv->vms[i], what);

        if (rank > best_rank) {
            best = &inv->vms[i];
            second = NULL;
            best_rank = rank;
        } else if (rank && rank == best_rank) {
            second = &inv->vms[i];
        }
    }
    if (!best) {
        set_unknown_vm(inv, what, err);
    } else if (second) {
        fl_error_set(err, -ENOENT, "\"%s\" can mean more than one VM: %s, %s", what, best->name,
                     second->name);
        return NULL;
    }
    return best;
}
