/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The messages of a probe: what the kernel answers, and what of a dump is ours; and how often a NIC is asked, be
 * it through TC or DPDK. Asking a NIC itself is tested in the kernel bench (tests/kernel/probe.py).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/pkt_cls.h>
#include <ovs/util.h>
#include <string.h>

#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/base/pace.h"
#include "lib/tc/decode.h"
#include "lib/tc/encode.h"
#include "lib/tc/probe_message.h"

/* A reply that is put together by hand. */
struct reply {
    _Alignas(4) uint8_t bytes[512];
    size_t n;
};

static void append(struct reply *reply, const void *data, size_t n)
{
    memcpy(reply->bytes + reply->n, data, n);
    reply->n += NLMSG_ALIGN(n);
}

static void append_attr(struct reply *reply, uint16_t type, const void *data, size_t n)
{
    const struct nlattr attr = { .nla_len = (uint16_t)(NLA_HDRLEN + n), .nla_type = type };

    append(reply, &attr, sizeof attr);
    append(reply, data, n);
}

static void begin_ack(struct reply *reply, int error, uint16_t flags, size_t n_request)
{
    const struct nlmsghdr header = { .nlmsg_type = NLMSG_ERROR,
                                     .nlmsg_flags = flags,
                                     .nlmsg_seq = 7 };
    const struct nlmsgerr ack = { .error = error,
                                  .msg = { .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + n_request) } };
    uint8_t request[64] = { 0xff };

    memset(reply, 0, sizeof *reply);
    append(reply, &header, sizeof header);
    append(reply, &ack, sizeof ack);
    append(reply, request, n_request);
}

static int decode(struct reply *reply, struct fl_tc_ack *ack)
{
    ((struct nlmsghdr *)reply->bytes)->nlmsg_len = (uint32_t)reply->n;
    return fl_tc_ack_decode(reply->bytes, reply->n, ack);
}

static void the_words_of_a_refusal_are_read(void **state)
{
    static const char words[] = "flownic: Matching on TTL is not supported";
    const uint32_t offset = 88;
    struct fl_tc_ack ack;
    struct reply reply;
    (void)state;

    begin_ack(&reply, -EOPNOTSUPP, NLM_F_ACK_TLVS | NLM_F_CAPPED, 0);
    append_attr(&reply, NLMSGERR_ATTR_MSG, words, sizeof words);
    append_attr(&reply, NLMSGERR_ATTR_OFFS, &offset, sizeof offset);
    assert_int_equal(decode(&reply, &ack), 0);
    assert_int_equal(ack.error, -EOPNOTSUPP);
    assert_string_equal(ack.text, words);
    assert_true(ack.has_offset && ack.offset == 88);

    /* The request comes back first, where the kernel was not told to leave it out. */
    begin_ack(&reply, -EINVAL, NLM_F_ACK_TLVS, 24);
    append_attr(&reply, NLMSGERR_ATTR_MSG, "a\nb", 3);
    assert_int_equal(decode(&reply, &ack), 0);
    assert_string_equal(ack.text, "a?b");
    assert_false(ack.has_offset);

    begin_ack(&reply, 0, NLM_F_CAPPED, 0);
    assert_int_equal(decode(&reply, &ack), 0);
    assert_int_equal(ack.error, 0);
    assert_string_equal(ack.text, "");
}

static void what_is_no_answer_is_refused(void **state)
{
    struct fl_tc_ack ack = { .error = -1 };
    struct reply reply;
    (void)state;

    begin_ack(&reply, 5, NLM_F_CAPPED, 0);
    assert_int_equal(decode(&reply, &ack), -EBADMSG);
    begin_ack(&reply, -5, NLM_F_CAPPED, 0);
    ((struct nlmsghdr *)reply.bytes)->nlmsg_type = NLMSG_DONE;
    assert_int_equal(decode(&reply, &ack), -EBADMSG);
    begin_ack(&reply, -5, NLM_F_CAPPED, 0);
    reply.n -= 4;
    assert_int_equal(decode(&reply, &ack), -EBADMSG);
    assert_int_equal(ack.error, -1);
}

static struct fl_tc_filter filter;
static _Alignas(4) uint8_t request[FL_TC_MESSAGE_BYTES];

static uint32_t offset_of(uint16_t type)
{
    const struct nlmsghdr *header = (const void *)request;
    uint32_t found = 0;

    for (uint32_t at = 0; at < header->nlmsg_len; at += 4) {
        if (fl_tc_attribute_at(header, at) == type) {
            assert_int_equal(found, 0);
            found = at;
        }
    }
    return found;
}

