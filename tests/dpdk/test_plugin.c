/* SPDX-License-Identifier: Apache-2.0 */

/* The plug-in's commands, over a DPDK that is made up (fake.h). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake.h"
#include "lib/dpdk/plugin/dump.h"
#include "lib/dpdk/plugin/rule.h"

/* With AddressSanitizer what was released stays resident. */
#ifdef __SANITIZE_ADDRESS__
#define RESIDENT_TELLS false
#else
#define RESIDENT_TELLS true
#endif

static size_t resident_kb(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t total, resident;

    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &total, &resident), 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static int reset(void **state)
{
    unsigned int n_commands = fake_dpdk.n_commands;

    (void)state;
    fake_dpdk = (struct fake_dpdk){ .n_commands = n_commands };
    return 0;
}

static void assert_reply(const char *request, const char *wanted)
{
    char *reply = fake_dpdk_ask(request, strlen(request));

    assert_non_null(reply);
    assert_string_equal(reply, wanted);
    free(reply);
}

/* ---- Listing ---- */

struct page {
    char status[16];
    unsigned int port, snapshot;
    size_t offset, next, stored;
    unsigned long long bytes, lines;
    long long took_us;
    char *text; /* behind the first line; in @reply */
    json_t *reply;
};

static struct page ask_page(const char *request)
{
    struct page page = { .reply = fake_dpdk_ask_json(request) };
    const char *reply = json_string_value(page.reply);

    assert_non_null(reply);
    sscanf(reply,
           "status=%15s port=%u snapshot=%u offset=%zu next=%zu stored=%zu bytes=%llu lines=%llu "
           "took_us=%lld",
           page.status, &page.port, &page.snapshot, &page.offset, &page.next, &page.stored,
           &page.bytes, &page.lines, &page.took_us);
    page.text = strchr(reply, '\n');
    assert_non_null(page.text);
    page.text++;
    return page;
}

/* Waits as it is told to. */
static struct page ask_first_page(unsigned int port)
{
    char request[64];

    snprintf(request, sizeof request, "/flowlift/rules,%u", port);
    for (;;) {
        struct page page = ask_page(request);
        unsigned int wait_ms;

        if (strcmp(page.status, "busy")) {
            return page;
        }
        assert_int_equal(sscanf(json_string_value(page.reply), "status=busy retry_ms=%u", &wait_ms),
                         1);
        assert_in_range(wait_ms, 1, 5000);
        json_decref(page.reply);
        usleep(wait_ms * 1000);
    }
}

/* All pages of a listing. Return: the text, and the last page, whose text is released. */
static char *list(unsigned int port, struct page *page)
{
    size_t done = 0;
    char *all = NULL, request[64];

    for (*page = ask_first_page(port);; *page = ask_page(request)) {
        size_t n = strlen(page->text);

        assert_string_equal(page->status, "ok");
        assert_int_equal(page->port, port);
        assert_int_equal(page->offset, done);
        assert_int_equal(page->next, done + n);
        all = realloc(all, done + n + 1);
        memcpy(all + done, page->text, n + 1);
        done += n;
        json_decref(page->reply);
        if (page->next == page->stored) {
            return all;
        }
        assert_true(n > 0);
        snprintf(request, sizeof request, "/flowlift/rules,%u,%zu,%u", port, page->next,
                 page->snapshot);
    }
}

static void set_dump(const char *text, size_t n)
{
    fake_dpdk.dump = text;
    fake_dpdk.n_dump = n;
}

static char *make_rules(unsigned int n, size_t *n_bytes)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, n_bytes);

    for (unsigned int i = 0; i < n; i++) {
        fprintf(file, "rule %u match \"eth\\\t%u\" actions port packets %u\n", i, i * 7, i * i);
    }
    fclose(file);
    return text;
}

static void test_commands(void **state)
{
    (void)state;
    assert_int_equal(fake_dpdk.n_commands, 6);
    assert_null(fake_dpdk_ask("/flowlift/flush,0", 17));
    assert_reply("/flowlift/version",
                 "{\"plugin\":\"" FLOWLIFT_VERSION
                 "\",\"interface\":1,\"dpdk\":\"DPDK 22.11.99\",\"built_for\":\"22.11\","
                 "\"dump_bytes\":8388608}");
}

