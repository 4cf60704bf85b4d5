/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/human.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/reading.h"
#include "flows/cleanup.h"
#include "lib/collect.h"
#include "lib/text.h"

static uint64_t size_of(const char *path)
{
    struct stat s;

    return stat(path, &s) ? 0 : (uint64_t)s.st_size;
}

static void show(const struct fl_request *request, uint64_t n_flows, struct fl_output *out)
{
    _cleanup_free char *word = fl_shell_word(request->output);
    uint64_t n_bytes = size_of(request->output);
    char flows[FL_HUMAN_BYTES], bytes[FL_HUMAN_BYTES];

    if (request->format == FL_FORMAT_JSON) {
        json_t *document = fl_document_here("capture");

        json_object_set_new(document, "file", fl_text_json(request->output));
        json_object_set_new(document, "flows", fl_count_json(n_flows));
        json_object_set_new(document, "bytes", fl_count_json(n_bytes));
        fl_output_json(out, document);
        return;
    }
    fl_output_printf(out, "%s flow%s written to %s (%s)\n", fl_human_count(n_flows, flows),
                     n_flows == 1 ? "" : "s", request->output, fl_human_bytes(n_bytes, bytes));
    fl_output_styled(out, FL_STYLE_BOLD, "next: flowlift audit --from %s\n", word);
}

int fl_verb_capture(const struct fl_request *request, struct fl_output *out, struct fl_error *err)
{
    const struct fl_host host = fl_request_host(request);
    struct fl_collect_options options = { .keep = FL_KEEP_ALL, .progress = fl_progress_line };
    struct fl_config config;
    uint64_t n_flows = 0;
    int exit_code = FL_EXIT_TROUBLE;

    if (!request->output) {
        fl_error_set(err, -EINVAL, "flowlift capture needs -o FILE (\"-o -\" is standard output)");
        return FL_EXIT_TROUBLE;
    }
    if (!fl_config_load(&config, request->root, err)) {
        options.config = &config;
        options.window_ms = request->window_ms >= 0 ? request->window_ms : config.window_ms;
        if (!fl_collect_capture(&host, &options, request->output, &n_flows, err)) {
            fl_progress_end();
            exit_code = FL_EXIT_DONE;
            /* On standard output there is the capture itself, and nothing else. */
            if (strcmp(request->output, "-"))
                show(request, n_flows, out);
        }
    }
    fl_config_destroy(&config);
    return exit_code;
}
