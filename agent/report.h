/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_REPORT_H
#define FLOWLIFT_AGENT_REPORT_H

/*
 * How things stand, from the remedies on disk, what the guard said last, and the last audit; Open vSwitch is not asked, so it
 * costs nothing and works while that hangs. One document; its text is made from it, so they cannot differ.
 */

#include <jansson.h>
#include <stdint.h>

#include "agent/audit.h"
#include "agent/auto.h"
#include "agent/events.h"
#include "agent/fleet_link.h"

/* All borrowed. */
struct fl_report_of {
    const char *root;
    const struct fl_events *events;
    const struct fl_audit_timer *audit;
    const struct fl_auto *repairs;
    const struct fl_fleet_link *fleet;
    int64_t started_ms;        /* Unix time, as all here */
    int64_t config_read_ms;    /* The configuration in use is of then. */
    int64_t config_refused_ms; /* One was refused then since; 0: none */
    const char *config_why;    /* ... and why */
};

/** fl_report() - "flowlift/agent-status/1". Return: new reference. */
json_t *fl_report(const struct fl_report_of *of);
/** fl_report_text() - for people. Return: owned by the caller. */
char *fl_report_text(const json_t *report);
/** fl_report_sentence() - "3 remedies: 2 verified, 1 suspended". Return: owned by the caller. */
char *fl_report_sentence(const json_t *report);

#endif
