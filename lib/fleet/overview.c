/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/overview.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/hash.h>
#include <ovs/util.h>

#include "flows/limits.h"

const char *fl_fleet_state_name(enum fl_fleet_state state)
{
    static const char *const names[] = {
        [FL_FLEET_NEVER] = "never",
        [FL_FLEET_AHEAD] = "ahead",
        [FL_FLEET_SILENT] = "silent",
        [FL_FLEET_HEARD] = "heard",
    };

    return names[state];
}

bool fl_fleet_nic_equals(const struct fl_fleet_nic *a, const struct fl_fleet_nic *b)
{
    return nullable_string_is_equal(a->driver, b->driver) &&
           nullable_string_is_equal(a->firmware, b->firmware);
}

struct fl_fleet *fl_fleet_create(int64_t now_ms, int64_t older_ms)
{
    struct fl_fleet *fleet = xzalloc(sizeof *fleet);

    hmap_init(&fleet->hosts);
    fleet->now_ms = now_ms;
    fleet->older_ms = older_ms;
    return fleet;
}

/* Takes back its last word. The VMs are in its arena. */
static void forget_word(struct fl_fleet *fleet, struct fl_fleet_host *host)
{
    fleet->n_vms -= hmap_count(&host->vms);
    hmap_destroy(&host->vms);
    fl_arena_destroy(&host->arena);
}

void fl_fleet_destroy(struct fl_fleet *fleet)
{
    struct fl_fleet_host *host;

    if (!fleet)
        return;
    HMAP_FOR_EACH_POP(host, node, &fleet->hosts) {
        forget_word(fleet, host);
        free(host->name);
        free(host);
    }
    hmap_destroy(&fleet->hosts);
    free(fleet);
}

static enum fl_fleet_state state_of(const struct fl_fleet *fleet, int64_t time_ms)
{
    if (!time_ms)
        return FL_FLEET_NEVER;
    if (time_ms > fleet->now_ms + FL_FLEET_AHEAD_MS)
        return FL_FLEET_AHEAD;
    return time_ms < fleet->now_ms - fleet->older_ms ? FL_FLEET_SILENT : FL_FLEET_HEARD;
}

static struct fl_fleet_host *find_host(struct fl_fleet *fleet, const char *name, uint32_t hash)
{
    struct fl_fleet_host *host;

    HMAP_FOR_EACH_WITH_HASH(host, node, hash, &fleet->hosts) {
        if (!strcmp(host->name, name))
            return host;
    }
    return NULL;
}

static const char *intern(struct fl_fleet_host *host, const char *text)
{
    return text ? fl_arena_intern(&host->arena, text, strlen(text) + 1) : NULL;
}

static void keep_word(struct fl_fleet *fleet, struct fl_fleet_host *host,
                      const struct fl_fleet_word *word)
{
    hmap_init(&host->vms);
    memset(host->n_unlisted, 0, sizeof host->n_unlisted);
    fl_arena_init(&host->arena);
    host->time_ms = word->time_ms;
    host->state = state_of(fleet, word->time_ms);
    host->flowlift_version = intern(host, word->flowlift_version);
    host->ovs_version = intern(host, word->ovs_version);
    host->trouble = intern(host, word->trouble);
    host->nic.driver = intern(host, word->nic.driver);
    host->nic.firmware = intern(host, word->nic.firmware);
}

/* A clock that is ahead is not believed against one that is not. Return: below 0: older, above: newer. */
static int compare_age(const struct fl_fleet *fleet, int64_t time_ms,
                       const struct fl_fleet_host *host)
{
    bool is_ahead = state_of(fleet, time_ms) == FL_FLEET_AHEAD;
    bool was_ahead = host->state == FL_FLEET_AHEAD;

    if (is_ahead != was_ahead && time_ms && host->time_ms)
        return is_ahead ? -1 : 1;
    return time_ms < host->time_ms ? -1 : time_ms > host->time_ms;
}

