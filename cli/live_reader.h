/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_LIVE_READER_H
#define FLOWLIFT_CLI_LIVE_READER_H

/*
 * A child process that reads (cli/live_source.h), so that keys are answered meanwhile: a reading waits for
 * Open vSwitch, and counts packets for seconds. It writes each document as one line into a pipe, and dies with
 * its parent.
 */

#include <jansson.h>
#include <sys/types.h>

#include <openvswitch/dynamic-string.h>

#include "cli/live_source.h"

/* A document has some kilobytes for each VM. */
#define FL_LIMIT_LIVE_DOCUMENT_MIB 64

struct fl_live_reader {
    pid_t pid;
    int fd; /* readable when there is something for fl_live_reader_take() */
    struct ds text;
    size_t n_seen; /* bytes of @text without an end of line */
};

/** fl_live_reader_start() - begin; @source: borrowed by the child. Return: 0 or negative errno. */
int fl_live_reader_start(struct fl_live_reader *reader, struct fl_live_source *source,
                         struct fl_error *err);
/**
 * fl_live_reader_take() - what has come, without waiting
 * @document: new reference, or NULL: none is whole yet
 * A document {"ended": true} says that the files are at their end.
 * Return: 0; negative errno: it is over, and @err says why.
 */
int fl_live_reader_take(struct fl_live_reader *reader, json_t **document, struct fl_error *err);
/** fl_live_reader_stop() - end it, whatever it does */
void fl_live_reader_stop(struct fl_live_reader *reader);

#endif
