/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AUDIT_PROMETHEUS_H
#define FLOWLIFT_AUDIT_PROMETHEUS_H

#include <jansson.h>

#include <openvswitch/dynamic-string.h>

/**
 * fl_audit_prometheus() - an audit as metrics
 * @audit: the document of "flowlift audit --json". What is null or absent in it has no sample.
 */
void fl_audit_prometheus(const json_t *audit, struct ds *text);

#endif
