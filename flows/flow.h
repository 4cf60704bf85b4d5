/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLOW_H
#define FLOWLIFT_FLOW_H

/*
 * The flow record: one datapath flow (megaflow), wherever it was read from.
 *
 * Match and actions are libopenvswitch's own forms (struct minimatch, struct nlattr actions). Ports
 * are odp_port_t; a port that the dump gives by name gets a number of its own from 'struct fl_ports'
 * (see there). A record is small (some 400 bytes) since a snapshot holds up to 100,000 of them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/match.h>
#include <openvswitch/types.h>

struct nlattr;

/** enum fl_path - who forwards the packets of a flow; best first (DESIGN.md section 2) */
enum fl_path {
    FL_PATH_HW,         /* "hw": offloaded:yes */
    FL_PATH_HW_PARTIAL, /* "hw-partial": offloaded:partial */
    FL_PATH_TC_SW,      /* "tc-sw": dp:tc without offloaded:yes */
    FL_PATH_DP_SW,      /* "dp-sw": dp:ovs */
    FL_PATH_UPCALL,     /* "upcall": actions:userspace(...) */
    FL_PATH_UNKNOWN,    /* "unknown": not to be told from what was read */
    FL_N_PATHS
};

/** fl_path_name() - "hw", "hw-partial", "tc-sw", "dp-sw", "upcall", "unknown" */
const char *fl_path_name(enum fl_path path);
/** fl_path_key() - the same with '_' for '-', as JSON keys of "storage" use it */
const char *fl_path_key(enum fl_path path);
/**
 * fl_path_from_name() - inverse of fl_path_name()
 * Return: true and *@path set, or false and *@path untouched.
 */
bool fl_path_from_name(const char *name, enum fl_path *path);
/** fl_path_worse() - the worse of two paths; unknown is worse than everything */
enum fl_path fl_path_worse(enum fl_path a, enum fl_path b);

/** enum fl_layer - the "dp:" attribute */
enum fl_layer {
    FL_LAYER_NONE, /* not printed */
    FL_LAYER_OVS,
    FL_LAYER_TC,
    FL_LAYER_DPDK,
    FL_LAYER_DOCA,
    FL_LAYER_OTHER, /* a value that this version does not know */
};

/** enum fl_offloaded - the "offloaded:" attribute */
enum fl_offloaded {
    FL_OFFLOADED_NONE, /* not printed: no, if the dump was made with -m, else not known */
    FL_OFFLOADED_YES,
    FL_OFFLOADED_PARTIAL,
    FL_OFFLOADED_OTHER,
};

#define FL_PMD_NONE      (-1) /* no "flow-dump from" heading was seen */
#define FL_PMD_MAIN      (-2) /* "flow-dump from the main thread" */
#define FL_USED_NEVER    (-1) /* used:never */
#define FL_USED_UNKNOWN  INT64_MIN
#define FL_COUNT_UNKNOWN UINT64_MAX

/**
 * struct fl_flow - one datapath flow
 *
 * What of a flow's text is not legible is not made up: @parse_error says what it is, and the rest is
 * filled in. Without has_match, only in_port and recirc_id are, if they could be read at all. With
 * match_partial, @match holds for every packet of the flow and for others too: enough to show it and
 * to tell that it does not overlap something, never to prove that something covers it.
 *
 * Strings, @match, and @actions belong to whoever made the record: the decoder's scratch memory
 * during a callback, the arena of a snapshot afterwards. They are printable UTF-8: whatever was not is
 * '?'. @match can always be read; without has_match it matches everything.
 */
