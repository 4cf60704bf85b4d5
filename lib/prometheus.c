/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/prometheus.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <ovs/util.h>

/* As they are written; the label is the number's text, which others may match. */
static const struct {
    long long ms;
    const char *seconds;
} latencies[] = {
    { 10, "0.01" },  { 25, "0.025" }, { 50, "0.05" },  { 100, "0.1" },
    { 250, "0.25" }, { 500, "0.5" },  { 1000, "1" },   { 2500, "2.5" },
    { 5000, "5" },   { 10000, "10" }, { 30000, "30" }, { 60000, "60" },
};
BUILD_ASSERT_DECL(ARRAY_SIZE(latencies) == FL_N_LATENCIES);

void fl_metric_head(struct ds *text, const char *name, enum fl_metric_type type, const char *help)
{
    static const char *const names[] = {
        [FL_GAUGE] = "gauge",
        [FL_COUNTER] = "counter",
        [FL_HISTOGRAM] = "histogram",
    };

    ds_put_format(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, names[type]);
}

static void put_value(struct ds *text, const char *value)
{
    for (; *value; value++) {
        if (*value == '\n') {
            ds_put_cstr(text, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\') {
            ds_put_char(text, '\\');
        }
        ds_put_char(text, *value);
    }
}

static void put_labels(struct ds *text, va_list labels)
{
    const char *between = "{", *label;

    while ((label = va_arg(labels, const char *))) {
        ds_put_format(text, "%s%s=\"", between, label);
        put_value(text, va_arg(labels, const char *));
        ds_put_char(text, '"');
        between = ",";
    }
    if (*between == ',') {
        ds_put_char(text, '}');
    }
}

void fl_metric_count(struct ds *text, const char *name, uint64_t value, ...)
{
    va_list labels;

    ds_put_cstr(text, name);
    va_start(labels, value);
    put_labels(text, labels);
    va_end(labels);
    ds_put_format(text, " %" PRIu64 "\n", value);
}

void fl_metric_number(struct ds *text, const char *name, int digits, double value, ...)
{
    va_list labels;

    ds_put_cstr(text, name);
    va_start(labels, value);
    put_labels(text, labels);
    va_end(labels);
    ds_put_format(text, " %.*g\n", digits, value);
}

void fl_latency_add(struct fl_latency *latency, long long ms)
{
    size_t i = 0;

    while (i < FL_N_LATENCIES && ms > latencies[i].ms) {
        i++;
    }
    latency->counts[i]++;
    latency->sum_ms += (double)ms;
}

void fl_metric_latency(struct ds *text, const char *name, const char *help,
                       const struct fl_latency *latency)
{
    uint64_t n = 0;

    fl_metric_head(text, name, FL_HISTOGRAM, help);
    for (size_t i = 0; i <= FL_N_LATENCIES; i++) {
        n += latency->counts[i];
        ds_put_format(text, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
                      i < FL_N_LATENCIES ? latencies[i].seconds : "+Inf", n);
    }
    ds_put_format(text, "%s_sum %.15g\n%s_count %" PRIu64 "\n", name, latency->sum_ms / 1000, name,
                  n);
}
