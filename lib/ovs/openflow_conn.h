/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVS_OPENFLOW_CONN_H
#define FLOWLIFT_OVS_OPENFLOW_CONN_H

/*
 * What the files behind openflow.h and monitor.h share: messages over the connection with a deadline,
 * flows one at a time, and bundles. Not for anybody else.
 */

#include <openvswitch/ofp-flow.h>
#include <openvswitch/ofpbuf.h>

#include "lib/ovs/openflow.h"

#define FL_OPENFLOW_VERSION  OFP14_VERSION
#define FL_OPENFLOW_PROTOCOL OFPUTIL_P_OF14_OXM

/** fl_openflow_check_bridge() - Return: 0, or -EINVAL: @bridge cannot be the name of one */
int fl_openflow_check_bridge(const char *bridge, struct fl_error *err);

/**
 * fl_openflow_explain() - say why the bridge can't be talked to and what to do about it
 * @path: of its management socket
 * @vconn_error: positive errno or EOF, as vconn has it
 * Return: negative errno; -EPROTO: no OpenFlow 1.4.
 */
int fl_openflow_explain(const char *bridge, const char *path, int vconn_error,
                        struct fl_error *err);

/** fl_openflow_bridge() - name of the bridge, borrowed */
const char *fl_openflow_bridge(const struct fl_openflow *of);

/**
 * fl_openflow_send() - send one message
 * @msg: consumed
 * Return: 0, -EPIPE, -ETIMEDOUT or other negative errno; the connection is closed then.
 */
int fl_openflow_send(struct fl_openflow *of, struct ofpbuf *msg, struct fl_error *err);

/**
 * fl_openflow_receive() - next message that is no echo request (these are answered)
 * Return: 0 and *@msg owned by the caller; else as fl_openflow_send().
 */
int fl_openflow_receive(struct fl_openflow *of, struct ofpbuf **msg, struct fl_error *err);

/** fl_openflow_refused() - @msg is an OpenFlow error: -EINVAL and its text in @err */
int fl_openflow_refused(const struct fl_openflow *of, const struct ofpbuf *msg, const char *request,
                        struct fl_error *err);

/* @flow is valid during the call only. Non-zero stops. */
typedef int fl_openflow_each(const struct ofputil_flow_stats *flow, void *aux);
/**
 * fl_openflow_each_flow() - every flow of the bridge whose cookie matches
 * @table: or OFPTT_ALL
 */
int fl_openflow_each_flow(struct fl_openflow *of, uint64_t cookie, uint64_t cookie_mask,
                          uint8_t table, fl_openflow_each *each, void *aux, struct fl_error *err);

/**
 * fl_openflow_multipart() - send a multipart request and hand on each message of its reply
 * @request: consumed
 * @each: gets a message to pull the parts out of; non-zero stops
 */
int fl_openflow_multipart(struct fl_openflow *of, struct ofpbuf *request, const char *what,
                          int (*each)(struct ofpbuf *reply, void *aux), void *aux,
                          struct fl_error *err);

/**
 * fl_openflow_bundle() - commit messages as one ordered, atomic bundle
 * @msgs: @n encoded flow mods; consumed
 * @failed: index of the message that the switch refused, or @n when none was named
 * Return: 0; -EINVAL when the switch refused, its error in @err and nothing was changed; -EPIPE or
 * -ETIMEDOUT: then all or nothing was done.
 */
int fl_openflow_bundle(struct fl_openflow *of, struct ofpbuf **msgs, size_t n, size_t *failed,
                       struct fl_error *err);

#endif
