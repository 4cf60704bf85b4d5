/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_WORKER_H
#define FLOWLIFT_AGENT_WORKER_H

/*
 * Work that takes seconds (an audit counts packets for a window, an apply watches them) is done in a child
 * process, so that the loop goes on guarding. The child has the agent's memory of that moment and none of its
 * descriptors; it hands back one JSON document. It dies with the agent, and whatever it was about is left as
 * any killed flowlift leaves it. A worker does one job at a time.
 *
 *     fl_worker_start(&worker, &job, &err);
 *     each round: fl_worker_run(&worker); ... fl_worker_wait(&worker);
 */

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include <openvswitch/dynamic-string.h>

#include "flows/error.h"

struct fl_job {
    const char *what; /* for sentences: "audit" */
    /* In the child. Return: new reference; NULL: nothing to say. */
    json_t *(*run)(void *aux);
    /*
     * In the agent, from fl_worker_run(). @result: borrowed; NULL with a sentence in @why when the child was
     * ended before it had one. A new job may be started from here.
     */
    void (*done)(const json_t *result, const char *why, void *aux);
    void *aux;         /* borrowed until @done has been called */
    long long most_ms; /* It is killed when it takes longer. */
};

struct fl_worker {
    struct fl_job job;
    pid_t pid; /* 0: idle */
    int fd;    /* reads the result */
    long long deadline_ms;
    struct ds text;
};

void fl_worker_init(struct fl_worker *worker);
/** fl_worker_destroy() - a job that runs is killed, and never done */
void fl_worker_destroy(struct fl_worker *worker);
/**
 * fl_worker_start() - begin a job
 * Return: 0; -EBUSY it has one; -EAGAIN, -ENOMEM, -EMFILE: no process or pipe is to be had. job->done is not
 * called then.
 */
int fl_worker_start(struct fl_worker *worker, const struct fl_job *job, struct fl_error *err);
static inline bool fl_worker_is_busy(const struct fl_worker *worker)
{
    return worker->pid > 0;
}
/** fl_worker_run() - take what the child says; never blocks */
void fl_worker_run(struct fl_worker *worker);
/** fl_worker_wait() - have poll_block() return when fl_worker_run() has something to do */
void fl_worker_wait(const struct fl_worker *worker);

#endif
