/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A record written as a line of a dump, and read again, is the same record: over the corpus of the
 * decoder's fuzz target, and over lines that have one thing each.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>

#include "flows/cleanup.h"
#include "flows/flow_text.h"
#include "tests/unit/decoded.h"

struct trip {
    struct fl_ports *ports;
    const struct fl_flow *first; /* As read the first time. */
    size_t n_again;              /* Flows in its line. */
    size_t n_flows, n_whole, n_shortened;
    struct ds line;
};

/* What text keeps of a flow, one thing a line. */
static char *describe(const struct fl_flow *flow, const struct fl_ports *ports, bool partial)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    char id[37];

    fl_flow_format_id(flow, id);
    ds_put_format(&text, "ufid %s\n", flow->has_ufid ? id : "-");
    ds_put_format(&text, "in_port %" PRIu32 " recirc_id %d %" PRIu32 "\n",
                  odp_to_u32(flow->in_port), flow->has_recirc_id, flow->recirc_id);
    put_count(&text, "packets", flow->packets);
    put_count(&text, "bytes", flow->bytes);
    if (flow->layer == FL_LAYER_TC) {
        put_count(&text, "hw packets", flow->hw_packets);
        put_count(&text, "hw bytes", flow->hw_bytes);
    }
    put_used(&text, flow->used_ms);
    ds_put_format(&text, "\nlayer %u offloaded %u info %s\nmatch", flow->layer, flow->offloaded,
                  flow->offload_info ? flow->offload_info : "-");
    /* What stands beside an illegible attribute may look different without it. */
    if (partial)
        ds_put_cstr(&text, " partial");
    else
        put_match(&text, flow);
    ds_put_cstr(&text, "\nactions");
    put_actions(&text, flow, ports);
    if (flow->has_actions)
        ds_put_format(&text, "\npath %s", fl_path_name(flow->path));
    return ds_steal_cstr(&text);
}

static int compare(const struct fl_flow *again, void *trip_)
{
    struct trip *trip = trip_;
    const struct fl_flow *first = trip->first;
    /* A match that no packet has cannot be written whole: it says so. */
    bool partial = first->match_partial || again->match_partial;
    _cleanup_free char *want = describe(first, trip->ports, partial);
    _cleanup_free char *have = describe(again, trip->ports, partial);

    trip->n_again++;
    if (strcmp(want, have))
        print_message("# %s\n# %s\n# %s\n", first->raw, ds_cstr(&trip->line), again->parse_error);
    assert_string_equal(have, want);
    assert_true(partial || minimatch_equal(&first->match, &again->match));
    assert_true(again->match_partial || !first->match_partial);
    trip->n_shortened += again->match_partial && !first->match_partial;
    if (again->match_partial && !first->match_partial)
        print_message("# %s\n", first->raw);
    return 0;
}

static int go_round(const struct fl_flow *flow, void *trip_)
{
    struct trip *trip = trip_;
    struct fl_decoder *decoder = fl_decoder_create(trip->ports, 0, compare, trip);

    trip->first = flow;
    trip->n_again = 0;
    trip->n_flows++;
    trip->n_whole += !flow->parse_error;
    ds_clear(&trip->line);
    fl_flow_format(flow, trip->ports, &trip->line);
    assert_int_equal(fl_decoder_push(decoder, trip->line.string, trip->line.length), 0);
    assert_int_equal(fl_decoder_finish(decoder), 0);
    fl_decoder_destroy(decoder);
    if (trip->n_again != 1)
        print_message("# %s\n# %s\n", flow->raw, ds_cstr(&trip->line));
    assert_int_equal(trip->n_again, 1);
    return 0;
}

static void trip_bytes(struct trip *trip, const char *bytes, size_t n_bytes)
{
    struct fl_decoder *decoder;

    trip->ports = fl_ports_create();
    decoder = fl_decoder_create(trip->ports, FL_DECODE_KEEP_TEXT, go_round, trip);
    fl_decoder_push(decoder, bytes, n_bytes);
    fl_decoder_finish(decoder);
    fl_decoder_destroy(decoder);
    fl_ports_destroy(trip->ports);
}

static void trip_file(struct trip *trip, const char *folder, const char *name, size_t skip)
{
    _cleanup_free char *path = xasprintf("%s/%s", folder, name);
    _cleanup_free char *bytes = xmalloc(1 << 20);
    FILE *file = fopen(path, "rb");
    size_t n;

    assert_non_null(file);
    n = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    if (n > skip)
        trip_bytes(trip, bytes + skip, n - skip);
}

static bool trip_folder(struct trip *trip, const char *folder, const char *suffix, size_t skip)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    if (!dir)
        return false;
    while ((entry = readdir(dir))) {
        size_t length = strlen(entry->d_name);

        if (entry->d_name[0] != '.' && length >= strlen(suffix) &&
            !strcmp(entry->d_name + length - strlen(suffix), suffix))
            trip_file(trip, folder, entry->d_name, skip);
    }
    closedir(dir);
    print_message("# %" PRIuSIZE " flows, %" PRIuSIZE " of them without error, %" PRIuSIZE
                  " shortened\n",
                  trip->n_flows, trip->n_whole, trip->n_shortened);
    ds_destroy(&trip->line);
    return true;
}