int fl_fleet_hear(struct fl_fleet *fleet, const struct fl_fleet_word *word,
                  struct fl_fleet_host **host, struct fl_error *err)
{
    uint32_t hash = hash_string(word->name, 0);
    struct fl_fleet_host *found = fleet->last;
    int age;

    *host = NULL;
    if (!found || strcmp(found->name, word->name))
        found = find_host(fleet, word->name, hash);
    if (!found && hmap_count(&fleet->hosts) >= FL_LIMIT_FLEET_HOSTS)
        return fl_error_set(err, -E2BIG, "there are more than %u hosts, more than flowlift reads",
                            FL_LIMIT_FLEET_HOSTS);
    if (!found) {
        found = xzalloc(sizeof *found);
        found->name = xstrdup(word->name);
        keep_word(fleet, found, word);
        hmap_insert(&fleet->hosts, &found->node, hash);
    }
    fleet->last = found;
    age = compare_age(fleet, word->time_ms, found);
    if (age < 0)
        return 0;
    if (age > 0) {
        forget_word(fleet, found);
        keep_word(fleet, found, word);
    }
    *host = found;
    return 0;
}

void fl_fleet_count_vms(struct fl_fleet_host *host, enum fl_verdict verdict, size_t n)
{
    host->n_unlisted[verdict] += n;
}

static const char *key_of(const struct fl_fleet_vm *vm)
{
    return vm->id ? vm->id : vm->name;
}

static bool has_vm(const struct fl_fleet_host *host, const char *key, uint32_t hash)
{
    const struct fl_fleet_vm *vm;

    HMAP_FOR_EACH_WITH_HASH(vm, node, hash, &host->vms) {
        if (!strcmp(key_of(vm), key))
            return true;
    }
    return false;
}

static const char *const *copy_causes(struct fl_fleet_host *host, const struct fl_fleet_vm *vm,
                                      size_t n)
{
    const char *causes[FL_FLEET_MAX_CAUSES];

    for (size_t i = 0; i < n; i++)
        causes[i] = intern(host, vm->causes[i]);
    return n ? fl_arena_intern(&host->arena, causes, n * sizeof *causes) : NULL;
}

int fl_fleet_add_vm(struct fl_fleet *fleet, struct fl_fleet_host *host,
                    const struct fl_fleet_vm *vm, struct fl_error *err)
{
    uint32_t hash = hash_string(key_of(vm), 0);
    struct fl_fleet_vm *copy;

    if (has_vm(host, key_of(vm), hash))
        return 0;
    if (fleet->n_vms >= FL_LIMIT_FLEET_VMS)
        return fl_error_set(err, -E2BIG, "there are more than %u VMs, more than flowlift reads",
                            FL_LIMIT_FLEET_VMS);
    copy = fl_arena_copy(&host->arena, vm, sizeof *vm);
    copy->host = host;
    copy->name = fl_arena_copy_string(&host->arena, vm->name);
    copy->id = fl_arena_copy_string(&host->arena, vm->id);
    copy->nic.driver = intern(host, vm->nic.driver);
    copy->nic.firmware = intern(host, vm->nic.firmware);
    copy->remedy = intern(host, vm->remedy);
    copy->n_causes = MIN(vm->n_causes, FL_FLEET_MAX_CAUSES);
    copy->causes = copy_causes(host, vm, copy->n_causes);
    hmap_insert(&host->vms, &copy->node, hash);
    fleet->n_vms++;
    return 0;
}

enum fl_verdict fl_fleet_verdict(const struct fl_fleet_vm *vm)
{
    return vm->host->state == FL_FLEET_HEARD ? vm->verdict : FL_VERDICT_UNKNOWN;
}

double fl_fleet_sw_rate(const struct fl_fleet_vm *vm)
{
    if (!vm->has_counts || vm->window_ms <= 0)
        return -1;
    return (double)vm->bytes_sw * 1000 / (double)vm->window_ms;
}
