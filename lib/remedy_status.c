/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "lib/base/clock.h"
#include "lib/ovs/db.h"
#include "lib/remedy_steps.h"

struct status {
    struct fl_status_entry *entries;
    size_t n;
};

static struct fl_status_entry *add_entry(struct status *status)
{
    struct fl_status_entry *e;

    status->entries = xrealloc(status->entries, (status->n + 1) * sizeof *status->entries);
    e = &status->entries[status->n++];
    memset(e, 0, sizeof *e);
    return e;
}

/* The state that the switch shows, and what to say when it is not the one on disk. */
static void compare_with_switch(const struct fl_remedy *remedy, struct fl_status_entry *e)
{
    const char *vm = remedy->set.vm_name;

    if (remedy->state == FL_REMEDY_REVERTED) {
        if (e->n_present || e->n_foreign) {
            e->state = FL_REMEDY_INSTALLED;
            e->note = xasprintf("was reverted, and yet rules of it are in the switch; "
                                "run flowlift revert %s",
                                vm);
        }
        return;
    }
    if (remedy->state == FL_REMEDY_SUSPENDED) {
        if (!e->n_present && !e->n_foreign) {
            e->note = xasprintf("suspended: %s", remedy->reason ? remedy->reason : "no reason");
        } else {
            e->state = FL_REMEDY_INSTALLED;
            e->note = xasprintf("was suspended, and yet rules of it are in the switch; "
                                "run flowlift revert %s",
                                vm);
        }
        return;
    }
    if (e->n_present == e->n_rules && !e->n_foreign) {
        if (remedy->state == FL_REMEDY_PLANNED) {
            e->state = FL_REMEDY_INSTALLED;
            e->note = xasprintf("interrupted after its rules went in; run flowlift apply %s to "
                                "verify it, or flowlift revert %s",
                                vm, vm);
        }
    } else if (!e->n_present && !e->n_foreign) {
        e->state = FL_REMEDY_PLANNED;
        e->note = remedy->state == FL_REMEDY_PLANNED
                      ? xasprintf("interrupted before its rules went in; run flowlift apply %s, or "
                                  "flowlift revert %s",
                                  vm, vm)
                      : xasprintf("its rules are gone (OVS restarted, or somebody deleted them); "
                                  "run flowlift apply %s",
                                  vm);
    } else {
        e->state = FL_REMEDY_INSTALLED;
        e->note = xasprintf("%zu of its %zu rules and %zu others with its cookie are in the "
                            "switch; run flowlift apply %s or flowlift revert %s",
                            e->n_present, e->n_rules, e->n_foreign, vm, vm);
    }
}

/* Whoever was to revert it in time was killed, or is at it. */
static void say_late(const struct fl_remedy *remedy, struct fl_status_entry *e)
{
    char by[FL_TIME_TEXT_BYTES];

    if (!fl_remedy_is_late(remedy, fl_time_now_ms())) {
        return;
    }
    free(e->note);
    e->note = xasprintf("was to be confirmed by %s and was not, and yet it is there; run flowlift "
                        "revert %s",
                        fl_time_format(remedy->confirm_by_ms, by), remedy->set.vm_name);
}

static void add_remedy(const struct fl_operator *op, struct status *status,
                       const struct fl_remedy *remedy)
{
    struct fl_status_entry *e = add_entry(status);
    struct fl_error why = FL_ERROR_INIT;
    struct fl_presence presence;

    e->vm_name = xstrdup(remedy->set.vm_name);
    e->vm_id = xstrdup(remedy->set.vm_id);
    e->ticket = nullable_xstrdup(remedy->ticket);
    e->who = nullable_xstrdup(remedy->who);
    e->changed_ms = remedy->changed_ms;
    e->confirm_by_ms = remedy->confirm_by_ms;
    e->until = remedy->until;
    e->on_disk = true;
    e->state = e->recorded = remedy->state;
    e->n_rules = fl_step_n_rules(&remedy->set);
    e->readable = !fl_step_present(op, &remedy->set, &presence, &why);
    if (!e->readable) {
        e->note = xasprintf("the switch could not be asked: %s", why.text);
        return;
    }
    e->n_present = presence.n_present;
    e->n_foreign = presence.n_foreign;
    e->packets = presence.packets;
    e->bytes = presence.bytes;
    compare_with_switch(remedy, e);
    say_late(remedy, e);
}

