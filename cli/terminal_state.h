/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_TERMINAL_STATE_H
#define FLOWLIFT_CLI_TERMINAL_STATE_H

/*
 * What has to be undone on a terminal whatever happens: its modes, its second screen, its cursor. Kept where
 * the handler of a crash finds it; only what is safe there (signal-safety(7)) is used to undo it.
 */

#include <stdbool.h>
#include <stddef.h>

#include "flows/error.h"

/* Longest text that enters or leaves the second screen. */
#define FL_TERMINAL_TEXT_BYTES 256

/**
 * fl_terminal_state_open() - a descriptor of our own for the terminal that is @fd
 * It does not block. When the terminal cannot be opened anew (after su, it may be somebody else's), @fd's own
 * description is used, and made to block again when the terminal is given back.
 * Return: the descriptor, or negative errno.
 */
int fl_terminal_state_open(int fd, struct fl_error *err);
void fl_terminal_state_close(void);
/** fl_terminal_state_texts() - what enters and what leaves the second screen; copied */
void fl_terminal_state_texts(const char *enter, const char *leave);
/**
 * fl_terminal_state_take() - set modes (keys one by one, no echo; signals and flow control stay), enter
 * From now on it is given back when this process ends by a crash or by exit().
 */
void fl_terminal_state_take(void);
/**
 * fl_terminal_state_give_back() - leave, and set the modes that were found; nothing when it is not taken
 * @cut: the last write ended anywhere: an escape sequence may be unfinished
 */
void fl_terminal_state_give_back(bool cut);

#endif
