/* SPDX-License-Identifier: Apache-2.0 */

/* The storage selector: its text form, and which flows fit it. Matches come through the decoder. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/example_host.h"

/* The region of "recirc_id(0),in_port(vm1),@match". */
static void region_of(const char *match, struct match *region)
{
    char *line = xasprintf(IN("vm1") "%s" COUNT("1") SW "actions:p0\n", match);
    struct fl_snapshot *snapshot = snapshot_of(NULL, line);
    const struct fl_flow *flow = &fl_snapshot_flow(snapshot, 0)->flow;

    if (!flow->has_match) {
        fail_msg("cannot decode %s", line);
    }
    minimatch_expand(&flow->match, region);
    fl_snapshot_destroy(snapshot);
    free(line);
}

/* "y", "m" or "n" from the VM and to the VM. */
static const char *fits(const struct fl_storage *storage, const char *match, int vlan)
{
    static const char letters[] = "nmy";
    static char text[3];
    struct match region;

    region_of(match, &region);
    text[0] = letters[fl_storage_fits(storage, &region, FL_FROM_VM, vlan)];
    text[1] = letters[fl_storage_fits(storage, &region, FL_TO_VM, vlan)];
    return text;
}

static const struct {
    const char *match;
    const char *fits; /* from the VM, to the VM */
} by_default[] = {
    { "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(src=900,dst=2049)", "yn" },
    { "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(src=2049,dst=900)", "ny" },
    { "eth_type(0x0800),ipv4(proto=17,frag=no),udp(dst=111)", "ym" },
    { "eth_type(0x86dd),ipv6(proto=6,frag=no),tcp(dst=20049)", "ym" },
    { "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(dst=80)", "nm" },
    { "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(dst=0x800/0xf800)", "mm" },
    { "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(dst=0x1000/0xf000)", "nm" },
    { "eth_type(0x0800),ipv4(proto=6,frag=no)", "mm" },
    { "eth_type(0x0800),ipv4(frag=no)", "mm" },
    { "eth_type(0x0800),ipv4(proto=17,frag=later)", "mm" },
    /* RoCE v2 is not storage by itself, and neither are ARP and ICMP. */
    { "eth_type(0x0800),ipv4(proto=17,frag=no),udp(dst=4791)", "nm" },
    { "eth_type(0x0800),ipv4(proto=17,frag=no),udp(src=4791,dst=4791)", "nn" },
    { "eth_type(0x0800),ipv4(proto=1,frag=no)", "nn" },
    { "eth_type(0x0806)", "nn" },
    { "eth_type(0x88cc)", "nn" },
};

static void by_default_every_vlan_and_address_of_nfs_fits(void **state)
{
    struct fl_storage storage;

    (void)state;
    fl_storage_init(&storage);
    for (size_t i = 0; i < ARRAY_SIZE(by_default); i++) {
        for (int vlan = -1; vlan <= 1; vlan++) {
            const char *got = fits(&storage, by_default[i].match, vlan);

            if (strcmp(got, by_default[i].fits)) {
                fail_msg("%s: %s, not %s", by_default[i].match, got, by_default[i].fits);
            }
        }
    }
    fl_storage_destroy(&storage);
}

static void only_the_vlans_of_the_list_fit(void **state)
{
    struct fl_storage storage;

    (void)state;
    fl_storage_init(&storage);
    assert_int_equal(fl_storage_parse_vlans(&storage, "100,200-201", NULL), 0);
    assert_string_equal(fits(&storage, TO_SERVER, 100), "ym");
    assert_string_equal(fits(&storage, TO_SERVER, 201), "ym");
    assert_string_equal(fits(&storage, TO_SERVER, 202), "nn");
    assert_string_equal(fits(&storage, TO_SERVER, 0), "nn");
    assert_string_equal(fits(&storage, TO_SERVER, -1), "mm");
    fl_storage_destroy(&storage);
}

