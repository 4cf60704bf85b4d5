/* SPDX-License-Identifier: Apache-2.0 */

/* The check of what hooks leave for the agent (docs/hooks.md). */

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "lib/agent_client.h"
#include "lib/base/config.h"
#include "lib/doctor_visit.h"
#include "lib/store/spool.h"

/* A burst is taken within a second. So many wait only where nobody takes them. */
#define MANY_EVENTS 1000u

static void judge(const char *path, const struct fl_spool_view *view, bool agent,
                  struct fl_check *check)
{
    if (view->owner && view->owner != geteuid())
        fl_finds(check, FL_CHECK_FAIL, "chown root it: its owner can hide events from the agent",
                 "%s belongs to user %u", path, (unsigned int)view->owner);
    else if (view->mode & (S_IRWXO | S_IWGRP))
        fl_finds(check, FL_CHECK_FAIL, "chmod 0750 it: whoever writes there speaks for the hooks",
                 "%s is open to others (mode %04o)", path, (unsigned int)view->mode);
    else if (agent && view->n_waiting >= MANY_EVENTS)
        fl_finds(check, FL_CHECK_WARN, "see ovs-appctl -t flowlift-agent status",
                 "%zu events wait, though flowlift-agent runs", view->n_waiting);
    else if (!agent && (view->overflow || view->n_waiting >= MANY_EVENTS))
        fl_finds(check, FL_CHECK_WARN, "start flowlift-agent, or take the hooks away",
                 view->overflow ? "%zu events wait, others were dropped, and no flowlift-agent runs"
                                : "%zu events wait, and no flowlift-agent runs",
                 view->n_waiting);
    else
        fl_finds(check, FL_CHECK_OK, NULL, "%zu event%s wait%s%s", view->n_waiting,
                 view->n_waiting == 1 ? "" : "s", view->n_waiting == 1 ? "s" : "",
                 agent ? "" : "; no flowlift-agent runs");
}

void fl_check_events(struct fl_visit *visit, struct fl_check *check)
{
    _cleanup_free char *path = fl_path_events(visit->root);
    struct fl_error err = FL_ERROR_INIT;
    struct fl_spool_view view;
    long agent;

    switch (fl_spool_look(visit->root, &view, &err)) {
    case 0:
        agent = fl_agent_process(visit->root);
        judge(path, &view, agent > 0 || agent == -ESRCH, check);
        return;
    case -ENOENT: fl_finds(check, FL_CHECK_OK, NULL, "no hook has left any"); return;
    case -ENOTDIR:
    case -ELOOP:
        fl_finds(check, FL_CHECK_FAIL, "remove it: hooks make it anew", "%s is no folder", path);
        return;
    default:
        fl_finds(check, FL_CHECK_UNKNOWN, geteuid() ? "run flowlift as root" : NULL, "%s",
                 err.text);
        return;
    }
}
