/* SPDX-License-Identifier: Apache-2.0 */
/* Source: iproute2 6.1 tc/m_*.c, tc/tc_util.c action_n2a(). */
#include <string.h>

#include "flows/tc_json_internal.h"

const struct fl_tc_word fl_tc_kind_words[] = {
    { "gact", FL_TC_GACT },   { "mirred", FL_TC_MIRRED },   { "vlan", FL_TC_VLAN },
    { "pedit", FL_TC_PEDIT }, { "csum", FL_TC_CSUM },       { "tunnel_key", FL_TC_TUNNEL_KEY },
    { "ct", FL_TC_CT },       { "skbedit", FL_TC_SKBEDIT }, { "police", FL_TC_POLICE },
    { "mpls", FL_TC_MPLS },   { "sample", FL_TC_SAMPLE },   { NULL, 0 },
};

const struct fl_tc_word fl_tc_control_words[] = {
    { "pass", FL_TC_OK },         { "drop", FL_TC_SHOT }, { "pipe", FL_TC_PIPE },
    { "stolen", FL_TC_STOLEN },   { "trap", FL_TC_TRAP }, { "reclassify", FL_TC_RECLASSIFY },
    { "continue", FL_TC_UNSPEC }, { "goto", FL_TC_GOTO }, { "jump", FL_TC_JUMP },
    { "ok", FL_TC_OK },           { "shot", FL_TC_SHOT }, { NULL, 0 },
};

const struct fl_tc_word fl_tc_vlan_words[] = {
    { "pop", FL_TC_VLAN_POP },    { "push", FL_TC_VLAN_PUSH },    { "modify", FL_TC_VLAN_MODIFY },
    { "pop_eth", FL_TC_POP_ETH }, { "push_eth", FL_TC_PUSH_ETH }, { NULL, 0 },
};

const struct fl_tc_word fl_tc_mpls_words[] = {
    { "pop", FL_TC_MPLS_POP },           { "push", FL_TC_MPLS_PUSH },
    { "modify", FL_TC_MPLS_MODIFY },     { "dec_ttl", FL_TC_MPLS_DEC_TTL },
    { "mac_push", FL_TC_MPLS_MAC_PUSH }, { NULL, 0 },
};

const struct fl_tc_word fl_tc_csum_words[] = {
    { "iph", 1 },  { "icmp", 2 },     { "igmp", 4 },  { "tcp", 8 },
    { "udp", 16 }, { "udplite", 32 }, { "sctp", 64 }, { NULL, 0 },
};

const struct fl_tc_word fl_tc_pedit_words[] = {
    { "network", 0 }, { "eth", 1 }, { "ipv4", 2 }, { "ipv6", 3 },
    { "tcp", 4 },     { "udp", 5 }, { "", 0 },     { NULL, 0 },
};

/* Source: linux/if_packet.h. */
const struct fl_tc_word fl_tc_ptype_words[] = {
    { "host", 0 }, { "broadcast", 1 }, { "multicast", 2 }, { "otherhost", 3 }, { NULL, 0 },
};

const struct fl_tc_word fl_tc_random_words[] = {
    { "none", 0 },
    { "netrand", 1 },
    { "determ", 2 },
    { NULL, 0 },
};

const char *fl_tc_word_of(const struct fl_tc_word *words, uint32_t number)
{
    for (; words->text; words++) {
        if (words->number == number)
            return words->text;
    }
    return NULL;
}

bool fl_tc_word_read(const struct fl_tc_word *words, const char *text, uint32_t *number)
{
    for (; words->text; words++) {
        if (!strcmp(words->text, text)) {
            *number = words->number;
            return true;
        }
    }
    return false;
}