static const struct {
    const char *match;
    const char *fits;
} in_subnets[] = {
    { "eth_type(0x0800),ipv4(dst=10.1.2.3,proto=6,frag=no),tcp(dst=2049)", "ym" },
    { "eth_type(0x0800),ipv4(src=10.1.2.3,proto=6,frag=no),tcp(dst=2049)", "mm" },
    { "eth_type(0x0800),ipv4(dst=10.2.0.1,proto=6,frag=no),tcp(dst=2049)", "nm" },
    { "eth_type(0x0800),ipv4(dst=10.1.2.0/255.255.255.0,proto=6,frag=no),tcp(dst=2049)", "ym" },
    { "eth_type(0x0800),ipv4(dst=10.0.0.0/255.0.0.0,proto=6,frag=no),tcp(dst=2049)", "mm" },
    /* An arbitrary mask: 10.x.0.1 has packets in 10.1.0.0/16, 10.x.0.1 with odd x too. */
    { "eth_type(0x0800),ipv4(dst=10.0.0.1/255.0.255.255,proto=6,frag=no),tcp(dst=2049)", "mm" },
    { "eth_type(0x0800),ipv4(dst=10.2.0.0/255.2.0.0,proto=6,frag=no),tcp(dst=2049)", "nm" },
    { "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(dst=2049)", "mm" },
    { "eth_type(0x86dd),ipv6(dst=fd00::1,proto=6,frag=no),tcp(dst=2049)", "ym" },
    { "eth_type(0x86dd),ipv6(dst=2001:db8::1,proto=6,frag=no),tcp(dst=2049)", "nm" },
    { "eth_type(0x86dd),ipv6(dst=::ffff:10.1.2.3,proto=6,frag=no),tcp(dst=2049)", "ym" },
};

