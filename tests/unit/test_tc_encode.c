/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Filters that a kernel dumped (tests/kernel/record_tc.py), encoded as requests: decoded again they are the
 * same. A message that does not fit is refused, and nothing is written behind its end.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <ovs/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/tc_json.h"
#include "lib/tc/decode.h"
#include "lib/tc/encode.h"

static struct fl_tc_filter filter, again;
static struct fl_tc_links links;
static _Alignas(4) uint8_t message[FL_TC_MESSAGE_BYTES + 64];

/* What only the kernel says. */
static void forget_what_passes(struct fl_tc_filter *f)
{
    f->flags &= FL_TC_SKIP_HW | FL_TC_SKIP_SW | FL_TC_VERBOSE;
    f->has_in_hw_count = false;
    for (size_t i = 0; i < f->n_actions; i++) {
        struct fl_tc_action *action = &f->actions[i];

        memset(&action->counters, 0, sizeof action->counters);
        action->present &= ~(uint32_t)(FL_TC_HAS_TIMES | FL_TC_HAS_IN_HW_COUNT |
                                       FL_TC_HAS_USED_HW_STATS);
        action->ref = action->bind = 0;
    }
}

/* The kernel is told the type behind the addresses, and dumps the one behind all tags. */
static void take_dumped_type(void)
{
    const uint64_t bit = UINT64_C(1) << FL_TC_KEY_ETH_TYPE;

    if (filter.protocol != 0x8100 && filter.protocol != 0x88a8)
        return;
    assert_true(again.present & bit);
    assert_int_equal(again.key[FL_TC_KEY_ETH_TYPE].n, filter.protocol);
    again.present = (again.present & ~bit) | (filter.present & bit);
    again.key[FL_TC_KEY_ETH_TYPE] = filter.key[FL_TC_KEY_ETH_TYPE];
    again.mask[FL_TC_KEY_ETH_TYPE] = filter.mask[FL_TC_KEY_ETH_TYPE];
}

static void assert_same_filter(void)
{
    _cleanup_json json_t *before = fl_tc_filter_json(&filter), *after = fl_tc_filter_json(&again);

    if (!json_equal(before, after)) {
        _cleanup_free char *left = json_dumps(before, JSON_SORT_KEYS);
        _cleanup_free char *right = json_dumps(after, JSON_SORT_KEYS);

        fail_msg("\nbefore %s\nafter  %s", left, right);
    }
}

static size_t round_trip(void)
{
    struct fl_error err = FL_ERROR_INIT;
    const struct nlmsghdr *header = (const void *)message;
    int ret = fl_tc_encode(&filter, 7, message, FL_TC_MESSAGE_BYTES, &err);

    if (ret)
        fail_msg("%s", err.text);
    assert_int_equal(header->nlmsg_type, RTM_NEWTFILTER);
    assert_int_equal(header->nlmsg_seq, 7);
    assert_int_equal(fl_tc_decode(message, header->nlmsg_len, &links, &again), 0);
    assert_string_equal(again.unknown, "");
    forget_what_passes(&again);
    take_dumped_type();
    assert_same_filter();
    return header->nlmsg_len;
}

/* Every buffer that is too small is refused, and left alone behind its end. */
static void fit(size_t n_bytes)
{
    for (size_t n = 0; n < n_bytes; n += n < n_bytes - 8 ? 4 : 1) {
        memset(message, 0xa5, sizeof message);
        assert_int_equal(fl_tc_encode(&filter, 7, message, n, NULL), -EMSGSIZE);
        for (size_t i = n; i < n_bytes + 4; i++)
            assert_int_equal(message[i], 0xa5);
    }
    assert_int_equal(fl_tc_encode(&filter, 7, message, n_bytes, NULL), 0);
}

static size_t bytes_of(const char *hex, uint8_t *bytes)
{
    size_t n = strcspn(hex, "\n") / 2;

    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(hexit_value((unsigned char)hex[2 * i]) << 4 |
                             hexit_value((unsigned char)hex[2 * i + 1]));
    return n;
}

