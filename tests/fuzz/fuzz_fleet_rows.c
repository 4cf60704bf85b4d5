/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fleet's database says, which may be anything: answers are read or refused with a sentence, rows of
 * hosts and VMs are kept as they are, and a peer's rules become a remedy, or are refused.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "lib/fleet/overview_look.h"
#include "lib/fleet/query_rows.h"
#include "lib/fleet/seed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const struct fl_fleet *fleet)
{
    const struct fl_fleet_filter all = { .host = NULL };
    struct fl_fleet_look look;
    size_t n = 0;

    fl_fleet_look(fleet, &all, &look);
    for (size_t i = 0; i < FL_FLEET_N_VERDICTS; i++)
        n += look.n_by_verdict[i];
    if (n < look.n_vms || look.n_vms != fleet->n_vms)
        abort();
    fl_fleet_look_destroy(&look);
}

static void check_rows(const char *text, size_t n)
{
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *results = NULL, *steps = NULL;
    struct fl_fleet *fleet;

    if (fl_fleet_results(text, n, 3, &results, &err)) {
        if (!err.text[0] || results)
            abort();
        return;
    }
    steps = fl_fleet_take_steps(results);
    if (!json_is_array(steps))
        abort();
    fleet = fl_fleet_create(1767225600000, FL_FLEET_OLDER_MS);
    if (!fl_fleet_take_rows(results, n % 2 == 0, fleet, &err))
        look_at(fleet);
    fl_fleet_destroy(fleet);
}

static void check_seed(const char *text)
{
    struct fl_error err = FL_ERROR_INIT;
    const struct fl_cluster_heard heard = {
        .peers = { 5, true }, .peer = "host1", .peer_who = "root", .flow_set = text
    };
    struct fl_remedy remedy;

    if (fl_fleet_seed("vm-2", "vm2", &heard, &heard.peers, 7, &remedy, &err)) {
        if (!err.text[0])
            abort();
        return;
    }
    if (remedy.state != FL_REMEDY_SUSPENDED || strcmp(remedy.set.vm_id, "vm-2"))
        abort();
    fl_remedy_destroy(&remedy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free char *text = malloc(size + 1);

    if (!text)
        return 0;
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    check_rows(text, size);
    check_seed(text);
    return 0;
}
