/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/dpdk/plugin/rules.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#include "lib/dpdk/plugin/driver.h"
#include "lib/dpdk/plugin/dump.h"
#include "lib/dpdk/plugin/request.h"

/*
 * A string of DPDK's telemetry holds 8,191 bytes, and a reply 16 KiB with it written as JSON, where a quote, a
 * backslash, a newline and a tab take two.
 */
#define PAGE_BYTES      (RTE_TEL_MAX_SINGLE_STRING_LEN - 1)
#define PAGE_JSON_BYTES 15000
#define NS_A_MS         INT64_C(1000000)

/* The text that is being fetched. All of it under @lock. */
static struct {
    pthread_mutex_t lock;
    struct fl_dump dump;
    bool is_held;
    uint16_t port;
    uint32_t snapshot; /* Of the text, or of the last one. */
    int64_t used_ns;
    int64_t took_ns;
    int64_t next_ns; /* No dump before. */
} text = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_A_MS + now.tv_nsec;
}

static void release(void)
{
    fl_dump_release(&text.dump);
    text.is_held = false;
}

void fl_rules_forget(void)
{
    pthread_mutex_lock(&text.lock);
    if (text.is_held && now_ns() - text.used_ns > FL_RULES_KEEP_MS * NS_A_MS) {
        release();
    }
    pthread_mutex_unlock(&text.lock);
}

/* Under the lock. Return: for how long no dump may be made yet; 0: now. */
static int64_t must_wait_ms(int64_t now)
{
    int64_t until = text.next_ns;

    if (text.is_held && text.used_ns + FL_RULES_IDLE_MS * NS_A_MS > until) {
        until = text.used_ns + FL_RULES_IDLE_MS * NS_A_MS;
    }
    return until > now ? (until - now) / NS_A_MS + 1 : 0;
}

/* Under the lock: OVS's threads come first. */
static void dump(uint16_t port, bool at_own_risk, struct fl_dump *into,
                 struct fl_driver_answer *answer)
{
    FILE *file = fl_dump_open(into);
    int64_t start = now_ns(), end;

    if (!file) {
        *answer = (struct fl_driver_answer){ .code = -ENOMEM };
        return;
    }
    fl_driver_dump(port, at_own_risk, file, answer);
    fclose(file);
    end = now_ns();
    text.took_ns = end - start;
    text.next_ns = end + FL_RULES_REST * text.took_ns;
}

/* ---- Pages ---- */

static int say_busy(int64_t wait_ms, struct rte_tel_data *reply)
{
    char line[64];

    snprintf(line, sizeof line, "status=busy retry_ms=%" PRId64 "\n", wait_ms);
    return rte_tel_data_string(reply, line);
}

static int say_refused(const struct fl_driver_answer *answer, struct rte_tel_data *reply)
{
    char line[FL_DRIVER_TEXT_BYTES + 64];

    snprintf(line, sizeof line, "status=refused code=%d text=%s\n", -answer->code, answer->text);
    return rte_tel_data_string(reply, line);
}

static size_t json_bytes(char c)
{
    return c == '"' || c == '\\' || c == '\n' || c == '\t' ? 2 : 1;
}

/* Under the lock. Return: how much of the text from @offset on fits into @room bytes at @page. */
static size_t fill(char *page, size_t room, size_t offset)
{
    size_t n = 0, n_json = 0;

    while (n < room && offset + n < text.dump.stored) {
        char c = fl_reply_character(fl_dump_byte(&text.dump, offset + n));

        n_json += json_bytes(c);
        if (n_json > PAGE_JSON_BYTES) {
            break;
        }
        page[n++] = c;
    }
    page[n] = '\0';
    return n;
}

/* Under the lock, with a text. */
static int say_page(size_t offset, struct rte_tel_data *reply)
{
    char page[PAGE_BYTES + 1];
    const size_t head_bytes = 256;
    size_t n = fill(page + head_bytes, PAGE_BYTES - head_bytes, offset), n_head;
    char head[256];

    n_head = (size_t)snprintf(head, sizeof head,
                              "status=ok port=%u snapshot=%" PRIu32
                              " offset=%zu next=%zu stored=%zu bytes=%" PRIu64 " lines=%" PRIu64
                              " took_us=%" PRId64 "\n",
                              text.port, text.snapshot, offset, offset + n, text.dump.stored,
                              text.dump.bytes, text.dump.lines, text.took_ns / 1000);
    memcpy(page + head_bytes - n_head, head, n_head);
    text.used_ns = now_ns();
    if (offset + n >= text.dump.stored) {
        release();
    }
    return rte_tel_data_string(reply, page + head_bytes - n_head);
}

