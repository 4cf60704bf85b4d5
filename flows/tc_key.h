/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TC_KEY_H
#define FLOWLIFT_TC_KEY_H

/*
 * Match keys of a TC filter as tc writes them, in both directions.
 */

#include <jansson.h>

#include "flows/tc_filter.h"

#define FL_TC_NAME_BYTES 24

const char *fl_tc_key_name(enum fl_tc_key key);
enum fl_tc_form fl_tc_key_form(enum fl_tc_key key);

/** fl_tc_key_put_json() - add one key that @filter has to the object of its keys */
void fl_tc_key_put_json(const struct fl_tc_filter *filter, enum fl_tc_key key, json_t *keys);

/**
 * fl_tc_key_read() - the value of a key, as text: "10.0.0.0/24", "0x5/f", "80-90", "+trk-new"
 * @mask: a mask that stood apart ("ip_tos_mask"), hexadecimal, or NULL
 * Return: true, or false for a name or value that is not known.
 */
bool fl_tc_key_read(struct fl_tc_filter *filter, const char *name, const char *text,
                    const char *mask);

/** fl_tc_protocol_name() - of an Ethernet type: "ip", "802.1Q", or "[34525]" */
const char *fl_tc_protocol_name(uint16_t protocol, char buf[FL_TC_NAME_BYTES]);
/** fl_tc_protocol_read() - the inverse; "ipv4" and "0x800" too. Return: false when not known. */
bool fl_tc_protocol_read(const char *text, uint32_t *protocol);
/** fl_tc_ppp_name(), fl_tc_ppp_read() - likewise, of PPP protocols */
const char *fl_tc_ppp_name(uint16_t protocol, char buf[FL_TC_NAME_BYTES]);
bool fl_tc_ppp_read(const char *text, uint32_t *protocol);

/** fl_tc_number_read() - the whole of @text, up to @max; @base as strtoull(); false when it is none */
bool fl_tc_number_read(const char *text, int base, uint64_t max, uint64_t *value);
/** fl_tc_ip_read() - "10.0.0.1" or IPv6; @is_ip6 says which. Return: false when it is neither. */
bool fl_tc_ip_read(const char *text, struct fl_tc_value *value, bool *is_ip6);
/** fl_tc_mac_read() - "52:54:00:00:00:01" */
bool fl_tc_mac_read(const char *text, struct eth_addr *mac);
/** fl_tc_hex_read() - exactly @n bytes as hexadecimal digits */
bool fl_tc_hex_read(const char *text, uint8_t *bytes, size_t n);
/** fl_tc_hex_json() - @n bytes as hexadecimal digits; @n up to 16. New reference. */
json_t *fl_tc_hex_json(const uint8_t *bytes, size_t n);
/** fl_tc_ip_json() - an address, 4 or 16 bytes. New reference. */
json_t *fl_tc_ip_json(const void *bytes, size_t n);
json_t *fl_tc_mac_json(const struct eth_addr *mac);
/** fl_tc_label_json() - "VALUE/MASK" of 16 bytes, or "VALUE" with a full mask. New reference. */
json_t *fl_tc_label_json(const uint8_t value[16], const uint8_t mask[16]);

#endif
