/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/nic/ports_decode.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <linux/devlink.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/limits.h"

#define TC_OFFLOAD_NAME "hw-tc-offload"

/* libnl says why; to us, all of it is a message that cannot be read. */
static int parse(struct nlmsghdr *message, int header_bytes, struct nlattr **attrs, int max)
{
    return nlmsg_parse(message, header_bytes, attrs, max, NULL) < 0 ? -EPROTO : 0;
}

static int parse_nested(struct nlattr *nest, struct nlattr **attrs, int max)
{
    return nla_parse_nested(attrs, max, nest, NULL) < 0 ? -EPROTO : 0;
}

static void take_text(const struct nlattr *attr, char *text, size_t n_bytes)
{
    if (attr)
        nla_strlcpy(text, attr, n_bytes);
}

static void take_id(const struct nlattr *attr, struct fl_nic_id *id)
{
    if (attr && nla_len(attr) <= (int)sizeof id->bytes) {
        id->n_bytes = (uint8_t)nla_len(attr);
        memcpy(id->bytes, nla_data(attr), id->n_bytes);
    }
}

/* An unsigned number of at least as many bytes as @n_bytes; @absent when it is not there, or shorter. */
static uint32_t number_of(const struct nlattr *attr, int n_bytes, uint32_t absent)
{
    if (!attr || nla_len(attr) < n_bytes)
        return absent;
    return n_bytes == 1 ? nla_get_u8(attr) : n_bytes == 2 ? nla_get_u16(attr) : nla_get_u32(attr);
}

/* Devices. */

static int take_master(struct nlattr *link_info, struct fl_nic_port *port)
{
    struct nlattr *attrs[IFLA_INFO_MAX + 1];

    if (!link_info)
        return 0;
    if (parse_nested(link_info, attrs, IFLA_INFO_MAX))
        return -EPROTO;
    take_text(attrs[IFLA_INFO_SLAVE_KIND], port->master_kind, sizeof port->master_kind);
    return 0;
}

static int take_link(struct fl_nic *nic, struct nlmsghdr *message)
{
    const struct ifinfomsg *header = nlmsg_data(message);
    struct nlattr *attrs[IFLA_MAX + 1];
    struct fl_nic_port *port;

    if (message->nlmsg_type != RTM_NEWLINK || parse(message, sizeof *header, attrs, IFLA_MAX) ||
        header->ifi_index <= 0 || !attrs[IFLA_IFNAME])
        return -EPROTO;
    port = fl_nic_port(nic, header->ifi_index);
    if (!port && nic->n_ports >= FL_LIMIT_PORTS)
        return -E2BIG;
    port = port ? port : fl_nic_add(nic, header->ifi_index);
    take_text(attrs[IFLA_IFNAME], port->name, sizeof port->name);
    take_text(attrs[IFLA_PHYS_PORT_NAME], port->port_name, sizeof port->port_name);
    take_id(attrs[IFLA_PHYS_SWITCH_ID], &port->switch_id);
    take_id(attrs[IFLA_PHYS_PORT_ID], &port->port_id);
    port->master = (int)MIN(number_of(attrs[IFLA_MASTER], 4, 0), (uint32_t)INT_MAX);
    return take_master(attrs[IFLA_LINKINFO], port);
}

/* Features. */

static int take_feature_name(struct fl_nic_reading *reading, struct nlattr *string)
{
    struct nlattr *attrs[ETHTOOL_A_STRING_MAX + 1];
    char name[ETH_GSTRING_LEN + 1] = "";

    if (parse_nested(string, attrs, ETHTOOL_A_STRING_MAX))
        return -EPROTO;
    take_text(attrs[ETHTOOL_A_STRING_VALUE], name, sizeof name);
    if (!strcmp(name, TC_OFFLOAD_NAME) && attrs[ETHTOOL_A_STRING_INDEX])
        reading->tc_offload_bit = number_of(attrs[ETHTOOL_A_STRING_INDEX], 4, 0);
    return 0;
}

static int take_string_set(struct fl_nic_reading *reading, struct nlattr *set)
{
    struct nlattr *attrs[ETHTOOL_A_STRINGSET_MAX + 1], *string;
    int left, ret = parse_nested(set, attrs, ETHTOOL_A_STRINGSET_MAX);

    if (ret || number_of(attrs[ETHTOOL_A_STRINGSET_ID], 4, 0) != ETH_SS_FEATURES ||
        !attrs[ETHTOOL_A_STRINGSET_STRINGS])
        return ret;
    nla_for_each_nested(string, attrs[ETHTOOL_A_STRINGSET_STRINGS], left)
    {
        ret = ret ? ret : take_feature_name(reading, string);
    }
    return ret;
}

static int take_feature_names(struct fl_nic_reading *reading, struct nlmsghdr *message)
{
    struct nlattr *attrs[ETHTOOL_A_STRSET_MAX + 1], *set;
    int left, ret = parse(message, GENL_HDRLEN, attrs, ETHTOOL_A_STRSET_MAX);

    if (ret || !attrs[ETHTOOL_A_STRSET_STRINGSETS])
        return -EPROTO;
    nla_for_each_nested(set, attrs[ETHTOOL_A_STRSET_STRINGSETS], left)
    {
        ret = ret ? ret : take_string_set(reading, set);
    }
    return ret;
}

