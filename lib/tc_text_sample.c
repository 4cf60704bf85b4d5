/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/tc_text_sample.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "flows/tc_json.h"
#include "flows/tc_text.h"

static int add_filter(const struct fl_tc_filter *filter, void *sample_)
{
    struct fl_tc_text_sample *sample = sample_;
    _cleanup_free char *text = NULL;
    struct fl_flow flow;

    fl_tc_to_flow(&sample->scratch, filter, 0, &flow);
    sample->n_errors += flow.parse_error != NULL;
    if (sample->keep_text) {
        _cleanup_json json_t *json = fl_tc_filter_json(filter);

        text = json_dumps(json, JSON_COMPACT);
        flow.tc = text;
    }
    return fl_snapshot_add(&flow, sample->snapshot);
}

int fl_tc_text_sample_begin(struct fl_tc_text_sample *sample, struct fl_snapshot *snapshot,
                            unsigned int flags, const char *source, struct fl_error *err)
{
    memset(sample, 0, sizeof *sample);
    sample->snapshot = snapshot;
    sample->source = source;
    sample->keep_text = flags & FL_DECODE_KEEP_TEXT;
    sample->flows = fl_decoder_create(fl_snapshot_ports(snapshot), flags, fl_snapshot_add,
                                      snapshot);
    if (!sample->flows)
        return fl_error_set(err, -ENOMEM, "cannot read %s: not enough memory", source);
    sample->filters = fl_tc_text_create(add_filter, sample);
    fl_tc_flow_init(&sample->scratch, fl_snapshot_ports(snapshot));
    return 0;
}

int fl_tc_text_sample_push(const void *bytes, size_t n_bytes, void *sample_)
{
    struct fl_tc_text_sample *sample = sample_;
    int ret = fl_tc_text_push(sample->filters, bytes, n_bytes);

    return ret ? ret : fl_decoder_push(sample->flows, bytes, n_bytes);
}

/* Every line is in one class: lines of flows are those that are other lines to the filters. */
static void add_flow_lines(struct fl_decode_stats *stats, const struct fl_decode_stats *flows)
{
    uint64_t lines = flows->flow_lines + flows->continued_lines;

    if (lines > stats->other_lines)
        lines = stats->other_lines;
    stats->other_lines -= lines;
    stats->flow_lines += flows->flow_lines < lines ? flows->flow_lines : lines;
    stats->continued_lines += lines - (flows->flow_lines < lines ? flows->flow_lines : lines);
    stats->flows += flows->flows;
    stats->parse_errors += flows->parse_errors;
}

int fl_tc_text_sample_end(struct fl_tc_text_sample *sample, int ret, struct fl_error *err)
{
    if (!ret)
        ret = fl_tc_text_finish(sample->filters);
    if (!ret)
        ret = fl_decoder_finish(sample->flows);
    sample->stats = *fl_tc_text_stats(sample->filters);
    sample->stats.parse_errors = sample->n_errors;
    add_flow_lines(&sample->stats, fl_decoder_stats(sample->flows));
    if (sample->stats.truncated)
        fl_snapshot_set_incomplete(
            sample->snapshot,
            "%s has a line of JSON that is longer than %u bytes: the filters "
            "behind these are not read; print each on a line (jq -c '.[]')",
            sample->source, FL_LIMIT_LINE_BYTES);
    fl_snapshot_set_lines(sample->snapshot, &sample->stats);
    fl_tc_text_destroy(sample->filters);
    fl_decoder_destroy(sample->flows);
    fl_tc_flow_uninit(&sample->scratch);
    if (ret == -E2BIG)
        return fl_error_set(err, ret, "%s has more than %u filters, more than flowlift reads",
                            sample->source, FL_LIMIT_FLOWS);
    return ret;
}
