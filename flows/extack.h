/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_EXTACK_H
#define FLOWLIFT_EXTACK_H

/*
 * What the kernel told somebody over netlink in words (extack), as its tracepoint netlink:netlink_extack writes it,
 * counted by text. The event has nothing but the text: for which flow or device it was is not to be told. It is there
 * for each NL_SET_ERR_MSG(), also where nobody asked for the text, as Open vSwitch, whose filters are neither skip_sw
 * nor verbose; but not for the texts with parameters (NL_SET_ERR_MSG_FMT(), since Linux 6.2), which are made then only
 * if somebody did.
 * Source: Linux 6.1 include/trace/events/netlink.h, include/linux/netlink.h; 6.2 include/linux/netlink.h.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/cause.h"
#include "flows/tc_answer.h"

/* Different texts that are kept; how often there were others is counted. */
#define FL_EXTACKS_MAX 32u

struct fl_extack {
    char text[FL_TC_ANSWER_TEXT]; /* Printable ASCII; cut if it is longer. */
    uint64_t n;
};

struct fl_extacks {
    struct fl_extack texts[FL_EXTACKS_MAX]; /* In the order in which they came. */
    size_t n_texts;
    uint64_t n_others;   /* Told in texts that found no room. */
    bool is_incomplete;  /* The kernel lost events, or a line was not understood. */
    int64_t listened_ms; /* How long was listened. */
};

enum fl_extack_line {
    FL_EXTACK_TOLD,    /* An event. */
    FL_EXTACK_NOTHING, /* A line without meaning: empty, a heading. */
    FL_EXTACK_LOST, /* Events were lost, or the line is none of ours: something may be missing. */
};

/**
 * fl_extack_parse() - one line of trace_pipe, without its end
 * @tid: whose thread was told; its process number is not in the line
 * @text: printable, set with @tid where FL_EXTACK_TOLD is returned
 *
 * A thread gives itself any name, with a line end in it, too; but it always takes up the same 16 columns, so that
 * nobody can pass for another thread.
 * Source: Linux 6.1 kernel/trace/trace_output.c, trace_print_context(): "%16s-%-7d ".
 */
enum fl_extack_line fl_extack_parse(const char *line, uint32_t *tid, char text[FL_TC_ANSWER_TEXT]);

/** fl_extacks_add() - @text was told once more */
void fl_extacks_add(struct fl_extacks *extacks, const char *text);

/**
 * fl_extack_cause() - what a text means by itself
 * Return: FL_CAUSE_REFUSED where it says nothing, or is no NIC's: the kernel's own words ("Cannot find specified
 * filter chain") are about Open vSwitch's requests. A driver's begin with its name (NL_SET_ERR_MSG_MOD), but for those
 * that it has of include/net/pkt_cls.h.
 */
enum fl_cause_id fl_extack_cause(const char *text);

/**
 * fl_extacks_causes() - one for each text that tells one; each only "may be", since it is of any flow
 * Return: how many
 */
size_t fl_extacks_causes(const struct fl_extacks *extacks, struct fl_cause causes[FL_EXTACKS_MAX]);

#endif
