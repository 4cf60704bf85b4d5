/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nic/ports.h"

#include <errno.h>
#include <linux/devlink.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/nic/exchange.h"
#include "lib/nic/ports_decode.h"

static void release_message(struct nl_msg **message)
{
    nlmsg_free(*message);
}
#define _cleanup_message _cleanup_(release_message)

static struct nl_msg *new_message(int type, int flags)
{
    struct nl_msg *message = nlmsg_alloc_simple(type, flags);

    if (!message)
        out_of_memory();
    return message;
}

/* A request of a generic netlink family. */
static struct nl_msg *new_genl(int family, int flags, uint8_t command, uint8_t version)
{
    struct nl_msg *message = nlmsg_alloc();

    if (!message ||
        !genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags, command, version))
        out_of_memory();
    return message;
}

/* ethtool wants its nests marked as such. */
static struct nlattr *open_nest(struct nl_msg *message, int type)
{
    struct nlattr *nest = nla_nest_start(message, type | NLA_F_NESTED);

    if (!nest)
        out_of_memory();
    return nest;
}

/* Something is missing; the first reason is kept. */
static void miss(struct fl_nic *nic, const char *what, int error)
{
    if (!nic->incomplete)
        nic->incomplete = xasprintf("%s: %s", what, ovs_strerror(-error));
}

static int take(void *bytes, size_t n_bytes, int answer, void *reading)
{
    return fl_nic_decode(reading, (enum fl_nic_answer)answer, bytes, n_bytes);
}

static int exchange(struct fl_nic_socket *socket, struct nl_msg *message, enum fl_nic_answer answer,
                    struct fl_nic_reading *reading)
{
    return fl_nic_exchange(socket, message, answer, take, reading);
}

static int read_links(struct fl_nic_reading *reading, struct fl_error *err)
{
    struct ifinfomsg header = { .ifi_family = AF_UNSPEC };
    _cleanup_message struct nl_msg *message = new_message(RTM_GETLINK, NLM_F_DUMP);
    struct fl_nic_socket *socket;
    int ret = fl_nic_socket_open(NETLINK_ROUTE, &socket);

    if (!ret) {
        /* Statistics are most of what a device's message would weigh. */
        if (nlmsg_append(message, &header, sizeof header, NLMSG_ALIGNTO) < 0 ||
            nla_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
            out_of_memory();
        ret = exchange(socket, message, FL_NIC_LINKS, reading);
        fl_nic_socket_close(socket);
    }
    return ret ? fl_error_set(err, ret, "cannot list network devices: %s", ovs_strerror(-ret)) : 0;
}

/* ethtool. */

static int ask_feature_names(struct fl_nic_socket *socket, int family,
                             struct fl_nic_reading *reading)
{
    _cleanup_message struct nl_msg *message = new_genl(family, 0, ETHTOOL_MSG_STRSET_GET,
                                                       ETHTOOL_GENL_VERSION);
    struct nlattr *header, *sets, *set;

    header = open_nest(message, ETHTOOL_A_STRSET_HEADER);
    nla_nest_end_keep_empty(message,
                            header); /* of no device; ETH_SS_FEATURES is the same for all */
    sets = open_nest(message, ETHTOOL_A_STRSET_STRINGSETS);
    set = open_nest(message, ETHTOOL_A_STRINGSETS_STRINGSET);
    if (nla_put_u32(message, ETHTOOL_A_STRINGSET_ID, ETH_SS_FEATURES) < 0)
        out_of_memory();
    nla_nest_end(message, set);
    nla_nest_end(message, sets);
    return exchange(socket, message, FL_NIC_FEATURE_NAMES, reading);
}

static int ask_features(struct fl_nic_socket *socket, int family, struct fl_nic_reading *reading)
{
    _cleanup_message struct nl_msg *message = new_genl(family, NLM_F_DUMP, ETHTOOL_MSG_FEATURES_GET,
                                                       ETHTOOL_GENL_VERSION);
    struct nlattr *header = nla_nest_start(message, ETHTOOL_A_FEATURES_HEADER | NLA_F_NESTED);

    if (!header || nla_put_u32(message, ETHTOOL_A_HEADER_FLAGS, ETHTOOL_FLAG_COMPACT_BITSETS) < 0)
        out_of_memory();
    nla_nest_end(message, header);
    return exchange(socket, message, FL_NIC_FEATURES, reading);
}

static void read_features(struct fl_nic_socket *socket, struct fl_nic_reading *reading)
{
    int family = fl_nic_family(socket, ETHTOOL_GENL_NAME), ret;

    if (family == -ENOENT)
        return; /* before Linux 5.6: unknown */
    ret = family < 0 ? family : ask_feature_names(socket, family, reading);
    ret = ret ? ret : ask_features(socket, family, reading);
    if (ret)
        miss(reading->nic, "cannot read the features of network devices", ret);
}

/* The driver's name, which netlink does not tell. A device without is left unknown. */
static void read_drivers(struct fl_nic *nic)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        miss(nic, "cannot read the drivers of network devices", -errno);
        return;
    }
    for (size_t i = 0; i < nic->n_ports; i++) {
        struct fl_nic_port *port = &nic->ports[i];
        struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
        struct ifreq request = { .ifr_data = (char *)&info };

        ovs_strlcpy(request.ifr_name, port->name, sizeof request.ifr_name);
        if (ioctl(fd, SIOCETHTOOL, &request))
            continue;
        ovs_strlcpy_arrays(port->driver, info.driver);
        ovs_strlcpy_arrays(port->firmware, info.fw_version);
        ovs_strlcpy_arrays(port->bus, info.bus_info);
    }
    close(fd);
}