static void the_attribute_that_is_meant_is_found(void **state)
{
    (void)state;

    fl_tc_filter_clear(&filter);
    filter.protocol = 0x800;
    fl_tc_put_key(&filter, FL_TC_KEY_ETH_TYPE)->n = 0x800;
    fl_tc_put_key(&filter, FL_TC_KEY_IP_TTL)->n = 64;
    fl_tc_add_action(&filter)->kind = FL_TC_GACT;
    fl_tc_fill_masks(&filter);
    assert_int_equal(fl_tc_encode(&filter, 1, request, sizeof request, NULL), 0);
    assert_int_not_equal(offset_of(TCA_FLOWER_KEY_IP_TTL), 0);
    assert_int_not_equal(offset_of(TCA_FLOWER_ACT), 0);
    assert_int_equal(offset_of(TCA_FLOWER_KEY_IP_TOS), 0);
    assert_int_equal(fl_tc_attribute_at((const void *)request, 2), 0);
    assert_int_equal(fl_tc_attribute_at((const void *)request, UINT32_MAX), 0);
}

static void only_our_filters_are_ours(void **state)
{
    struct fl_tc_seen ours = { .chain = FL_TC_PROBE_CHAIN + 5,
                               .handle = FL_TC_PROBE_HANDLE | 0x1234,
                               .priority = FL_TC_PROBE_PRIORITY,
                               .is_flower = true };
    struct fl_tc_seen other;
    (void)state;

    assert_true(fl_tc_is_probe(&ours));
    other = ours;
    other.chain = FL_TC_PROBE_CHAIN - 1;
    assert_false(fl_tc_is_probe(&other));
    other = ours;
    other.handle = 1;
    assert_false(fl_tc_is_probe(&other));
    other = ours;
    other.priority = 2;
    assert_false(fl_tc_is_probe(&other));
    other = ours;
    other.is_flower = false;
    assert_false(fl_tc_is_probe(&other));
    /* The last chain that TC takes, and Open vSwitch's. */
    assert_true(fl_tc_is_probe_chain(FL_TC_EXT_VALUE));
    assert_false(fl_tc_is_probe_chain(FL_TC_EXT_VALUE + 1));
    assert_false(fl_tc_is_probe_chain(0));
    assert_false(fl_tc_is_probe_chain(1));
}

/* What was encoded is what a dump would have. */
static void a_dumped_filter_is_seen(void **state)
{
    struct fl_tc_seen seen;
    (void)state;

    fl_tc_filter_clear(&filter);
    filter.protocol = 0x800;
    filter.chain = FL_TC_PROBE_CHAIN + 1;
    filter.handle = FL_TC_PROBE_HANDLE | 9;
    filter.priority = FL_TC_PROBE_PRIORITY;
    assert_int_equal(fl_tc_encode(&filter, 1, request, sizeof request, NULL), 0);
    assert_int_equal(fl_tc_seen_decode(request, sizeof request, &seen), 0);
    assert_true(fl_tc_is_probe(&seen));
    ((struct nlmsghdr *)request)->nlmsg_type = RTM_NEWCHAIN;
    assert_int_equal(fl_tc_seen_decode(request, sizeof request, &seen), 0);
    assert_int_equal(seen.chain, FL_TC_PROBE_CHAIN + 1);
    assert_int_equal(seen.handle, 0);
}

static void a_removal_names_one_filter(void **state)
{
    _Alignas(4) uint8_t message[FL_TC_REMOVAL_BYTES];
    const struct nlmsghdr *header = (const void *)message;
    const struct tcmsg *tc = NLMSG_DATA(header);
    size_t n;
    (void)state;

    fl_tc_filter_clear(&filter);
    filter.hook = FL_TC_BLOCK;
    filter.block = 9;
    n = fl_tc_removal(&filter, FL_TC_PROBE_CHAIN + 1, FL_TC_PROBE_HANDLE | 9, 3, message);
    assert_true(n <= sizeof message && n == header->nlmsg_len);
    assert_int_equal(header->nlmsg_type, RTM_DELTFILTER);
    assert_int_equal(tc->tcm_block_index, 9);
    assert_int_equal(tc->tcm_handle, FL_TC_PROBE_HANDLE | 9);
    /* Of any protocol. */
    assert_int_equal(tc->tcm_info, FL_TC_PROBE_PRIORITY << 16);
}

static void a_session_asks_no_faster_and_no_more_than_it_may(void **state)
{
    struct fl_pace pace = { .n = FL_LIMIT_PROBES - 6 };
    int64_t began_ms = fl_monotonic_ms();
    (void)state;

    for (unsigned int i = 0; i < 6; i++)
        assert_true(fl_pace_wait(&pace));
    assert_true(fl_monotonic_ms() - began_ms >= 5 * 1000 / FL_LIMIT_PROBES_PER_SECOND);
    assert_false(fl_pace_wait(&pace));
    assert_int_equal(pace.n, FL_LIMIT_PROBES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_words_of_a_refusal_are_read),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(the_attribute_that_is_meant_is_found),
        cmocka_unit_test(only_our_filters_are_ours),
        cmocka_unit_test(a_dumped_filter_is_seen),
        cmocka_unit_test(a_removal_names_one_filter),
        cmocka_unit_test(a_session_asks_no_faster_and_no_more_than_it_may),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
