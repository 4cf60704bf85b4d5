/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/db.h"

#include <errno.h>
#include <openvswitch/poll-loop.h>
#include <ovs/flow.h>
#include <ovs/ovsdb-idl.h>
#include <ovs/timeval.h>
#include <ovs/util.h>
#include <ovs/vswitch-idl.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "lib/ovs/socket.h"

#define SERVER "ovsdb-server"
/* A server that hangs is noticed by a probe that it does not answer. */
#define PROBE_MS 5000

/* Of these columns a copy comes; of no other. Bound to 3.1's schema: an older one lacks some, and the
 * IDL then gives their defaults. */
static void choose_columns(struct ovsdb_idl *idl)
{
    static const struct ovsdb_idl_column *const columns[] = {
        &ovsrec_open_vswitch_col_ovs_version,
        &ovsrec_open_vswitch_col_dpdk_version,
        &ovsrec_open_vswitch_col_dpdk_initialized,
        &ovsrec_open_vswitch_col_other_config,
        &ovsrec_open_vswitch_col_external_ids,
        &ovsrec_open_vswitch_col_bridges,
        &ovsrec_bridge_col_name,
        &ovsrec_bridge_col_datapath_type,
        &ovsrec_bridge_col_datapath_id,
        &ovsrec_bridge_col_fail_mode,
        &ovsrec_bridge_col_external_ids,
        &ovsrec_bridge_col_other_config,
        &ovsrec_bridge_col_ports,
        &ovsrec_bridge_col_mirrors,
        &ovsrec_port_col_name,
        &ovsrec_port_col_tag,
        &ovsrec_port_col_vlan_mode,
        &ovsrec_port_col_interfaces,
        &ovsrec_interface_col_name,
        &ovsrec_interface_col_type,
        &ovsrec_interface_col_error,
        &ovsrec_interface_col_ofport,
        &ovsrec_interface_col_ifindex,
        &ovsrec_interface_col_external_ids,
        &ovsrec_interface_col_options,
        &ovsrec_interface_col_status,
        &ovsrec_mirror_col_name,
        &ovsrec_mirror_col_select_all,
        &ovsrec_mirror_col_select_src_port,
        &ovsrec_mirror_col_select_dst_port,
        &ovsrec_mirror_col_select_vlan,
        &ovsrec_mirror_col_output_port,
        &ovsrec_mirror_col_output_vlan,
    };

    ovsdb_idl_add_table(idl, &ovsrec_table_open_vswitch);
    ovsdb_idl_add_table(idl, &ovsrec_table_bridge);
    ovsdb_idl_add_table(idl, &ovsrec_table_port);
    ovsdb_idl_add_table(idl, &ovsrec_table_interface);
    ovsdb_idl_add_table(idl, &ovsrec_table_mirror);
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
        ovsdb_idl_add_column(idl, columns[i]);
    }
}

/* The one place that turns the IDL's conventions into ours. */
static int idl_error(struct ovsdb_idl *idl, const char *remote, struct fl_error *err)
{
    const char *path = !strncmp(remote, "unix:", 5) ? remote + 5 : remote;
    int error = ovsdb_idl_get_last_error(idl);

    if (error == EAFNOSUPPORT) {
        return fl_error_set(err, -EINVAL,
                            "\"%s\" is no OVSDB remote; they look like unix:/PATH or tcp:IP:PORT",
                            remote);
    }
    if (error == ENOENT && ovsdb_idl_has_ever_connected(idl)) {
        return fl_error_set(err, -EPROTO, "%s has no Open_vSwitch database", remote);
    }
    if (error == EOF || !error) {
        error = EPIPE;
    }
    return fl_socket_explain(path, SERVER, -error, err);
}

/* Runs the IDL until the first copy of the database is there. */
static int fetch(struct ovsdb_idl *idl, const char *remote, long long deadline_ms,
                 struct fl_error *err)
{
    unsigned int seqno = ovsdb_idl_get_seqno(idl);

    for (;;) {
        ovsdb_idl_run(idl);
        if (ovsdb_idl_get_seqno(idl) != seqno && ovsrec_open_vswitch_first(idl)) {
            return 0;
        }
        if (!ovsdb_idl_is_alive(idl)) {
            return idl_error(idl, remote, err);
        }
        if (time_msec() >= deadline_ms) {
            break;
        }
        ovsdb_idl_wait(idl);
        poll_timer_wait_until(deadline_ms);
        poll_block();
    }
    if (ovsdb_idl_get_seqno(idl) != seqno) {
        return fl_error_set(err, -EPROTO,
                            "the database at %s is empty: no row in table Open_vSwitch; run "
                            "ovs-vsctl init",
                            remote);
    }
    return fl_socket_explain(!strncmp(remote, "unix:", 5) ? remote + 5 : remote, SERVER, -ETIMEDOUT,
                             err);
}

