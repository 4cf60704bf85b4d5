/* SPDX-License-Identifier: Apache-2.0 */

/* Where the telemetry socket of ovs-vswitchd is. See telemetry.h. */

#include <errno.h>
#include <ovs/dirs.h>
#include <ovs/svec.h>
#include <ovs/util.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "lib/dpdk/telemetry.h"
#include "lib/dpdk/telemetry_places.h"

#define DEFAULT_PREFIX "rte"
/* Sockets of one prefix: each process but the first has ":N" behind its name. */
#define MAX_SUFFIX 8

/* Source: OVS 3.1 lib/dpdk.c, construct_dpdk_args(): words as a shell reads them. */
void fl_telemetry_read_extra(const char *dpdk_extra, struct fl_telemetry_extra *extra)
{
    static const char option[] = "--file-prefix";
    struct svec words = SVEC_EMPTY_INITIALIZER;

    *extra = (struct fl_telemetry_extra){ .prefix = xstrdup(DEFAULT_PREFIX) };
    if (dpdk_extra) {
        svec_parse_words(&words, dpdk_extra);
    }
    for (size_t i = 0; i < words.n; i++) {
        const char *word = words.names[i], *prefix = NULL;

        extra->no_telemetry |= !strcmp(word, "--no-telemetry");
        if (!strcmp(word, option) && i + 1 < words.n) {
            prefix = words.names[i + 1];
        } else if (!strncmp(word, option, sizeof option - 1) && word[sizeof option - 1] == '=') {
            prefix = word + sizeof option;
        }
        if (prefix) {
            free(extra->prefix);
            extra->prefix = xstrdup(prefix);
        }
    }
    svec_destroy(&words);
}

/* Source: DPDK 22.11 lib/eal/unix/eal_filesystem.c, eal_create_runtime_dir(). */
static size_t list_folders(const char *folders[4])
{
    const char *xdg = getenv("XDG_RUNTIME_DIR");
    size_t n = 0;

    folders[n++] = "/var/run";
    folders[n++] = ovs_rundir(); /* systemd's RUNTIME_DIRECTORY */
    if (xdg) {
        folders[n++] = xdg;
    }
    folders[n++] = "/tmp";
    return n;
}

/* Sockets of other processes at the same prefix are passed over. */
static int try_folder(const char *folder, const char *prefix, long pid, int timeout_ms,
                      struct fl_telemetry **telemetry, struct fl_error *err)
{
    int first_error = 0;

    for (int suffix = 0; suffix <= MAX_SUFFIX; suffix++) {
        _cleanup_free char *base = xasprintf("%s/dpdk/%s/dpdk_telemetry.v2", folder, prefix);
        _cleanup_free char *path = suffix ? xasprintf("%s:%d", base, suffix) : xstrdup(base);
        int error = fl_telemetry_open(path, pid, timeout_ms, telemetry, err);

        if (!error && (!pid || fl_telemetry_pid(*telemetry) == pid)) {
            fl_error_clear(err);
            return 0;
        }
        if (!error) {
            fl_telemetry_close(*telemetry);
        }
        if (error != -ENOENT && !first_error) {
            first_error = error;
        }
    }
    return first_error ? first_error : -ENOENT;
}

int fl_telemetry_open_ovs(const char *dpdk_extra, long pid, int timeout_ms,
                          struct fl_telemetry **telemetry, struct fl_error *err)
{
    struct fl_error first = FL_ERROR_INIT;
    struct fl_telemetry_extra extra;
    _cleanup_free char *prefix = NULL;
    const char *folders[4];
    size_t n = list_folders(folders);

    fl_telemetry_read_extra(dpdk_extra, &extra);
    prefix = extra.prefix;
    if (extra.no_telemetry) {
        return fl_error_set(err, -ENOENT,
                            "DPDK's telemetry is off: take --no-telemetry out of "
                            "other_config:dpdk-extra and restart ovs-vswitchd");
    }
    for (size_t i = 0; i < n; i++) {
        struct fl_error cause = FL_ERROR_INIT;
        struct fl_telemetry *found;
        int error = try_folder(folders[i], prefix, pid, timeout_ms, &found, &cause);

        if (!error) {
            *telemetry = found;
            return 0;
        }
        if (error != -ENOENT && !first.code) {
            first = cause; /* something is there */
        }
    }
    if (first.code) {
        return fl_error_set(err, first.code, "%s", first.text);
    }
    return fl_error_set(err, -ENOENT,
                        "there is no DPDK telemetry socket of ovs-vswitchd (dpdk/%s/"
                        "dpdk_telemetry.v2 in /var/run, $XDG_RUNTIME_DIR and /tmp): does it run "
                        "with other_config:dpdk-init=true?",
                        prefix);
}
