/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_LIVE_MODEL_H
#define FLOWLIFT_CLI_LIVE_MODEL_H

/*
 * What "flowlift watch" knows: the last document (cli/live_source.h) as rows, what each VM counted in the
 * last minute, and what the one who looks has chosen: cursor, order, VMs that are unfolded, pause. No clock,
 * no terminal.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/audit.h"

#define FL_LIVE_TREND_MS     60000
#define FL_LIVE_TREND_POINTS 64

/* What a VM counted between two readings. */
struct fl_live_point {
    int64_t time_ms; /* when it ended */
    int64_t window_ms;
    uint64_t packets; /* of storage, on every path */
    uint64_t hw_packets;
};

/* A storage flow (a chain) of a VM. */
struct fl_live_flow {
    char *text; /* "tcp 10.1.0.2 > 10.1.0.250:2049" */
    char *causes;
    enum fl_direction direction;
    enum fl_path path;
    int vlan; /* -1: not known */
    uint64_t packets;
    uint64_t bytes;
};

struct fl_live_vm {
    char *name;
    enum fl_verdict verdict;
    char *causes; /* "conntrack, recirculation" */
    char *reason; /* one sentence; "" */
    char *remedy; /* its state; "" without one */
    uint64_t packets[FL_N_PATHS];
    uint64_t bytes; /* on every path */
    double hw_share;
    bool by_ports;
    size_t rank; /* in the document: the worst first */
    bool unfolded;
    struct fl_live_flow *flows;
    size_t n_flows;
    uint64_t n_more_flows;                             /* not told one by one */
    struct fl_live_point points[FL_LIVE_TREND_POINTS]; /* the oldest first */
    size_t n_points;
};

enum fl_live_order {
    FL_LIVE_WORST, /* as audit has it */
    FL_LIVE_SOFTWARE,
    FL_LIVE_PACKETS,
    FL_LIVE_BYTES,
    FL_LIVE_NAME,
    FL_LIVE_N_ORDERS
};
/** fl_live_order_name() - "worst", "software", "packets", "bytes", "name" */
const char *fl_live_order_name(enum fl_live_order order);

struct fl_live_model {
    char *host;
    int64_t time_ms;  /* of the reading; 0: there is none yet */
    int64_t taken_ms; /* when it came here, on the clock of struct fl_live_look */
    int64_t window_ms;
    int64_t tick_ms; /* from one reading to the next, as asked for */
    char *message;   /* what is wrong with the reading or the host; "" */
    bool failed;     /* nothing could be read this time: what is shown is older */
    bool ended;      /* a replay is over */
    bool has_vms;    /* else they are ports */
    struct fl_live_vm *vms;
    size_t n_vms;
    size_t n_of[FL_VERDICT_OFFLOADED + 1];
    int exit_code; /* of the last audit */

    enum fl_live_order order;
    bool paused;
    json_t *waiting;    /* the newest document that came while paused */
    int64_t waiting_ms; /* when */
    size_t cursor;      /* a line, see fl_live_line() */
    size_t top;         /* the first line that is shown */
};

void fl_live_model_init(struct fl_live_model *model);
void fl_live_model_destroy(struct fl_live_model *model);
/**
 * fl_live_model_take() - a document; any JSON, borrowed
 * @now_ms: the time it came
 * What is missing in it or of the wrong type counts as not known. While paused it is kept for later.
 */
void fl_live_model_take(struct fl_live_model *model, json_t *document, int64_t now_ms);

/* The lines of the list: a VM's, and below it those of its flows while it is unfolded. */
struct fl_live_line {
    size_t vm;
    size_t flow;    /* which, when @is_flow; n_flows: the line that counts the others */
    bool is_flow;   /* else the VM's own */
    bool is_last;   /* of the flows of its VM */
    bool is_reason; /* @is_flow: the first of them, the VM's reason */
};
size_t fl_live_n_lines(const struct fl_live_model *model);
/** fl_live_line() - Return: false when there is no line @i */
bool fl_live_line(const struct fl_live_model *model, size_t i, struct fl_live_line *line);

enum fl_live_key {
    FL_LIVE_UP,
    FL_LIVE_DOWN,
    FL_LIVE_PAGE_UP,
    FL_LIVE_PAGE_DOWN,
    FL_LIVE_HOME,
    FL_LIVE_END,
    FL_LIVE_SORT,
    FL_LIVE_PAUSE,
    FL_LIVE_UNFOLD,
};
/** fl_live_model_key() - @page: lines of the list that are on the screen */
void fl_live_model_key(struct fl_live_model *model, enum fl_live_key key, size_t page);
/** fl_live_model_scroll() - set @top so that the cursor is among the @page lines that are shown */
void fl_live_model_scroll(struct fl_live_model *model, size_t page);

#endif
