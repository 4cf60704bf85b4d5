/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_STORE_SPOOL_H
#define FLOWLIFT_STORE_SPOOL_H

/*
 * Events on their way from hooks to the agent: ROOT/run/flowlift/events/, one file each. /run is in
 * memory: no full disk matters, and a reboot, which makes every event moot, takes them away.
 *
 * A file is named after the time since boot, the process and a counter, never after what is in it, so
 * that names in their order are events in theirs. It is written under a name with a dot and renamed: a
 * reader sees it whole or not at all. Nothing is synced.
 *
 * When FL_LIMIT_SPOOLED_EVENTS wait, or less than an eighth of the file system is free (it is not ours
 * alone), or the event cannot be written, the empty file "overflow" is left instead, which tells the
 * reader to look at everything anew. If there is not even an inode for that, the folder's own times are
 * set, of which a reader that watches is told as well. A reader that does not run yet looks at everything
 * when it starts.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "flows/error.h"
#include "lib/event/event.h"

/** fl_spool_clock_ns() - nanoseconds since boot, the clock that files are named after */
int64_t fl_spool_clock_ns(void);

/**
 * fl_spool_put() - leave an event for the agent; its folder is made when it is missing
 * @root: "" for the host's own
 * @since_boot_ns: when it happened, by fl_spool_clock_ns()
 * Return: 0; 1 the reader was told to look at everything, for the reason in @err; negative errno with
 * a sentence: it was told nothing.
 */
int fl_spool_put(const char *root, int64_t since_boot_ns, const struct fl_event *event,
                 struct fl_error *err);

struct fl_spool_view {
    uid_t owner; /* of the folder */
    mode_t mode;
    size_t n_waiting; /* files that a reader would take, or remove */
    bool overflow;    /* the reader will be told to look at everything */
};
/**
 * fl_spool_look() - what waits; nothing is taken, and no folder made
 * Return: 0; -ENOENT without a sentence: there is no folder; -ENOTDIR, -ELOOP it is none of ours; other
 * negative errno with a sentence.
 */
int fl_spool_look(const char *root, struct fl_spool_view *view, struct fl_error *err);

/* ---- The reader ---- */

struct fl_spool;

/* What fl_spool_take() hands on. */
enum fl_spool_kind {
    FL_SPOOL_EVENT,   /* @event */
    FL_SPOOL_ANEW,    /* events may be missing: look at everything */
    FL_SPOOL_TROUBLE, /* @why: something else lay there, and was removed if it could be */
};
struct fl_spool_item {
    enum fl_spool_kind kind;
    const struct fl_event *event; /* borrowed until the callback returns */
    const char *why;
};
/* Return: 0 it is dealt with, and not handed on again; else stop, it is to come again. */
typedef int fl_spool_each(const struct fl_spool_item *item, void *aux);

/**
 * fl_spool_open() - watch the folder, which is made when it is missing
 * Return: 0 and *@spool owned by the caller; negative errno with a sentence.
 */
int fl_spool_open(const char *root, struct fl_spool **spool, struct fl_error *err);
void fl_spool_close(struct fl_spool *spool); /* NULL is allowed */
/** fl_spool_fd() - readable when there may be something to take; for poll(), not to be read */
int fl_spool_fd(const struct fl_spool *spool);

/**
 * fl_spool_take() - hand on all that waits, the earliest first
 *
 * A file is removed after @each took it, so one that is being dealt with when the agent is killed comes
 * again. What is no event (another name, a symbolic link, too large, other JSON) is never followed nor
 * believed, but removed. A folder that was taken away is made and watched again.
 *
 * Return: 0, what @each returned when it stopped, or negative errno with a sentence.
 */
int fl_spool_take(struct fl_spool *spool, fl_spool_each *each, void *aux, struct fl_error *err);

#endif