static void test_ports(void **state)
{
    (void)state;
    assert_reply("/flowlift/ports", "[0,1,2,7]");
    assert_reply("/flowlift/port,1",
                 "{\"port\":1,\"status\":\"ok\",\"name\":\"0000:08:00.0_representor_vf1?\","
                 "\"driver\":\"net_fake\",\"switch_name\":\"0000:08:00.0\",\"switch_domain\":4,"
                 "\"switch_port\":1,\"rx_queues\":2,\"representor\":1,\"flow_api\":1}");
    assert_reply("/flowlift/port,2",
                 "{\"port\":2,\"status\":\"ok\",\"name\":\"0000:08:00.0_representor_vf2?\","
                 "\"driver\":\"net_fake\",\"switch_name\":\"0000:08:00.0\",\"switch_domain\":4,"
                 "\"switch_port\":2,\"rx_queues\":2,\"representor\":1,\"flow_api\":0}");
    assert_reply(
        "/flowlift/port,3",
        "{\"port\":3,\"status\":\"refused\",\"code\":19,\"text\":\"there is no such port\"}");
    assert_reply(
        "/flowlift/port,7",
        "{\"port\":7,\"status\":\"refused\",\"code\":19,\"text\":\"there is no such port\"}");
}

static void test_malformed_ports(void **state)
{
    static const char *const params[] = {
        "",    ",",   ",,",   ",-1", ",65536", ",99999999999999999999999",
        ",1,", ",1x", ",0x1", ", 1", ",1 ",    ",1,2",
    };
    static const char *const names[] = { "/flowlift/port", "/flowlift/count" };
    char request[64];

    (void)state;
    for (size_t i = 0; i < RTE_DIM(params); i++) {
        for (size_t j = 0; j < RTE_DIM(names); j++) {
            snprintf(request, sizeof request, "%s%s", names[j], params[i]);
            assert_reply(request, "{\"status\":\"malformed\",\"text\":\"PORT is wanted\"}");
        }
        snprintf(request, sizeof request, "/flowlift/rules%s", params[i]);
        assert_reply(
            request,
            "\"status=malformed text=PORT[,OFFSET,SNAPSHOT] or PORT,at-own-risk is wanted\\n\"");
    }
    assert_reply(
        "/flowlift/rules,0,0",
        "\"status=malformed text=PORT[,OFFSET,SNAPSHOT] or PORT,at-own-risk is wanted\\n\"");
    assert_int_equal(fake_dpdk.n_dumps, 0);
}

static void test_list_in_pages(void **state)
{
    struct page page;
    size_t n;
    char *rules = make_rules(2000, &n), *listed;

    (void)state;
    set_dump(rules, n);
    listed = list(1, &page);
    assert_string_equal(listed, rules);
    assert_int_equal(page.lines, 2000);
    assert_int_equal(page.bytes, n);
    assert_int_equal(fake_dpdk.n_dumps, 1);
    free(listed);
    free(rules);
}

static void test_empty_list(void **state)
{
    struct page page;
    char *listed = list(0, &page);

    (void)state;
    assert_string_equal(listed, "");
    assert_int_equal(page.lines, 0);
    free(listed);
}

/* Quotes and the like fill a reply sooner; other bytes than ASCII are not for DPDK's JSON. */
static void test_hostile_text(void **state)
{
    char bytes[50000], *listed;
    struct page page;

    (void)state;
    memset(bytes, '"', sizeof bytes);
    set_dump(bytes, sizeof bytes);
    listed = list(0, &page);
    assert_int_equal(strlen(listed), sizeof bytes);
    assert_int_equal(page.lines, 1);
    free(listed);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)i;
    }
    listed = list(0, &page);
    assert_int_equal(strlen(listed), sizeof bytes);
    assert_memory_equal(listed + 256, "?????????\t\n?????????????????????", 32);
    assert_memory_equal(listed + 256 + 0x7e, "~?????????", 10);
    free(listed);
}

