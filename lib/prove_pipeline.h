/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_PROVE_PIPELINE_H
#define FLOWLIFT_PROVE_PIPELINE_H

/* What a proof has to know of the pipeline besides the traces: the flows and groups of each bridge, read once. */

#include "flows/flowset.h"
#include "lib/ovs/openflow_reading.h"

struct fl_pipeline {
    struct fl_openflow_reading *
        *bridges; /* Those of the set, and others that its packets come to. */
    size_t n_bridges;
    /*
     * Fingerprint of what a proof depends on, for as far as OpenFlow tells: "br0:0123456789abcdef", of all
     * flows (but ours) and groups of the set's bridges.
     */
    char *basis;
    int64_t started_ms; /* When the reading, and with it the proof, has begun: fl_monotonic_ms(). */
};

/**
 * fl_pipeline_read() - read the bridges of a set
 * @pipeline: fl_pipeline_release() it; on errors it is empty
 */
int fl_pipeline_read(const struct fl_flowset *set, struct fl_pipeline *pipeline,
                     struct fl_error *err);
void fl_pipeline_release(struct fl_pipeline *pipeline);

/** fl_pipeline_find() - a bridge that was read, or NULL; borrowed */
const struct fl_openflow_reading *fl_pipeline_find(const struct fl_pipeline *pipeline,
                                                   const char *bridge);
/** fl_pipeline_bridge() - the same, but read it now if it was not; @reading borrowed */
int fl_pipeline_bridge(struct fl_pipeline *pipeline, const char *bridge,
                       const struct fl_openflow_reading **reading, struct fl_error *err);

#endif