/* devlink. */

static int ask_eswitch(struct fl_nic_socket *socket, int family, const char *handle,
                       struct fl_nic_reading *reading)
{
    _cleanup_message struct nl_msg *message = new_genl(family, 0, DEVLINK_CMD_ESWITCH_GET,
                                                       DEVLINK_GENL_VERSION);
    _cleanup_free char *bus = xstrdup(handle);
    char *device = strchr(bus, '/');

    *device++ = '\0';
    if (nla_put_string(message, DEVLINK_ATTR_BUS_NAME, bus) < 0 ||
        nla_put_string(message, DEVLINK_ATTR_DEV_NAME, device) < 0)
        out_of_memory();
    return exchange(socket, message, FL_NIC_ESWITCH, reading);
}

/* Whether a port before @i belongs to the same instance: it was asked already. */
static bool was_asked(const struct fl_nic *nic, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (!strcmp(nic->ports[j].devlink, nic->ports[i].devlink))
            return true;
    }
    return false;
}

/* A driver without an eSwitch, or an instance that is gone by now, says nothing: unknown. */
static void read_eswitches(struct fl_nic_socket *socket, int family, struct fl_nic_reading *reading)
{
    struct fl_nic *nic = reading->nic;

    for (size_t i = 0; i < nic->n_ports; i++) {
        const char *handle = nic->ports[i].devlink;
        int ret;

        if (!handle[0] || (i && !strcmp(handle, nic->ports[i - 1].devlink)) || was_asked(nic, i))
            continue;
        ret = ask_eswitch(socket, family, handle, reading);
        if (ret && ret != -EOPNOTSUPP && ret != -ENODEV)
            miss(nic, "cannot read the mode of eSwitches", ret);
    }
}

/* Return: whether devlink told all its ports. */
static bool read_devlink(struct fl_nic_socket *socket, struct fl_nic_reading *reading)
{
    _cleanup_message struct nl_msg *message = NULL;
    int family = fl_nic_family(socket, DEVLINK_GENL_NAME), ret;

    if (family == -ENOENT)
        return false; /* a kernel without devlink */
    if (family >= 0)
        message = new_genl(family, NLM_F_DUMP, DEVLINK_CMD_PORT_GET, DEVLINK_GENL_VERSION);
    ret = family < 0 ? family : exchange(socket, message, FL_NIC_DEVLINK_PORTS, reading);
    if (ret) {
        miss(reading->nic, "cannot read the ports of devlink", ret);
        return false;
    }
    read_eswitches(socket, family, reading);
    return true;
}

int fl_nic_read(struct fl_nic *nic, struct fl_error *err)
{
    struct fl_nic read;
    struct fl_nic_reading reading = { .nic = &read, .tc_offload_bit = -1 };
    struct fl_nic_socket *socket;
    bool devlink_is_whole = false;
    int ret;

    fl_nic_init(&read);
    ret = read_links(&reading, err);
    if (ret) {
        fl_nic_destroy(&read);
        return ret;
    }
    read_drivers(&read);
    ret = fl_nic_socket_open(NETLINK_GENERIC, &socket);
    if (ret) {
        miss(&read, "cannot open a generic netlink socket", ret);
    } else {
        read_features(socket, &reading);
        devlink_is_whole = read_devlink(socket, &reading);
        fl_nic_socket_close(socket);
    }
    fl_nic_infer_roles(&read, devlink_is_whole);
    fl_nic_destroy(nic);
    *nic = read;
    return 0;
}