/* Their first byte is the fuzz target's. Four flows in there are such as no packet can have. */
static void test_fuzz_corpus(void **state OVS_UNUSED)
{
    const char *source = getenv("FLOWLIFT_SOURCE");
    _cleanup_free char *folder = xasprintf("%s/tests/fuzz/corpus/decode", source ? source : ".");
    struct trip trip = { .line = DS_EMPTY_INITIALIZER };

    assert_true(trip_folder(&trip, folder, "", 1));
    assert_true(trip.n_whole > 20);
    assert_true(trip.n_shortened <= 4);
}

/* Third-party data, outside of this project; see test_decode_corpus.c. */
static void test_posted(void **state OVS_UNUSED)
{
    const char *given = getenv("FLOWLIFT_CORPUS"), *source = getenv("FLOWLIFT_SOURCE");
    _cleanup_free char *folder = given ? xstrdup(given)
                                       : xasprintf("%s/../shared/corpus", source ? source : ".");
    struct trip trip = { .line = DS_EMPTY_INITIALIZER };

    if (!trip_folder(&trip, folder, ".txt", 0)) {
        print_message("# no corpus: neither $FLOWLIFT_CORPUS nor ../shared/corpus is a folder\n");
        skip();
    }
    assert_true(trip.n_shortened * 20 <
                trip.n_whole); /* Parts of listings, double tags cut short. */
}

struct lines {
    struct fl_ports *ports;
    struct ds text;
};

static int put_line(const struct fl_flow *flow, void *lines_)
{
    struct lines *lines = lines_;

    fl_flow_format(flow, lines->ports, &lines->text);
    return 0;
}

static void assert_line(const char *line, const char *want)
{
    struct lines lines = { fl_ports_create(), DS_EMPTY_INITIALIZER };
    struct fl_decoder *decoder = fl_decoder_create(lines.ports, 0, put_line, &lines);

    fl_decoder_push(decoder, line, strlen(line));
    fl_decoder_finish(decoder);
    fl_decoder_destroy(decoder);
    assert_string_equal(ds_cstr(&lines.text), want);
    ds_destroy(&lines.text);
    fl_ports_destroy(lines.ports);
}

#define UFID "ufid:00000001-0002-0003-0004-000000000005, "
#define HEAD                                                                                 \
    "skb_priority(0/0),skb_mark(0/0),ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0)," \
    "recirc_id(0),dp_hash(0/0),in_port(vf-rep-0),packet_type(ns=0/0,id=0/0),"                \
    "eth(src=00:00:00:00:00:00/00:00:00:00:00:00,dst=02:00:00:00:00:02),eth_type(0x0800),"

/* A line of dpctl/dump-flows -m comes back as it was. */
static void test_same_line(void **state OVS_UNUSED)
{
    static const char *const lines[] = {
        UFID HEAD "ipv4(src=0.0.0.0/0.0.0.0,dst=10.1.0.0/255.255.0.0,proto=6,tos=0/0,ttl=0/0,"
                  "frag=no),tcp(src=0/0,dst=2049), packets:7, bytes:700, used:0.123s, "
                  "offloaded:yes, dp:tc, actions:push_vlan(vid=100,pcp=0),uplink",
        UFID HEAD "ipv4(src=0.0.0.0/0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=0/0,tos=0/0,ttl=0/0,frag=no)"
                  ", packets:0, bytes:0, used:never, dp:ovs, actions:drop",
        UFID HEAD "ipv4(src=0.0.0.0/0.0.0.0,dst=0.0.0.0/0.0.0.0,proto=0/0,tos=0/0,ttl=0/0,frag=no)"
                  ", packets:75021, bytes:109521630, offload_packets:75019, "
                  "offload_bytes:109521498, used:3.990s, offloaded:yes, dp:tc, "
                  "actions:ct(commit,zone=5,nat(src=10.0.0.1)),recirc(0x12)",
    };

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        assert_line(lines[i], lines[i]);
}

/* What was not legible does not look as if nothing had been there. */
static void test_illegible(void **state OVS_UNUSED)
{
    assert_line(UFID "recirc_id(0),in_port(7),eth_type(0x0800),new_field(1), packets:1, bytes:2, "
                     "used:never, actions:new_action(3)",
                UFID "skb_priority(0/0),skb_mark(0/0),ct_state(0/0),ct_zone(0/0),ct_mark(0/0),"
                     "ct_label(0/0),recirc_id(0),dp_hash(0/0),in_port(7),packet_type(ns=0/0,"
                     "id=0/0),eth(src=00:00:00:00:00:00/00:00:00:00:00:00,dst=00:00:00:00:00:00/"
                     "00:00:00:00:00:00),eth_type(0x0800),ipv4(src=0.0.0.0/0.0.0.0,dst=0.0.0.0/"
                     "0.0.0.0,proto=0/0,tos=0/0,ttl=0/0),..., packets:1, bytes:2, "
                     "used:never, actions:...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_line),
        cmocka_unit_test(test_illegible),
        cmocka_unit_test(test_fuzz_corpus),
        cmocka_unit_test(test_posted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
