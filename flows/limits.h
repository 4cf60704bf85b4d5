/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_LIMITS_H
#define FLOWLIFT_LIMITS_H

#include <stdint.h>

/*
 * Every size that an outsider can grow has its limit here, and what is refused is refused by name.
 */

/* A line of a dump, in bytes. OVS prints some 600 bytes a flow; longest seen is below 8 KiB. */
#define FL_LIMIT_LINE_BYTES (256u * 1024)
/* Physical lines that one wrapped flow may take up. */
#define FL_LIMIT_WRAPPED_LINES 64u
/* Flows of one dump. OVS's own default flow-limit is 200,000 (ovs-vswitchd.conf.db(5)). */
#define FL_LIMIT_FLOWS 2000000u
/* A raw dump, in bytes; it is streamed. */
#define FL_LIMIT_DUMP_BYTES (UINT64_C(4) << 30)
/* A capture, plan, remedy or configuration file, in bytes. */
#define FL_LIMIT_CAPTURE_BYTES (1024u * 1024 * 1024)
#define FL_LIMIT_FILE_BYTES    (4u * 1024 * 1024)
/* Nesting of JSON; Jansson itself stops at 2048. */
#define FL_LIMIT_JSON_DEPTH 32u
/* Links of one chain (recirculations of one packet). OVS itself stops at 64 resubmits/recircs. */
#define FL_LIMIT_CHAIN_LINKS 16u
/* Chains followed for one flow that a packet starts at: one for each connection behind a ct(). */
#define FL_LIMIT_CHAINS_PER_HEAD 65536u
/* Chains of one snapshot. */
#define FL_LIMIT_CHAINS 1000000u
/* Tests, all in all, whether one flow of a snapshot can follow another (about 1 us each). */
#define FL_LIMIT_CHAIN_TESTS 8000000u
/* Orphaned TC filters that are listed one by one; the rest is counted. */
#define FL_LIMIT_ORPHANS 100u
/* Disagreements between Open vSwitch and the NIC; what is beyond is not looked at. */
#define FL_LIMIT_DISAGREEMENTS 10000u
/* Rules that a plan may hold. */
#define FL_LIMIT_RULES 64u
/* Conntrack zones that one VM's packets pass. */
#define FL_LIMIT_ZONES 64u
/* OpenFlow flows that one traced packet hits; OVS itself stops at 4,096 resubmits (MAX_RESUBMITS). */
#define FL_LIMIT_TRACED_RULES 4096u
/* Text of one megaflow of a trace, in bytes. OVS prints some 600. */
#define FL_LIMIT_MEGAFLOW_BYTES 8192u
/* Outputs of one traced packet (a flood over the ports of a large bridge), and its ct() actions. */
#define FL_LIMIT_OUTPUTS    1024u
#define FL_LIMIT_CT_ACTIONS 64u
/* Bytes of one reply of a unixctl command (a trace, not a dump: dumps are streamed). */
#define FL_LIMIT_REPLY_BYTES (64u * 1024 * 1024)
/* Bytes of one streamed reply (a dump of 2,000,000 flows at 600 bytes, and room). */
#define FL_LIMIT_STREAM_BYTES (4ull * 1024 * 1024 * 1024)
/* OpenFlow flows of a bridge kept at a time, 1.5 KiB each (what is only looked at has no limit). */
#define FL_LIMIT_OPENFLOW_FLOWS 100000u
/*
 * OVN's southbound: an answer with the uuids of a table (58 bytes each: 1,100,000 of them) and one with rows, in
 * bytes; cookies that are looked up for one VM; one match or actions of a logical flow, in bytes.
 */
#define FL_LIMIT_OVN_UUIDS_BYTES (64u * 1024 * 1024)
#define FL_LIMIT_OVN_ROWS_BYTES  (4u * 1024 * 1024)
#define FL_LIMIT_OVN_COOKIES     256u
#define FL_LIMIT_OVN_TEXT_BYTES  2048u
/* Distinct port names in one snapshot. */
#define FL_LIMIT_PORTS 65536u
/* Length of an interface name, VM name or identity, in bytes. */
#define FL_LIMIT_NAME_BYTES 256u

/*
 * Filters that a NIC is asked about, a second and in one session. Open vSwitch itself offers thousands a second
 * when flows come; an answer takes a ConnectX a tenth of a millisecond to some.
 */
#define FL_LIMIT_PROBES_PER_SECOND 50u
#define FL_LIMIT_PROBES            500u

/* One reply of DPDK's telemetry (it writes 16 KiB), and what a driver writes about a port's rules (the plug-in
 * keeps 8 MiB). */
#define FL_LIMIT_TELEMETRY_BYTES (64u * 1024)
#define FL_LIMIT_NIC_RULES_BYTES (64u * 1024 * 1024)
/* What mlx5 writes through its own socket, of a whole NIC; into memory that counts as ovs-vswitchd's. */
#define FL_LIMIT_MLX5_DUMP_BYTES (16u * 1024 * 1024)

/* Domain XML of libvirt, in bytes (what is beyond is not read), and its nesting. */
#define FL_LIMIT_DOMAIN_XML_BYTES (1024u * 1024)
#define FL_LIMIT_DOMAIN_XML_DEPTH 64u
/* Interfaces of one event, bytes of one event as JSON, and events that wait in the spool. */
#define FL_LIMIT_EVENT_INTERFACES 64u
#define FL_LIMIT_EVENT_BYTES      (64u * 1024)
#define FL_LIMIT_SPOOLED_EVENTS   65536u

/* Repairs that the agent began by itself within an hour, and VMs that it leaves alone. */
#define FL_LIMIT_AUTO_ATTEMPTS 1000u
#define FL_LIMIT_AUTO_HOLDS    1024u

/*
 * A report of the fleet: the audit of one host, in bytes (some 1 KB a VM) on one line or on several; hosts; VMs;
 * unreadable lines that are named one by one, the rest is counted.
 */
#define FL_LIMIT_FLEET_AUDIT_BYTES (8u * 1024 * 1024)
#define FL_LIMIT_FLEET_HOSTS       20000u
#define FL_LIMIT_FLEET_VMS         1000000u
#define FL_LIMIT_FLEET_NAMED       100u
/* An answer of the fleet's database: 100,000 VMs are some 30 MiB. */
#define FL_LIMIT_FLEET_REPLY_BYTES (512u * 1024 * 1024)

#endif
