/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_STORE_REMEDIES_H
#define FLOWLIFT_STORE_REMEDIES_H

/*
 * Remedies on disk: one JSON file a VM under ROOT/var/lib/flowlift/remedies, mode 0640, written
 * crash-safely (temporary file in the same folder, fsync, rename, fsync of the folder), so that a
 * reader sees the old file or the new one. File names are made of a hash of the VM's identity: an
 * identity is outside input and never a path.
 */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/error.h"
#include "flows/flowset.h"
#include "lib/base/until.h"

enum fl_remedy_state {
    FL_REMEDY_PLANNED, /* Intent is on disk; rules may or may not be in the switch yet. */
    FL_REMEDY_INSTALLED,
    FL_REMEDY_VERIFIED,
    FL_REMEDY_REVERTED,
    FL_REMEDY_SUSPENDED,
};
const char *fl_remedy_state_name(enum fl_remedy_state state);

struct fl_remedy {
    struct fl_flowset set; /* set.vm_id is the identity */
    enum fl_remedy_state state;
    char *reason;       /* Why it is in this state: one sentence. */
    char *ticket;       /* or NULL */
    char *who;          /* Who asked for it: user name, "cron", ... */
    int64_t created_ms; /* Unix time, milliseconds */
    int64_t changed_ms;
    /*
     * When somebody last decided whether it is to stand, on whichever host of a fleet that was, and whether it
     * is not to. One that was taken out since it did not help is still wanted.
     */
    int64_t decided_ms;
    bool unwanted;
    /* When it is to be reverted, unless somebody confirms it before (Unix time, ms); 0: it stays. */
    int64_t confirm_by_ms;
    struct fl_until until; /* It retires then: it is reverted. Not set: it stays. */
    json_t *before;        /* The VM's audit entry before, or NULL; owned */
    json_t *after;         /* ... and after verification, or NULL; owned */
};

void fl_remedy_init(struct fl_remedy *remedy);
void fl_remedy_destroy(struct fl_remedy *remedy);
json_t *fl_remedy_to_json(const struct fl_remedy *remedy); /* new reference */
int fl_remedy_from_json(const json_t *json, struct fl_remedy *remedy, struct fl_error *err);

struct fl_store; /* The open folder, and the lock of the one writer. */

/**
 * fl_store_open() - open the store
 * @root: as for fl_config_load()
 * @writer: take the writer's lock (ROOT/run/flowlift/lock), waiting up to @wait_ms for another
 *          flowlift to finish; folders are made (0750) as needed. A reader takes none, makes nothing,
 *          and finds an empty store where there is no folder.
 * Return: 0; -EAGAIN when another flowlift holds the lock (its pid in @err); -EACCES, -EROFS, -ENOSPC.
 */
int fl_store_open(const char *root, bool writer, int wait_ms, struct fl_store **store,
                  struct fl_error *err);
void fl_store_close(struct fl_store *store);
/** fl_store_get() - Return: 0 and *@remedy; -ENOENT; -EINVAL for a damaged file, which is named */
int fl_store_get(struct fl_store *store, const char *vm_id, struct fl_remedy *remedy,
                 struct fl_error *err);
/** fl_store_read() - the same, for who wants one remedy and no more. Return: that of fl_store_open(), too */
int fl_store_read(const char *root, const char *vm_id, struct fl_remedy *remedy,
                  struct fl_error *err);
/** fl_store_put() - write @remedy; on error the file that was there before is untouched */
int fl_store_put(struct fl_store *store, const struct fl_remedy *remedy, struct fl_error *err);
/**
 * fl_store_list() - every remedy, by VM name
 * A damaged file does not hide the others: it is named in @err, -EINVAL is returned, and *@list has
 * the readable ones all the same.
 */
int fl_store_list(struct fl_store *store, struct fl_remedy **list, size_t *n, struct fl_error *err);
void fl_remedy_list_free(struct fl_remedy *list, size_t n);

#endif
