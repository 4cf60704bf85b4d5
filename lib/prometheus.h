/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PROMETHEUS_H
#define FLOWLIFT_PROMETHEUS_H

/*
 * Text of Prometheus: what "flowlift audit --format prom" and the agent are read by. All samples of a metric
 * stand together behind its head.
 *
 *     fl_metric_head(&text, "flowlift_remedies", FL_GAUGE, "Remedies on disk, by state.");
 *     fl_metric_count(&text, "flowlift_remedies", 3, "state", "verified", NULL);
 *
 * Source: Prometheus text exposition format 0.0.4.
 */

#include <stdint.h>

#include <openvswitch/dynamic-string.h>

#define FL_PROMETHEUS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum fl_metric_type { FL_GAUGE, FL_COUNTER, FL_HISTOGRAM };

/** fl_metric_head() - HELP and TYPE; @help: one sentence without a newline or '\' */
void fl_metric_head(struct ds *text, const char *name, enum fl_metric_type type, const char *help);
/**
 * fl_metric_count() - a sample that is a whole number
 * @...: names and values of labels, then NULL. A value may be any UTF-8; what is none would have the reader
 *       refuse the whole text.
 */
void fl_metric_count(struct ds *text, const char *name, uint64_t value, ...)
    __attribute__((sentinel));
/** fl_metric_number() - likewise, with @digits significant digits */
void fl_metric_number(struct ds *text, const char *name, int digits, double value, ...)
    __attribute__((sentinel));

/* How long something took, counted in buckets of 0.01 to 60 s. Zero it first. */
#define FL_N_LATENCIES 12
struct fl_latency {
    uint64_t counts[FL_N_LATENCIES + 1]; /* Not summed up; the last one is of what took longer. */
    double sum_ms;
};
void fl_latency_add(struct fl_latency *latency, long long ms);
/** fl_metric_latency() - head and samples of a histogram, in seconds */
void fl_metric_latency(struct ds *text, const char *name, const char *help,
                       const struct fl_latency *latency);

#endif
