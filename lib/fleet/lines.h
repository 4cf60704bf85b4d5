/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_LINES_H
#define FLOWLIFT_FLEET_LINES_H

/*
 * JSON objects out of text that was gathered from many hosts: one a line, or each over several lines of which
 * the first alone begins with "{" in the first column. As these write it:
 *
 *     {"schema": ...}                          files, and what cat makes of them
 *     node7: {"schema": ...}                   clush; "node7:{" of grep, too
 *     ---------------                          clush -b: what follows is of node7
 *     node7
 *     ---------------
 *     node7 | CHANGED | rc=0 >>                ansible: what follows is of node7
 *
 * Fed in pieces of any size; nothing is kept but the line and the object that are being read. Whatever else a
 * line is, is refused by its number, and so is an object that is broken off, nested too deeply or too large
 * (FL_LIMIT_FLEET_AUDIT_BYTES). The next object is read again, also where it begins in the same line, since the
 * one before it was cut off without a newline.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openvswitch/dynamic-string.h>

#include "flows/limits.h"

struct fl_fleet_lines_to {
    /*
     * An object, by its brackets: it begins with "{" and may be no JSON after all.
     * @label: what the text says whose it is, "" when it does not
     */
    void (*take)(const char *text, size_t n_bytes, const char *label, uint64_t line, void *aux);
    /* What stands in that line is not read; @reason: a sentence without its beginning ("is ..."). */
    void (*refuse)(uint64_t line, const char *reason, void *aux);
    void *aux;
};

struct fl_fleet_lines {
    struct fl_fleet_lines_to to;
    struct ds line;                       /* That has no end yet. */
    bool skips_line;                      /* It is too long: so is all up to its end. */
    uint64_t number;                      /* Of the line, from 1. */
    struct ds object;                     /* That has no end yet. */
    bool reads_object;                    /* There is one. */
    uint64_t object_line;                 /* Where it begins. */
    bool skips_rest;                      /* Of an object that was refused. */
    unsigned int depth;                   /* In @object. */
    bool in_string;                       /* Likewise. */
    bool escaped;                         /* Likewise. */
    unsigned int heading;                 /* Lines of a heading of clush that were seen. */
    size_t n_prefix;                      /* Bytes of: */
    char prefix[FL_LIMIT_NAME_BYTES + 3]; /* "node7: ", which each line of @object has. */
    char label[FL_LIMIT_NAME_BYTES + 1];  /* Of the heading above, or "". */
};

void fl_fleet_lines_init(struct fl_fleet_lines *lines, const struct fl_fleet_lines_to *to);
/** fl_fleet_lines_push() - the next bytes of the text */
void fl_fleet_lines_push(struct fl_fleet_lines *lines, const char *bytes, size_t n_bytes);
/** fl_fleet_lines_end() - the text is over; releases what @lines has */
void fl_fleet_lines_end(struct fl_fleet_lines *lines);

#endif
