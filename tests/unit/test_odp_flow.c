/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Flows of a real kernel datapath, replayed: messages of family "ovs_flow" that were recorded, and the
 * lines that ovs-appctl dpctl/dump-flows -m printed of the same flows. A message and its line have to
 * give the same record. Recorded by tests/kernel/datapath.py.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <openvswitch/hmap.h>
#include <ovs/hash.h>
#include <ovs/odp-netlink.h>
#include <stdio.h>

#include "flows/cleanup.h"
#include "flows/odp_flow.h"
#include "tests/unit/decoded.h"

/* What is to be the same, of one flow. */
struct flow_of_id {
    struct hmap_node node;
    ovs_u128 id;
    struct match match;
    char *text;
};

struct replay {
    struct fl_ports *ports;
    struct hmap flows; /* of the messages */
    size_t n_messages, n_lines, n_errors;
};

/* What ovs-vswitchd is to be told is not all in the text: only that it is told. */
static void blank_userspace(char *text)
{
    for (char *at = strstr(text, "userspace("); at; at = strstr(at + 1, "userspace(")) {
        char *start = at + strlen("userspace("), *end = start;

        for (int depth = 1; *end && depth; end++)
            depth += (*end == '(') - (*end == ')');
        memmove(start, end, strlen(end) + 1);
    }
}

static char *describe(const struct fl_flow *flow, const struct fl_ports *ports)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    ds_put_format(&text,
                  "%s layer %u match %d partial %d in_port %" PRIu32 " recirc_id %d %" PRIu32,
                  fl_path_name(flow->path), flow->layer, flow->has_match, flow->match_partial,
                  odp_to_u32(flow->in_port), flow->has_recirc_id, flow->recirc_id);
    put_count(&text, "packets", flow->packets);
    put_count(&text, "bytes", flow->bytes);
    put_actions(&text, flow, ports);
    blank_userspace(ds_cstr(&text));
    return ds_steal_cstr(&text);
}

/* The kernel does not tell a tunnel's TOS of zero, so that the text cannot tell that it is matched. */
static void forget_zero_tos(struct match *match)
{
    if (!match->flow.tunnel.ip_tos)
        match->wc.masks.tunnel.ip_tos = 0;
}

static int keep_message(const struct fl_flow *flow, void *replay_)
{
    struct replay *replay = replay_;
    struct flow_of_id *kept = xzalloc(sizeof *kept);

    kept->id = flow->id;
    kept->text = describe(flow, replay->ports);
    minimatch_expand(&flow->match, &kept->match);
    forget_zero_tos(&kept->match);
    hmap_insert(&replay->flows, &kept->node, hash_bytes(&flow->id, sizeof flow->id, 0));
    replay->n_messages++;
    replay->n_errors += flow->parse_error != NULL;
    assert_true(flow->has_ufid);
    assert_int_equal(flow->hw_packets, 0);
    if (flow->parse_error)
        print_message("# %s\n# %s\n", flow->parse_error, flow->raw);
    return 0;
}

static int compare_line(const struct fl_flow *flow, void *replay_)
{
    struct replay *replay = replay_;
    _cleanup_free char *text = describe(flow, replay->ports);
    struct flow_of_id *kept;
    struct match match;

    minimatch_expand(&flow->match, &match);
    HMAP_FOR_EACH_WITH_HASH(kept, node, hash_bytes(&flow->id, sizeof flow->id, 0), &replay->flows) {
        if (!ovs_u128_equals(kept->id, flow->id))
            continue;
        if (strcmp(kept->text, text) || !match_equal(&kept->match, &match))
            print_message("# %s\n", flow->raw);
        assert_string_equal(kept->text, text);
        assert_true(match_equal(&kept->match, &match));
        replay->n_lines++;
    }
    return 0;
}

static char *path_of(const char *name)
{
    const char *source = getenv("FLOWLIFT_SOURCE");

    return xasprintf("%s/tests/%s", source ? source : ".", name);
}

static size_t read_file(const char *path, char *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t n;

    if (!file)
        fail_msg("cannot open %s", path);
    n = fread(bytes, 1, size, file);
    assert_true(n < size);
    fclose(file);
    bytes[n] = '\0';
    return n;
}

/* "NUMBER NAME" a line. */
static void map_ports(struct fl_odp_decoder *decoder, struct fl_ports *ports)
{
    _cleanup_free char *path = path_of("recorded/ovs_flow.ports");
    char text[4096], *save = NULL;

    read_file(path, text, sizeof text);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        const char *name = strchr(line, ' ') + 1;

        fl_odp_decoder_map_port(decoder, (uint32_t)atoi(line),
                                fl_ports_intern(ports, name, strlen(name)));
    }
}

