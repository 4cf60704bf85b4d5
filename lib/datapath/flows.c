/* SPDX-License-Identifier: Apache-2.0 */

/* See flows.h. Source: Linux 6.1 net/openvswitch/datapath.c; <linux/openvswitch.h>. */

#include "lib/datapath/flows.h"

#include <errno.h>
#include <ovs/netlink.h>
#include <ovs/odp-netlink.h>
#include <ovs/packets.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "flows/limits.h"
#include "flows/odp_flow.h"
#include "lib/datapath/genl.h"

BUILD_ASSERT_DECL((int)FL_ODP_COUNTERS == (int)FL_DATAPATH_COUNTERS);

enum family { FAMILY_DATAPATH, FAMILY_VPORT, FAMILY_FLOW, N_FAMILIES };

static const struct {
    const char *name;
    uint8_t version;
} families[N_FAMILIES] = {
    [FAMILY_DATAPATH] = { OVS_DATAPATH_FAMILY, OVS_DATAPATH_VERSION },
    [FAMILY_VPORT] = { OVS_VPORT_FAMILY, OVS_VPORT_VERSION },
    [FAMILY_FLOW] = { OVS_FLOW_FAMILY, OVS_FLOW_VERSION },
};

struct fl_datapath {
    struct fl_genl *genl;
    int families[N_FAMILIES];
    struct fl_datapath_info *infos;
    size_t n_infos, allocated;
};

/* Attributes of a message behind its struct ovs_header, by type. */
#define MAX_ATTRS 16

struct attrs {
    int ifindex; /* Of the datapath. */
    const struct nlattr *of_type[MAX_ATTRS];
};

/* Return: false when it is no message of these families. */
static bool parse(const void *payload, size_t n_bytes, struct attrs *attrs)
{
    const struct nlattr *attr, *first;
    struct ovs_header header;
    size_t left;

    if (n_bytes < sizeof header) {
        return false;
    }
    memset(attrs, 0, sizeof *attrs);
    memcpy(&header, payload, sizeof header);
    attrs->ifindex = header.dp_ifindex;
    first = (const void *)((const char *)payload + sizeof header);
    NL_ATTR_FOR_EACH(attr, left, first, n_bytes - sizeof header) {
        if (nl_attr_type(attr) < MAX_ATTRS) {
            attrs->of_type[nl_attr_type(attr)] = attr;
        }
    }
    return true;
}

/* @type of at least @size bytes, or NULL */
static const void *find(const struct attrs *attrs, int type, size_t size)
{
    const struct nlattr *attr = attrs->of_type[type];

    return attr && nl_attr_get_size(attr) >= size ? nl_attr_get(attr) : NULL;
}

static uint32_t find_u32(const struct attrs *attrs, int type)
{
    const uint32_t *value = find(attrs, type, sizeof *value);

    return value ? *value : 0;
}

/* NULL when there is none */
static const char *find_name(const struct attrs *attrs, int type)
{
    const char *name = find(attrs, type, 1);

    return name && memchr(name, '\0', nl_attr_get_size(attrs->of_type[type])) ? name : NULL;
}

static int explain(int error, const char *what, struct fl_error *err)
{
    switch (error) {
    case -EPERM:
    case -EACCES:
        return fl_error_set(err, error,
                            "not allowed to read the %s of the kernel datapath; run as root", what);
    case -EAGAIN:
        return fl_error_set(err, error,
                            "the %s of the kernel datapath changed while they were read; some may "
                            "be missing",
                            what);
    case -ENODEV:
        return fl_error_set(err, error, "the kernel datapath was deleted while its %s were read",
                            what);
    default:
        return fl_error_set(err, error, "cannot read the %s of the kernel datapath: %s", what,
                            ovs_strerror(-error));
    }
}

static int dump(struct fl_datapath *datapath, enum family family, uint8_t command,
                const struct ofpbuf *request, fl_genl_take *take, void *aux)
{
    return fl_genl_dump(datapath->genl, datapath->families[family], command,
                        families[family].version, request->data, request->size, take, aux);
}

static void start_request(struct ofpbuf *request, void *stub, size_t size, int ifindex)
{
    struct ovs_header header = { .dp_ifindex = ifindex };

    ofpbuf_use_stub(request, stub, size);
    ofpbuf_put(request, &header, sizeof header);
}