/* Nobody guards it, or the guard is at it. The entries of remedies come first, in their order. */
static void say_retired(struct status *status, const struct fl_remedy *list, size_t n_list,
                        const char *ovs_version)
{
    for (size_t i = 0; i < n_list; i++) {
        struct fl_status_entry *e = &status->entries[i];
        _cleanup_free char *why = NULL;

        if (!e->readable || !fl_remedy_is_retired(&list[i], fl_time_now_ms(), ovs_version)) {
            continue;
        }
        why = fl_remedy_retired_why(&list[i], ovs_version);
        free(e->note);
        e->note = xasprintf("%s, and yet it is there; run flowlift revert %s", why, e->vm_name);
    }
}

static bool is_known(const struct fl_remedy *list, size_t n, uint64_t cookie)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].set.cookie == cookie) {
            return true;
        }
    }
    return false;
}

static void add_stray(struct status *status, const struct fl_inventory *inv, uint64_t cookie,
                      const struct ofputil_flow_stats *flow)
{
    struct fl_status_entry *e = NULL;
    char *name = NULL;

    for (size_t i = 0; i < inv->n_vms; i++) {
        if (fl_cookie_of_vm(inv->vms[i].id) == cookie) {
            name = xstrdup(inv->vms[i].name);
        }
    }
    if (!name) {
        name = xasprintf("cookie 0x%" PRIx64, cookie);
    }
    for (size_t i = 0; i < status->n; i++) {
        if (!status->entries[i].on_disk && !strcmp(status->entries[i].vm_name, name)) {
            e = &status->entries[i];
        }
    }
    if (!e) {
        e = add_entry(status);
        e->vm_name = xstrdup(name);
        e->state = e->recorded = FL_REMEDY_INSTALLED;
        e->readable = true;
        e->note = xstrdup("rules with flowlift's cookie that no remedy here knows; "
                          "flowlift revert --all takes them out");
    }
    e->n_foreign++;
    e->packets += flow->packet_count == UINT64_MAX ? 0 : flow->packet_count;
    e->bytes += flow->byte_count == UINT64_MAX ? 0 : flow->byte_count;
    free(name);
}

static int add_strays(const struct fl_operator *op, struct status *status,
                      const struct fl_inventory *inv, const char *bridge,
                      const struct fl_remedy *list, size_t n_list, struct fl_error *err)
{
    struct ofputil_flow_stats *flows;
    struct fl_openflow *of;
    size_t n;
    int error = fl_openflow_open(bridge, fl_step_timeout_ms(op), &of, err);

    if (error) {
        return error;
    }
    error = fl_openflow_dump(of, FL_COOKIE_PREFIX << 48, FL_COOKIE_PREFIX_MASK, &flows, &n, err);
    fl_openflow_close(of);
    if (error) {
        return error;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t cookie = ntohll(flows[i].cookie);

        if (!is_known(list, n_list, cookie)) {
            add_stray(status, inv, cookie, &flows[i]);
        }
    }
    fl_openflow_flows_free(flows, n);
    return 0;
}

static int look_for_strays(const struct fl_operator *op, struct status *status,
                           const struct fl_remedy *list, size_t n_list, struct fl_error *err)
{
    struct fl_vm_keys keys = fl_config_vm_keys(op->config);
    struct fl_inventory inv;
    int error = fl_db_read(op->host.db, &keys, fl_step_timeout_ms(op), &inv, err);

    say_retired(status, list, n_list, error ? NULL : inv.ovs_version);
    if (error) {
        return error;
    }
    for (size_t i = 0; !error && i < inv.n_bridges; i++) {
        error = add_strays(op, status, &inv, inv.bridges[i].name, list, n_list, err);
    }
    fl_inventory_destroy(&inv);
    return error;
}

int fl_remedy_status(const struct fl_operator *op, struct fl_status_entry **entries, size_t *n,
                     struct fl_error *err)
{
    struct status status = { .n = 0 };
    struct fl_remedy *list;
    struct fl_store *store;
    size_t n_list;
    int error, strays;

    *entries = NULL;
    *n = 0;
    error = fl_store_open(op->root, false, 0, &store, err);
    if (error) {
        return error;
    }
    error = fl_store_list(store, &list, &n_list, err);
    fl_store_close(store);
    for (size_t i = 0; i < n_list; i++) {
        add_remedy(op, &status, &list[i]);
    }
    strays = look_for_strays(op, &status, list, n_list, err);
    fl_remedy_list_free(list, n_list);
    *entries = status.entries;
    *n = status.n;
    return error ? error : strays;
}

void fl_status_free(struct fl_status_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(entries[i].vm_name);
        free(entries[i].vm_id);
        free(entries[i].note);
        free(entries[i].ticket);
        free(entries[i].who);
    }
    free(entries);
}
