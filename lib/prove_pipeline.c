/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/prove_pipeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/flow.h>
#include <ovs/util.h>

#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/prove_internal.h"

const struct fl_openflow_reading *fl_pipeline_find(const struct fl_pipeline *pipeline,
                                                   const char *bridge)
{
    for (size_t i = 0; i < pipeline->n_bridges; i++) {
        if (!strcmp(pipeline->bridges[i]->bridge, bridge)) {
            return pipeline->bridges[i];
        }
    }
    return NULL;
}

static int add_bridge(struct fl_pipeline *pipeline, const char *bridge, const ofp_port_t *ports,
                      size_t n_ports, struct fl_error *err)
{
    struct fl_openflow_reading *reading;
    struct fl_openflow *of;
    struct flow headers;
    int error = fl_openflow_open(bridge, FL_PROOF_TIMEOUT_MS, &of, err);

    if (error) {
        return error;
    }
    fl_prove_blind_headers(&headers);
    /* Worth a hint, though they are never blind. */
    headers.nw_tos = headers.nw_ttl = UINT8_MAX;
    reading = xmalloc(sizeof *reading);
    error = fl_openflow_read(of, &headers, ports, n_ports, reading, err);
    fl_openflow_close(of);
    if (error) {
        free(reading);
        return error;
    }
    pipeline->bridges = xrealloc(pipeline->bridges,
                                 (pipeline->n_bridges + 1) * sizeof *pipeline->bridges);
    pipeline->bridges[pipeline->n_bridges++] = reading;
    return 0;
}

int fl_pipeline_bridge(struct fl_pipeline *pipeline, const char *bridge,
                       const struct fl_openflow_reading **reading, struct fl_error *err)
{
    const struct fl_openflow_reading *found = fl_pipeline_find(pipeline, bridge);
    int error = found ? 0 : add_bridge(pipeline, bridge, NULL, 0, err);

    if (error) {
        return error;
    }
    *reading = found ? found : pipeline->bridges[pipeline->n_bridges - 1];
    return 0;
}

ofp_port_t fl_prove_port(const struct fl_rule *rule)
{
    return ofp_to_u16(rule->match.wc.masks.in_port.ofp_port) == UINT16_MAX
               ? rule->match.flow.in_port.ofp_port
               : OFPP_ANY;
}

/* Those by which packets of the rules of one bridge come in. */
static size_t ports_of(const struct fl_flowset *set, const char *bridge,
                       ofp_port_t ports[FL_LIMIT_RULES])
{
    size_t n = 0;

    for (size_t i = 0; i < set->n_rules && n < FL_LIMIT_RULES; i++) {
        ofp_port_t port = fl_prove_port(&set->rules[i]);
        bool is_new = port != OFPP_ANY && !strcmp(set->rules[i].bridge, bridge);

        for (size_t j = 0; j < n; j++) {
            is_new &= ports[j] != port;
        }
        if (is_new) {
            ports[n++] = port;
        }
    }
    return n;
}

static void add_to_basis(struct fl_pipeline *pipeline, const struct fl_openflow_reading *reading)
{
    char *longer = xasprintf("%s%s%s:%016" PRIx64, pipeline->basis, *pipeline->basis ? " " : "",
                             reading->bridge, reading->fingerprint);

    free(pipeline->basis);
    pipeline->basis = longer;
}

int fl_pipeline_read(const struct fl_flowset *set, struct fl_pipeline *pipeline,
                     struct fl_error *err)
{
    *pipeline = (struct fl_pipeline){
        .basis = xstrdup(""),
        .started_ms = fl_monotonic_ms(),
    };
    for (size_t i = 0; i < set->n_rules; i++) {
        const char *bridge = set->rules[i].bridge;
        ofp_port_t ports[FL_LIMIT_RULES];
        int error;

        if (fl_pipeline_find(pipeline, bridge)) {
            continue;
        }
        error = add_bridge(pipeline, bridge, ports, ports_of(set, bridge, ports), err);
        if (error) {
            fl_pipeline_release(pipeline);
            return error;
        }
        add_to_basis(pipeline, pipeline->bridges[pipeline->n_bridges - 1]);
    }
    return 0;
}

void fl_pipeline_release(struct fl_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->n_bridges; i++) {
        fl_openflow_reading_release(pipeline->bridges[i]);
        free(pipeline->bridges[i]);
    }
    free(pipeline->bridges);
    free(pipeline->basis);
    *pipeline = (struct fl_pipeline){ .n_bridges = 0 };
}
