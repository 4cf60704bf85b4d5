/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_REPORT_AUDIT_H
#define FLOWLIFT_AGENT_REPORT_AUDIT_H

/* What the agent's status says of its audits, and of the repairs that nobody asked for. */

#include <jansson.h>

#include <openvswitch/dynamic-string.h>

#include "agent/audit.h"
#include "agent/auto.h"

/** fl_report_audit() - "audit" of the status; new reference */
json_t *fl_report_audit(const struct fl_audit_timer *timer);
/** fl_report_auto() - "auto" of the status; new reference */
json_t *fl_report_auto(const struct fl_auto *repairs);
/** fl_report_audit_text() - lines for people, of the status @report */
void fl_report_audit_text(const json_t *report, struct ds *ds);

#endif
