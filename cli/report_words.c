/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_words.h"

#include <stdbool.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/human.h"
#include "flows/cleanup.h"
#include "lib/document.h"
#include "lib/text.h"

/* VMs that a sentence names, the rest is counted. */
#define NAMES_SHOWN  3u
#define NAME_COLUMNS 60u

/* A name that is longer than a sentence has room for is cut; free(). */
static char *name_of(const json_t *vm)
{
    const char *name = fl_text_at(vm, "name");
    size_t n = fl_text_clip(name, NAME_COLUMNS);

    return xasprintf("%.*s%s", (int)n, name, name[n] ? "\u2026" : "");
}

/* Dumps do not say where they are from. */
static const char *host_of(const json_t *document)
{
    const char *host = fl_text_at(document, "host");

    return *host && strcmp(host, "unknown") ? host : "the host";
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
    return !strcmp(fl_text_at(entry, "verdict"), verdict);
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
    double before = fl_share_at(json_object_get(vm, "before"), "hw_share");
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
    double after = fl_share_at(json_object_get(vm, "after"), "hw_share");
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
                      percent(fl_share_at(now, "hw_share"), text));
        put_before(&ds, vm, fl_share_at(now, "hw_share"));
        ds_put_char(&ds, '.');
    } else if (has_verdict(now, "stranded")) {
        put_stranded(&ds, vm, name, fl_share_at(now, "hw_share"));
    } else if (has_verdict(now, "leaking")) {
        ds_put_format(&ds,
                      "Part of the storage traffic of %s leaks into software: %s of its "
                      "packets go through the NIC.",
                      name, percent(fl_share_at(now, "hw_share"), text));
    } else if (has_verdict(now, "idle")) {
        put_idle(&ds, vm, name);
    } else {
        ds_put_format(&ds, "Whether the storage traffic of %s is in the NIC could not be told%s%s.",
                      name, *fl_text_at(now, "reason") ? ": " : "", fl_text_at(now, "reason"));
    }
    return ds_steal_cstr(&ds);
}

/* Of a fleet, VMs are entries themselves. */
static const json_t *entry_of(const json_t *vm)
{
    const json_t *now = json_object_get(vm, "now");

    return now ? now : vm;
}

static void put_names(struct ds *ds, const json_t *vms, json_int_t n_bad)
{
    json_int_t n = 0;
    const json_t *vm;
    size_t i;

    json_array_foreach(vms, i, vm) {
        const json_t *now = entry_of(vm);
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

static json_int_t sum_of(const json_t *counts)
{
    json_int_t sum = 0;
    const char *key;
    json_t *count;

    json_object_foreach(CONST_CAST(json_t *, counts), key, count)
        sum += json_integer_value(count);
    return sum;
}

static const char *plural(json_int_t n)
{
    return n == 1 ? "" : "s";
}

/* How things stand in all of a place. @n: VMs there are; @counts: by verdict; @vms: the worst first. */
static void put_all(struct ds *ds, const char *place, json_int_t n, const json_t *counts,
                    const json_t *vms)
{
    json_int_t n_bad = json_integer_value(json_object_get(counts, "stranded")) +
                       json_integer_value(json_object_get(counts, "leaking"));
    json_int_t n_unknown = json_integer_value(json_object_get(counts, "unknown"));
    json_int_t n_good = json_integer_value(json_object_get(counts, "offloaded"));

    if (!n) {
        ds_put_cstr(ds, "There is no VM in what was read");
    } else if (n_bad) {
        ds_put_format(ds,
                      "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " VM%s on %s %s "
                      "storage traffic in software",
                      n_bad, n, plural(n), place, n_bad == 1 ? "has" : "have");
        put_names(ds, vms, n_bad);
    } else if (n_unknown) {
        ds_put_format(ds,
                      "Of %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " VM%s on %s "
                      "could not be told whether storage traffic is in the NIC",
                      n_unknown, n, plural(n), place);
    } else if (n_good) {
        ds_put_format(ds,
                      "The storage traffic on %s is in the NIC: that of all %" JSON_INTEGER_FORMAT
                      " VM%s that %s any",
                      place, n_good, plural(n_good), n_good == 1 ? "has" : "have");
    } else {
        ds_put_format(ds, "No VM on %s has storage traffic at the moment", place);
    }
    ds_put_cstr(ds, ".");
}

char *fl_report_all_words(const json_t *document)
{
    const json_t *summary = json_object_get(document, "summary");
    struct ds ds = DS_EMPTY_INITIALIZER;

    put_all(&ds, host_of(document), json_integer_value(json_object_get(summary, "vms")), summary,
            json_object_get(document, "vms"));
    if (json_is_string(json_object_get(document, "incomplete")))
        ds_put_cstr(&ds, " Not everything could be read.");
    return ds_steal_cstr(&ds);
}

/* What makes everything else less sure. */
static void put_doubts(struct ds *ds, const json_t *document, json_int_t n_not_heard)
{
    const json_t *hosts = json_object_get(json_object_get(document, "summary"), "hosts");
    json_int_t n_incomplete = json_integer_value(json_object_get(hosts, "incomplete"));

    if (n_not_heard)
        ds_put_format(ds,
                      " %" JSON_INTEGER_FORMAT " host%s not heard of lately: nothing is known of "
                      "%s VMs.",
                      n_not_heard, n_not_heard == 1 ? " was" : "s were",
                      n_not_heard == 1 ? "its" : "their");
    if (n_incomplete)
        ds_put_format(ds, " The audit%s of %" JSON_INTEGER_FORMAT " host%s %s not whole.",
                      plural(n_incomplete), n_incomplete, plural(n_incomplete),
                      n_incomplete == 1 ? "is" : "are");
    if (json_integer_value(json_object_get(document, "n_unread")) > 0)
        ds_put_cstr(ds, " Not everything could be read.");
}

char *fl_report_fleet_words(const json_t *document)
{
    const json_t *summary = json_object_get(document, "summary");
    const json_t *hosts = json_object_get(summary, "hosts");
    const json_t *vms = json_object_get(summary, "vms");
    const json_t *nic = json_object_get(document, "shared_nic");
    json_int_t n_hosts = sum_of(hosts) - json_integer_value(json_object_get(hosts, "incomplete"));
    struct ds place = DS_EMPTY_INITIALIZER, ds = DS_EMPTY_INITIALIZER;

    ds_put_format(&place, "%" JSON_INTEGER_FORMAT " host%s", n_hosts, plural(n_hosts));
    put_all(&ds, ds_cstr(&place), sum_of(vms), vms, json_object_get(document, "vms"));
    if (json_is_object(nic))
        ds_put_format(
            &ds, " All that are stranded have a NIC of %s, firmware %s; other VMs have others.",
            *fl_text_at(nic, "driver") ? fl_text_at(nic, "driver") : "an unknown driver",
            *fl_text_at(nic, "firmware") ? fl_text_at(nic, "firmware") : "unknown");
    put_doubts(&ds, document, n_hosts - json_integer_value(json_object_get(hosts, "heard")));
    ds_destroy(&place);
    return ds_steal_cstr(&ds);
}
