/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc/key_attrs.h"

#include <netinet/in.h>

#include "flows/tc_filter.h"

/* Not one through the other: <netinet/in.h> has macros of the names of some keys. */
#define PLAIN(attr, form, key, n) \
    [TCA_FLOWER_KEY_##attr] = { FL_KEY_##form, FL_TC_KEY_##key, 0, n, 0, 0 }
#define MASKED(attr, form, key, n)                                                         \
    [TCA_FLOWER_KEY_##                                                                     \
        attr] = { FL_KEY_##form, FL_TC_KEY_##key, 0, n, 0, TCA_FLOWER_KEY_##attr##_MASK }, \
      [TCA_FLOWER_KEY_##attr##_MASK] = { FL_KEY_##form, FL_TC_KEY_##key, 1, n, 0, 0 }
#define OF(proto, attr, form, key, n)                                                          \
    [TCA_FLOWER_KEY_##                                                                         \
        attr] = { FL_KEY_##form, FL_TC_KEY_##key, 0, n, proto, TCA_FLOWER_KEY_##attr##_MASK }, \
      [TCA_FLOWER_KEY_##attr##_MASK] = { FL_KEY_##form, FL_TC_KEY_##key, 1, n, proto, 0 }

const struct fl_key_attr fl_key_attrs[FL_N_KEY_ATTRS] = {
    MASKED(ETH_DST, RAW, DST_MAC, 6),
    MASKED(ETH_SRC, RAW, SRC_MAC, 6),
    PLAIN(ETH_TYPE, BE16, ETH_TYPE, 2),
    PLAIN(IP_PROTO, U8, IP_PROTO, 1),
    MASKED(IPV4_SRC, RAW, SRC_IP4, 4),
    MASKED(IPV4_DST, RAW, DST_IP4, 4),
    MASKED(IPV6_SRC, RAW, SRC_IP6, 16),
    MASKED(IPV6_DST, RAW, DST_IP6, 16),
    OF(IPPROTO_TCP, TCP_SRC, BE16, SRC_PORT, 2),
    OF(IPPROTO_TCP, TCP_DST, BE16, DST_PORT, 2),
    OF(IPPROTO_UDP, UDP_SRC, BE16, SRC_PORT, 2),
    OF(IPPROTO_UDP, UDP_DST, BE16, DST_PORT, 2),
    OF(IPPROTO_SCTP, SCTP_SRC, BE16, SRC_PORT, 2),
    OF(IPPROTO_SCTP, SCTP_DST, BE16, DST_PORT, 2),
    PLAIN(VLAN_ID, U16, VLAN_ID, 2),
    PLAIN(VLAN_PRIO, U8, VLAN_PRIO, 1),
    PLAIN(VLAN_ETH_TYPE, BE16, VLAN_ETH_TYPE, 2),
    PLAIN(CVLAN_ID, U16, CVLAN_ID, 2),
    PLAIN(CVLAN_PRIO, U8, CVLAN_PRIO, 1),
    PLAIN(CVLAN_ETH_TYPE, BE16, CVLAN_ETH_TYPE, 2),
    PLAIN(ENC_KEY_ID, BE32, ENC_KEY_ID, 4),
    MASKED(ENC_IPV4_SRC, RAW, ENC_SRC_IP4, 4),
    MASKED(ENC_IPV4_DST, RAW, ENC_DST_IP4, 4),
    MASKED(ENC_IPV6_SRC, RAW, ENC_SRC_IP6, 16),
    MASKED(ENC_IPV6_DST, RAW, ENC_DST_IP6, 16),
    MASKED(ENC_UDP_SRC_PORT, BE16, ENC_SRC_PORT, 2),
    MASKED(ENC_UDP_DST_PORT, BE16, ENC_DST_PORT, 2),
    MASKED(ENC_IP_TOS, U8, ENC_TOS, 1),
    MASKED(ENC_IP_TTL, U8, ENC_TTL, 1),
    MASKED(FLAGS, BE32, IP_FLAGS, 4),
    OF(IPPROTO_ICMP, ICMPV4_CODE, U8, ICMP_CODE, 1),
    OF(IPPROTO_ICMP, ICMPV4_TYPE, U8, ICMP_TYPE, 1),
    OF(IPPROTO_ICMPV6, ICMPV6_CODE, U8, ICMP_CODE, 1),
    OF(IPPROTO_ICMPV6, ICMPV6_TYPE, U8, ICMP_TYPE, 1),
    MASKED(ARP_SIP, RAW, ARP_SIP, 4),
    MASKED(ARP_TIP, RAW, ARP_TIP, 4),
    MASKED(ARP_OP, U8, ARP_OP, 1),
    MASKED(ARP_SHA, RAW, ARP_SHA, 6),
    MASKED(ARP_THA, RAW, ARP_THA, 6),
    PLAIN(MPLS_TTL, U8, MPLS_TTL, 1),
    PLAIN(MPLS_BOS, U8, MPLS_BOS, 1),
    PLAIN(MPLS_TC, U8, MPLS_TC, 1),
    PLAIN(MPLS_LABEL, U32, MPLS_LABEL, 4),
    MASKED(TCP_FLAGS, BE16, TCP_FLAGS, 2),
    MASKED(IP_TOS, U8, IP_TOS, 1),
    MASKED(IP_TTL, U8, IP_TTL, 1),
    PLAIN(PORT_SRC_MIN, BE16, SRC_PORT_MIN, 2),
    PLAIN(PORT_SRC_MAX, BE16, SRC_PORT_MAX, 2),
    PLAIN(PORT_DST_MIN, BE16, DST_PORT_MIN, 2),
    PLAIN(PORT_DST_MAX, BE16, DST_PORT_MAX, 2),
    MASKED(CT_STATE, U16, CT_STATE, 2),
    MASKED(CT_ZONE, U16, CT_ZONE, 2),
    MASKED(CT_MARK, U32, CT_MARK, 4),
    MASKED(CT_LABELS, RAW, CT_LABEL, 16),
    MASKED(HASH, U32, HASH, 4),
    PLAIN(NUM_OF_VLANS, U8, NUM_OF_VLANS, 1),
    PLAIN(PPPOE_SID, BE16, PPPOE_SID, 2),
    PLAIN(PPP_PROTO, BE16, PPP_PROTO, 2),
    PLAIN(L2TPV3_SID, BE32, L2TPV3_SID, 4),
};