static enum fl_vlan_mode vlan_mode(const char *text)
{
    static const struct {
        const char *name;
        enum fl_vlan_mode mode;
    } modes[] = {
        { "access", FL_VLAN_ACCESS },
        { "trunk", FL_VLAN_TRUNK },
        { "native-tagged", FL_VLAN_NATIVE_TAGGED },
        { "native-untagged", FL_VLAN_NATIVE_UNTAGGED },
        { "dot1q-tunnel", FL_VLAN_DOT1Q_TUNNEL },
    };

    for (size_t i = 0; text && i < ARRAY_SIZE(modes); i++) {
        if (!strcmp(text, modes[i].name)) {
            return modes[i].mode;
        }
    }
    return FL_VLAN_DEFAULT;
}

static ofp_port_t ofport(const struct ovsrec_interface *row)
{
    bool valid = row->n_ofport && row->ofport[0] > 0 && row->ofport[0] <= UINT16_MAX;

    return valid ? u16_to_ofp((uint16_t)row->ofport[0]) : OFPP_NONE; /* -1: it could not be added */
}

static void add_interface(struct fl_inventory *inv, const struct ovsrec_bridge *bridge,
                          const struct ovsrec_port *port, const struct ovsrec_interface *row)
{
    struct fl_interface *iface = fl_inventory_add_interface(inv);

    iface->name = xstrdup(row->name);
    iface->type = xstrdup(row->type);
    iface->error = nullable_xstrdup(row->error);
    iface->bridge = xstrdup(bridge->name);
    iface->port = xstrdup(port->name);
    iface->peer = nullable_xstrdup(smap_get(&row->options, "peer"));
    iface->ofport = ofport(row);
    if (row->n_ifindex) {
        iface->ifindex = row->ifindex[0];
    }
    if (port->n_tag) {
        iface->tag = (int)port->tag[0];
    }
    iface->vlan_mode = vlan_mode(port->vlan_mode);
    iface->in_bond = port->n_interfaces > 1;
    smap_clone(&iface->external_ids, &row->external_ids);
    smap_clone(&iface->options, &row->options);
    smap_clone(&iface->status, &row->status);
}

static void add_port_names(struct svec *names, struct ovsrec_port *const *ports, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        svec_add(names, ports[i]->name);
    }
}

static void add_mirror(struct fl_inventory *inv, const struct ovsrec_bridge *bridge,
                       const struct ovsrec_mirror *row)
{
    struct fl_mirror *mirror = fl_inventory_add_mirror(inv);

    mirror->name = xstrdup(row->name);
    mirror->uuid = xasprintf(UUID_FMT, UUID_ARGS(&row->header_.uuid));
    mirror->bridge = xstrdup(bridge->name);
    mirror->select_all = row->select_all;
    add_port_names(&mirror->src_ports, row->select_src_port, row->n_select_src_port);
    add_port_names(&mirror->dst_ports, row->select_dst_port, row->n_select_dst_port);
    mirror->vlans = xmalloc(row->n_select_vlan * sizeof *mirror->vlans);
    for (size_t i = 0; i < row->n_select_vlan; i++) {
        mirror->vlans[mirror->n_vlans++] = (uint16_t)row->select_vlan[i];
    }
    mirror->output_port = row->output_port ? xstrdup(row->output_port->name) : NULL;
    if (row->n_output_vlan) {
        mirror->output_vlan = (int)row->output_vlan[0];
    }
}

static void add_bridge(struct fl_inventory *inv, const struct ovsrec_bridge *row)
{
    struct fl_bridge *bridge = fl_inventory_add_bridge(inv);

    bridge->name = xstrdup(row->name);
    bridge->datapath_type = xstrdup(row->datapath_type[0] ? row->datapath_type : "system");
    if (row->datapath_id) {
        bridge->datapath_id = strtoull(row->datapath_id, NULL, 16);
    }
    bridge->fail_mode = nullable_xstrdup(row->fail_mode);
    smap_clone(&bridge->external_ids, &row->external_ids);
    smap_clone(&bridge->other_config, &row->other_config);
    for (size_t i = 0; i < row->n_mirrors; i++) {
        add_mirror(inv, row, row->mirrors[i]);
    }
    for (size_t i = 0; i < row->n_ports; i++) {
        for (size_t j = 0; j < row->ports[i]->n_interfaces; j++) {
            add_interface(inv, row, row->ports[i], row->ports[i]->interfaces[j]);
        }
    }
}