/* Under the lock. */
static int answer_first(uint16_t port, bool at_own_risk, struct rte_tel_data *reply)
{
    int64_t wait_ms = must_wait_ms(now_ns());
    struct fl_driver_answer answer;

    if (wait_ms) {
        return say_busy(wait_ms, reply);
    }
    release();
    text.dump.limit = FL_DUMP_BYTES;
    dump(port, at_own_risk, &text.dump, &answer);
    if (answer.code) {
        release();
        return say_refused(&answer, reply);
    }
    text.is_held = true;
    text.port = port;
    text.snapshot++;
    return say_page(0, reply);
}

/* Under the lock. */
static int answer_next(uint16_t port, uint64_t offset, uint64_t snapshot,
                       struct rte_tel_data *reply)
{
    if (!text.is_held || text.port != port || text.snapshot != snapshot) {
        return rte_tel_data_string(reply, "status=gone\n");
    }
    if (offset >= text.dump.stored) {
        return rte_tel_data_string(reply, "status=malformed text=the offset is past the end\n");
    }
    return say_page((size_t)offset, reply);
}

int fl_rules_answer(const char *command, const char *params, struct rte_tel_data *reply)
{
    struct fl_request request;
    uint64_t port, offset = 0, snapshot = 0;
    bool is_known, at_own_risk;
    int result;

    (void)command;
    fl_request_init(&request, params);
    is_known = fl_request_number(&request, UINT16_MAX, &port);
    at_own_risk = is_known && fl_request_word(&request, FL_RULES_AT_OWN_RISK);
    if (is_known && !at_own_risk && !fl_request_is_done(&request)) {
        is_known = fl_request_number(&request, FL_DUMP_BYTES, &offset) &&
                   fl_request_number(&request, UINT32_MAX, &snapshot);
    }
    if (!is_known || !fl_request_is_done(&request)) {
        return rte_tel_data_string(
            reply, "status=malformed text=PORT[,OFFSET,SNAPSHOT] or PORT,at-own-risk is wanted\n");
    }
    fl_rules_forget();
    pthread_mutex_lock(&text.lock);
    result = snapshot ? answer_next((uint16_t)port, offset, snapshot, reply)
                      : answer_first((uint16_t)port, at_own_risk, reply);
    pthread_mutex_unlock(&text.lock);
    return result;
}

/* ---- Count ---- */

static void add_count(const struct fl_dump *counted, const struct fl_driver_answer *answer,
                      struct rte_tel_data *reply)
{
    if (answer->code) {
        rte_tel_data_add_dict_string(reply, "status", "refused");
        rte_tel_data_add_dict_int(reply, "code", -answer->code);
        rte_tel_data_add_dict_string(reply, "text", answer->text);
        return;
    }
    rte_tel_data_add_dict_string(reply, "status", "ok");
    rte_tel_data_add_dict_u64(reply, "lines", counted->lines);
    rte_tel_data_add_dict_u64(reply, "bytes", counted->bytes);
    rte_tel_data_add_dict_u64(reply, "took_us", (uint64_t)text.took_ns / 1000);
}

int fl_rules_answer_count(const char *command, const char *params, struct rte_tel_data *reply)
{
    struct fl_driver_answer answer;
    struct fl_dump counted = { 0 };
    struct fl_request request;
    int64_t wait_ms;
    uint64_t port;
    bool is_known, at_own_risk;

    (void)command;
    fl_request_init(&request, params);
    rte_tel_data_start_dict(reply);
    is_known = fl_request_number(&request, UINT16_MAX, &port);
    at_own_risk = is_known && fl_request_word(&request, FL_RULES_AT_OWN_RISK);
    if (!is_known || !fl_request_is_done(&request)) {
        rte_tel_data_add_dict_string(reply, "status", "malformed");
        return rte_tel_data_add_dict_string(reply, "text", "PORT is wanted");
    }
    fl_rules_forget();
    rte_tel_data_add_dict_u64(reply, "port", port);
    pthread_mutex_lock(&text.lock);
    wait_ms = text.next_ns > now_ns() ? (text.next_ns - now_ns()) / NS_A_MS + 1 : 0;
    if (wait_ms) {
        rte_tel_data_add_dict_string(reply, "status", "busy");
        rte_tel_data_add_dict_u64(reply, "retry_ms", (uint64_t)wait_ms);
    } else {
        dump((uint16_t)port, at_own_risk, &counted, &answer);
        add_count(&counted, &answer, reply);
    }
    pthread_mutex_unlock(&text.lock);
    return 0;
}