static void test_list_has_a_limit(void **state)
{
    size_t n = FL_DUMP_BYTES + 12345, before;
    char *bytes = malloc(n), *listed;
    struct page page;

    (void)state;
    memset(bytes, 'x', n);
    for (size_t i = 99; i < n; i += 100) {
        bytes[i] = '\n';
    }
    set_dump(bytes, n);
    before = resident_kb();
    page = ask_first_page(0);
    assert_int_equal(page.stored, FL_DUMP_BYTES);
    assert_int_equal(page.bytes, n);
    assert_int_equal(page.lines, (n + 99) / 100);
    assert_true(!RESIDENT_TELLS || resident_kb() - before >= 8000);
    assert_true(!RESIDENT_TELLS || resident_kb() - before <= 9000);
    json_decref(page.reply);
    usleep(2100 * 1000); /* FL_RULES_IDLE_MS */
    listed = list(0, &page);
    assert_int_equal(strlen(listed), FL_DUMP_BYTES);
    free(listed);
    before += 8 * 1024 + 64; /* of the listing here; none of the plug-in's is left */
    malloc_trim(0);
    assert_true(!RESIDENT_TELLS || resident_kb() <= before);
    free(bytes);
}

static void test_one_list_at_a_time(void **state)
{
    size_t n;
    char *rules = make_rules(500, &n), request[64];
    struct page first, page;

    (void)state;
    set_dump(rules, n);
    first = ask_first_page(0);
    assert_string_equal(first.status, "ok");
    page = ask_page("/flowlift/rules,1");
    assert_string_equal(page.status, "busy");
    json_decref(page.reply);
    snprintf(request, sizeof request, "/flowlift/rules,0,0,%u", first.snapshot + 1);
    assert_reply(request, "\"status=gone\\n\"");
    snprintf(request, sizeof request, "/flowlift/rules,1,0,%u", first.snapshot);
    assert_reply(request, "\"status=gone\\n\"");
    snprintf(request, sizeof request, "/flowlift/rules,0,%zu,%u", first.stored, first.snapshot);
    assert_reply(request, "\"status=malformed text=the offset is past the end\\n\"");
    json_decref(first.reply);
    page = ask_first_page(1); /* once the first client has not come for a while */
    assert_string_equal(page.status, "ok");
    assert_int_equal(page.snapshot, first.snapshot + 1);
    json_decref(page.reply);
    free(rules);
}

static void test_dumps_are_rationed(void **state)
{
    json_t *reply;

    (void)state;
    usleep(2100 * 1000); /* the test before left a text */
    set_dump("rule\n", 5);
    fake_dpdk.dump_ms = 20;
    reply = fake_dpdk_ask_json("/flowlift/count,0");
    assert_string_equal(json_string_value(json_object_get(reply, "status")), "ok");
    assert_int_equal(json_integer_value(json_object_get(reply, "lines")), 1);
    assert_int_equal(json_integer_value(json_object_get(reply, "bytes")), 5);
    json_decref(reply);
    reply = fake_dpdk_ask_json("/flowlift/count,0");
    assert_string_equal(json_string_value(json_object_get(reply, "status")), "busy");
    assert_in_range(json_integer_value(json_object_get(reply, "retry_ms")), 100, 5000);
    json_decref(reply);
    assert_int_equal(fake_dpdk.n_dumps, 1);
    json_decref(ask_first_page(0).reply);
    assert_int_equal(fake_dpdk.n_dumps, 2);
    usleep(300 * 1000);
}

static void test_driver_refuses_to_list(void **state)
{
    (void)state;
    usleep(300 * 1000);
    assert_reply("/flowlift/count,2",
                 "{\"port\":2,\"status\":\"refused\",\"code\":38,\"text\":\"\"}");
    usleep(2000);
    assert_reply("/flowlift/rules,2", "\"status=refused code=38 text=\\n\"");
    fake_dpdk.dump_error = 5; /* positive, against the rules */
    fake_dpdk.error_message = "no \"firmware\"\nat all";
    usleep(2000);
    assert_reply("/flowlift/rules,1",
                 "\"status=refused code=5 text=no \\\"firmware\\\" at all\\n\"");
    usleep(2000);
    assert_reply(
        "/flowlift/count,3",
        "{\"port\":3,\"status\":\"refused\",\"code\":19,\"text\":\"there is no such port\"}");
}