/* Datapaths */

static int take_datapath(const void *payload, size_t n_bytes, void *datapath_)
{
    struct fl_datapath *datapath = datapath_;
    const struct ovs_dp_megaflow_stats *masks;
    struct fl_datapath_info *info;
    const struct ovs_dp_stats *stats;
    struct attrs attrs;
    const char *name;

    if (!parse(payload, n_bytes, &attrs) || !(name = find_name(&attrs, OVS_DP_ATTR_NAME))) {
        return -EBADMSG;
    }
    if (datapath->n_infos == datapath->allocated) {
        datapath->infos = x2nrealloc(datapath->infos, &datapath->allocated,
                                     sizeof *datapath->infos);
    }
    info = &datapath->infos[datapath->n_infos++];
    memset(info, 0, sizeof *info);
    ovs_strlcpy(info->name, name, sizeof info->name);
    info->ifindex = attrs.ifindex;
    stats = find(&attrs, OVS_DP_ATTR_STATS, sizeof *stats);
    if (stats) {
        info->n_hit = get_32aligned_u64(&stats->n_hit);
        info->n_missed = get_32aligned_u64(&stats->n_missed);
        info->n_lost = get_32aligned_u64(&stats->n_lost);
        info->n_flows = get_32aligned_u64(&stats->n_flows);
    }
    masks = find(&attrs, OVS_DP_ATTR_MEGAFLOW_STATS, sizeof *masks);
    info->n_masks = masks ? masks->n_masks : 0;
    return 0;
}

static int find_families(struct fl_datapath *datapath, struct fl_error *err)
{
    for (size_t i = 0; i < N_FAMILIES; i++) {
        int id = fl_genl_family(datapath->genl, families[i].name);

        if (id == -ENOENT) {
            return fl_error_set(err, -ENODEV,
                                "the openvswitch kernel module is not loaded: no bridge of this "
                                "host has datapath_type system, or ovs-vswitchd never ran");
        }
        if (id < 0) {
            return fl_error_set(err, id, "cannot list the kernel's netlink families: %s",
                                ovs_strerror(-id));
        }
        datapath->families[i] = id;
    }
    return 0;
}

static int list_datapaths(struct fl_datapath *datapath, struct fl_error *err)
{
    uint64_t stub[4];
    struct ofpbuf request;
    int error;

    start_request(&request, stub, sizeof stub, 0);
    error = dump(datapath, FAMILY_DATAPATH, OVS_DP_CMD_GET, &request, take_datapath, datapath);
    ofpbuf_uninit(&request);
    return error ? explain(error, "list", err) : 0;
}

int fl_datapath_open(struct fl_datapath **datapathp, struct fl_error *err)
{
    struct fl_datapath *datapath = xzalloc(sizeof *datapath);
    int error = fl_genl_open(&datapath->genl, err);

    if (!error) {
        error = find_families(datapath, err);
    }
    if (!error) {
        error = list_datapaths(datapath, err);
    }
    if (error) {
        fl_datapath_close(datapath);
        return error;
    }
    *datapathp = datapath;
    return 0;
}

void fl_datapath_close(struct fl_datapath *datapath)
{
    if (!datapath) {
        return;
    }
    fl_genl_close(datapath->genl);
    free(datapath->infos);
    free(datapath);
}

size_t fl_datapath_n(const struct fl_datapath *datapath)
{
    return datapath->n_infos;
}

const struct fl_datapath_info *fl_datapath_info(const struct fl_datapath *datapath, size_t i)
{
    return &datapath->infos[i];
}

/* Ports */

struct ports_dump {
    fl_datapath_port_cb *cb;
    void *aux;
    int stopped; /* What @cb returned: its caller knows why. */
};

