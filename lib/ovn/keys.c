/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/ovn/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ovs/stream-ssl.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/base/small_file.h"
#include "lib/ovs/transact.h"
#include "lib/ovs/transact_reply.h"

#define COMMAND_BYTES 16384u

const char *fl_ovn_rundir(void)
{
    const char *folder = getenv("OVN_RUNDIR");

    return folder && *folder ? folder : "/var/run/ovn";
}

void fl_ovn_keys_destroy(struct fl_ovn_keys *keys)
{
    free(keys->private_key);
    free(keys->certificate);
    free(keys->ca_certificate);
}

static bool are_complete(const struct fl_ovn_keys *keys)
{
    return keys->private_key && keys->certificate && keys->ca_certificate;
}

/* ---- ovn-controller's command line ---- */

static void set_path(char **path, const char *value)
{
    free(*path);
    *path = xstrdup(value);
}

/* Return: the option's value: behind it, or the next argument, or NULL when @argument is another one. */
static const char *value_of(const char *argument, const char *next, char letter, const char *word)
{
    if (argument[0] != '-')
        return NULL;
    if (argument[1] == letter)
        return argument[2] ? &argument[2] : next;
    if (argument[1] != '-' || strncmp(&argument[2], word, strlen(word)))
        return NULL;
    argument += 2 + strlen(word);
    return *argument == '=' ? argument + 1 : *argument ? NULL : next;
}

bool fl_ovn_keys_of_command(const char *line, size_t n, struct fl_ovn_keys *keys)
{
    _cleanup_free char *text = xmemdup0(line, n);
    const char *end = text + n;

    *keys = (struct fl_ovn_keys){ .private_key = NULL };
    for (const char *at = text; at < end; at += strlen(at) + 1) {
        const char *next = at + strlen(at) + 1;
        const struct {
            char letter;
            const char *word;
            char **path;
        } options[] = { { 'p', "private-key", &keys->private_key },
                        { 'c', "certificate", &keys->certificate },
                        { 'C', "ca-cert", &keys->ca_certificate } };

        for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
            const char *value = value_of(at, next < end ? next : NULL, options[i].letter,
                                         options[i].word);

            if (value)
                set_path(options[i].path, value);
        }
    }
    return are_complete(keys);
}

/* Of /proc, which says nothing of a file's size. Return: bytes read, 0 for none. */
static size_t read_start(const char *path, char *bytes, size_t n)
{
    FILE *file = fopen(path, "re");
    size_t got = file ? fread(bytes, 1, n, file) : 0;

    if (file)
        fclose(file);
    return got;
}

static bool keys_of_controller(struct fl_ovn_keys *keys)
{
    _cleanup_free char *pidfile = xasprintf("%s/ovn-controller.pid", fl_ovn_rundir());
    _cleanup_free char *line = xmalloc(COMMAND_BYTES);
    char text[32] = "", path[64];
    size_t n = read_start(pidfile, text, sizeof text - 1);
    long pid = strtol(text, NULL, 10);

    *keys = (struct fl_ovn_keys){ .private_key = NULL };
    if (!n || pid <= 0)
        return false;
    snprintf(path, sizeof path, "/proc/%ld/cmdline", pid);
    n = read_start(path, line, COMMAND_BYTES);
    return n && fl_ovn_keys_of_command(line, n, keys);
}

/* ---- Table SSL ---- */

static char *column(const json_t *row, const char *name)
{
    const char *value = json_string_value(json_object_get(row, name));

    return value && *value ? xstrdup(value) : NULL;
}

static bool keys_of_database(const char *db, int timeout_ms, struct fl_ovn_keys *keys)
{
    struct ds reply = DS_EMPTY_INITIALIZER;
    struct fl_transact *transact = NULL;
    _cleanup_json json_t *rows = NULL;
    json_t *operations = json_pack("[{s:s, s:s, s:[], s:[s, s, s]}]", "op", "select", "table",
                                   "SSL", "where", "columns", "private_key", "certificate",
                                   "ca_cert");
    const json_t *row;

    *keys = (struct fl_ovn_keys){ .private_key = NULL };
    if (fl_transact_open("ovsdb-server", db, timeout_ms, &transact, NULL))
        json_decref(operations);
    else if (!fl_transact_run(transact, "Open_vSwitch", operations, FL_LIMIT_OVN_ROWS_BYTES, &reply,
                              NULL))
        fl_transact_rows(ds_cstr(&reply), reply.length, 1, &rows, NULL);
    row = json_array_get(rows, 0);
    keys->private_key = column(row, "private_key");
    keys->certificate = column(row, "certificate");
    keys->ca_certificate = column(row, "ca_cert");
    fl_transact_close(transact);
    ds_destroy(&reply);
    return are_complete(keys);
}

/* ---- Both ---- */

static int check_readable(const struct fl_ovn_keys *keys, struct fl_error *err)
{
    const char *const paths[] = { keys->private_key, keys->certificate, keys->ca_certificate };

    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        if (access(paths[i], R_OK))
            return fl_file_error(err, -errno, "read", paths[i]);
    }
    return 0;
}

int fl_ovn_keys_use(const char *db, int timeout_ms, struct fl_error *err)
{
    struct fl_ovn_keys keys;
    bool found = keys_of_database(db, timeout_ms, &keys);
    int error;

    if (!found) {
        fl_ovn_keys_destroy(&keys);
        found = keys_of_controller(&keys);
    }
    error = found ? check_readable(&keys, err)
                  : fl_error_set(err, -ENOENT,
                                 "neither OVSDB's table SSL nor the command line of a running "
                                 "ovn-controller names key, certificate and CA certificate");
    if (!error) {
        stream_ssl_set_key_and_cert(keys.private_key, keys.certificate);
        stream_ssl_set_ca_cert_file(keys.ca_certificate, false);
    }
    fl_ovn_keys_destroy(&keys);
    return error;
}
