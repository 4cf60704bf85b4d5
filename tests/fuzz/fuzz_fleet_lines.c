/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text gathered from many hosts: however it is cut into pieces, the same objects and the same refusals come out
 * of it, and an object is nested in no way that its reader would not take. What is an audit of them makes a
 * fleet that can be looked at, in which each VM is counted once.
 */

#include <stdint.h>
#include <string.h>

#include <ovs/hash.h>

#include "flows/cleanup.h"
#include "lib/fleet/lines.h"
#include "lib/fleet/overview_audit.h"
#include "lib/fleet/overview_look.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint32_t hash; /* Of all that came, in its order. */
    size_t n_bytes;
    struct fl_fleet *fleet;
};

static void see(struct seen *seen, const char *text, size_t n, uint64_t line)
{
    seen->hash = hash_bytes(text, n, hash_add(seen->hash, (uint32_t)line));
    REQUIRE(line >= 1);
}

static void take(const char *text, size_t n_bytes, const char *label, uint64_t line, void *aux)
{
    struct seen *seen = aux;
    struct fl_error err = FL_ERROR_INIT;
    _cleanup_json json_t *json = NULL;

    REQUIRE(n_bytes >= 2 && text[0] == '{');
    REQUIRE(text[n_bytes - 1] == '}' || text[n_bytes - 1] == ']');
    REQUIRE(strlen(label) <= FL_LIMIT_NAME_BYTES);
    seen->n_bytes += n_bytes;
    see(seen, text, n_bytes, line);
    see(seen, label, strlen(label), line);
    json = json_loadb(text, n_bytes, 0, NULL);
    if (json)
        REQUIRE(!fl_fleet_add_audit(seen->fleet, json, label, &err) || err.text[0]);
}

static void refuse(uint64_t line, const char *reason, void *aux)
{
    REQUIRE(*reason);
    see(aux, reason, strlen(reason), line);
}

static void read_all(const uint8_t *data, size_t size, size_t piece, struct seen *seen)
{
    const struct fl_fleet_lines_to to = { .take = take, .refuse = refuse, .aux = seen };
    struct fl_fleet_lines lines;

    *seen = (struct seen){ .fleet = fl_fleet_create(INT64_C(1700000000000), FL_FLEET_OLDER_MS) };
    fl_fleet_lines_init(&lines, &to);
    for (size_t at = 0; at < size; at += piece)
        fl_fleet_lines_push(&lines, (const char *)data + at, piece < size - at ? piece : size - at);
    fl_fleet_lines_end(&lines);
    REQUIRE(seen->n_bytes <= size + 1);
}

static void check(const struct fl_fleet *fleet)
{
    const struct fl_fleet_filter all = { 0 };
    struct fl_fleet_look look;
    size_t n = 0;

    fl_fleet_look(fleet, &all, &look);
    for (size_t i = 0; i < FL_FLEET_N_VERDICTS; i++)
        n += look.n_by_verdict[i];
    REQUIRE(n == fleet->n_vms && look.n_vms == n && look.n_hosts == hmap_count(&fleet->hosts));
    for (size_t i = 0; i < look.n_vms; i++) {
        REQUIRE(look.vms[i]->host->state == FL_FLEET_HEARD ||
                fl_fleet_verdict(look.vms[i]) == FL_VERDICT_UNKNOWN);
    }
    if (n > look.n_by_verdict[FL_VERDICT_OFFLOADED] + look.n_by_verdict[FL_VERDICT_IDLE])
        REQUIRE(fl_fleet_exit_code(&look) != 0);
    fl_fleet_look_destroy(&look);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, bytes;

    read_all(data, size, size ? size : 1, &whole);
    read_all(data, size, 1, &bytes);
    REQUIRE(whole.hash == bytes.hash && whole.fleet->n_vms == bytes.fleet->n_vms);
    check(whole.fleet);
    fl_fleet_destroy(whole.fleet);
    fl_fleet_destroy(bytes.fleet);
    return 0;
}
