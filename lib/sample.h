/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_SAMPLE_H
#define FLOWLIFT_SAMPLE_H

/*
 * One dump on its way into a snapshot: text is pushed as it comes, and the decoder's flows are added.
 *
 *     fl_snapshot_begin_sample(snapshot, ...);
 *     ret = fl_sample_begin(&sample, snapshot, flags, "FILE or socket", err);
 *     while (more && !ret)
 *         ret = fl_sample_push(bytes, n_bytes, &sample);      (an fl_ctl_sink)
 *     ret = fl_sample_end(&sample, ret, err);
 */

#include "flows/decode.h"
#include "flows/error.h"
#include "flows/snapshot.h"

struct fl_sample {
    struct fl_snapshot *snapshot; /* borrowed */
    struct fl_decoder *decoder;
    const char *source;           /* for errors; borrowed */
    struct fl_decode_stats stats; /* valid after fl_sample_end() */
};

/** fl_sample_begin() - @flags: enum fl_decode_flags. Return: 0 or -ENOMEM. */
int fl_sample_begin(struct fl_sample *sample, struct fl_snapshot *snapshot, unsigned int flags,
                    const char *source, struct fl_error *err);
/** fl_sample_push() - the next bytes, cut anywhere. Return: 0, or -E2BIG above FL_LIMIT_FLOWS. */
int fl_sample_push(const void *bytes, size_t n_bytes, void *sample);
/**
 * fl_sample_end() - there are no more bytes; always call it once fl_sample_begin() has succeeded
 * @ret: what the last push, or reading, returned: on an error the last flow is not taken for whole
 *
 * Text that ends inside a flow makes the snapshot incomplete.
 * Return: @ret, or what the last flow returned, with a sentence for -E2BIG.
 */
int fl_sample_end(struct fl_sample *sample, int ret, struct fl_error *err);

#endif
