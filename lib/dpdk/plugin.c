/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/dpdk/plugin.h"

#include <errno.h>
#include <inttypes.h>
#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/json_read.h"
#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/ovs/socket.h"

/* Of the commands: see lib/dpdk/plugin/plugin.c. */
#define INTERFACE 1
/* How often to ask again when DPDK mixes requests up. */
#define MAX_ATTEMPTS 5

/* ---- Is it there ---- */

static int read_version(const json_t *reply, struct fl_plugin_version *version, int64_t *interface,
                        struct fl_error *err)
{
    const char *plugin = "", *dpdk = "", *built_for = "";
    int error = fl_json_object(reply, "", err);

    error = error ? error : fl_json_string(reply, "", "plugin", 63, &plugin, err);
    error = error ? error : fl_json_string(reply, "", "dpdk", 63, &dpdk, err);
    error = error ? error : fl_json_string(reply, "", "built_for", 63, &built_for, err);
    error = error ? error
                  : fl_json_integer(reply, "", "interface", 0, INT32_MAX, 0, interface, err);
    ovs_strlcpy(version->plugin, plugin, sizeof version->plugin);
    ovs_strlcpy(version->dpdk, dpdk, sizeof version->dpdk);
    ovs_strlcpy(version->built_for, built_for, sizeof version->built_for);
    return error;
}

int fl_plugin_check(struct fl_telemetry *telemetry, struct fl_plugin_version *version,
                    struct fl_error *err)
{
    struct fl_error cause = FL_ERROR_INIT;
    _cleanup_json json_t *reply = NULL;
    int64_t interface = 0;
    int error = fl_telemetry_ask(telemetry, "/flowlift/version", &reply, &cause);

    if (error == -ENOENT) {
        return fl_error_set(err, error,
                            "ovs-vswitchd has not loaded flowlift's plug-in: add \"-d PATH/"
                            "librte_flowlift.so\" to other_config:dpdk-extra and restart it; if "
                            "that was done, its log says why not (\"flowlift:\")");
    }
    if (error) {
        return fl_error_set(err, error, "%s", cause.text);
    }
    if (read_version(reply, version, &interface, &cause) || interface != INTERFACE) {
        return fl_error_set(err, -EPROTO,
                            "the plug-in in ovs-vswitchd is of another flowlift (%s, interface "
                            "%" PRId64 "); install this one's and restart ovs-vswitchd",
                            version->plugin, interface);
    }
    return 0;
}

int fl_plugin_open(const char *dpdk_extra, const char *target, int timeout_ms,
                   struct fl_telemetry **telemetry, struct fl_error *err)
{
    _cleanup_free char *path = target ? xstrdup(target) : NULL;
    struct fl_plugin_version version;
    int error = path ? 0 : fl_socket_vswitchd(&path, err);

    *telemetry = NULL;
    if (!error) {
        error = fl_telemetry_open_ovs(dpdk_extra, fl_socket_pid(path), timeout_ms, telemetry, err);
    }
    if (error) {
        return error;
    }
    error = fl_plugin_check(*telemetry, &version, err);
    if (error) {
        fl_telemetry_close(*telemetry);
        *telemetry = NULL;
    }
    return error;
}

/* ---- Ports ---- */

static int ask_port(struct fl_telemetry *telemetry, uint16_t id, struct fl_plugin_port *port,
                    struct fl_error *err)
{
    _cleanup_free char *request = xasprintf("/flowlift/port,%u", id);

    for (int i = 1;; i++) {
        struct fl_error cause = FL_ERROR_INIT;
        _cleanup_json json_t *reply = NULL;
        int error = fl_telemetry_ask(telemetry, request, &reply, &cause);

        if (!error) {
            error = fl_plugin_decode_port(reply, port, &cause);
        }
        if (!error && port->id != id) {
            error = fl_error_set(&cause, -EAGAIN, "DPDK answers for another port; try again");
        }
        if (error != -EAGAIN || i == MAX_ATTEMPTS) {
            return error ? fl_error_set(err, error, "%s", cause.text) : 0;
        }
    }
}

int fl_plugin_ports(struct fl_telemetry *telemetry, struct fl_plugin_port **ports, size_t *n,
                    struct fl_error *err)
{
    _cleanup_json json_t *reply = NULL;
    _cleanup_free struct fl_plugin_port *made = NULL;
    size_t n_made = 0, n_ids;
    int error = fl_telemetry_ask(telemetry, "/flowlift/ports", &reply, err);

