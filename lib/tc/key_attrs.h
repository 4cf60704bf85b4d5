/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_KEY_ATTRS_H
#define FLOWLIFT_TC_KEY_ATTRS_H

/*
 * The netlink attributes of match keys: what the decoder reads and the encoder writes.
 *
 * Source: Linux 6.1 net/sched/cls_flower.c, fl_dump_key(), fl_set_key(): which attribute is in host byte order
 * and which is not (pkt_cls.h is wrong for VLAN ids).
 */

#include <linux/pkt_cls.h>
#include <stdint.h>

/** enum fl_key_form - how a value is sent */
enum fl_key_form {
    FL_KEY_NOTHING, /* Done elsewhere, or not known. */
    FL_KEY_U8,
    FL_KEY_U16,
    FL_KEY_U32,
    FL_KEY_BE16,
    FL_KEY_BE32,
    FL_KEY_RAW, /* 4, 6 or 16 bytes. */
};

struct fl_key_attr {
    uint8_t form;
    uint8_t key; /* enum fl_tc_key */
    uint8_t is_mask;
    uint8_t n; /* Bytes. */
    uint8_t
        proto; /* The key has other attributes for other values of FL_TC_KEY_IP_PROTO; 0: it has not. */
    uint16_t mask; /* The attribute of its mask; 0: none. */
};

#define FL_N_KEY_ATTRS (TCA_FLOWER_MAX + 1)
extern const struct fl_key_attr fl_key_attrs[FL_N_KEY_ATTRS];

#endif