static void copy_inventory(struct fl_inventory *inv, const struct ovsrec_open_vswitch *row)
{
    inv->ovs_version = nullable_xstrdup(row->ovs_version);
    inv->dpdk_version = nullable_xstrdup(row->dpdk_version);
    inv->dpdk_initialized = row->dpdk_initialized;
    smap_clone(&inv->other_config, &row->other_config);
    smap_clone(&inv->external_ids, &row->external_ids);
    inv->has_mirrors = true;
    for (size_t i = 0; i < row->n_bridges; i++) {
        add_bridge(inv, row->bridges[i]);
    }
}

static char *remote_or_standard(const char *remote)
{
    return remote ? xstrdup(remote) : xasprintf("unix:%s/db.sock", fl_socket_rundir());
}

static struct ovsdb_idl *create_idl(const char *remote, bool retry)
{
    struct ovsdb_idl *idl = ovsdb_idl_create(remote, &ovsrec_idl_class, false, retry);

    choose_columns(idl);
    ovsdb_idl_set_leader_only(idl, false);
    return idl;
}

int fl_db_read(const char *remote_, const struct fl_vm_keys *keys, int timeout_ms,
               struct fl_inventory *inv, struct fl_error *err)
{
    _cleanup_free char *remote = remote_or_standard(remote_);
    long long deadline_ms = time_msec() + timeout_ms;
    struct ovsdb_idl *idl;
    int error;

    fl_socket_hush();
    idl = create_idl(remote, false);
    ovsdb_idl_set_probe_interval(idl, 0); /* the deadline is enough */
    error = fetch(idl, remote, deadline_ms, err);
    if (!error) {
        fl_inventory_init(inv);
        copy_inventory(inv, ovsrec_open_vswitch_first(idl));
        fl_inventory_group_vms(inv, keys);
    }
    ovsdb_idl_destroy(idl);
    return error;
}

/* ---- Watched ---- */

struct fl_db {
    char *remote;
    struct ovsdb_idl *idl;
    unsigned int seqno;
    bool has_inventory;
    bool is_stale; /* The VMs are to be grouped anew. */
    struct fl_inventory inventory;
};

struct fl_db *fl_db_open(const char *remote)
{
    struct fl_db *db = xzalloc(sizeof *db);

    db->remote = remote_or_standard(remote);
    db->idl = create_idl(db->remote, true);
    ovsdb_idl_set_probe_interval(db->idl, PROBE_MS);
    return db;
}

static void drop_inventory(struct fl_db *db)
{
    if (db->has_inventory) {
        fl_inventory_destroy(&db->inventory);
    }
    db->has_inventory = false;
}

void fl_db_close(struct fl_db *db)
{
    if (db) {
        drop_inventory(db);
        ovsdb_idl_destroy(db->idl);
        free(db->remote);
        free(db);
    }
}

/* A copy of a database that is gone says nothing about now. */
static const struct ovsrec_open_vswitch *current_row(const struct fl_db *db)
{
    return ovsdb_idl_is_connected(db->idl) && ovsdb_idl_has_ever_connected(db->idl)
               ? ovsrec_open_vswitch_first(db->idl)
               : NULL;
}

bool fl_db_run(struct fl_db *db, const struct fl_vm_keys *keys)
{
    const struct ovsrec_open_vswitch *row;
    unsigned int seqno;
    bool had = db->has_inventory;

    fl_socket_hush();
    ovsdb_idl_run(db->idl);
    seqno = ovsdb_idl_get_seqno(db->idl);
    row = current_row(db);
    if ((row != NULL) == had && seqno == db->seqno && !db->is_stale) {
        return false;
    }
    db->seqno = seqno;
    db->is_stale = false;
    drop_inventory(db);
    if (row) {
        fl_inventory_init(&db->inventory);
        copy_inventory(&db->inventory, row);
        fl_inventory_group_vms(&db->inventory, keys);
        db->has_inventory = true;
    }
    return had || row;
}

void fl_db_wait(struct fl_db *db)
{
    ovsdb_idl_wait(db->idl);
}

const struct fl_inventory *fl_db_inventory(const struct fl_db *db, struct fl_error *err)
{
    if (!db->has_inventory) {
        idl_error(db->idl, db->remote, err);
    }
    return db->has_inventory ? &db->inventory : NULL;
}

void fl_db_group(struct fl_db *db)
{
    db->is_stale = true;
}