static void subnets_are_intersected_with_any_mask(void **state)
{
    struct fl_storage storage;

    (void)state;
    fl_storage_init(&storage);
    assert_int_equal(fl_storage_parse_subnets(&storage, "10.1.0.0/16 fd00::/8", NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(in_subnets); i++) {
        const char *got = fits(&storage, in_subnets[i].match, -1);

        if (strcmp(got, in_subnets[i].fits)) {
            fail_msg("%s: %s, not %s", in_subnets[i].match, got, in_subnets[i].fits);
        }
    }
    fl_storage_destroy(&storage);
}

static void services_may_be_of_one_protocol(void **state)
{
    struct fl_storage storage;

    (void)state;
    fl_storage_init(&storage);
    assert_int_equal(fl_storage_parse_services(&storage, "tcp/445, udp/nfs", NULL), 0);
    assert_int_equal(storage.n_services, 2);
    assert_string_equal(fits(&storage, "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(src=1,dst=445)",
                             -1),
                        "yn");
    assert_string_equal(fits(&storage, "eth_type(0x0800),ipv4(proto=17,frag=no),udp(src=1,dst=445)",
                             -1),
                        "nn");
    assert_string_equal(fits(&storage,
                             "eth_type(0x0800),ipv4(proto=17,frag=no),udp(src=1,dst=2049)", -1),
                        "yn");
    assert_string_equal(fits(&storage, "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(src=1,dst=2049)",
                             -1),
                        "nn");
    assert_int_equal(fl_storage_parse_services(&storage, "", NULL), 0);
    assert_string_equal(fits(&storage, "eth_type(0x0800),ipv4(proto=6,frag=no),tcp(src=1,dst=80)",
                             -1),
                        "yy");
    assert_string_equal(fits(&storage, "eth_type(0x0800),ipv4(proto=47,frag=no)", -1), "nn");
    fl_storage_destroy(&storage);
}

static void lists_are_sorted_and_without_duplicates(void **state)
{
    struct fl_storage storage;

    (void)state;
    fl_storage_init(&storage);
    assert_int_equal(fl_storage_parse_vlans(&storage, "7, 4-6,5 4095", NULL), 0);
    assert_int_equal(storage.n_vlans, 5);
    assert_memory_equal(storage.vlans, ((uint16_t[]){ 4, 5, 6, 7, 4095 }), 10);
    assert_int_equal(fl_storage_parse_vlans(&storage, "", NULL), 0);
    assert_int_equal(storage.n_vlans, 0);
    fl_storage_destroy(&storage);
}

typedef int parse(struct fl_storage *, const char *, struct fl_error *);

static const struct {
    parse *parse;
    const char *text;
    const char *error;
} wrong[] = {
    { fl_storage_parse_vlans, "100, 4096",
      "\"4096\" is not a VLAN: give ids from 1 to 4095 or ranges such as 200-210" },
    { fl_storage_parse_vlans, "0",
      "\"0\" is not a VLAN: give ids from 1 to 4095 or ranges such as 200-210" },
    { fl_storage_parse_vlans, "9-8",
      "\"9-8\" is not a VLAN: give ids from 1 to 4095 or ranges such as 200-210" },
    { fl_storage_parse_vlans, "99999999999999999999",
      "\"99999999999999999999\" is not a VLAN: give ids from 1 to 4095 or ranges such as "
      "200-210" },
    { fl_storage_parse_subnets, "10.1.0.0/33",
      "\"10.1.0.0/33\" is not a subnet: give addresses such as 10.1.0.0/16, 10.1.2.3 or "
      "fd00::/8" },
    { fl_storage_parse_subnets, "10.1/16",
      "\"10.1/16\" is not a subnet: give addresses such as 10.1.0.0/16, 10.1.2.3 or fd00::/8" },
    { fl_storage_parse_subnets, "fd00::/x",
      "\"fd00::/x\" is not a subnet: give addresses such as 10.1.0.0/16, 10.1.2.3 or fd00::/8" },
    { fl_storage_parse_services, "nfs, smb",
      "\"smb\" is not a service: give ports such as 2049 or tcp/20049, or nfs, nfsrdma, rpcbind" },
    { fl_storage_parse_services, "sctp/2049",
      "\"sctp/2049\" is not a service: give ports such as 2049 or tcp/20049, or nfs, nfsrdma, "
      "rpcbind" },
};

static void a_wrong_word_is_named_and_nothing_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct fl_error err = FL_ERROR_INIT;
        struct fl_storage storage;

        fl_storage_init(&storage);
        assert_int_equal(fl_storage_parse_vlans(&storage, "5", NULL), 0);
        assert_int_equal(fl_storage_parse_subnets(&storage, "10.0.0.0/8", NULL), 0);
        assert_int_equal(wrong[i].parse(&storage, wrong[i].text, &err), -EINVAL);
        assert_string_equal(err.text, wrong[i].error);
        assert_int_equal(storage.n_vlans, 1);
        assert_int_equal(storage.n_subnets, 1);
        assert_int_equal(storage.n_services, 3);
        fl_storage_destroy(&storage);
    }
}

static void a_subnet_has_its_addresses(void **state)
{
    struct fl_subnet subnet;
    struct fl_subnet inside;
    struct fl_subnet outside;

    (void)state;
    assert_true(fl_subnet_parse("10.1.0.0/16", &subnet));
    assert_true(fl_subnet_parse("10.1.255.255", &inside));
    assert_true(fl_subnet_parse("10.2.0.0", &outside));
    assert_true(fl_subnet_has(&subnet, &inside.address));
    assert_false(fl_subnet_has(&subnet, &outside.address));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_default_every_vlan_and_address_of_nfs_fits),
        cmocka_unit_test(only_the_vlans_of_the_list_fit),
        cmocka_unit_test(subnets_are_intersected_with_any_mask),
        cmocka_unit_test(services_may_be_of_one_protocol),
        cmocka_unit_test(lists_are_sorted_and_without_duplicates),
        cmocka_unit_test(a_wrong_word_is_named_and_nothing_changes),
        cmocka_unit_test(a_subnet_has_its_addresses),
    };

    return cmocka_run_group_tests_name("storage", tests, NULL, NULL);
}
