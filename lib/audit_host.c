/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/audit_host.h"

#include "flows/cleanup.h"
#include "lib/collect_screen.h"
#include "lib/text.h"

static json_t *doubts_of(const struct fl_screen *screen)
{
    json_t *doubts = json_array();

    for (size_t i = 0; i < screen->n_vms; i++) {
        const struct fl_screened *vm = &screen->vms[i];

        if (vm->suspicion != FL_SUSPICION_SUSPECT && vm->suspicion != FL_SUSPICION_UNKNOWN) {
            continue;
        }
        json_array_append_new(doubts,
                              json_pack("{s:o, s:s, s:o}", "name", fl_text_json(vm->vm->name),
                                        "suspicion", fl_suspicion_name(vm->suspicion), "reason",
                                        fl_text_json(vm->reason)));
    }
    return doubts;
}

/* What stage one found, with the inventory that it is of. */
struct stage_one {
    struct fl_snapshot *snapshot;
    struct fl_screen screen;
};

static void stage_one_release(struct stage_one *one)
{
    fl_screen_destroy(&one->screen);
    fl_snapshot_destroy(one->snapshot);
}
#define _cleanup_stage_one _cleanup_(stage_one_release)

/* result->audit is set only when stage one is enough. */
static int screen_host(const struct fl_host *host, const struct fl_collect_options *options,
                       struct stage_one *one, struct fl_host_audit *result, struct fl_error *err)
{
    int error = fl_collect_screen(host, options, &one->snapshot, &one->screen, err);

    if (error) {
        return error;
    }
    result->doubts = doubts_of(&one->screen);
    if (json_array_size(result->doubts)) {
        return 0;
    }
    result->audit = fl_audit_of_screen(one->snapshot, &one->screen);
    result->snapshot = one->snapshot;
    one->snapshot = NULL;
    return 0;
}

int fl_host_audit(const struct fl_host *host, const struct fl_collect_options *options, bool screen,
                  struct fl_host_audit *result, struct fl_error *err)
{
    _cleanup_stage_one struct stage_one one = { .snapshot = NULL };
    const struct fl_config *config = options->config;
    int error = 0;

    *result = (struct fl_host_audit){ .snapshot = NULL };
    if (screen) {
        error = screen_host(host, options, &one, result, err);
    }
    if (!error && !result->audit) {
        error = fl_collect_host(host, options, &result->snapshot, err);
        if (!error) {
            result->audit = fl_audit_run(result->snapshot, &config->storage, &config->audit);
            fl_audit_heed_screen(result->audit, &one.screen);
        }
    }
    if (error) {
        fl_host_audit_release(result);
    }
    return error;
}

void fl_host_audit_release(struct fl_host_audit *result)
{
    if (result->audit) {
        fl_audit_destroy(result->audit);
    }
    fl_snapshot_destroy(result->snapshot);
    json_decref(result->doubts);
    *result = (struct fl_host_audit){ .snapshot = NULL };
}
