/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ovs/util.h>

#include "cli/live_loop.h"
#include "cli/live_source.h"

/* One document a line; what reads it ends when it has enough, or ends us. */
static int print_documents(struct fl_live_source *source, struct fl_output *out,
                           struct fl_error *err)
{
    const struct fl_request *request = source->request;
    int error = 0;

    for (size_t i = 0; !error && (!request->ticks || i < request->ticks); i++) {
        json_t *document;

        error = fl_live_source_next(source, false, &document, err);
        if (!error) {
            fl_output_json_line(out, document);
            fflush(out->stream);
            error = -out->error;
        }
    }
    /* What writing met is told by whoever closes @out. */
    return error && (error != -ENODATA || err->code) && !out->error ? FL_EXIT_TROUBLE
                                                                    : source->exit_code;
}

/* Return: 0, or what to do instead. */
static int check_terminal(const struct fl_output *out, struct fl_error *err)
{
    const char *term = getenv("TERM");

    if (!out->columns)
        return fl_error_set(err, -ENOTTY,
                            "flowlift watch draws on a terminal, and standard output is none; for "
                            "a document at each reading: flowlift watch --json");
    if (!term || !*term || !strcmp(term, "dumb"))
        return fl_error_set(err, -ENOTTY,
                            "flowlift watch needs a terminal that can move its cursor, and TERM "
                            "says \"%s\"; for a document at each reading: flowlift watch --json",
                            term ? term : "");
    return 0;
}

int fl_verb_watch(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_live_source source;
    bool on_screen = request->format == FL_FORMAT_TABLE;
    int exit_code = FL_EXIT_TROUBLE;

    if (on_screen && check_terminal(out, err))
        return FL_EXIT_TROUBLE;
    if (!fl_live_source_open(&source, request, err))
        exit_code = on_screen ? fl_live_loop(&source, out, err)
                              : print_documents(&source, out, err);
    fl_live_source_close(&source);
    return exit_code;
}
