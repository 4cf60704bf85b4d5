/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_AGENT_SIGNALS_H
#define FLOWLIFT_AGENT_SIGNALS_H

/*
 * SIGTERM, SIGINT and SIGHUP as events of the loop. They are blocked, so that libopenvswitch's handlers never
 * see them: those end a process by the signal, and we end with 0.
 */

/** fl_signals_block() - to be called before the first fork, so that none is lost. Return: 0, negative errno */
int fl_signals_block(void);
/** fl_signals_open() - Return: a descriptor to wait for, or negative errno */
int fl_signals_open(void);
/** fl_signals_take() - Return: the number of one that came, or 0 */
int fl_signals_take(int fd);

#endif
