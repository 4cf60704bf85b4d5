/* SPDX-License-Identifier: Apache-2.0 */

/* What the plug-in replies: see plugin.h, and lib/dpdk/plugin/ for who writes it. */

#include <errno.h>
#include <inttypes.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/json_read.h"
#include "flows/limits.h"
#include "lib/dpdk/plugin.h"

/* See telemetry.h. */
#define MIXED_UP "DPDK mixed this request up with another client's; try again"

static int wrong(struct fl_error *err, const char *command)
{
    fl_error_clear(err);
    return fl_error_set(err, -EPROTO,
                        "what answers to %s in ovs-vswitchd is not the plug-in of this flowlift",
                        command);
}

uint32_t fl_plugin_check_of(const char *params)
{
    uint32_t check = UINT32_C(2166136261);

    for (; *params; params++) {
        check = (check ^ (uint8_t)*params) * UINT32_C(16777619);
    }
    return check;
}

static bool status_of(const char *name, enum fl_plugin_status *status)
{
    static const struct {
        const char *name;
        enum fl_plugin_status status;
    } words[] = {
        { "ok", FL_PLUGIN_OK },
        { "busy", FL_PLUGIN_BUSY },
        { "gone", FL_PLUGIN_GONE },
        { "refused", FL_PLUGIN_DECLINED },
        { "malformed", FL_PLUGIN_MALFORMED },
    };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(words[i].name, name)) {
            *status = words[i].status;
            return true;
        }
    }
    return false;
}

static int read_text(const json_t *reply, const char *key, char text[FL_PLUGIN_TEXT_BYTES],
                     struct fl_error *err)
{
    const char *value = NULL;
    int error = fl_json_string(reply, "", key, FL_PLUGIN_TEXT_BYTES - 1, &value, err);

    if (!error) {
        ovs_strlcpy(text, value, FL_PLUGIN_TEXT_BYTES);
    }
    return error;
}

static int read_number(const json_t *reply, const char *key, int64_t min, int64_t max,
                       int64_t *number, struct fl_error *err)
{
    if (!json_object_get(reply, key)) {
        return fl_error_set(err, -EINVAL, "%s is missing", key);
    }
    return fl_json_integer(reply, "", key, min, max, 0, number, err);
}

static int read_status(const json_t *reply, enum fl_plugin_status *status, struct fl_error *err)
{
    char name[FL_PLUGIN_TEXT_BYTES];
    int error = fl_json_object(reply, "", err);

    if (!error) {
        error = read_text(reply, "status", name, err);
    }
    return error ? error : status_of(name, status) ? 0 : -EINVAL;
}

/* ---- Pages ---- */

/* NAME=NUMBER at *@text, and the blank or newline behind it. */
static bool take_number(const char **text, const char *name, uint64_t max, uint64_t *number)
{
    size_t n = strlen(name);
    char *end;

    if (strncmp(*text, name, n) || (*text)[n] != '=' || (*text)[n + 1] < '0' ||
        (*text)[n + 1] > '9') {
        return false;
    }
    errno = 0;
    *number = strtoull(*text + n + 1, &end, 10);
    if (errno || *number > max || (*end != ' ' && *end != '\n')) {
        return false;
    }
    *text = end + 1;
    return true;
}

static bool read_head(const char *head, struct fl_plugin_page *page)
{
    uint64_t port, snapshot;

    if (!take_number(&head, "port", UINT16_MAX, &port) ||
        !take_number(&head, "snapshot", UINT32_MAX, &snapshot) ||
        !take_number(&head, "offset", FL_LIMIT_NIC_RULES_BYTES, &page->offset) ||
        !take_number(&head, "next", FL_LIMIT_NIC_RULES_BYTES, &page->next) ||
        !take_number(&head, "stored", FL_LIMIT_NIC_RULES_BYTES, &page->stored) ||
        !take_number(&head, "bytes", INT64_MAX, &page->listing.bytes) ||
        !take_number(&head, "lines", INT64_MAX, &page->listing.lines) ||
        !take_number(&head, "took_us", INT64_MAX, &page->listing.took_us)) {
        return false;
    }
    page->port = (uint32_t)port;
    page->snapshot = (uint32_t)snapshot;
    page->lines = head;
    return head[-1] == '\n' && page->next - page->offset == strlen(head) &&
           page->next <= page->stored && page->stored <= page->listing.bytes &&
           (*head || page->next == page->stored);
}

