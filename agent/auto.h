/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_AUTO_H
#define FLOWLIFT_AGENT_AUTO_H

/*
 * Repairs that nobody asked for ([agent] auto = repair): the VMs that an audit finds stranded, one after the
 * other, each in a child process, so that the guard goes on. Which ones, and how many, agent/auto_limits.h says.
 * Each attempt is on disk before it begins; without that, or with a file that is damaged, nothing is repaired.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <openvswitch/shash.h>

#include "agent/auto_limits.h"
#include "agent/worker.h"
#include "lib/remedy.h"

/* A VM whose turn it is, or will be. */
struct fl_auto_vm {
    char *id;
    char *name;
};

struct fl_auto {
    struct fl_operator op; /* all in it is borrowed */
    struct fl_auto_limits limits;
    char *unreadable; /* why the file cannot be used; NULL: it can */
    bool is_loaded;
    struct fl_worker worker;
    struct fl_auto_vm now;    /* the one that is being repaired; id NULL: none */
    struct fl_auto_vm *queue; /* those that come then, first one first */
    size_t n_queue;
    struct shash said; /* VM identity, or what is of no VM -> why nothing is done, as it was said */
    uint64_t ends[FL_AUTO_N_ENDS]; /* repairs since the agent began, by what came of them */
    bool is_news;                  /* since somebody set it to false */
};

/**
 * fl_auto_open() - without a file being read: fl_auto_reread() does it, in the process that will run
 * @op: copied; what it borrows is borrowed until fl_auto_close()
 */
void fl_auto_open(struct fl_auto *repairs, const struct fl_operator *op);
/** fl_auto_close() - a repair that is under way is killed, and left as any killed flowlift leaves it */
void fl_auto_close(struct fl_auto *repairs);
/** fl_auto_is_on() - the configuration says so */
bool fl_auto_is_on(const struct fl_auto *repairs);
/**
 * fl_auto_heed_revert() - the VM's remedy was taken out, or is not to be: it is not put in within the hour after that
 * @reverted_ms: Unix time
 * @why: for whoever asks why the VM is left alone
 */
void fl_auto_heed_revert(struct fl_auto *repairs, const char *vm_id, const char *vm_name,
                         int64_t reverted_ms, const char *why);
/**
 * fl_auto_consider() - an audit is over: whom it found stranded is to be repaired
 * @document: "flowlift/audit/1"; those of an earlier one who are not in it any more are not
 */
void fl_auto_consider(struct fl_auto *repairs, const json_t *document);
/** fl_auto_reread() - the configuration is another one: nobody waits any more where it is not on */
void fl_auto_reread(struct fl_auto *repairs);
/** fl_auto_run() - begin the next repair, take the result of the last; never blocks for long */
void fl_auto_run(struct fl_auto *repairs);
void fl_auto_wait(const struct fl_auto *repairs);
/** fl_auto_register() - the command "auto-resume" */
void fl_auto_register(struct fl_auto *repairs);

#endif