/* Before its driver has made it, and when it closes it, a port is stopped. */
static void test_port_that_comes_or_goes(void **state)
{
#define STOPPED "\"code\":11,\"text\":\"the port is stopped: it comes or goes\"}"
    (void)state;
    usleep(300 * 1000);
    fake_dpdk.is_stopped = true;
    assert_reply("/flowlift/ports", "[0,1,2,7]");
    assert_reply("/flowlift/port,1", "{\"port\":1,\"status\":\"refused\"," STOPPED);
    assert_reply("/flowlift/count,1", "{\"port\":1,\"status\":\"refused\"," STOPPED);
    usleep(2000);
    assert_reply("/flowlift/rules,1",
                 "\"status=refused code=11 text=the port is stopped: it comes or goes\\n\"");
    assert_reply("/flowlift/validate,1,pattern eth actions drop",
                 "{\"check\":1657642203,\"port\":1,\"type\":0,\"status\":\"unknown\"," STOPPED);
    assert_reply("/flowlift/validate,1,pattern eth actions rss",
                 "{\"check\":30369514,\"port\":1,\"status\":\"unknown\"," STOPPED);
    assert_int_equal(fake_dpdk.n_dumps, 0);
    assert_int_equal(fake_dpdk.n_validated, 0);
}

/* Only who knows may have a driver dump that does so without locks. */
static void test_risk(void **state)
{
    struct page page;

    (void)state;
    usleep(2000);
    fake_dpdk.driver = "mlx5_pci";
    assert_reply(
        "/flowlift/count,0",
        "{\"port\":0,\"status\":\"refused\",\"code\":1,\"text\":\"mlx5 reads lists that change "
        "meanwhile, which may crash ovs-vswitchd; ask \\\"at-own-risk\\\"\"}");
    usleep(2000);
    page = ask_page("/flowlift/rules,0");
    assert_string_equal(page.status, "refused");
    json_decref(page.reply);
    assert_int_equal(fake_dpdk.n_dumps, 0);
    usleep(2000);
    page = ask_page("/flowlift/rules,0,at-own-risk");
    assert_string_equal(page.status, "ok");
    json_decref(page.reply);
    assert_int_equal(fake_dpdk.n_dumps, 1);
    assert_reply("/flowlift/count,0,at-own-risks",
                 "{\"status\":\"malformed\",\"text\":\"PORT is wanted\"}");
    assert_reply("/flowlift/port,0,at-own-risk",
                 "{\"status\":\"malformed\",\"text\":\"PORT is wanted\"}");
}

static void test_validate(void **state)
{
    (void)state;
    assert_reply("/flowlift/validate,1,transfer pattern eth actions drop",
                 "{\"check\":3944488974,\"port\":1,\"type\":0,\"status\":\"accepted\",\"code\":0,"
                 "\"text\":\"\"}");
    fake_dpdk.validate_error = -ENOTSUP;
    fake_dpdk.error_type = RTE_FLOW_ERROR_TYPE_ITEM;
    fake_dpdk.error_message = "net_fake: match on this is not supported";
    assert_reply("/flowlift/validate,1,transfer pattern eth actions drop",
                 "{\"check\":3944488974,\"port\":1,\"type\":13,\"status\":\"refused\",\"code\":95,"
                 "\"text\":\"net_fake: match on this is not supported\"}");
    assert_int_equal(fake_dpdk.n_validated, 2);
    assert_reply("/flowlift/validate,1,pattern fly",
                 "{\"check\":4240946799,\"port\":1,\"status\":\"malformed\",\"code\":22,"
                 "\"text\":\"word 2 (fly): no such item\"}");
    assert_reply("/flowlift/validate,9,pattern eth actions drop",
                 "{\"check\":491093683,\"port\":9,\"type\":0,\"status\":\"unknown\",\"code\":19,"
                 "\"text\":\"there is no such port\"}");
    assert_reply("/flowlift/validate", "{\"check\":2166136261,\"status\":\"malformed\",\"code\":22,"
                                       "\"text\":\"PORT,RULE is wanted\"}");
    assert_int_equal(fake_dpdk.n_validated, 2);
    assert_reply("/flowlift/validate,2,pattern eth actions drop",
                 "{\"check\":1892921824,\"port\":2,\"type\":13,\"status\":\"unknown\",\"code\":38,"
                 "\"text\":\"net_fake: match on this is not supported\"}");
}

