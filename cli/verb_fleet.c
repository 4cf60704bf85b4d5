/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Many hosts at once. The word behind the verb says what of them: "report" reads what was gathered into files,
 * the others speak to the database that the agents share (cli/fleet_cluster.c).
 */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <ovs/util.h>

#include "cli/fleet_cluster.h"
#include "cli/fleet_view.h"
#include "cli/verbs.h"
#include "flows/cleanup.h"
#include "flows/nearest.h"
#include "lib/base/clock.h"
#include "lib/document.h"
#include "lib/fleet/overview_files.h"
#include "lib/text.h"

/* Unreadable places that text for people names; JSON has all that are known. */
#define NAMED_IN_TEXT 10u

static json_t *unread_json(const struct fl_fleet_files *files)
{
    json_t *array = json_array();

    for (size_t i = 0; i < files->n_named; i++) {
        const struct fl_fleet_unread *unread = &files->unread[i];
        json_t *line = unread->line ? json_integer((json_int_t)unread->line) : json_null();

        json_array_append_new(array,
                              json_pack("{s:o, s:o, s:o}", "file", fl_text_json(unread->file),
                                        "line", line, "reason", fl_text_json(unread->reason)));
    }
    return array;
}

static void print_unread(const struct fl_fleet_files *files, struct fl_output *out)
{
    size_t n = MIN(files->n_named, NAMED_IN_TEXT);

    for (size_t i = 0; i < n; i++) {
        const struct fl_fleet_unread *unread = &files->unread[i];

        fl_output_styled(out, FL_STYLE_UNSURE, "not read: ");
        if (unread->line)
            fl_output_printf(out, "%s:%" PRIu64 ": %s\n", unread->file, unread->line,
                             unread->reason);
        else
            fl_output_printf(out, "%s: %s\n", unread->file, unread->reason);
    }
    if (files->n_unread > n)
        fl_output_styled(out, FL_STYLE_UNSURE, "and %" PRIu64 " more that were not read\n",
                         files->n_unread - n);
}

static int print_report(const struct fl_request *request, const struct fl_fleet_files *files,
                        const struct fl_fleet_look *look, struct fl_output *out,
                        struct fl_error *err)
{
    json_t *head;

    if (request->format != FL_FORMAT_JSON && !request->output) {
        fl_fleet_view_audit(look, request->lines, out);
        fl_output_printf(out, "\n");
        fl_fleet_view_status(look, request->lines, out);
        print_unread(files, out);
        return 0;
    }
    head = fl_document_here("fleet-report");
    json_object_set_new(head, "n_unread", json_integer((json_int_t)files->n_unread));
    json_object_set_new(head, "unread", unread_json(files));
    if (request->output)
        return fl_fleet_write_page(request, look, head, out, err);
    fl_fleet_view_json(look, head, true, request->has_lines ? request->lines : 0, out);
    return 0;
}

/* The sentence for files that held no audit at all. */
static int refuse_all(const struct fl_fleet_files *files, struct fl_error *err)
{
    const struct fl_fleet_unread *first = &files->unread[0];

    if (!files->n_named)
        return fl_error_set(err, -ENODATA, "there is nothing of flowlift audit in these files");
    if (first->line)
        return fl_error_set(err, -ENODATA, "no audit could be read; %s:%" PRIu64 ": %s",
                            first->file, first->line, first->reason);
    return fl_error_set(err, -ENODATA, "no audit could be read; %s: %s", first->file,
                        first->reason);
}

static int report(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    struct fl_fleet *fleet = fl_fleet_create(fl_time_now_ms(), request->older_ms);
    struct fl_fleet_look look;
    struct fl_fleet_files files;
    int exit_code = FL_EXIT_TROUBLE;

    fl_fleet_files_init(&files, fleet);
    for (size_t i = 0; i < request->n_more; i++)
        fl_fleet_files_read(&files, request->more[i]);
    if (!files.n_audits) {
        refuse_all(&files, err);
    } else {
        fl_fleet_look(fleet, &request->fleet, &look);
        if (!print_report(request, &files, &look, out, err) && !files.n_unread)
            exit_code = fl_fleet_exit_code(&look);
        fl_fleet_look_destroy(&look);
    }
    fl_fleet_files_destroy(&files);
    fl_fleet_destroy(fleet);
    return exit_code;
}

static int report_files(const struct fl_request *request, struct fl_output *out,
                        struct fl_error *err)
{
    if (!request->n_more) {
        fl_error_set(err, -EINVAL,
                     "flowlift fleet report needs files that flowlift audit --format jsonl wrote "
                     "(\"-\" is standard input)");
        return FL_EXIT_TROUBLE;
    }
    return report(request, out, err);
}

int fl_verb_fleet(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    static const struct {
        const char *word;
        bool has_page; /* takes --output */
        int (*run)(const struct fl_request *, struct fl_output *, struct fl_error *);
    } words[] = {
        { "audit", true, fl_fleet_word_audit },      { "status", true, fl_fleet_word_status },
        { "apply", false, fl_fleet_word_apply },     { "revert", false, fl_fleet_word_revert },
        { "history", false, fl_fleet_word_history }, { "report", true, report_files },
    };
    const char *known[ARRAY_SIZE(words)], *nearest;

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(request->argument, words[i].word)) {
            if (!request->output || words[i].has_page)
                return words[i].run(request, out, err);
            fl_error_set(err, -EINVAL,
                         "flowlift fleet %s makes no page; audit, status and report take -o FILE",
                         words[i].word);
            return FL_EXIT_TROUBLE;
        }
        known[i] = words[i].word;
    }
    if (fl_nearest(request->argument, known, ARRAY_SIZE(words), &nearest, 1))
        fl_error_set(err, -EINVAL, "flowlift fleet has no word '%s'; did you mean '%s'?",
                     request->argument, nearest);
    else
        fl_error_set(err, -EINVAL, "flowlift fleet has no word '%s'; see flowlift fleet --help",
                     request->argument);
    return FL_EXIT_TROUBLE;
}
