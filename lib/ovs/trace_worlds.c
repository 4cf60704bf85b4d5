/* SPDX-License-Identifier: Apache-2.0 */

/* One packet under each answer that conntrack may give. See trace.h. */

#include <ovs/packets.h>
#include <ovs/util.h>

#include "flows/limits.h"
#include "lib/ovs/trace.h"

/* One answer is used up by each recirculation through conntrack. */
#define MAX_ANSWERS FL_LIMIT_CHAIN_LINKS

static const struct {
    const char *name;
    const char *ct_state;
} worlds_of[FL_N_WORLDS] = {
    [FL_WORLD_ESTABLISHED] = { "established", "trk,est" },
    [FL_WORLD_REPLY] = { "reply", "trk,est,rpl" },
    [FL_WORLD_NEW] = { "new", "trk,new" },
    [FL_WORLD_INVALID] = { "invalid", "trk,inv" },
};

const char *fl_world_name(enum fl_world world)
{
    return worlds_of[world].name;
}

const char *fl_world_ct_state(enum fl_world world)
{
    return worlds_of[world].ct_state;
}

int fl_trace_world(struct fl_ctl *ctl, const char *bridge, const char *flow, const char *actions,
                   enum fl_world world, struct fl_trace **trace, struct fl_error *err)
{
    const char *answers[MAX_ANSWERS + 1] = { NULL };

    for (size_t i = 0; i < MAX_ANSWERS; i++) {
        answers[i] = worlds_of[world].ct_state;
    }
    return fl_trace_run(ctl, bridge, flow, answers, actions, trace, err);
}

/* "trk" is in all of them. */
unsigned int fl_trace_n_tested(const struct fl_trace *trace)
{
    unsigned int n = 0;

    for (size_t i = 0; i < trace->n_steps; i++) {
        n += trace->steps[i].ct_state &&
             (trace->steps[i].region.wc.masks.ct_state & ~(uint32_t)CS_TRACKED);
    }
    return n;
}

int fl_trace_worlds(struct fl_ctl *ctl, const char *bridge, const char *flow, const char *actions,
                    struct fl_worlds *result, struct fl_error *err)
{
    struct fl_worlds worlds = { .n_asked = 0 };

    for (enum fl_world world = 0; world < FL_N_WORLDS; world++) {
        struct fl_trace **trace = &worlds.traces[world];
        int error;

        if (world && !worlds.n_tested) {
            *trace = worlds.traces[0];
            continue;
        }
        error = fl_trace_world(ctl, bridge, flow, actions, world, trace, err);
        if (error) {
            fl_error_prefix(err, "conntrack says %s", worlds_of[world].name);
            fl_worlds_release(&worlds);
            return error;
        }
        worlds.n_asked++;
        worlds.n_tested = MAX(worlds.n_tested, fl_trace_n_tested(*trace));
    }
    *result = worlds;
    return 0;
}

void fl_worlds_release(struct fl_worlds *worlds)
{
    for (size_t i = FL_N_WORLDS; i-- > 0;) {
        if (!i || worlds->traces[i] != worlds->traces[0]) {
            fl_trace_destroy(worlds->traces[i]);
        }
        worlds->traces[i] = NULL;
    }
}
