/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_TERMINAL_H
#define FLOWLIFT_CLI_TERMINAL_H

/*
 * A grid of cells on a terminal, by ncurses, which knows terminals and writes only what changed. It does not
 * write to the terminal itself but into memory: what it wrote goes out in one write() that does not block.
 * Until the terminal has taken all of it no further grid is taken: a slow terminal sees fewer screens, and
 * never old ones.
 *
 * However this process ends (a signal, a crash, exit()), the terminal gets its modes and its own screen back;
 * SIGKILL alone leaves it as it is.
 */

#include <stdbool.h>

#include "cli/cells.h"
#include "flows/error.h"

struct fl_terminal;

/* What fl_terminal_key() returns beside characters. */
enum fl_key {
    FL_KEY_NONE = -1, /* nothing more was typed */
    FL_KEY_GONE = -2, /* there is no terminal any more */
    FL_KEY_UP = 0x110000,
    FL_KEY_DOWN,
    FL_KEY_PAGE_UP,
    FL_KEY_PAGE_DOWN,
    FL_KEY_HOME,
    FL_KEY_END,
    FL_KEY_ENTER,
    FL_KEY_OTHER,
};

/**
 * fl_terminal_open() - take over the terminal that is @fd
 * @colour: whether colours are wanted
 * Only one can be open. Return: 0; -ENOTTY, -EINVAL (what TERM names is not known, or cannot do it),
 * and other negative errno.
 */
int fl_terminal_open(int fd, bool colour, struct fl_terminal **terminal, struct fl_error *err);
/** fl_terminal_close() - give it back */
void fl_terminal_close(struct fl_terminal *terminal);
/** fl_terminal_has_colours() - they are wanted, and it has them */
bool fl_terminal_has_colours(const struct fl_terminal *terminal);

/** fl_terminal_size() - as it is now */
void fl_terminal_size(const struct fl_terminal *terminal, int *width, int *height);
/** fl_terminal_fd() - to wait for keys, and for room while fl_terminal_is_busy() */
int fl_terminal_fd(const struct fl_terminal *terminal);
/** fl_terminal_is_busy() - it has not taken all of the last grid */
bool fl_terminal_is_busy(const struct fl_terminal *terminal);
/**
 * fl_terminal_show() - have the terminal look like @grid; call it when it is not busy
 * Return: 0, busy or not; negative errno: it is gone.
 */
int fl_terminal_show(struct fl_terminal *terminal, const struct fl_grid *grid);
/** fl_terminal_flush() - hand over what it had no room for. Return: likewise. */
int fl_terminal_flush(struct fl_terminal *terminal);
/** fl_terminal_repaint() - nothing is known of what is on the screen: the next grid is written whole */
void fl_terminal_repaint(struct fl_terminal *terminal);
/** fl_terminal_key() - what was typed: a character, or enum fl_key; never blocks */
int fl_terminal_key(struct fl_terminal *terminal);

/** fl_terminal_suspend() - give it back for a while; fl_terminal_resume() takes it over again */
void fl_terminal_suspend(struct fl_terminal *terminal);
void fl_terminal_resume(struct fl_terminal *terminal);

#endif
