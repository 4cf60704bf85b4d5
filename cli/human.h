/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_HUMAN_H
#define FLOWLIFT_CLI_HUMAN_H

/*
 * Numbers as people read them: three digits and a unit (powers of 1000, as NICs and links are
 * sold), and never a rounding that says "all" or "nothing" where that is not so.
 */

#include <stdint.h>

/* Room that every function here needs. */
#define FL_HUMAN_BYTES 24

/** fl_human_count() - "0", "9812", "12.3k", "1.20M"; exact below 10,000 */
const char *fl_human_count(uint64_t count, char buf[FL_HUMAN_BYTES]);
/** fl_human_bytes() - "0 B", "512 B", "1.50 kB", "118 MB" */
const char *fl_human_bytes(uint64_t bytes, char buf[FL_HUMAN_BYTES]);
/**
 * fl_human_rate() - events a second: "0", "0.2", "9.5", "812", "9812", "12.3k"
 * @count: events in the window; @window_ms: its length; 0: none, @count itself then
 */
const char *fl_human_rate(uint64_t count, int64_t window_ms, char buf[FL_HUMAN_BYTES]);
/** fl_human_byte_rate() - bytes of a window, a second (without a window: all): "118 MB", without "/s" */
const char *fl_human_byte_rate(uint64_t bytes, int64_t window_ms, char buf[FL_HUMAN_BYTES]);
/**
 * fl_human_share() - percent without the sign: "100", "99.9", "0", "<0.1", "-"
 * @share: 0..1; negative: there is none ("-")
 * "100" and "0" are said of exactly that only.
 */
const char *fl_human_share(double share, char buf[FL_HUMAN_BYTES]);
/** fl_human_duration() - "350 ms", "5 s", "2.5 s", "3 min", "2 h", "4 d" */
const char *fl_human_duration(int64_t ms, char buf[FL_HUMAN_BYTES]);

#endif
