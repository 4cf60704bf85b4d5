/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_FLEET_TLS_H
#define FLOWLIFT_FLEET_TLS_H

#include "lib/base/config.h"

/**
 * fl_fleet_tls() - have libopenvswitch use the keys of [fleet], for remotes that begin with "ssl:"
 * They are of the whole process. Files that are replaced are read again by it for each new connection.
 * Return: 0, also where no remote wants them; -EINVAL a key is not set; -ENOENT, -EACCES one cannot be read.
 */
int fl_fleet_tls(const struct fl_config *config, struct fl_error *err);

/** fl_fleet_host_name() - [fleet] name, else the host's; owned by the caller, free() */
char *fl_fleet_host_name(const struct fl_config *config);

#endif
