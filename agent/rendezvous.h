/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_RENDEZVOUS_H
#define FLOWLIFT_AGENT_RENDEZVOUS_H

/*
 * How "ovs-appctl -t flowlift-agent" finds us: it reads OVS_RUNDIR/flowlift-agent.pid, whose process has to
 * have the file locked, and connects to OVS_RUNDIR/flowlift-agent.PID.ctl. Both are symbolic links there, to
 * ours in ROOT/run/flowlift. They are made again when somebody removes them (OVS's folder may go with OVS),
 * and removed at exit. Where the folder cannot be written, or another agent (of another root) has the name,
 * there are none, and "ovs-appctl -t SOCKET" is the way.
 *
 * Source: Open vSwitch 3.1, utilities/ovs-appctl.c connect_to_target(), lib/daemon-unix.c read_pidfile().
 */

struct fl_rendezvous;

/**
 * fl_rendezvous_open() - make the links, and remove what an agent of this root that was killed left behind
 * @rundir: ROOT/run/flowlift
 * @pidfile, @socket: absolute; @socket may be NULL. All are copied.
 * Return: owned by the caller.
 */
struct fl_rendezvous *fl_rendezvous_open(const char *rundir, const char *pidfile,
                                         const char *socket);
/** fl_rendezvous_close() - remove the links; exit(), too, does so; NULL is fine */
void fl_rendezvous_close(struct fl_rendezvous *rendezvous);
/** fl_rendezvous_run() - make the links again when they are gone */
void fl_rendezvous_run(struct fl_rendezvous *rendezvous);
void fl_rendezvous_wait(const struct fl_rendezvous *rendezvous);

#endif
