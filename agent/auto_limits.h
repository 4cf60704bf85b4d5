/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_AUTO_LIMITS_H
#define FLOWLIFT_AGENT_AUTO_LIMITS_H

/*
 * Whether the agent may repair a VM by itself, and what came of it means for the next one. Pure: no file and
 * no clock; all times are Unix time in milliseconds, and "now" is the caller's.
 *
 *  - In an hour so many repairs begin at most ([agent] max-repairs-per-hour), whatever comes of them.
 *  - A VM whose repair failed is left alone for 1 h, then 2 h, 4 h, ... 24 h; after mere trouble (Open vSwitch
 *    did not answer) for 5 min, 10 min, ... 24 h. It is forgotten that it failed when a repair succeeds, or a
 *    day after it was last left alone.
 *  - A VM whose flows were offered to the NIC again has no remedy: nothing guards it. When it is stranded again
 *    within an hour, that did not last, and is not done a second time.
 *  - When the repairs of FL_AUTO_STOP_VMS VMs failed verification within an hour, it is not the VMs: nobody is
 *    repaired for an hour, or until somebody says so.
 *
 * A clock that was set back makes times of the future: they count as now, so that nothing lasts longer than
 * it is to.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/store/remedies.h"

#define FL_AUTO_HOUR_MS          (INT64_C(60) * 60 * 1000)
#define FL_AUTO_HOLD_FIRST_MS    FL_AUTO_HOUR_MS
#define FL_AUTO_TROUBLE_FIRST_MS (INT64_C(5) * 60 * 1000)
#define FL_AUTO_HOLD_MOST_MS     (24 * FL_AUTO_HOUR_MS)
#define FL_AUTO_STOP_VMS         3

/* What came of a repair. */
enum fl_auto_end {
    FL_AUTO_UNDER_WAY,
    FL_AUTO_DONE,       /* Its rules are in: verified, or without traffic to verify them with. */
    FL_AUTO_REOFFERED,  /* Verified without rules: its flows were offered to the NIC again. */
    FL_AUTO_NEEDLESS,   /* The VM needed none any more: as if it had not begun. */
    FL_AUTO_REFUSED,    /* no plan, or none that is proven */
    FL_AUTO_UNVERIFIED, /* The rules did not help, and are out again. */
    FL_AUTO_TROUBLE,    /* Something could not be read or written. */
    FL_AUTO_N_ENDS,
};
const char *fl_auto_end_name(enum fl_auto_end end); /* "under-way", "done", ... */

struct fl_auto_attempt {
    char *vm_id;
    char *vm_name;
    int64_t began_ms;
    enum fl_auto_end end;
};

/* A VM that is left alone. */
struct fl_auto_hold {
    char *vm_id;
    char *vm_name;
    unsigned int n_failed; /* in a row */
    int64_t until_ms;
    char *reason; /* of the last failure */
};

struct fl_auto_limits {
    struct fl_auto_attempt *attempts; /* of the last hour, oldest first */
    size_t n_attempts;
    struct fl_auto_hold *holds;
    size_t n_holds;
    int64_t stopped_ms; /* 0: not stopped */
    char *stop_reason;  /* NULL: not stopped */
};

void fl_auto_limits_init(struct fl_auto_limits *limits);
void fl_auto_limits_destroy(struct fl_auto_limits *limits);

/** fl_auto_is_alone() - is it stranded, and neither its NIC nor the host to blame? @vm: as in "vms" of an audit */
bool fl_auto_is_alone(const json_t *vm);
/**
 * fl_auto_wants() - is this a VM that the agent repairs by itself, limits aside?
 * It is when it is stranded, alone, and has no remedy.
 * @remedy: what is on disk for it, or NULL
 */
bool fl_auto_wants(const json_t *vm, const struct fl_remedy *remedy);

enum fl_auto_answer {
    FL_AUTO_GO,
    FL_AUTO_STOPPED, /* nobody */
    FL_AUTO_FULL,    /* nobody: that is all for this hour */
    FL_AUTO_HELD,    /* not this one */
};
/**
 * fl_auto_may() - may the repair of a VM begin?
 * @until_ms: until when the answer is what it is; 0 for FL_AUTO_GO and where no time helps (a limit of 0)
 */
enum fl_auto_answer fl_auto_may(const struct fl_auto_limits *limits, const char *vm_id,
                                int max_per_hour, int64_t now_ms, int64_t *until_ms);
/** fl_auto_stopped_until_ms() - until when nobody is repaired after too many failures; 0: somebody may be */
int64_t fl_auto_stopped_until_ms(const struct fl_auto_limits *limits, int64_t now_ms);
/** fl_auto_n_attempts() - those that count: of the last hour */
size_t fl_auto_n_attempts(const struct fl_auto_limits *limits, int64_t now_ms);
/** fl_auto_begin() - it begins */
void fl_auto_begin(struct fl_auto_limits *limits, const char *vm_id, const char *vm_name,
                   int64_t now_ms);
/**
 * fl_auto_end() - it has ended
 * @reason: one sentence
 * Return: whether this stops all.
 */
bool fl_auto_end(struct fl_auto_limits *limits, const char *vm_id, enum fl_auto_end end,
                 const char *reason, int64_t now_ms);
/** fl_auto_was_reoffered() - was its last repair within the hour that its flows were offered again? */
bool fl_auto_was_reoffered(const struct fl_auto_limits *limits, const char *vm_id, int64_t now_ms);
/** fl_auto_hold() - leave a VM alone until then, for another reason than a failure */
void fl_auto_hold(struct fl_auto_limits *limits, const char *vm_id, const char *vm_name,
                  const char *reason, int64_t until_ms);
/** fl_auto_held() - the hold of a VM, or NULL; borrowed */
const struct fl_auto_hold *fl_auto_held(const struct fl_auto_limits *limits, const char *vm_id);
/**
 * fl_auto_interrupted() - repairs that are under way in @limits are not any more: nobody makes them
 * Return: whether there were any.
 */
bool fl_auto_interrupted(struct fl_auto_limits *limits, int64_t now_ms);
/** fl_auto_resume() - go on. Attempts of the hour go on counting; VMs that are left alone still are. */
void fl_auto_resume(struct fl_auto_limits *limits);
/** fl_auto_age() - forget what does not matter any more, and set times of the future right */
void fl_auto_age(struct fl_auto_limits *limits, int64_t now_ms);

/** fl_auto_to_json() - "flowlift/auto/1", of ROOT/var/lib/flowlift/auto.json; new reference */
json_t *fl_auto_to_json(const struct fl_auto_limits *limits);
/**
 * fl_auto_from_json() - the inverse
 * Return: 0; -EINVAL for what is not wholly as it was written, @limits is untouched then.
 */
int fl_auto_from_json(const json_t *json, struct fl_auto_limits *limits, struct fl_error *err);

#endif