static bool has_policer_of_its_own(void)
{
    for (size_t i = 0; i < filter.n_actions; i++) {
        if (filter.actions[i].kind == FL_TC_POLICE &&
            (filter.actions[i].police.rate || filter.actions[i].police.packet_rate))
            return true;
    }
    return false;
}

static void recorded_filters_are_the_same_again(void **state)
{
    _cleanup_free char *path = xasprintf("%s/tests/unit/data/tc-filters.txt",
                                         getenv("FLOWLIFT_SOURCE"));
    FILE *file = fopen(path, "r");
    _cleanup_free char *line = xmalloc(1 << 20);
    _cleanup_free uint8_t *bytes = xmalloc(1 << 19);
    size_t n_same = 0, n_police = 0;

    (void)state;
    assert_non_null(file);
    fl_tc_links_init(&links);
    while (fgets(line, 1 << 20, file)) {
        int ifindex;
        char name[IF_NAMESIZE];

        if (sscanf(line, "link %d %15s", &ifindex, name) == 2)
            fl_tc_links_put(&links, ifindex, name, NULL);
        if (strncmp(line, "message ", 8) ||
            fl_tc_decode(bytes, bytes_of(line + 8, bytes), &links, &filter))
            continue;
        forget_what_passes(&filter);
        if (has_policer_of_its_own()) {
            assert_int_equal(fl_tc_encode(&filter, 7, message, FL_TC_MESSAGE_BYTES, NULL),
                             -EOPNOTSUPP);
            n_police++;
            continue;
        }
        fit(round_trip());
        n_same++;
    }
    fclose(file);
    fl_tc_links_destroy(&links);
    print_message("# %zu filters, and %zu with a policer\n", n_same, n_police);
    assert_true(n_same > 100);
}

static void what_has_no_form_is_named(void **state)
{
    struct fl_error err = FL_ERROR_INIT;
    (void)state;

    fl_tc_filter_clear(&filter);
    filter.protocol = 0x800;
    fl_tc_put_key(&filter, FL_TC_KEY_DST_PORT)->n = 80;
    fl_tc_fill_masks(&filter);
    assert_int_equal(fl_tc_encode(&filter, 1, message, FL_TC_MESSAGE_BYTES, &err), -EOPNOTSUPP);
    assert_string_equal(err.text, "a filter with ports, but without their protocol");
    fl_error_clear(&err);
    fl_tc_filter_clear(&filter);
    fl_tc_add_action(&filter)->kind = FL_TC_OTHER;
    filter.actions[0].kind_name = "bpf";
    assert_int_equal(fl_tc_encode(&filter, 1, message, FL_TC_MESSAGE_BYTES, &err), -EOPNOTSUPP);
    assert_string_equal(err.text, "a filter with the action bpf");
    fl_error_clear(&err);
    fl_tc_filter_clear(&filter);
    fl_tc_not_understood(&filter, FL_TC_ABOUT_MATCH, "colour");
    assert_int_equal(fl_tc_encode(&filter, 1, message, FL_TC_MESSAGE_BYTES, &err), -EOPNOTSUPP);
    assert_string_equal(err.text, "the filter was not understood in full: colour");
}

static void a_block_stands_in_the_place_of_a_device(void **state)
{
    struct tcmsg tc;
    (void)state;

    fl_tc_filter_clear(&filter);
    filter.hook = FL_TC_BLOCK;
    filter.block = 9;
    filter.priority = 3;
    filter.protocol = 0x800;
    fl_tc_encode_place(&filter, &tc);
    assert_int_equal(tc.tcm_ifindex, (int)TCM_IFINDEX_MAGIC_BLOCK);
    assert_int_equal(tc.tcm_block_index, 9);
    assert_int_equal(tc.tcm_info, 3u << 16 | htons(0x800));
    filter.hook = FL_TC_EGRESS;
    filter.ifindex = 4;
    fl_tc_encode_place(&filter, &tc);
    assert_int_equal(tc.tcm_ifindex, 4);
    assert_int_equal(tc.tcm_parent, 0xfffffff3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_filters_are_the_same_again),
        cmocka_unit_test(what_has_no_form_is_named),
        cmocka_unit_test(a_block_stands_in_the_place_of_a_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
