/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVN_KEYS_H
#define FLOWLIFT_OVN_KEYS_H

/*
 * The files with which ovn-controller of this host reaches the southbound over TLS ("ssl:"): the same are used.
 */

#include <stdbool.h>
#include <stddef.h>

#include "flows/error.h"

struct fl_ovn_keys {
    char *private_key, *certificate, *ca_certificate; /* Paths; NULL: not named. */
};

/**
 * fl_ovn_keys_of_command() - from ovn-controller's command line: -p, -c, -C and their long forms
 * @line: arguments with a NUL behind each, as /proc/PID/cmdline has them
 * @keys: set; owned by the caller
 * Return: whether all three are named.
 */
bool fl_ovn_keys_of_command(const char *line, size_t n, struct fl_ovn_keys *keys);
void fl_ovn_keys_destroy(struct fl_ovn_keys *keys);

/**
 * fl_ovn_keys_use() - find them, in OVSDB's table SSL, else where ovn-controller runs, and have
 * libopenvswitch use them for every "ssl:" from now on
 * @db: OVSDB remote of this host, "unix:..."
 * Return: 0; -ENOENT with a sentence in @err when nobody names them; -EACCES when one cannot be read.
 * Source: OVN 23.03 controller/ovn-controller.c, update_ssl_config(): table SSL goes before.
 */
int fl_ovn_keys_use(const char *db, int timeout_ms, struct fl_error *err);

/** fl_ovn_rundir() - folder of OVN's sockets and pid files: $OVN_RUNDIR or OVN's default; borrowed */
const char *fl_ovn_rundir(void);

#endif
