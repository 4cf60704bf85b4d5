/* SPDX-License-Identifier: Apache-2.0 */
#define NCURSES_NOMACROS
#define NCURSES_WIDECHAR 1

#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/terminal_state.h"

/* Of a terminal that does not know its size. */
#define WIDTH_UNKNOWN  80
#define HEIGHT_UNKNOWN 24
/* How long the rest of an escape sequence may take to come behind its first character. */
#define ESCAPE_MS 50

struct fl_terminal {
    int fd;
    int memory_fd; /* what ncurses writes goes here */
    FILE *memory;
    FILE *keys;
    SCREEN *screen;
    bool has_colours;
    bool is_gone;
    int width; /* as ncurses knows it */
    int height;
    char *pending; /* what the terminal has not taken yet */
    size_t n_pending;
    size_t n_sent; /* of @pending */
};

/* ---- Opening ---- */

/* What terminfo has of @name, with its delays left out: nobody has such a terminal any more. */
static void put_capability(struct ds *ds, const char *name)
{
    const char *text = tigetstr(name);

    if (!text || text == (const char *)-1)
        return;
    for (; *text; text++) {
        if (text[0] == '$' && text[1] == '<' && strchr(text, '>'))
            text = strchr(text, '>');
        else
            ds_put_char(ds, *text);
    }
}

static void set_texts(void)
{
    static const char *const enter[] = { "smcup", "smkx", "civis" };
    static const char *const leave[] = { "sgr0", "op", "rmkx", "cnorm", "rmcup" };
    struct ds in = DS_EMPTY_INITIALIZER, out = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < ARRAY_SIZE(enter); i++)
        put_capability(&in, enter[i]);
    for (size_t i = 0; i < ARRAY_SIZE(leave); i++)
        put_capability(&out, leave[i]);
    /* Without a second screen the prompt comes on a line of its own. */
    if (!tigetstr("rmcup"))
        ds_put_cstr(&out, "\r\n");
    fl_terminal_state_texts(ds_cstr(&in), ds_cstr(&out));
    ds_destroy(&in);
    ds_destroy(&out);
}

static void begin_colours(struct fl_terminal *terminal, bool colour)
{
    terminal->has_colours = colour && has_colors() && start_color() == OK && COLORS >= 8;
    if (!terminal->has_colours)
        return;
    use_default_colors();
    for (short i = FL_COLOUR_RED; i < FL_N_COLOURS; i++)
        init_pair(i, i, -1);
}

/* ncurses may not look at the size, the descriptors and the environment by itself. */
static int begin_curses(struct fl_terminal *terminal, bool colour, struct fl_error *err)
{
    const char *name = getenv("TERM");

    use_env(FALSE);
    terminal->screen = newterm(NULL, terminal->memory, terminal->keys);
    if (!terminal->screen)
        return fl_error_set(err, -EINVAL,
                            "terminfo knows no terminal \"%s\" that can show a screen; set TERM, "
                            "or use --json",
                            name ? name : "");
    set_escdelay(ESCAPE_MS);
    typeahead(-1);
    nonl();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    idcok(stdscr, FALSE);
    leaveok(stdscr, TRUE);
    curs_set(0);
    begin_colours(terminal, colour);
    return 0;
}

/* Forget what ncurses wrote: fl_terminal_state_take() does it in its own words. */
static void forget_output(const struct fl_terminal *terminal)
{
    ignore(ftruncate(terminal->memory_fd, 0));
    lseek(terminal->memory_fd, 0, SEEK_SET);
}

static int open_files(struct fl_terminal *terminal, int fd, struct fl_error *err)
{
    int keys;

    terminal->fd = fl_terminal_state_open(fd, err);
    if (terminal->fd < 0)
        return terminal->fd;
    terminal->memory_fd = memfd_create("screen", MFD_CLOEXEC);
    if (terminal->memory_fd >= 0)
        terminal->memory = fdopen(terminal->memory_fd, "w");
    keys = fcntl(terminal->fd, F_DUPFD_CLOEXEC, 3);
    if (keys >= 0)
        terminal->keys = fdopen(keys, "r");
    if (!terminal->memory || !terminal->keys)
        return fl_error_set(err, -errno, "cannot take over the terminal: %s", ovs_strerror(errno));
    return 0;
}

int fl_terminal_open(int fd, bool colour, struct fl_terminal **terminal, struct fl_error *err)
{
    struct fl_terminal *t = xzalloc(sizeof *t);
    int error;

    t->fd = t->memory_fd = -1;
    error = open_files(t, fd, err);
    if (!error)
        error = begin_curses(t, colour, err);
    if (error) {
        fl_terminal_close(t);
        return error;
    }
    set_texts();
    fl_terminal_resume(t);
    *terminal = t;
    return 0;
}

void fl_terminal_close(struct fl_terminal *terminal)
{
    fl_terminal_suspend(terminal);
    if (terminal->screen) {
        endwin();
        delscreen(terminal->screen);
    }
    if (terminal->memory)
        fclose(terminal->memory);
    if (terminal->keys)
        fclose(terminal->keys);
    if (terminal->fd >= 0)
        fl_terminal_state_close();
    free(terminal->pending);
    free(terminal);
}