struct fl_flow {
    ovs_u128 id; /* ufid, or a hash of the match text when none was printed. */
    bool has_ufid;
    bool has_match;        /* @match was decoded (else only in_port, recirc_id as legible). */
    bool match_partial;    /* Some of the match was not legible: @match is wider than the flow. */
    bool has_actions;      /* @actions was decoded. */
    bool drops;            /* actions:drop or empty: has_actions with actions_len 0. */
    bool target_gone;      /* In TC: a device that it sends to is not there any more. */
    bool skip_hw;          /* In TC: the filter is not offered to the NIC. */
    bool to_host;          /* In TC: it sends to a device as if received there: to the host. */
    uint32_t meter_police; /* In TC: index of the policer that stands for a meter; 0: none. */
    enum fl_path path;
    enum fl_layer layer;
    enum fl_offloaded offloaded;
    int pmd;              /* Core, FL_PMD_MAIN or FL_PMD_NONE. */
    uint32_t line;        /* First line of the flow in its text, from 1; 0: not from text. */
    odp_port_t in_port;   /* ODPP_NONE when not legible. See struct fl_ports. */
    uint32_t recirc_id;   /* 0 is the start of the datapath; valid when has_recirc_id. */
    bool has_recirc_id;   /* Old kernels print none: then recirc_id is 0 and this is false. */
    uint16_t actions_len; /* Bytes of @actions. */
    uint64_t packets;     /* FL_COUNT_UNKNOWN when not printed. */
    uint64_t bytes;       /* Without the Ethernet header when @layer is FL_LAYER_TC. */
    uint64_t hw_packets;  /* Those of @packets that the NIC forwarded; unknown unless told apart. */
    uint64_t hw_bytes;
    int64_t used_ms;              /* Milliseconds since last use; FL_USED_NEVER, FL_USED_UNKNOWN. */
    uint32_t block;               /* In TC: the block that devices share; 0: none. */
    uint16_t block_members;       /* Devices that share it, without their bond; 0: not known. */
    uint16_t block_in_hw;         /* How many NICs, or ports of them, took it (in_hw_count). */
    const struct nlattr *actions; /* OVS_ACTION_ATTR_*; ports as in struct fl_ports. */
    struct minimatch match;       /* Wildcarded bits of the flow are zero. */
    const struct match *wide; /* @match before it was compressed, or NULL; NULL in a snapshot. */
    const char *match_text;   /* The match as printed, NUL-terminated; NULL unless asked for. */
    const char *actions_text; /* What follows "actions:"; NULL unless asked for. */
    const char *raw;          /* The line(s), joined, NUL-terminated; NULL unless asked for. */
    const char *tc;           /* The TC filter, a JSON object as tc(8) writes it; NULL unless
                                 asked for and read from TC. */
    const char *offload_info; /* "dp-offload-info" text (DOCA: why not), or NULL. */
    const char *parse_error;  /* One sentence, or NULL. */
};

/*
 * Ports of a snapshot. dpctl prints names with -m or --names, and datapath port numbers otherwise.
 * A number stands for itself; a name gets the number FL_PORT_NAMED + index, so that both fit
 * odp_port_t in matches and actions. Neither is an OpenFlow port number: never compare with one.
 */
#define FL_PORT_NAMED 0x40000000u

struct fl_ports;

struct fl_ports *fl_ports_create(void);
void fl_ports_destroy(struct fl_ports *ports);
/**
 * fl_ports_intern() - the number of a port name, made when the name is new
 * @name: need not be NUL-terminated; @len bytes; digits only stand for that datapath number
 * Return: the number, or ODPP_NONE when FL_LIMIT_PORTS or FL_LIMIT_NAME_BYTES is passed.
 */
odp_port_t fl_ports_intern(struct fl_ports *ports, const char *name, size_t len);
/** fl_ports_find() - the number of a name, or ODPP_NONE when no flow named it */
odp_port_t fl_ports_find(const struct fl_ports *ports, const char *name);
/**
 * fl_ports_name() - the name of @port, or its decimal number
 * @buf: 16 bytes used when there is no name
 * Return: borrowed from @ports or @buf.
 */
const char *fl_ports_name(const struct fl_ports *ports, odp_port_t port, char buf[16]);

struct simap;
/** fl_ports_simap() - name to number map as libopenvswitch's odp parsers take it; borrowed */
const struct simap *fl_ports_simap(const struct fl_ports *ports);
struct hmap;
/** fl_ports_names() - number to name map as libopenvswitch's odp formatters take it; borrowed */
const struct hmap *fl_ports_names(const struct fl_ports *ports);

/**
 * fl_flow_path() - the path that layer, offloaded and actions tell
 *
 * Packets that all go to ovs-vswitchd make it "upcall", whatever else is said; samples of packets
 * (sFlow, IPFIX) do not. Without "dp:" and "offloaded:", that is in a dump without -m, it is
 * "unknown". What is said of neither ("offloaded:" of an unknown value, "dp:dpdk" alone) is too.
 */
enum fl_path fl_flow_path(const struct fl_flow *flow);

/** fl_flow_format_id() - "ufid:..." text of @flow->id (36 characters), for people */
void fl_flow_format_id(const struct fl_flow *flow, char buf[37]);

#endif