static void test_long_refusal_is_cut(void **state)
{
    char message[300];
    json_t *reply;
    const char *text;

    (void)state;
    memset(message, 'm', sizeof message - 1);
    message[sizeof message - 1] = '\0';
    fake_dpdk.validate_error = -EINVAL;
    fake_dpdk.error_message = message;
    reply = fake_dpdk_ask_json("/flowlift/validate,1,pattern eth actions drop");
    text = json_string_value(json_object_get(reply, "text"));
    assert_int_equal(strlen(text), RTE_TEL_MAX_STRING_LEN - 1);
    assert_string_equal(text + strlen(text) - 4, "m...");
    json_decref(reply);
}

/* ---- Storm ---- */

static const char *const pieces[] = {
    "/flowlift/rules,",
    "/flowlift/count,",
    "/flowlift/port,",
    "/flowlift/validate,1,",
    "/flowlift/",
    "version",
    "0",
    "1",
    "7",
    ",",
    "65535",
    "4294967295",
    "transfer ",
    "pattern ",
    "eth ",
    "ipv4 ",
    "src=0a000001",
    "/ffffff00",
    "/",
    " / ",
    "-",
    "dst=",
    "has_vlan=1",
    " actions ",
    "drop",
    "count",
    "raw_encap data=",
    "0123456789abcdef",
    "vxlan_encap data=",
    "rss",
    " queues=64",
    "\xff",
    "\x01",
    "\"",
    "\\",
    "%s%n",
    "port_id id=1",
    "group=1 ",
};

static const char good_rule[] =
    "/flowlift/validate,1,transfer pattern eth dst=525400640101 type=0800 has_vlan=0 / ipv4 "
    "src=0a64000b dst=0a640001/ffffff00 / tcp dst=0801 actions count / of_push_vlan type=8100 / "
    "of_set_vlan_vid vid=100 / raw_encap data=0123456789abcdef / port_id id=3";

/* Pieces at random, or a rule; with a byte changed, or not. */
static size_t random_request(unsigned int *seed, char *request, size_t size)
{
    size_t n = 0, n_pieces = (size_t)rand_r(seed) % 40;

    if (rand_r(seed) % 4 == 0) {
        n = (size_t)snprintf(request, size, "%s", good_rule);
        n_pieces = 0;
    }
    for (size_t i = n > 0; i <= n_pieces; i++) {
        const char *piece =
            pieces[i ? (size_t)rand_r(seed) % RTE_DIM(pieces) : (size_t)rand_r(seed) % 5];

        n += (size_t)snprintf(request + n, size - n, "%s", piece);
        if (n >= size) {
            return size - 1;
        }
    }
    if (n && rand_r(seed) % 2 == 0) {
        request[(size_t)rand_r(seed) % n] = (char)rand_r(seed);
    }
    return n;
}

static void test_storm(void **state)
{
    size_t n_rules, before = 0;
    char *rules = make_rules(300, &n_rules), request[1200];
    unsigned int seed = 20260, n_answers = 0;

    (void)state;
    set_dump(rules, n_rules);
    for (int i = 0; i < 100000; i++) {
        char *reply = fake_dpdk_ask(request, random_request(&seed, request, sizeof request));

        n_answers += reply != NULL;
        free(reply);
        if (i == 10000) {
            before = mallinfo2().uordblks;
        }
    }
    assert_true(mallinfo2().uordblks < before + 20000); /* nothing, but for glibc's own caches */
    assert_true(n_answers > 50000);
    assert_true(fake_dpdk.n_validated > 100);
    free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_commands, reset),
        cmocka_unit_test_setup(test_ports, reset),
        cmocka_unit_test_setup(test_malformed_ports, reset),
        cmocka_unit_test_setup(test_list_in_pages, reset),
        cmocka_unit_test_setup(test_empty_list, reset),
        cmocka_unit_test_setup(test_hostile_text, reset),
        cmocka_unit_test_setup(test_list_has_a_limit, reset),
        cmocka_unit_test_setup(test_one_list_at_a_time, reset),
        cmocka_unit_test_setup(test_dumps_are_rationed, reset),
        cmocka_unit_test_setup(test_driver_refuses_to_list, reset),
        cmocka_unit_test_setup(test_port_that_comes_or_goes, reset),
        cmocka_unit_test_setup(test_risk, reset),
        cmocka_unit_test_setup(test_validate, reset),
        cmocka_unit_test_setup(test_long_refusal_is_cut, reset),
        cmocka_unit_test_setup(test_storm, reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
