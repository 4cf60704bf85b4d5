/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_INSTANCE_H
#define FLOWLIFT_AGENT_INSTANCE_H

/*
 * One agent a root: a lock on ROOT/run/flowlift/agent.lock, which every process of the agent has (the
 * monitor of --monitor, too), so that it is held while the monitor starts the agent again. It ends with the
 * last of them, however that one ends.
 */

#include "flows/error.h"

/**
 * fl_instance_take() - be the one; the folder is made as needed
 * @fd: of the lock, never to be closed
 * Return: 0; -EAGAIN another one has it, whose process is in @err; other negative errno.
 */
int fl_instance_take(const char *root, int *fd, struct fl_error *err);
/** fl_instance_sign() - this process is the one to be named to others */
void fl_instance_sign(int fd);

#endif
