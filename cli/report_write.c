/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report_write.h"

#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "cli/human.h"
#include "cli/report_html.h"
#include "lib/store/atomic_file.h"
#include "lib/text.h"

#define REPORT_MODE 0640

static bool writes_file(const struct fl_request *request)
{
    return request->output && strcmp(request->output, "-");
}

static void print_summary(const struct fl_request *request, const json_t *document, size_t n_bytes,
                          struct fl_output *out)
{
    char bytes[FL_HUMAN_BYTES];

    fl_output_paragraph(out, 0, 0, fl_text_at(document, "words"));
    fl_output_printf(out, "report written to %s (%s)\n", request->output,
                     fl_human_bytes(n_bytes, bytes));
}

int fl_report_write(const struct fl_request *request, const json_t *document, struct fl_output *out,
                    struct fl_error *err)
{
    struct ds page = DS_EMPTY_INITIALIZER;
    int error = 0;

    fl_report_html(document, &page);
    if (writes_file(request))
        error = fl_atomic_file_put(request->output, REPORT_MODE, ds_cstr(&page), page.length, err);
    if (!error && request->format == FL_FORMAT_JSON)
        fl_output_json(out, json_incref(CONST_CAST(json_t *, document)));
    else if (!error && writes_file(request))
        print_summary(request, document, page.length, out);
    else if (!error)
        fwrite(ds_cstr(&page), 1, page.length, out->stream);
    ds_destroy(&page);
    return error;
}
