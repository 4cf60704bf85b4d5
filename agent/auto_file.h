/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_AUTO_FILE_H
#define FLOWLIFT_AGENT_AUTO_FILE_H

/* ROOT/var/lib/flowlift/auto.json: the limits of automatic repairs outlive the agent. */

#include "agent/auto_limits.h"
#include "flows/error.h"

/**
 * fl_auto_load() - read it
 * @limits: to be destroyed by the caller; without any attempt when there is no file
 * Return: 0; -EINVAL, -EFBIG, -EACCES, ...: what is there cannot be used. @limits is empty then, which does
 * not mean that nothing has happened.
 */
int fl_auto_load(const char *root, struct fl_auto_limits *limits, struct fl_error *err);
/** fl_auto_save() - write it; the old file stays on any error. Return: 0 or negative errno */
int fl_auto_save(const char *root, const struct fl_auto_limits *limits, struct fl_error *err);

#endif
