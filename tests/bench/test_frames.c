/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated NIC reads in a frame, does to it, and how it hands it to software. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nic/frame_key.h"
#include "nic/frame_queue.h"
#include "test_frame.h"

static void run_one(struct flownic_frame *frame, struct flownic_action action)
{
    flownic_actions_run(&action, 1, frame, NULL);
}

static void push_vlan_100(struct flownic_frame *frame)
{
    run_one(frame, (struct flownic_action){ .type = FLOWNIC_ACTION_PUSH_VLAN, .number = 0x8100 });
    run_one(frame, (struct flownic_action){ .type = FLOWNIC_ACTION_SET_VLAN_VID, .number = 100 });
}

/* ---- Frame keys ---- */

static void key_has_every_field_of_a_tcp_frame(void **state)
{
    struct flownic_key all, key;
    char text[512];

    (void)state;
    memset(&all, 0xff, sizeof all);
    assert_true(flownic_key_extract(tcp_frame, sizeof tcp_frame, &key, NULL));
    flownic_key_format(&key, &all, text, sizeof text);
    assert_string_equal(text, "eth-dst=525400640101 eth-src=525400640001 eth-type=0800 "
                              "vlan-present=00 vlan=0000 ip-proto=06 tos=00 ttl=40 frag=0000 "
                              "ipv4-src=0a64000b ipv4-dst=0a640001 "
                              "ipv6-src=00000000000000000000000000000000 "
                              "ipv6-dst=00000000000000000000000000000000 "
                              "tcp-src=c350 tcp-dst=0801 tcp-flags=02 udp-src=0000 udp-dst=0000 "
                              "icmp-type=00 icmp-code=00");
}

static void key_of_a_tagged_frame_looks_behind_the_tag(void **state)
{
    struct flownic_key plain, tagged;
    struct flownic_layers layers;
    struct buffer buffer;

    (void)state;
    fill(&buffer);
    flownic_key_extract(buffer.frame.data, buffer.frame.bytes, &plain, NULL);
    push_vlan_100(&buffer.frame);
    flownic_key_extract(buffer.frame.data, buffer.frame.bytes, &tagged, &layers);
    assert_int_equal(tagged.vlan_present, 1);
    assert_memory_equal(tagged.vlan_tci, "\0\x64", 2);
    assert_true(layers.tagged);
    assert_int_equal(layers.l3, 18);
    assert_int_equal(layers.l4, 38);
    tagged.vlan_present = 0;
    memset(tagged.vlan_tci, 0, 2);
    assert_memory_equal(&tagged, &plain, sizeof plain);
}

static void key_of_a_later_fragment_has_no_ports(void **state)
{
    struct flownic_key key;
    struct buffer buffer;

    (void)state;
    fill(&buffer)->data[IP + 7] = 0x10;
    flownic_key_extract(buffer.frame.data, buffer.frame.bytes, &key, NULL);
    assert_memory_equal(key.ip_frag, "\0\x10", 2);
    assert_memory_equal(key.tcp_dst, "\0\0", 2);
}

static void key_finds_ports_behind_ip_options(void **state)
{
    uint8_t frame[sizeof tcp_frame + 4];
    struct flownic_key key;

    (void)state;
    memcpy(frame, tcp_frame, TCP);
    frame[IP] = 0x46;
    memset(frame + TCP, 1, 4);
    memcpy(frame + TCP + 4, tcp_frame + TCP, sizeof tcp_frame - TCP);
    flownic_key_extract(frame, sizeof frame, &key, NULL);
    assert_memory_equal(key.tcp_dst, "\x08\x01", 2);
}

/* Each length in a block of its own: a sanitizer sees the first byte too far. */
static void key_never_reads_past_the_frame(void **state)
{
    struct flownic_key key;

    (void)state;
    for (size_t n = 0; n <= sizeof tcp_frame; n++) {
        uint8_t *frame = malloc(n ? n : 1);

        assert_non_null(frame);
        memcpy(frame, tcp_frame, n);
        assert_int_equal(flownic_key_extract(frame, n, &key, NULL), n >= 14);
        if (n > 13) {
            frame[12] = 0x81;
            frame[13] = 0x00;
            flownic_key_extract(frame, n, &key, NULL);
            frame[12] = 0x86;
            frame[13] = 0xdd;
            flownic_key_extract(frame, n, &key, NULL);
        }
        free(frame);
    }
}

/* ---- Actions ---- */

static void push_then_pop_gives_the_frame_back(void **state)
{
    struct buffer buffer, before;

    (void)state;
    fill(&before);
    push_vlan_100(fill(&buffer));
    assert_int_equal(buffer.frame.bytes, sizeof tcp_frame + 4);
    assert_memory_equal(buffer.frame.data + 12, "\x81\x00\x00\x64\x08\x00", 6);
    run_one(&buffer.frame, (struct flownic_action){ .type = FLOWNIC_ACTION_POP_VLAN });
    assert_int_equal(buffer.frame.bytes, sizeof tcp_frame);
    assert_memory_equal(buffer.frame.data, before.frame.data, sizeof tcp_frame);
}

static void pop_without_a_tag_does_nothing(void **state)
{
    struct buffer buffer, before;

    (void)state;
    fill(&before);
    run_one(fill(&buffer), (struct flownic_action){ .type = FLOWNIC_ACTION_POP_VLAN });
    assert_int_equal(buffer.frame.bytes, sizeof tcp_frame);
    assert_memory_equal(buffer.frame.data, before.frame.data, sizeof tcp_frame);
}