/* "code=N text=..." up to the end of the line; either may be missing. */
static bool read_complaint(const char *rest, struct fl_plugin_page *page)
{
    uint64_t code = 0;

    if (!strncmp(rest, "code=", 5) && !take_number(&rest, "code", INT32_MAX, &code)) {
        return false;
    }
    page->code = (int)code;
    if (strncmp(rest, "text=", 5)) {
        return false;
    }
    rest += 5;
    ovs_strlcpy(page->text, rest, MIN(sizeof page->text, strcspn(rest, "\n") + 1));
    return true;
}

static bool read_page(const char *text, struct fl_plugin_page *page)
{
    static const char status[] = "status=";
    char name[16];
    size_t n = strncmp(text, status, sizeof status - 1) ? 0 : strcspn(text, " \n");
    uint64_t retry_ms;

    if (n < sizeof status || n - (sizeof status - 1) >= sizeof name || !text[n]) {
        return false;
    }
    ovs_strlcpy(name, text + sizeof status - 1, n - (sizeof status - 1) + 1);
    if (!status_of(name, &page->status)) {
        return false;
    }
    text += n + 1;
    switch (page->status) {
    case FL_PLUGIN_OK: return read_head(text, page);
    case FL_PLUGIN_BUSY:
        if (!take_number(&text, "retry_ms", UINT32_MAX, &retry_ms)) {
            return false;
        }
        page->retry_ms = (uint32_t)retry_ms;
        return true;
    case FL_PLUGIN_GONE: return true;
    case FL_PLUGIN_DECLINED:
    case FL_PLUGIN_MALFORMED: return read_complaint(text, page);
    default: OVS_NOT_REACHED();
    }
}

int fl_plugin_decode_page(const json_t *reply, struct fl_plugin_page *page, struct fl_error *err)
{
    const char *text = json_string_value(reply);

    *page = (struct fl_plugin_page){ 0 };
    if (!text || strlen(text) != json_string_length(reply) || !read_page(text, page)) {
        return wrong(err, "/flowlift/rules");
    }
    return 0;
}

/* ---- Others ---- */

static int read_count(const json_t *reply, struct fl_plugin_page *page, struct fl_error *err)
{
    int64_t lines = 0, bytes = 0, took_us = 0, port = 0, retry_ms = 0, code = 0;
    int error = read_status(reply, &page->status, err);

    if (!error && page->status != FL_PLUGIN_MALFORMED) {
        error = read_number(reply, "port", 0, UINT16_MAX, &port, err);
    }
    if (!error && page->status == FL_PLUGIN_OK) {
        error = read_number(reply, "lines", 0, INT64_MAX, &lines, err);
        error = error ? error : read_number(reply, "bytes", 0, INT64_MAX, &bytes, err);
        error = error ? error : read_number(reply, "took_us", 0, INT64_MAX, &took_us, err);
    } else if (!error && page->status == FL_PLUGIN_BUSY) {
        error = read_number(reply, "retry_ms", 0, UINT32_MAX, &retry_ms, err);
    } else if (!error && page->status == FL_PLUGIN_DECLINED) {
        error = read_number(reply, "code", 0, INT32_MAX, &code, err);
        error = error ? error : read_text(reply, "text", page->text, err);
    }
    page->port = (uint32_t)port;
    page->retry_ms = (uint32_t)retry_ms;
    page->code = (int)code;
    page->listing = (struct fl_plugin_listing){
        .lines = (uint64_t)lines,
        .bytes = (uint64_t)bytes,
        .took_us = (uint64_t)took_us,
    };
    return error;
}

int fl_plugin_decode_count(const json_t *reply, struct fl_plugin_page *page, struct fl_error *err)
{
    *page = (struct fl_plugin_page){ 0 };
    return read_count(reply, page, err) ? wrong(err, "/flowlift/count") : 0;
}

