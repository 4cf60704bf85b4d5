/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <openvswitch/util.h>

#include "flows/cleanup.h"
#include "lib/text.h"

#define WIPE "\r\033[K"

static bool on_screen;

static bool has_terminal(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb");
}

/* A line that is wrapped could not be wiped. */
static size_t columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20 ? 79 : size.ws_col - 1u;
}

void fl_progress_line(const char *what, void *aux OVS_UNUSED)
{
    _cleanup_free char *clean = fl_text_clean(what);

    if (!has_terminal())
        return;
    fprintf(stderr, WIPE "%.*s ...", (int)fl_text_clip(clean, columns() - 4), clean);
    fflush(stderr);
    on_screen = true;
}

void fl_progress_step(const char *what, void *aux OVS_UNUSED)
{
    _cleanup_free char *clean = fl_text_clean(what);

    if (has_terminal())
        fprintf(stderr, "- %s\n", clean);
}

void fl_progress_end(void)
{
    if (on_screen)
        fputs(WIPE, stderr);
    on_screen = false;
}