static void rewrites_keep_the_checksums_right(void **state)
{
    static const struct flownic_action rewrites[] = {
        { .type = FLOWNIC_ACTION_SET_IPV4_SRC, .bytes = { 192, 168, 7, 9 } },
        { .type = FLOWNIC_ACTION_SET_IPV4_DST, .bytes = { 203, 0, 113, 255 } },
        { .type = FLOWNIC_ACTION_SET_TTL, .number = 63 },
        { .type = FLOWNIC_ACTION_SET_L4_SRC, .bytes = { 0x12, 0x34 } },
        { .type = FLOWNIC_ACTION_SET_L4_DST, .bytes = { 0x4e, 0x51 } },
        { .type = FLOWNIC_ACTION_SET_ETH_DST, .bytes = { 2, 0, 0, 0, 0, 1 } },
    };
    struct buffer buffer;

    (void)state;
    fill(&buffer);
    for (size_t i = 0; i < sizeof rewrites / sizeof rewrites[0]; i++) {
        run_one(&buffer.frame, rewrites[i]);
        assert_int_equal(ip_checksum(buffer.frame.data), 0);
        assert_int_equal(tcp_checksum(buffer.frame.data), 0);
    }
    assert_memory_equal(buffer.frame.data, "\x02\0\0\0\0\x01", 6);
    assert_memory_equal(buffer.frame.data + IP + 12, "\xc0\xa8\x07\x09\xcb\x00\x71\xff", 8);
    assert_int_equal(buffer.frame.data[IP + 8], 63);
    assert_memory_equal(buffer.frame.data + TCP, "\x12\x34\x4e\x51", 4);
}

static void actions_read_as_they_are_carried_out(void **state)
{
    static const struct flownic_action actions[] = {
        { .type = FLOWNIC_ACTION_PUSH_VLAN, .number = 0x8100 },
        { .type = FLOWNIC_ACTION_SET_VLAN_VID, .number = 100 },
        { .type = FLOWNIC_ACTION_SET_IPV4_SRC, .bytes = { 10, 0, 0, 1 } },
        { .type = FLOWNIC_ACTION_PORT, .number = 7 },
    };
    char text[128];

    (void)state;
    flownic_actions_format(actions, 4, text, sizeof text);
    assert_string_equal(text, "push-vlan,set-vlan-vid:100,set-ipv4-src:10.0.0.1,port:7");
    flownic_actions_format(actions, 4, text, 12);
    assert_string_equal(text, "push-vlan,s");
}

/* ---- The way to software ---- */

static void the_queue_keeps_order_marks_and_its_limit(void **state)
{
    struct flownic_frame_queue queue;
    const struct flownic_queued_frame *frame;
    uint8_t byte = 0;
    uint32_t mark = 9;

    (void)state;
    assert_int_equal(flownic_frame_queue_init(&queue), 0);
    assert_null(flownic_frame_queue_first(&queue));
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < FLOWNIC_QUEUE_FRAMES; i++) {
            byte = (uint8_t)i;
            assert_true(flownic_frame_queue_put(&queue, &byte, 1, i & 1 ? &mark : NULL));
        }
        assert_false(flownic_frame_queue_put(&queue, &byte, 1, NULL));
        for (uint32_t i = 0; i < FLOWNIC_QUEUE_FRAMES; i++) {
            frame = flownic_frame_queue_first(&queue);
            assert_non_null(frame);
            assert_int_equal(frame->data[0], (uint8_t)i);
            assert_int_equal(frame->is_marked, i & 1);
            assert_int_equal(frame->mark, i & 1 ? 9 : 0);
            flownic_frame_queue_drop_first(&queue);
        }
        assert_null(flownic_frame_queue_first(&queue));
    }
    flownic_frame_queue_destroy(&queue);
}

static void a_frame_too_long_for_the_queue_is_not_put(void **state)
{
    static const uint8_t frame[FLOWNIC_FRAME_BYTES + 1];
    struct flownic_frame_queue queue;

    (void)state;
    assert_int_equal(flownic_frame_queue_init(&queue), 0);
    assert_false(flownic_frame_queue_put(&queue, frame, sizeof frame, NULL));
    assert_true(flownic_frame_queue_put(&queue, frame, sizeof frame - 1, NULL));
    flownic_frame_queue_destroy(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_has_every_field_of_a_tcp_frame),
        cmocka_unit_test(key_of_a_tagged_frame_looks_behind_the_tag),
        cmocka_unit_test(key_of_a_later_fragment_has_no_ports),
        cmocka_unit_test(key_finds_ports_behind_ip_options),
        cmocka_unit_test(key_never_reads_past_the_frame),
        cmocka_unit_test(push_then_pop_gives_the_frame_back),
        cmocka_unit_test(pop_without_a_tag_does_nothing),
        cmocka_unit_test(rewrites_keep_the_checksums_right),
        cmocka_unit_test(actions_read_as_they_are_carried_out),
        cmocka_unit_test(the_queue_keeps_order_marks_and_its_limit),
        cmocka_unit_test(a_frame_too_long_for_the_queue_is_not_put),
    };

    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
