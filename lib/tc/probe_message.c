/* SPDX-License-Identifier: Apache-2.0 */
/* Source: Linux 6.1 net/netlink/af_netlink.c, netlink_ack(); net/sched/cls_api.c, tc_del_tfilter(). */
#include "lib/tc/probe_message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <string.h>

#include "lib/tc/attr.h"
#include "lib/tc/encode.h"

/* Linux include/linux/err.h */
#define MAX_ERRNO 4095

static void copy_text(const struct fl_attr *attr, char text[FL_TC_ANSWER_TEXT])
{
    size_t n = strnlen(attr->data, attr->n);

    if (n >= FL_TC_ANSWER_TEXT)
        n = FL_TC_ANSWER_TEXT - 1;
    for (size_t i = 0; i < n; i++) {
        char c = ((const char *)attr->data)[i];

        text[i] = c >= ' ' && c <= '~' ? c : '?';
    }
    text[n] = '\0';
}

/* The request comes back with an error, but for its header not when the kernel says that it cut it. */
static size_t request_bytes(const struct nlmsghdr *header, const struct nlmsgerr *error)
{
    if (!error->error || header->nlmsg_flags & NLM_F_CAPPED || error->msg.nlmsg_len < NLMSG_HDRLEN)
        return 0;
    return NLMSG_ALIGN(error->msg.nlmsg_len) - NLMSG_HDRLEN;
}

int fl_tc_ack_decode(const void *message, size_t n_bytes, struct fl_tc_ack *ack)
{
    const struct nlmsghdr *header = message;
    struct fl_tc_ack found = { .error = 0 };
    const struct nlmsgerr *error;
    struct fl_attrs attrs;
    struct fl_attr attr;
    size_t begin;

    if (n_bytes < NLMSG_LENGTH(sizeof *error) || header->nlmsg_type != NLMSG_ERROR ||
        header->nlmsg_len < NLMSG_LENGTH(sizeof *error) || header->nlmsg_len > n_bytes)
        return -EBADMSG;
    error = NLMSG_DATA(header);
    if (error->error > 0 || error->error < -MAX_ERRNO)
        return -EBADMSG;
    found.error = error->error;
    begin = NLMSG_LENGTH(sizeof *error) + request_bytes(header, error);
    if (header->nlmsg_flags & NLM_F_ACK_TLVS && begin <= header->nlmsg_len) {
        attrs = fl_attrs_in((const uint8_t *)message + begin, header->nlmsg_len - begin);
        while (fl_attrs_next(&attrs, &attr)) {
            if (attr.type == NLMSGERR_ATTR_MSG) {
                copy_text(&attr, found.text);
            } else if (attr.type == NLMSGERR_ATTR_OFFS && attr.n == sizeof(uint32_t)) {
                found.offset = fl_attr_u32(&attr);
                found.has_offset = true;
            }
        }
    }
    *ack = found;
    return 0;
}

uint16_t fl_tc_attribute_at(const struct nlmsghdr *request, uint32_t offset)
{
    const uint8_t *begin = (const void *)request;
    struct fl_attrs attrs = fl_attrs_in(begin + NLMSG_LENGTH(sizeof(struct tcmsg)),
                                        request->nlmsg_len - NLMSG_LENGTH(sizeof(struct tcmsg)));
    struct fl_attr attr;

    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_OPTIONS) {
            attrs = fl_attrs_nested(&attr);
            break;
        }
    }
    while (fl_attrs_next(&attrs, &attr)) {
        if ((const uint8_t *)attr.data - NLA_HDRLEN == begin + offset)
            return attr.type;
    }
    return 0;
}

int fl_tc_seen_decode(const void *message, size_t n_bytes, struct fl_tc_seen *seen)
{
    const struct nlmsghdr *header = message;
    struct fl_tc_seen found = { .chain = 0 };
    const struct tcmsg *tc;
    struct fl_attrs attrs;
    struct fl_attr attr;

    if (n_bytes < NLMSG_LENGTH(sizeof *tc) || header->nlmsg_len < NLMSG_LENGTH(sizeof *tc) ||
        header->nlmsg_len > n_bytes ||
        (header->nlmsg_type != RTM_NEWTFILTER && header->nlmsg_type != RTM_NEWCHAIN))
        return -EBADMSG;
    tc = NLMSG_DATA(header);
    if (header->nlmsg_type == RTM_NEWTFILTER) {
        found.handle = tc->tcm_handle;
        found.priority = (uint16_t)(TC_H_MAJ(tc->tcm_info) >> 16);
    }
    attrs = fl_attrs_in(tc + 1, header->nlmsg_len - NLMSG_LENGTH(sizeof *tc));
    while (fl_attrs_next(&attrs, &attr)) {
        if (attr.type == TCA_CHAIN && attr.n == sizeof(uint32_t))
            found.chain = fl_attr_u32(&attr);
        else if (attr.type == TCA_KIND && fl_attr_string(&attr))
            found.is_flower = !strcmp(attr.data, "flower");
    }
    if (attrs.malformed)
        return -EBADMSG;
    *seen = found;
    return 0;
}

/* Without a protocol, whatever that of the filter is. With a handle it is that filter or none. */
size_t fl_tc_removal(const struct fl_tc_filter *place, uint32_t chain, uint32_t handle,
                     uint32_t sequence, uint8_t message[FL_TC_REMOVAL_BYTES])
{
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    struct tcmsg *tc;

    header->nlmsg_type = RTM_DELTFILTER;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    header->nlmsg_seq = sequence;
    tc = mnl_nlmsg_put_extra_header(header, sizeof *tc);
    fl_tc_encode_place(place, tc);
    tc->tcm_info = TC_H_MAKE(FL_TC_PROBE_PRIORITY << 16, 0);
    tc->tcm_handle = handle;
    mnl_attr_put_u32(header, TCA_CHAIN, chain);
    mnl_attr_put_strz(header, TCA_KIND, "flower");
    return header->nlmsg_len;
}