/* A bit of a compact bitset: 1, 0, or -1 when the set does not have it. */
static int bit_of(struct nlattr *bitset, int64_t bit)
{
    struct nlattr *attrs[ETHTOOL_A_BITSET_MAX + 1];
    const struct nlattr *value;
    uint32_t word;

    if (!bitset || bit < 0 || parse_nested(bitset, attrs, ETHTOOL_A_BITSET_MAX))
        return -1;
    value = attrs[ETHTOOL_A_BITSET_VALUE];
    if (!value || bit / 32 >= nla_len(value) / (int)sizeof word ||
        bit >= number_of(attrs[ETHTOOL_A_BITSET_SIZE], 4, 0))
        return -1;
    memcpy(&word, (const char *)nla_data(value) + bit / 32 * (int)sizeof word, sizeof word);
    return word >> (bit % 32) & 1;
}

/* Source: ethtool 6.1, netlink/features.c dump_features(): what makes a feature "[fixed]". */
static enum fl_nic_feature feature_of(struct nlattr **attrs, int64_t bit)
{
    int active = bit_of(attrs[ETHTOOL_A_FEATURES_ACTIVE], bit);
    int changeable = bit_of(attrs[ETHTOOL_A_FEATURES_HW], bit);
    int kept = bit_of(attrs[ETHTOOL_A_FEATURES_NOCHANGE], bit);

    if (active < 0 || changeable < 0 || kept < 0)
        return FL_NIC_FEATURE_UNKNOWN;
    if (!changeable || kept)
        return active ? FL_NIC_FEATURE_ON_FIXED : FL_NIC_FEATURE_OFF_FIXED;
    return active ? FL_NIC_FEATURE_ON : FL_NIC_FEATURE_OFF;
}

static int take_features(const struct fl_nic_reading *reading, struct nlmsghdr *message)
{
    struct nlattr *attrs[ETHTOOL_A_FEATURES_MAX + 1], *header[ETHTOOL_A_HEADER_MAX + 1];
    struct fl_nic_port *port;

    if (parse(message, GENL_HDRLEN, attrs, ETHTOOL_A_FEATURES_MAX) ||
        !attrs[ETHTOOL_A_FEATURES_HEADER] ||
        parse_nested(attrs[ETHTOOL_A_FEATURES_HEADER], header, ETHTOOL_A_HEADER_MAX))
        return -EPROTO;
    port = fl_nic_port(reading->nic, number_of(header[ETHTOOL_A_HEADER_DEV_INDEX], 4, 0));
    if (port)
        port->tc_offload = feature_of(attrs, reading->tc_offload_bit);
    return 0;
}

/* devlink. */

static int take_handle(struct nlattr **attrs, char handle[FL_NIC_TEXT_BYTES])
{
    char bus[FL_NIC_TEXT_BYTES] = "", device[FL_NIC_TEXT_BYTES] = "";

    take_text(attrs[DEVLINK_ATTR_BUS_NAME], bus, sizeof bus);
    take_text(attrs[DEVLINK_ATTR_DEV_NAME], device, sizeof device);
    if (!bus[0] || !device[0] ||
        snprintf(handle, FL_NIC_TEXT_BYTES, "%s/%s", bus, device) >= FL_NIC_TEXT_BYTES)
        return -EPROTO;
    return 0;
}

static enum fl_nic_role role_of(uint32_t flavour)
{
    switch (flavour) {
    case DEVLINK_PORT_FLAVOUR_PHYSICAL: return FL_NIC_ROLE_UPLINK;
    case DEVLINK_PORT_FLAVOUR_PCI_PF:
    case DEVLINK_PORT_FLAVOUR_PCI_VF:
    case DEVLINK_PORT_FLAVOUR_PCI_SF: return FL_NIC_ROLE_REPRESENTOR;
    case DEVLINK_PORT_FLAVOUR_CPU:
    case DEVLINK_PORT_FLAVOUR_DSA:
    case DEVLINK_PORT_FLAVOUR_VIRTUAL:
    case DEVLINK_PORT_FLAVOUR_UNUSED: return FL_NIC_ROLE_NEITHER;
    default: return FL_NIC_ROLE_UNKNOWN;
    }
}

static int take_devlink_port(struct fl_nic *nic, struct nlmsghdr *message)
{
    struct nlattr *attrs[DEVLINK_ATTR_MAX + 1];
    char handle[FL_NIC_TEXT_BYTES];
    struct fl_nic_port *port;

    if (parse(message, GENL_HDRLEN, attrs, DEVLINK_ATTR_MAX) || take_handle(attrs, handle))
        return -EPROTO;
    port = fl_nic_port(nic, number_of(attrs[DEVLINK_ATTR_PORT_NETDEV_IFINDEX], 4, 0));
    if (port) {
        ovs_strlcpy(port->devlink, handle, sizeof port->devlink);
        port->role = role_of(number_of(attrs[DEVLINK_ATTR_PORT_FLAVOUR], 2, UINT32_MAX));
    }
    return 0;
}

