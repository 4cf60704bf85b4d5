/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/log_unexpected.h"

#include <stdlib.h>
#include <string.h>

#include <ovs/odp-util.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/clock.h"
#include "lib/ovs/log.h"

/* Newest part of the log that is looked at, in bytes: more than a minute of it. */
#define TAIL_BYTES (1024 * 1024)
#define MINUTE_MS  60000
/* Revalidators meet each flow twice a second, or less often when they are busy. */
#define APART_MS 2000

/* Source: Open vSwitch 3.1 ofproto/ofproto-dpif-upcall.c, log_unexpected_flow(). */
#define UNEXPECTED "corresponding to unexpected flow (No such file or directory): "

static void take_flow(struct fl_log_unexpected *found, ovs_u128 ufid, int64_t time_ms)
{
    for (size_t i = 0; i < found->n_flows; i++) {
        if (ovs_u128_equals(found->flows[i].ufid, ufid)) {
            found->flows[i].last_ms = time_ms;
            return;
        }
    }
    if (found->n_flows < FL_LOG_UNEXPECTED) {
        found->flows[found->n_flows++] = (struct fl_log_unexpected_flow){ .ufid = ufid,
                                                                          .first_ms = time_ms,
                                                                          .last_ms = time_ms };
    }
}

static void take_line(char *line, int64_t now_ms, struct fl_log_unexpected *found)
{
    const char *said = strstr(line, UNEXPECTED);
    int64_t time_ms;
    ovs_u128 ufid;

    if (!said || odp_ufid_from_string(said + strlen(UNEXPECTED), &ufid) <= 0) {
        return;
    }
    line[strcspn(line, "|")] = '\0';
    if (fl_time_parse(line, &time_ms) && time_ms > now_ms - MINUTE_MS) {
        take_flow(found, ufid, time_ms);
    }
}

void fl_log_unexpected_parse(const char *text, int64_t now_ms, struct fl_log_unexpected *found)
{
    found->n_flows = 0;
    while (*text) {
        size_t n = strcspn(text, "\n");
        _cleanup_free char *line = xmemdup0(text, n);

        take_line(line, now_ms, found);
        text += n + (text[n] == '\n');
    }
}

void fl_log_unexpected_read(struct fl_log_unexpected *found)
{
    _cleanup_free char *tail = fl_log_tail(0, TAIL_BYTES);

    fl_log_unexpected_parse(tail, fl_time_now_ms(), found);
}

bool fl_log_unexpected_has(const struct fl_log_unexpected *found, ovs_u128 ufid)
{
    for (size_t i = 0; i < found->n_flows; i++) {
        const struct fl_log_unexpected_flow *flow = &found->flows[i];

        if (ovs_u128_equals(flow->ufid, ufid)) {
            return flow->last_ms - flow->first_ms >= APART_MS;
        }
    }
    return false;
}
