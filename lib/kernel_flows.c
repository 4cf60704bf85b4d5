/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The datapath is read before TC: Open vSwitch moves a flow from there into TC, so that one which moves
 * in between is seen twice, and not missed.
 */

#include "lib/kernel_flows.h"

#include <jansson.h>
#include <stdlib.h>

#include <openvswitch/dynamic-string.h>

#include "flows/cleanup.h"
#include "flows/flow_text.h"
#include "flows/tc_flow.h"
#include "flows/tc_json.h"
#include "lib/datapath/flows.h"
#include "lib/tc/filters.h"

/* Filters on their way to whoever reads flows. */
struct passing {
    struct fl_tc_flow scratch;
    enum fl_kernel_detail detail;
    struct ds text;
    fl_decode_cb *cb;
    void *aux;
};

static int pass_with_text(struct passing *p, const struct fl_tc_filter *filter,
                          struct fl_flow *flow)
{
    _cleanup_json json_t *json = p->detail == FL_KERNEL_TC ? fl_tc_filter_json(filter) : NULL;
    _cleanup_free char *tc = json ? json_dumps(json, JSON_COMPACT) : NULL;

    ds_clear(&p->text);
    fl_flow_format(flow, p->scratch.ports, &p->text);
    flow->raw = ds_cstr(&p->text);
    flow->tc = tc;
    return p->cb(flow, p->aux);
}

static int pass_filter(const struct fl_tc_filter *filter, void *passing_)
{
    struct passing *p = passing_;
    unsigned int flags = p->detail == FL_KERNEL_COUNTERS ? FL_TC_FLOW_COUNTERS : 0;
    struct fl_flow flow;

    fl_tc_to_flow(&p->scratch, filter, flags, &flow);
    return p->detail >= FL_KERNEL_TEXT ? pass_with_text(p, filter, &flow) : p->cb(&flow, p->aux);
}

static int dump_tc(struct fl_ports *ports, enum fl_kernel_detail detail, fl_decode_cb *cb,
                   void *aux, struct fl_error *err)
{
    const struct fl_tc_dump_options options = { .terse = detail == FL_KERNEL_COUNTERS };
    struct passing passing = {
        .detail = detail, .text = DS_EMPTY_INITIALIZER, .cb = cb, .aux = aux
    };
    const struct fl_tc_sink sink = { .filter = pass_filter, .aux = &passing };
    int ret;

    fl_tc_flow_init(&passing.scratch, ports);
    ret = fl_tc_dump(&options, &sink, NULL, err);
    fl_tc_flow_uninit(&passing.scratch);
    ds_destroy(&passing.text);
    return ret;
}

static int dump_datapaths(struct fl_ports *ports, enum fl_kernel_detail detail, fl_decode_cb *cb,
                          void *aux, struct fl_error *err)
{
    unsigned int flags = detail >= FL_KERNEL_TEXT       ? FL_DECODE_KEEP_TEXT
                         : detail == FL_KERNEL_COUNTERS ? FL_DATAPATH_COUNTERS
                                                        : 0;
    struct fl_datapath *datapath;
    int ret = fl_datapath_open(&datapath, err);

    for (size_t i = 0; !ret && i < fl_datapath_n(datapath); i++)
        ret = fl_datapath_dump(datapath, fl_datapath_info(datapath, i)->ifindex, ports, flags, cb,
                               aux, err);
    fl_datapath_close(datapath);
    return ret;
}

int fl_kernel_flows_dump(struct fl_ports *ports, enum fl_kernel_detail detail, fl_decode_cb *cb,
                         void *aux, struct fl_error *err)
{
    int ret = dump_datapaths(ports, detail, cb, aux, err);

    return ret ? ret : dump_tc(ports, detail, cb, aux, err);
}
