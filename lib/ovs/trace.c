/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovs/trace.h"

#include <errno.h>
#include <openvswitch/ofpbuf.h>
#include <ovs/svec.h>
#include <stdlib.h>

#include "flows/cleanup.h"
#include "flows/flowset.h"

/* unixctl takes arguments with a leading '-' for options, wherever they stand. */
static int check_argument(const char *what, const char *argument, struct fl_error *err)
{
    if (argument[0] == '\0' || argument[0] == '-') {
        return fl_error_set(err, -EINVAL, "\"%s\" is no %s to trace", argument, what);
    }
    return 0;
}

/*
 * Without any action ("drop"), OVS takes the packet through the flow table instead and says nothing of it.
 * Source: OVS 3.1 ofproto_unixctl_trace_actions() and xlate_actions(), which tests ofpacts for NULL.
 */
static int check_actions(const char *actions, struct fl_error *err)
{
    struct ofpbuf ofpacts;
    _cleanup_free char *wrong = fl_ofpacts_parse(actions, &ofpacts);
    size_t n_bytes = ofpacts.size;

    ofpbuf_uninit(&ofpacts);
    if (wrong) {
        return fl_error_set(err, -EINVAL, "\"%s\" are no OpenFlow actions: %s", actions, wrong);
    }
    if (!n_bytes) {
        return fl_error_set(err, -EINVAL, "\"%s\" cannot be traced: no action in it", actions);
    }
    return 0;
}

static void release_svec(struct svec *svec)
{
    svec_destroy(svec);
}

int fl_trace_run(struct fl_ctl *ctl, const char *bridge, const char *flow,
                 const char *const *ct_next, const char *actions, struct fl_trace **trace,
                 struct fl_error *err)
{
    const char *command = actions ? "ofproto/trace-packet-out" : "ofproto/trace";
    _cleanup_(release_svec) struct svec argv = SVEC_EMPTY_INITIALIZER;
    _cleanup_free char *text = NULL;
    int error = check_argument("bridge", bridge, err);

    if (!error) {
        error = check_argument("packet", flow, err);
    }
    if (!error && actions) {
        error = check_actions(actions, err);
    }
    if (error) {
        return error;
    }
    svec_add(&argv, bridge);
    svec_add(&argv, flow);
    svec_add(&argv, "--names");
    for (; ct_next && *ct_next; ct_next++) {
        svec_add(&argv, "--ct-next");
        svec_add(&argv, *ct_next);
    }
    if (actions) {
        svec_add(&argv, actions); /* last: OVS takes it off first, whatever it is */
    }
    svec_terminate(&argv);
    error = fl_ctl_run(ctl, command, (const char *const *)argv.names, &text, err);
    if (!error) {
        error = fl_trace_parse(text, trace, err);
    }
    if (error) {
        fl_error_prefix(err, "%s %s %s", command, bridge, flow);
    }
    return error;
}