static void decode_messages(struct replay *replay)
{
    _cleanup_free char *folder = path_of("fuzz/corpus/ovs_flow");
    struct fl_odp_decoder *decoder = fl_odp_decoder_create(replay->ports, FL_DECODE_KEEP_TEXT);
    DIR *dir = opendir(folder);
    struct dirent *entry;

    assert_non_null(dir);
    map_ports(decoder, replay->ports);
    while ((entry = readdir(dir))) {
        _cleanup_free char *path = xasprintf("%s/%s", folder, entry->d_name);
        uint64_t bytes[8192];
        size_t n;

        if (strncmp(entry->d_name, "flow-", 5))
            continue; /* found by the fuzzer */
        n = read_file(path, (char *)bytes, sizeof bytes);
        assert_true(n > sizeof(struct ovs_header));
        assert_int_equal(fl_odp_decode(decoder, (char *)bytes + sizeof(struct ovs_header),
                                       n - sizeof(struct ovs_header), 1000, keep_message, replay),
                         0);
    }
    closedir(dir);
    fl_odp_decoder_destroy(decoder);
}

static void free_flows(struct hmap *flows)
{
    struct flow_of_id *flow;

    HMAP_FOR_EACH_POP(flow, node, flows) {
        free(flow->text);
        free(flow);
    }
    hmap_destroy(flows);
}

static void test_recorded(void **state OVS_UNUSED)
{
    _cleanup_free char *path = path_of("recorded/ovs_flow.dump");
    _cleanup_free char *text = xmalloc(1 << 22);
    struct replay replay = { .ports = fl_ports_create() };
    struct fl_decoder *decoder;
    size_t n;

    hmap_init(&replay.flows);
    decode_messages(&replay);
    decoder = fl_decoder_create(replay.ports, FL_DECODE_KEEP_TEXT, compare_line, &replay);
    n = read_file(path, text, 1 << 22);
    fl_decoder_push(decoder, text, n);
    fl_decoder_finish(decoder);
    fl_decoder_destroy(decoder);
    print_message("# %" PRIuSIZE " messages\n", replay.n_messages);
    assert_true(replay.n_messages > 50);
    assert_int_equal(replay.n_errors, 0);
    assert_int_equal(replay.n_lines, replay.n_messages);
    free_flows(&replay.flows);
    fl_ports_destroy(replay.ports);
}

static int show(const struct fl_flow *flow, void *text)
{
    ds_put_format(text, "%d %d %d %s\n", flow->has_match, flow->match_partial, flow->has_actions,
                  flow->parse_error ? flow->parse_error : "-");
    return 0;
}

static void assert_shown(const struct ofpbuf *attrs, const char *want)
{
    struct fl_ports *ports = fl_ports_create();
    struct fl_odp_decoder *decoder = fl_odp_decoder_create(ports, 0);
    struct ds text = DS_EMPTY_INITIALIZER;

    fl_odp_decode(decoder, attrs->data, attrs->size, 1000, show, &text);
    assert_string_equal(ds_cstr(&text), want);
    ds_destroy(&text);
    fl_odp_decoder_destroy(decoder);
    fl_ports_destroy(ports);
}

/* One flow with an attribute of a kernel to come in key and mask, and an action. */
static void assert_newer(uint16_t value, uint16_t mask, int action, const char *want)
{
    struct ofpbuf attrs;
    size_t nest;

    ofpbuf_init(&attrs, 256);
    for (int i = 0; i < 2; i++) {
        nest = nl_msg_start_nested(&attrs, i ? OVS_FLOW_ATTR_MASK : OVS_FLOW_ATTR_KEY);
        nl_msg_put_u32(&attrs, OVS_KEY_ATTR_RECIRC_ID, i ? UINT32_MAX : 0);
        nl_msg_put_u32(&attrs, OVS_KEY_ATTR_IN_PORT, i ? UINT32_MAX : 3);
        nl_msg_put_unspec_zero(&attrs, OVS_KEY_ATTR_ETHERNET, sizeof(struct ovs_key_ethernet));
        nl_msg_put_be16(&attrs, OVS_KEY_ATTR_ETHERTYPE, i ? OVS_BE16_MAX : htons(0x88cc));
        nl_msg_put_u16(&attrs, 32, i ? mask : value);
        nl_msg_end_nested(&attrs, nest);
    }
    nest = nl_msg_start_nested(&attrs, OVS_FLOW_ATTR_ACTIONS);
    nl_msg_put_u32(&attrs, (uint16_t)action, 1);
    nl_msg_end_nested(&attrs, nest);
    assert_shown(&attrs, want);
    ofpbuf_uninit(&attrs);
}

static void test_newer_kernel(void **state OVS_UNUSED)
{
    assert_newer(0, 0, OVS_ACTION_ATTR_OUTPUT, "1 0 1 -\n");
    assert_newer(1, 1, OVS_ACTION_ATTR_OUTPUT,
                 "1 1 1 a match attribute was not understood: type 32\n");
    assert_newer(0, 1, OVS_ACTION_ATTR_OUTPUT,
                 "1 1 1 a match attribute was not understood: type 32\n");
    assert_newer(0, 0, 23, "1 0 0 an action was not understood: type 23\n");
    assert_newer(0, 0, 24, "1 0 1 -\n"); /* drop, with a reason */
}

static void test_nothing(void **state OVS_UNUSED)
{
    struct ofpbuf attrs;

    ofpbuf_init(&attrs, 16);
    assert_shown(&attrs, "0 1 0 the match is missing\n");
    nl_msg_put_unspec_zero(&attrs, OVS_FLOW_ATTR_KEY, 3);
    assert_shown(&attrs, "0 1 0 the match was not understood\n");
    ofpbuf_uninit(&attrs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_newer_kernel),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
