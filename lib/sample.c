/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/sample.h"

#include <errno.h>
#include <string.h>

#include "flows/limits.h"

int fl_sample_begin(struct fl_sample *sample, struct fl_snapshot *snapshot, unsigned int flags,
                    const char *source, struct fl_error *err)
{
    memset(sample, 0, sizeof *sample);
    sample->snapshot = snapshot;
    sample->source = source;
    sample->decoder = fl_decoder_create(fl_snapshot_ports(snapshot), flags, fl_snapshot_add,
                                        snapshot);
    if (!sample->decoder)
        return fl_error_set(err, -ENOMEM, "cannot read %s: not enough memory", source);
    return 0;
}

int fl_sample_push(const void *bytes, size_t n_bytes, void *sample_)
{
    struct fl_sample *sample = sample_;

    return fl_decoder_push(sample->decoder, bytes, n_bytes);
}

int fl_sample_end(struct fl_sample *sample, int ret, struct fl_error *err)
{
    if (!ret)
        ret = fl_decoder_finish(sample->decoder);
    sample->stats = *fl_decoder_stats(sample->decoder);
    fl_snapshot_set_lines(sample->snapshot, &sample->stats);
    fl_decoder_destroy(sample->decoder);
    sample->decoder = NULL;
    if (ret == -E2BIG)
        return fl_error_set(err, ret, "%s has more than %u flows, more than flowlift reads",
                            sample->source, FL_LIMIT_FLOWS);
    if (!ret && sample->stats.truncated)
        fl_snapshot_set_incomplete(sample->snapshot, "%s ends in the middle of a flow",
                                   sample->source);
    return ret;
}