    if (error) {
        return error;
    }
    n_ids = json_array_size(reply);
    made = xcalloc(n_ids + 1, sizeof *made);
    for (size_t i = 0; i < n_ids; i++) {
        struct fl_error cause = FL_ERROR_INIT;
        json_int_t id = json_integer_value(json_array_get(reply, i));

        error = ask_port(telemetry, (uint16_t)id, &made[n_made], &cause);
        if (error && error != -ENODEV) {
            return fl_error_set(err, error, "%s", cause.text);
        }
        n_made += !error;
    }
    *ports = fl_steal(made);
    *n = n_made;
    return 0;
}

/* ---- Waiting, refusals ---- */

/* Return: 0 when it may be asked again. */
static int wait_turn(uint32_t retry_ms, int64_t *until_ms, struct fl_error *err)
{
    int64_t now = fl_monotonic_ms();

    if (!*until_ms) {
        *until_ms = now + FL_PLUGIN_BUSY_MS;
    }
    if (now + retry_ms > *until_ms) {
        return fl_error_set(err, -EBUSY,
                            "the plug-in in ovs-vswitchd is kept busy by other clients; try "
                            "again later");
    }
    fl_sleep_until_ms(now + retry_ms);
    return 0;
}

static int declined(const struct fl_plugin_page *page, uint16_t port, struct fl_error *err)
{
    if (page->code == ENODEV) {
        return fl_error_set(err, -ENODEV, "DPDK has no port %u", port);
    }
    if (page->code == ENOSYS || page->code == ENOTSUP) {
        return fl_error_set(err, -EOPNOTSUPP,
                            "the driver of DPDK port %u does not list its rules%s%s", port,
                            page->text[0] ? ": " : "", page->text);
    }
    if (page->code == EAGAIN) {
        return fl_error_set(err, -EAGAIN, "DPDK port %u: %s; try again", port, page->text);
    }
    if (page->code == EPERM) {
        return fl_error_set(err, -EPERM, "the rules of DPDK port %u are not listed: %s", port,
                            page->text);
    }
    return fl_error_set(err, -EIO, "the driver of DPDK port %u cannot list its rules: %s (%s)",
                        port, page->text, strerror(page->code));
}

/* Of a listing or a count; free() it. */
static char *first_request(const char *command, uint16_t port, bool at_own_risk)
{
    return xasprintf("%s,%u%s", command, port, at_own_risk ? ",at-own-risk" : "");
}

typedef int decode_func(const json_t *reply, struct fl_plugin_page *page, struct fl_error *err);

/*
 * Asks until it is our turn and the answer is ours. @reply stays with the caller, since @page points into it.
 * Return: 0 with a page that is FL_PLUGIN_OK; -EAGAIN for one that is gone.
 */
static int ask_in_turn(struct fl_telemetry *telemetry, const char *request, decode_func *decode,
                       uint16_t port, uint64_t offset, json_t **reply, struct fl_plugin_page *page,
                       struct fl_error *err)
{
    int64_t until_ms = 0;
    int attempts = 0, error;

    for (;;) {
        json_decref(*reply);
        *reply = NULL;
        error = fl_telemetry_ask(telemetry, request, reply, err);
        if (!error) {
            error = decode(*reply, page, err);
        }
        if (error) {
            return error;
        }
        if (page->status == FL_PLUGIN_BUSY) {
            error = wait_turn(page->retry_ms, &until_ms, err);
            if (error) {
                return error;
            }
        } else if (page->status == FL_PLUGIN_DECLINED) {
            return declined(page, port, err);
        } else if (page->status == FL_PLUGIN_GONE) {
            return fl_error_set(err, -EAGAIN,
                                "another client's listing took the place of this one; try again");
        } else if (page->status == FL_PLUGIN_OK && page->port == port && page->offset == offset) {
            return 0;
        } else if (++attempts == MAX_ATTEMPTS) {
            return fl_error_set(err, -EAGAIN,
                                "DPDK keeps mixing this client up with another; try again");
        }
    }
}

int fl_plugin_count(struct fl_telemetry *telemetry, uint16_t port, bool at_own_risk,
                    struct fl_plugin_listing *listing, struct fl_error *err)
{
    _cleanup_free char *request = first_request("/flowlift/count", port, at_own_risk);
    _cleanup_json json_t *reply = NULL;
    struct fl_plugin_page page;
    int error = ask_in_turn(telemetry, request, fl_plugin_decode_count, port, 0, &reply, &page,
                            err);