static int take_port(const void *payload, size_t n_bytes, void *dump_)
{
    struct ports_dump *ports_dump = dump_;
    const struct ovs_vport_stats *stats;
    struct fl_datapath_port port;
    struct attrs attrs;

    memset(&port, 0, sizeof port);
    if (!parse(payload, n_bytes, &attrs) || !find(&attrs, OVS_VPORT_ATTR_PORT_NO, 4) ||
        !(port.name = find_name(&attrs, OVS_VPORT_ATTR_NAME))) {
        return -EBADMSG;
    }
    port.number = find_u32(&attrs, OVS_VPORT_ATTR_PORT_NO);
    port.type = find_u32(&attrs, OVS_VPORT_ATTR_TYPE);
    port.ifindex = (int)find_u32(&attrs, OVS_VPORT_ATTR_IFINDEX);
    stats = find(&attrs, OVS_VPORT_ATTR_STATS, sizeof *stats);
    if (stats) {
        port.rx_packets = get_32aligned_u64((const ovs_32aligned_u64 *)&stats->rx_packets);
        port.rx_bytes = get_32aligned_u64((const ovs_32aligned_u64 *)&stats->rx_bytes);
        port.tx_packets = get_32aligned_u64((const ovs_32aligned_u64 *)&stats->tx_packets);
        port.tx_bytes = get_32aligned_u64((const ovs_32aligned_u64 *)&stats->tx_bytes);
    }
    ports_dump->stopped = ports_dump->cb(&port, ports_dump->aux);
    return ports_dump->stopped;
}

int fl_datapath_ports(struct fl_datapath *datapath, int ifindex, fl_datapath_port_cb *cb, void *aux,
                      struct fl_error *err)
{
    struct ports_dump ports_dump = { .cb = cb, .aux = aux };
    uint64_t stub[4];
    struct ofpbuf request;
    int error;

    start_request(&request, stub, sizeof stub, ifindex);
    error = dump(datapath, FAMILY_VPORT, OVS_VPORT_CMD_GET, &request, take_port, &ports_dump);
    ofpbuf_uninit(&request);
    return error && !ports_dump.stopped ? explain(error, "ports", err) : error;
}

/* Flows */

struct flows_dump {
    struct fl_odp_decoder *decoder;
    struct fl_ports *ports;
    int64_t now_ms; /* CLOCK_MONOTONIC, as the kernel's time of last use */
    fl_decode_cb *cb;
    void *aux;
    int stopped; /* What @cb returned: its caller knows why. */
};

static int map_port(const struct fl_datapath_port *port, void *dump_)
{
    struct flows_dump *flows_dump = dump_;

    fl_odp_decoder_map_port(flows_dump->decoder, port->number,
                            fl_ports_intern(flows_dump->ports, port->name, strlen(port->name)));
    return 0;
}

static int take_flow(const void *payload, size_t n_bytes, void *dump_)
{
    struct flows_dump *flows_dump = dump_;

    if (n_bytes < sizeof(struct ovs_header)) {
        return -EBADMSG;
    }
    flows_dump->stopped = fl_odp_decode(flows_dump->decoder,
                                        (const char *)payload + sizeof(struct ovs_header),
                                        n_bytes - sizeof(struct ovs_header), flows_dump->now_ms,
                                        flows_dump->cb, flows_dump->aux);
    return flows_dump->stopped;
}

static int64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int fl_datapath_dump(struct fl_datapath *datapath, int ifindex, struct fl_ports *ports,
                     unsigned int flags, fl_decode_cb *cb, void *aux, struct fl_error *err)
{
    const uint32_t leave_out = OVS_UFID_F_OMIT_KEY | OVS_UFID_F_OMIT_MASK | OVS_UFID_F_OMIT_ACTIONS;
    struct flows_dump flows_dump = { .ports = ports, .cb = cb, .aux = aux };
    uint64_t stub[4];
    struct ofpbuf request;
    int error;

    flows_dump.decoder = fl_odp_decoder_create(ports, flags);
    flows_dump.now_ms = monotonic_ms();
    error = fl_datapath_ports(datapath, ifindex, map_port, &flows_dump, err);
    if (!error) {
        start_request(&request, stub, sizeof stub, ifindex);
        nl_msg_put_u32(&request, OVS_FLOW_ATTR_UFID_FLAGS,
                       flags & FL_DATAPATH_COUNTERS ? leave_out : 0);
        error = dump(datapath, FAMILY_FLOW, OVS_FLOW_CMD_GET, &request, take_flow, &flows_dump);
        ofpbuf_uninit(&request);
        if (error && !flows_dump.stopped) {
            explain(error, "flows", err);
        }
    }
    fl_odp_decoder_destroy(flows_dump.decoder);
    return error;
}
