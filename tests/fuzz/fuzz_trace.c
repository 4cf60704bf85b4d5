/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ofproto/trace prints. Whatever is accepted must make sense: an effect, and steps that are whole.
 */
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ovs/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct fl_trace *trace, const char *text)
{
    ovs_assert(!strcmp(trace->text, text));
    ovs_assert(trace->effect[0]);
    ovs_assert(trace->n_steps > 0);
    ovs_assert(trace->slow_path || !trace->slow_reason);
    for (size_t i = 0; i < trace->n_steps; i++) {
        ovs_assert(trace->steps[i].megaflow && trace->steps[i].datapath_actions);
        ovs_assert(!i == !trace->steps[i].recirc_id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdup0((const char *)data, size);
    struct fl_error err = FL_ERROR_INIT;
    struct fl_trace *trace = NULL;

    if (!fl_trace_parse(text, &trace, &err)) {
        check(trace, text);
        fl_trace_destroy(trace);
    } else {
        ovs_assert(err.code < 0 && err.text[0]);
    }
    free(text);
    return 0;
}