bool fl_terminal_has_colours(const struct fl_terminal *terminal)
{
    return terminal->has_colours;
}

int fl_terminal_fd(const struct fl_terminal *terminal)
{
    return terminal->fd;
}

void fl_terminal_size(const struct fl_terminal *terminal, int *width, int *height)
{
    struct winsize size = { 0 };

    ignore(ioctl(terminal->fd, TIOCGWINSZ, &size));
    *width = MIN(size.ws_col ? size.ws_col : WIDTH_UNKNOWN, FL_LIMIT_GRID_WIDTH);
    *height = MIN(size.ws_row ? size.ws_row : HEIGHT_UNKNOWN, FL_LIMIT_GRID_HEIGHT);
}

/* ---- Showing ---- */

bool fl_terminal_is_busy(const struct fl_terminal *terminal)
{
    return terminal->n_sent < terminal->n_pending;
}

int fl_terminal_flush(struct fl_terminal *terminal)
{
    ssize_t n;

    if (!fl_terminal_is_busy(terminal))
        return 0;
    n = write(terminal->fd, terminal->pending + terminal->n_sent,
              terminal->n_pending - terminal->n_sent);
    if (n > 0)
        terminal->n_sent += (size_t)n;
    return n >= 0 || errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Take what ncurses wrote. */
static int collect(struct fl_terminal *terminal)
{
    off_t n = lseek(terminal->memory_fd, 0, SEEK_CUR);
    ssize_t n_read;

    terminal->n_sent = terminal->n_pending = 0;
    if (n <= 0)
        return n < 0 ? -errno : 0;
    terminal->pending = xrealloc(terminal->pending, (size_t)n);
    n_read = pread(terminal->memory_fd, terminal->pending, (size_t)n, 0);
    forget_output(terminal);
    if (n_read != n)
        return n_read < 0 ? -errno : -EIO;
    terminal->n_pending = (size_t)n;
    return 0;
}

static void draw_cell(const struct fl_cell *cell, int x, int y)
{
    attr_t attributes = (cell->style & FL_CELL_BOLD ? A_BOLD : 0) |
                        (cell->style & FL_CELL_DIM ? A_DIM : 0) |
                        (cell->style & FL_CELL_REVERSE ? A_REVERSE : 0);
    wchar_t text[FL_CELL_CHARS + 1] = { 0 };
    cchar_t character;

    memcpy(text, cell->text, sizeof cell->text);
    setcchar(&character, text, attributes, (short)(cell->style & FL_CELL_COLOUR), NULL);
    mvadd_wch(y, x, &character);
}

/* A grid that is smaller than the screen leaves the rest of it blank. */
static void draw(const struct fl_terminal *terminal, const struct fl_grid *grid)
{
    werase(stdscr);
    for (int y = 0; y < MIN(grid->height, terminal->height); y++) {
        for (int x = 0; x < MIN(grid->width, terminal->width); x++) {
            const struct fl_cell *cell = fl_grid_at(grid, x, y);

            if (cell->width && x + cell->width <= terminal->width)
                draw_cell(cell, x, y);
        }
    }
}

int fl_terminal_show(struct fl_terminal *terminal, const struct fl_grid *grid)
{
    int error;

    if (terminal->width != grid->width || terminal->height != grid->height) {
        terminal->width = grid->width;
        terminal->height = grid->height;
        resize_term(grid->height, grid->width);
        fl_terminal_repaint(terminal);
    }
    draw(terminal, grid);
    wnoutrefresh(stdscr);
    doupdate();
    error = collect(terminal);
    return error ? error : fl_terminal_flush(terminal);
}

void fl_terminal_repaint(struct fl_terminal *terminal OVS_UNUSED)
{
    clearok(curscr, TRUE);
}

void fl_terminal_suspend(struct fl_terminal *terminal)
{
    fl_terminal_state_give_back(fl_terminal_is_busy(terminal));
    terminal->n_sent = terminal->n_pending = 0;
}

void fl_terminal_resume(struct fl_terminal *terminal)
{
    forget_output(terminal);
    fl_terminal_state_take();
    fl_terminal_repaint(terminal);
}

/* ---- Keys ---- */

static int key_of(int code)
{
    switch (code) {
    case KEY_UP: return FL_KEY_UP;
    case KEY_DOWN: return FL_KEY_DOWN;
    case KEY_PPAGE: return FL_KEY_PAGE_UP;
    case KEY_NPAGE: return FL_KEY_PAGE_DOWN;
    case KEY_HOME: return FL_KEY_HOME;
    case KEY_END: return FL_KEY_END;
    case KEY_ENTER: return FL_KEY_ENTER;
    default: return FL_KEY_OTHER;
    }
}

/* ncurses does not tell nothing from nobody: the terminal itself has to be asked. */
int fl_terminal_key(struct fl_terminal *terminal)
{
    int n = 0;
    wint_t c;
    int kind = wget_wch(stdscr, &c);

    if (kind == KEY_CODE_YES)
        return key_of((int)c);
    if (kind != ERR)
        return c == L'\r' || c == L'\n' ? FL_KEY_ENTER : (int)c;
    return ioctl(terminal->fd, FIONREAD, &n) < 0 ? FL_KEY_GONE : FL_KEY_NONE;
}