static enum fl_inline_mode inline_mode_of(uint32_t value)
{
    switch (value) {
    case DEVLINK_ESWITCH_INLINE_MODE_NONE: return FL_INLINE_NONE;
    case DEVLINK_ESWITCH_INLINE_MODE_LINK: return FL_INLINE_LINK;
    case DEVLINK_ESWITCH_INLINE_MODE_NETWORK: return FL_INLINE_NETWORK;
    case DEVLINK_ESWITCH_INLINE_MODE_TRANSPORT: return FL_INLINE_TRANSPORT;
    default: return FL_INLINE_UNKNOWN;
    }
}

static int take_eswitch(struct fl_nic *nic, struct nlmsghdr *message)
{
    struct nlattr *attrs[DEVLINK_ATTR_MAX + 1];
    char handle[FL_NIC_TEXT_BYTES];
    uint32_t mode, encap;

    if (parse(message, GENL_HDRLEN, attrs, DEVLINK_ATTR_MAX) || take_handle(attrs, handle))
        return -EPROTO;
    mode = number_of(attrs[DEVLINK_ATTR_ESWITCH_MODE], 2, UINT32_MAX);
    encap = number_of(attrs[DEVLINK_ATTR_ESWITCH_ENCAP_MODE], 1, UINT32_MAX);
    for (size_t i = 0; i < nic->n_ports; i++) {
        struct fl_nic_port *port = &nic->ports[i];

        if (strcmp(port->devlink, handle))
            continue;
        port->eswitch = mode == DEVLINK_ESWITCH_MODE_LEGACY      ? FL_ESWITCH_LEGACY
                        : mode == DEVLINK_ESWITCH_MODE_SWITCHDEV ? FL_ESWITCH_SWITCHDEV
                                                                 : FL_ESWITCH_UNKNOWN;
        port->encap = encap == DEVLINK_ESWITCH_ENCAP_MODE_NONE    ? FL_ENCAP_NONE
                      : encap == DEVLINK_ESWITCH_ENCAP_MODE_BASIC ? FL_ENCAP_BASIC
                                                                  : FL_ENCAP_UNKNOWN;
        port->inline_mode = inline_mode_of(
            number_of(attrs[DEVLINK_ATTR_ESWITCH_INLINE_MODE], 1, UINT32_MAX));
    }
    return 0;
}

/* All. */

static int take_message(struct fl_nic_reading *reading, enum fl_nic_answer answer,
                        struct nlmsghdr *message)
{
    if (message->nlmsg_type < NLMSG_MIN_TYPE)
        return 0;
    switch (answer) {
    case FL_NIC_LINKS: return take_link(reading->nic, message);
    case FL_NIC_FEATURE_NAMES: return take_feature_names(reading, message);
    case FL_NIC_FEATURES: return take_features(reading, message);
    case FL_NIC_DEVLINK_PORTS: return take_devlink_port(reading->nic, message);
    case FL_NIC_ESWITCH: return take_eswitch(reading->nic, message);
    case FL_NIC_N_ANSWERS: break;
    }
    return -EPROTO;
}

int fl_nic_decode(struct fl_nic_reading *reading, enum fl_nic_answer answer, void *bytes,
                  size_t n_bytes)
{
    struct nlmsghdr *message = bytes;
    int n_left = (int)MIN(n_bytes, INT_MAX), ret = 0;

    for (; !ret && nlmsg_ok(message, n_left); message = nlmsg_next(message, &n_left))
        ret = take_message(reading, answer, message);
    return ret || n_left <= 0 ? ret : -EPROTO;
}

/* Roles by name. */

/* "p0", "p0s1" (a split port) */
static bool is_uplink_name(const char *name)
{
    return name[0] == 'p' && isdigit((unsigned char)name[1]);
}

/* "pf0", "pf0vf3", "pf0sf12", "c1pf0vf3" (of another host) */
static bool is_representor_name(const char *name)
{
    if (name[0] == 'c' && isdigit((unsigned char)name[1]))
        name += 1 + strspn(name + 1, "0123456789");
    return !strncmp(name, "pf", 2) && isdigit((unsigned char)name[2]);
}

void fl_nic_infer_roles(struct fl_nic *nic, bool devlink_is_whole)
{
    for (size_t i = 0; i < nic->n_ports; i++) {
        struct fl_nic_port *port = &nic->ports[i];

        if (port->role != FL_NIC_ROLE_UNKNOWN)
            continue;
        if (!port->switch_id.n_bytes)
            port->role = devlink_is_whole && !port->devlink[0] ? FL_NIC_ROLE_NEITHER
                                                               : FL_NIC_ROLE_UNKNOWN;
        else if (is_representor_name(port->port_name))
            port->role = FL_NIC_ROLE_REPRESENTOR;
        else if (is_uplink_name(port->port_name))
            port->role = FL_NIC_ROLE_UPLINK;
    }
}