    if (!error) {
        *listing = page.listing;
    }
    return error;
}

/* ---- Rules ---- */

/* What is behind the last newline so far. */
struct lines {
    fl_plugin_line_sink *sink;
    void *aux;
    struct ds rest;
};

static int hand_over(struct lines *lines, const char *text, size_t n, struct fl_error *err)
{
    while (n) {
        const char *end = memchr(text, '\n', n);
        size_t part = end ? (size_t)(end - text) : n;
        int error = 0;

        if (lines->rest.length + part > FL_LIMIT_LINE_BYTES) {
            return fl_error_set(err, -EMSGSIZE,
                                "a line of a driver's rules is longer than %u bytes",
                                FL_LIMIT_LINE_BYTES);
        }
        ds_put_buffer(&lines->rest, text, part);
        if (end) {
            error = lines->sink(ds_cstr(&lines->rest), lines->aux);
            ds_clear(&lines->rest);
            part++;
        }
        if (error) {
            return error;
        }
        text += part;
        n -= part;
    }
    return 0;
}

static int list_pages(struct fl_telemetry *telemetry, uint16_t port, bool at_own_risk,
                      struct lines *lines, struct fl_plugin_page *page, struct fl_error *err)
{
    _cleanup_free char *request = first_request("/flowlift/rules", port, at_own_risk);
    _cleanup_json json_t *reply = NULL;
    uint32_t snapshot = 0;
    uint64_t offset = 0;

    for (;;) {
        int error = ask_in_turn(telemetry, request, fl_plugin_decode_page, port, offset, &reply,
                                page, err);

        if (!error && snapshot && page->snapshot != snapshot) {
            error = fl_error_set(err, -EAGAIN, "the pages of a listing do not belong together");
        }
        if (!error) {
            error = hand_over(lines, page->lines, page->next - page->offset, err);
        }
        if (error || page->next == page->stored) {
            return error;
        }
        snapshot = page->snapshot;
        offset = page->next;
        free(request);
        request = xasprintf("/flowlift/rules,%u,%" PRIu64 ",%" PRIu32, port, offset, snapshot);
    }
}

int fl_plugin_rules(struct fl_telemetry *telemetry, uint16_t port, bool at_own_risk,
                    fl_plugin_line_sink *sink, void *aux, struct fl_plugin_listing *listing,
                    struct fl_error *err)
{
    struct lines lines = { .sink = sink, .aux = aux, .rest = DS_EMPTY_INITIALIZER };
    struct fl_plugin_page page;
    bool is_complete;
    int error = list_pages(telemetry, port, at_own_risk, &lines, &page, err);

    is_complete = !error && page.stored == page.listing.bytes;
    if (is_complete && lines.rest.length) {
        error = sink(ds_cstr(&lines.rest), aux);
    }
    ds_destroy(&lines.rest);
    if (!error) {
        *listing = page.listing;
        listing->is_complete = is_complete;
    }
    return error;
}

/* ---- Validation ---- */

int fl_plugin_validate(struct fl_telemetry *telemetry, uint16_t port, const char *rule,
                       struct fl_plugin_answer *answer, struct fl_error *err)
{
    static const char command[] = "/flowlift/validate,";
    _cleanup_free char *request = xasprintf("%s%u,%s", command, port, rule);
    uint32_t check = fl_plugin_check_of(request + sizeof command - 1);

    for (int i = 1;; i++) {
        struct fl_error cause = FL_ERROR_INIT;
        _cleanup_json json_t *reply = NULL;
        struct fl_plugin_answer got;
        int error = fl_telemetry_ask(telemetry, request, &reply, &cause);

        if (!error) {
            error = fl_plugin_decode_answer(reply, check, &got, &cause);
        }
        if (!error) {
            *answer = got;
            return 0;
        }
        if (error != -EAGAIN || i == MAX_ATTEMPTS) {
            return fl_error_set(err, error, "%s", cause.text);
        }
    }
}

/* Source: DPDK 22.11 rte_flow.h, enum rte_flow_error_type. */
const char *fl_plugin_type_name(int type)
{
    static const char *const names[] = {
        "none",         "unspecified", "handle",        "attr.group", "attr.priority",
        "attr.ingress", "attr.egress", "attr.transfer", "attr",       "item.num",
        "item.spec",    "item.last",   "item.mask",     "item",       "action.num",
        "action.conf",  "action",      "state",
    };

    return type >= 0 && (size_t)type < ARRAY_SIZE(names) ? names[type] : "unknown";
}