static int read_port(const json_t *reply, struct fl_plugin_port *port, struct fl_error *err)
{
    int64_t id, domain, switch_port, queues, representor, flow_api;
    int error = read_number(reply, "port", 0, UINT16_MAX, &id, err);

    error = error ? error : read_text(reply, "name", port->name, err);
    error = error ? error : read_text(reply, "driver", port->driver, err);
    error = error ? error : read_text(reply, "switch_name", port->switch_name, err);
    error = error ? error : read_number(reply, "switch_domain", -1, UINT16_MAX, &domain, err);
    error = error ? error : read_number(reply, "switch_port", 0, UINT16_MAX, &switch_port, err);
    error = error ? error : read_number(reply, "rx_queues", 0, UINT16_MAX, &queues, err);
    error = error ? error : read_number(reply, "representor", 0, 1, &representor, err);
    error = error ? error : read_number(reply, "flow_api", 0, 1, &flow_api, err);
    if (!error) {
        port->id = (uint16_t)id;
        port->switch_domain = (int)domain;
        port->switch_port = (int)switch_port;
        port->n_rx_queues = (int)queues;
        port->is_representor = representor;
        port->has_flow_api = flow_api;
    }
    return error;
}

int fl_plugin_decode_port(const json_t *reply, struct fl_plugin_port *port, struct fl_error *err)
{
    enum fl_plugin_status status;
    int error = read_status(reply, &status, err);

    *port = (struct fl_plugin_port){ 0 };
    if (!error && status == FL_PLUGIN_DECLINED) {
        return fl_error_set(err, -ENODEV, "DPDK has no such port");
    }
    if (!error && status == FL_PLUGIN_MALFORMED) {
        return fl_error_set(err, -EAGAIN, MIXED_UP);
    }
    if (error || status != FL_PLUGIN_OK || read_port(reply, port, err)) {
        return wrong(err, "/flowlift/port");
    }
    return 0;
}

static int read_answer(const json_t *reply, const char *status, struct fl_plugin_answer *answer,
                       struct fl_error *err)
{
    static const char *const names[] = {
        [FL_PLUGIN_ACCEPTED] = "accepted",
        [FL_PLUGIN_REFUSED] = "refused",
        [FL_PLUGIN_UNKNOWN] = "unknown",
    };
    int64_t code = 0, type = 0;
    size_t verdict = 0;

    while (verdict < ARRAY_SIZE(names) && strcmp(names[verdict], status)) {
        verdict++;
    }
    if (verdict == ARRAY_SIZE(names) || read_number(reply, "code", 0, INT32_MAX, &code, err) ||
        fl_json_integer(reply, "", "type", 0, INT32_MAX, 0, &type, err) ||
        (verdict == FL_PLUGIN_ACCEPTED) != !code) {
        return -EPROTO;
    }
    answer->verdict = (enum fl_plugin_verdict)verdict;
    answer->code = (int)code;
    answer->type = (int)type;
    return 0;
}

int fl_plugin_decode_answer(const json_t *reply, uint32_t check, struct fl_plugin_answer *answer,
                            struct fl_error *err)
{
    char status[FL_PLUGIN_TEXT_BYTES];
    int64_t repeated;

    *answer = (struct fl_plugin_answer){ .verdict = FL_PLUGIN_UNKNOWN };
    if (fl_json_object(reply, "", err) ||
        read_number(reply, "check", 0, UINT32_MAX, &repeated, err) ||
        read_text(reply, "status", status, err) || read_text(reply, "text", answer->text, err)) {
        return wrong(err, "/flowlift/validate");
    }
    if (repeated != check) {
        return fl_error_set(err, -EAGAIN, MIXED_UP);
    }
    if (!strcmp(status, "malformed")) {
        return fl_error_set(err, -EINVAL, "the plug-in does not understand the rule: %s",
                            answer->text);
    }
    return read_answer(reply, status, answer, err) ? wrong(err, "/flowlift/validate") : 0;
}
