/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_words.h"

#include <stdbool.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/human.h"
#include "flows/cleanup.h"
#include "lib/text.h"

/* VMs that a sentence names, the rest is counted. */
#define NAMES_SHOWN  3u
#define NAME_COLUMNS 60u

static const char *string_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* A name that is longer than a sentence has room for is cut; free(). */
static char *name_of(const json_t *vm)
{
    const char *name = string_of(vm, "name");
    size_t n = fl_text_clip(name, NAME_COLUMNS);

    return xasprintf("%.*s%s", (int)n, name, name[n] ? "\u2026" : "");
}

/* Dumps do not say where they are from. */
static const char *host_of(const json_t *document)
{
    const char *host = string_of(document, "host");

    return *host && strcmp(host, "unknown") ? host : "the host";
}

/* Of an audit entry; negative when it has none. */
static double share_of(const json_t *entry)
{
    const json_t *share = json_object_get(entry, "hw_share");

    return json_is_number(share) ? json_number_value(share) : -1;
}

/* The text of a share with its sign: "97 %". Not to be told: "an unknown part". */
static const char *percent(double share, char buf[FL_HUMAN_BYTES + 4])
{
    char digits[FL_HUMAN_BYTES];

    if (share < 0)
        return "an unknown part";
    snprintf(buf, FL_HUMAN_BYTES + 4, "%s %%", fl_human_share(share, digits));
    return buf;
}

static bool has_verdict(const json_t *entry, const char *verdict)
{
    return !strcmp(string_of(entry, "verdict"), verdict);
}

static size_t n_with_verdict(const json_t *peers, const char *verdict)
{
    size_t n = 0, i;
    const json_t *peer;

    json_array_foreach(peers, i, peer)
        n += has_verdict(peer, verdict);
    return n;
}

/* What it was like before, where that was worse. */
static void put_before(struct ds *ds, const json_t *vm, double now)
{
    double before = share_of(json_object_get(vm, "before"));
    char text[FL_HUMAN_BYTES + 4];

    if (before >= 0 && now - before > 0.005)
        ds_put_format(ds, ", %s before", percent(before, text));
}

static void put_stranded(struct ds *ds, const json_t *vm, const char *name, double now)
{
    const json_t *peers = json_object_get(vm, "peers");
    char text[FL_HUMAN_BYTES + 4];

    ds_put_format(ds,
                  "The storage traffic of %s is stuck in software: %s of its packets go "
                  "through the NIC",
                  name, percent(now, text));
    if (n_with_verdict(peers, "offloaded"))
        ds_put_cstr(ds, ", while those of other VMs on this host do");
    ds_put_char(ds, '.');
}

static void put_idle(struct ds *ds, const json_t *vm, const char *name)
{
    double after = share_of(json_object_get(vm, "after"));
    char text[FL_HUMAN_BYTES + 4];

    ds_put_format(ds, "%s has no storage traffic at the moment", name);
    if (after >= 0) {
        ds_put_format(ds, "; when it had, %s of its packets went through the NIC",
                      percent(after, text));
        put_before(ds, vm, after);
    }
    ds_put_char(ds, '.');
}

char *fl_report_vm_words(const json_t *vm)
{
    const json_t *now = json_object_get(vm, "now");
    _cleanup_free char *name = name_of(vm);
    struct ds ds = DS_EMPTY_INITIALIZER;
    char text[FL_HUMAN_BYTES + 4];

    if (has_verdict(now, "offloaded")) {
        ds_put_format(&ds, "The NIC forwards the storage traffic of %s: %s of its packets", name,
                      percent(share_of(now), text));
        put_before(&ds, vm, share_of(now));
        ds_put_char(&ds, '.');
    } else if (has_verdict(now, "stranded")) {
        put_stranded(&ds, vm, name, share_of(now));
    } else if (has_verdict(now, "leaking")) {
        ds_put_format(&ds,
                      "Part of the storage traffic of %s leaks into software: %s of its "
                      "packets go through the NIC.",
                      name, percent(share_of(now), text));
    } else if (has_verdict(now, "idle")) {
        put_idle(&ds, vm, name);
    } else {
        ds_put_format(&ds, "Whether the storage traffic of %s is in the NIC could not be told%s%s.",
                      name, *string_of(now, "reason") ? ": " : "", string_of(now, "reason"));
    }
    return ds_steal_cstr(&ds);
}

static void put_names(struct ds *ds, const json_t *vms, json_int_t n_bad)
{
    json_int_t n = 0;
    const json_t *vm;
    size_t i;

    json_array_foreach(vms, i, vm) {
        const json_t *now = json_object_get(vm, "now");
        _cleanup_free char *name = name_of(vm);

        if (!has_verdict(now, "stranded") && !has_verdict(now, "leaking"))
            continue;
        if (n == NAMES_SHOWN)
            break;
        ds_put_format(ds, "%s%s", n++ ? ", " : ": ", name);
    }
    if (n_bad > n)
        ds_put_format(ds, " and %" JSON_INTEGER_FORMAT " more", n_bad - n);
}

char *fl_report_all_words(const json_t *document)
{
    const json_t *summary = json_object_get(document, "summary");
    json_int_t n = json_integer_value(json_object_get(summary, "vms"));
    json_int_t n_bad = json_integer_value(json_object_get(summary, "stranded")) +
                       json_integer_value(json_object_get(summary, "leaking"));
    json_int_t n_unknown = json_integer_value(json_object_get(summary, "unknown"));
    json_int_t n_good = json_integer_value(json_object_get(summary, "offloaded"));
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (!n) {
        ds_put_cstr(&ds, "There is no VM in what was read");
    } else if (n_bad) {
        ds_put_format(&ds,
                      "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " VM%s on %s %s "
                      "storage traffic in software",
                      n_bad, n, n == 1 ? "" : "s", host_of(document), n_bad == 1 ? "has" : "have");
        put_names(&ds, json_object_get(document, "vms"), n_bad);
    } else if (n_unknown) {
        ds_put_format(&ds,
                      "Of %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " VM%s on %s "
                      "could not be told whether storage traffic is in the NIC",
                      n_unknown, n, n == 1 ? "" : "s", host_of(document));
    } else if (n_good) {
        ds_put_format(&ds,
                      "The storage traffic on %s is in the NIC: that of all %" JSON_INTEGER_FORMAT
                      " VM%s that %s any",
                      host_of(document), n_good, n_good == 1 ? "" : "s",
                      n_good == 1 ? "has" : "have");
    } else {
        ds_put_format(&ds, "No VM on %s has storage traffic at the moment", host_of(document));
    }
    ds_put_cstr(&ds, ".");
    if (json_is_string(json_object_get(document, "incomplete")))
        ds_put_cstr(&ds, " Not everything could be read.");
    return ds_steal_cstr(&ds);
}
