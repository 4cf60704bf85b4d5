/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_OPTIONS_H
#define FLOWLIFT_AGENT_OPTIONS_H

/* The command line: Open vSwitch's options of daemons and logs, and a few of our own. */

#include <stdbool.h>

#include "flows/error.h"

struct fl_agent_options {
    char *root;     /* absolute, or "" for the host's own */
    char *db;       /* as for struct fl_host, absolute; or NULL */
    int timeout_ms; /* 0: the guard's own */
    char *pidfile;  /* absolute */
    char *socket;   /* of the control commands, absolute; or "none" */
    char *log_file; /* absolute; or NULL: no log file */
    bool only_told; /* --help or --version: all is done. */
};

/**
 * fl_agent_options_parse() - read the words
 *
 * Sets what libopenvswitch keeps itself (--detach, --monitor, -v, ...). A relative --pidfile or --unixctl is
 * in ROOT/run/flowlift, a relative --log-file in ROOT/var/log/flowlift, as Open vSwitch's are in its folders.
 *
 * Return: 0 or -EINVAL; @options is to be destroyed in any case.
 */
int fl_agent_options_parse(struct fl_agent_options *options, int argc, char **argv,
                           struct fl_error *err);
void fl_agent_options_destroy(struct fl_agent_options *options);

#endif
