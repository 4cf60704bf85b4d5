/* SPDX-License-Identifier: Apache-2.0 */

/* The dump decoder and text that is too much: memory and time are bounded, and what is legible stays. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>

#include "flows/limits.h"
#include "tests/unit/decoded.h"

/* Lines as long as memory: only so much of one is kept, and what of a flow is in it. */
static void a_line_of_200_mb_needs_little_memory(void **state)
{
    static char chunk[64 * 1024];
    struct decoded decoded;
    struct fl_decoder *decoder;
    size_t before = mallinfo2().uordblks, most = 0;

    (void)state;
    memset(chunk, 'x', sizeof chunk);
    decoded_init(&decoded);
    decoder = fl_decoder_create(decoded.ports, 0, put_flow, &decoded);
    for (int flow = 0; flow < 2; flow++) {
        static const char begin[] = "recirc_id(0),in_port(1), packets:3, bytes:4, actions:set(";

        fl_decoder_push(decoder, begin, flow ? strlen(begin) : 0);
        for (size_t n = 0; n < 200u * 1024 * 1024; n += sizeof chunk) {
            fl_decoder_push(decoder, chunk, sizeof chunk);
            most = MAX(most, mallinfo2().uordblks - before);
        }
        fl_decoder_push(decoder, "\n", 1);
    }
    fl_decoder_push(decoder, "recirc_id(0),in_port(2) actions:3\n", 34);
    fl_decoder_finish(decoder);
    assert_true(most < 8 * FL_LIMIT_LINE_BYTES);
    assert_int_equal(fl_decoder_stats(decoder)->lines, 3);
    assert_int_equal(fl_decoder_stats(decoder)->other_lines, 1);
    assert_string_equal(
        ds_cstr(&decoded.text),
        "2: unknown in_port 1 recirc_id 0x0, 3 packets 4 bytes used ? | | - | an action was not "
        "understood: set(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\n"
        "3: unknown in_port 2 recirc_id 0x0, ? packets ? bytes used ? | | 3\n");
    fl_decoder_destroy(decoder);
    decoded_destroy(&decoded);
}

static void a_flow_may_take_up_so_many_lines(void **state)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    struct decoded decoded;

    (void)state;
    ds_put_cstr(&text, "recirc_id(0),in_port(1), packets:1, bytes:2, used:never, actions:\n");
    for (unsigned int i = 1; i < 2 * FL_LIMIT_WRAPPED_LINES; i++)
        ds_put_format(&text, "%u,\n", i);
    decoded_init(&decoded);
    decode_bytes(&decoded, text.string, text.length, SIZE_MAX);
    assert_int_equal(decoded.stats.flows, 1);
    assert_int_equal(decoded.stats.flow_lines + decoded.stats.continued_lines,
                     FL_LIMIT_WRAPPED_LINES);
    assert_non_null(strstr(ds_cstr(&decoded.text), " | the flow takes up too many lines, "));
    decoded_destroy(&decoded);
    ds_destroy(&text);
}

static void a_flow_may_take_up_so_many_bytes(void **state)
{
    static const char begin[] = "recirc_id(0),in_port(1), packets:1, bytes:2, used:never, dp:ovs, "
                                "actions:1,2,";
    struct ds text = DS_EMPTY_INITIALIZER;
    struct decoded decoded;

    (void)state;
    for (size_t n = FL_LIMIT_LINE_BYTES - 3; n <= FL_LIMIT_LINE_BYTES + 3; n++) {
        ds_clear(&text);
        ds_put_cstr(&text, begin);
        ds_put_char_multiple(&text, 'p', n - text.length);
        ds_put_cstr(&text, ",\ndp-extra-info:x,\noffloaded:yes\n");
        decoded_init(&decoded);
        decode_bytes(&decoded, text.string, text.length, SIZE_MAX);
        assert_int_equal(decoded.stats.flows, 1);
        assert_int_equal(decoded.stats.lines, 3);
        assert_memory_equal(ds_cstr(&decoded.text), "1: dp-sw in_port 1 recirc_id 0x0, 1 ", 36);
        decoded_destroy(&decoded);
    }
    ds_destroy(&text);
}

/* Text made to be slow: each is as long as one line may be. */
static void no_text_takes_long(void **state)
{
    static const char *const pieces[] = {
        "a(",
        "in_port(1),",
        "recirc_id(0),actions:set(",
        "ufid:",
        "clone(",
        "encap(",
        "actions:",
        "eth(,packets:1,",
        "tcp(x)(",
        "(bad key length",
        "...,",
        "ct(",
        "dp-offload-info:x, ",
        "=3D",
        "recirc_id(0),in_port(2)\"",
        "> # ",
        "'",
        "skb_priority(0/0),",
        "packets:",
        "set(tunnel(geneve({class=",
    };
    char *line = xmalloc(FL_LIMIT_LINE_BYTES + 1);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        size_t n = strlen(pieces[i]);
        struct decoded decoded;

        for (size_t at = 0; at < FL_LIMIT_LINE_BYTES; at++)
            line[at] = pieces[i][at % n];
        line[FL_LIMIT_LINE_BYTES] = '\n';
        decoded_init(&decoded);
        decode_bytes(&decoded, line, FL_LIMIT_LINE_BYTES + 1, SIZE_MAX);
        assert_int_equal(decoded.stats.lines, 1);
        decoded_destroy(&decoded);
    }
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_200_mb_needs_little_memory),
        cmocka_unit_test(a_flow_may_take_up_so_many_lines),
        cmocka_unit_test(a_flow_may_take_up_so_many_bytes),
        cmocka_unit_test(no_text_takes_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
