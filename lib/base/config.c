/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inih takes the files apart; config_keys.c knows the keys. inih calls us for each line of a value,
 * so a value is put together here before it is read ("pending").
 */

#include "lib/base/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/base/config_keys.h"
#include "lib/base/small_file.h"

/* One file being read. */
struct reading {
    struct fl_config *config;
    struct fl_error *err;
    const char *name; /* of the file, for errors */
    const char *next; /* rest of its text */
    const char *end;
    int line;               /* last line handed to inih, from 1 */
    bool line_is_continued; /* it begins with a blank: inih takes it for more of the last value */
    int failed_line;        /* where @err comes from; 0 while there is none */
    const struct fl_config_key *key; /* pending, or NULL */
    char *value;
    int key_line;
};

static int fail_at(struct reading *reading, int line)
{
    reading->failed_line = line;
    fl_error_prefix(reading->err, "%s:%d", reading->name, line);
    return -EINVAL;
}

/* An ini_reader, like fgets(). NULL ends the file, also after an error. */
static char *read_line(char *buffer, int size, void *reading_)
{
    struct reading *reading = reading_;
    size_t left = (size_t)(reading->end - reading->next), n;
    const char *newline = memchr(reading->next, '\n', left);

    if (!left || reading->failed_line)
        return NULL;
    n = newline ? (size_t)(newline - reading->next) + 1 : left;
    reading->line++;
    if (n > (size_t)size - 2) {
        fl_error_set(
            reading->err, -EINVAL,
            "the line is longer than %d bytes; go on in a new line that begins with a blank",
            size - 3);
        fail_at(reading, reading->line);
        return NULL;
    }
    if (memchr(reading->next, '\0', n)) {
        fl_error_set(reading->err, -EINVAL, "the line has a zero byte, so this is no text file");
        fail_at(reading, reading->line);
        return NULL;
    }
    memcpy(buffer, reading->next, n);
    buffer[n] = '\0';
    reading->line_is_continued = buffer[0] == ' ' || buffer[0] == '\t';
    reading->next += n;
    return buffer;
}

/* The value that was put together is complete. */
static int flush_value(struct reading *reading)
{
    const struct fl_config_key *key = reading->key;
    _cleanup_free char *value = fl_steal(reading->value);

    reading->key = NULL;
    if (!key || !fl_config_key_set(key, value, reading->config, reading->err))
        return 0;
    return fail_at(reading, reading->key_line);
}

static int continue_value(struct reading *reading, const char *more)
{
    char *joined;
    size_t n = strlen(reading->value);
    const char *between;

    if (strchr(more, '=')) {
        fl_error_set(
            reading->err, -EINVAL,
            "the line begins with a blank, so it would go on with the value of \"%s\"; take the "
            "blank away if it is a key of its own",
            reading->key->name);
        return fail_at(reading, reading->line);
    }
    between = n && reading->value[n - 1] == ',' ? " " : ", ";

    if (asprintf(&joined, "%s%s%s", reading->value, n ? between : "", more) < 0) {
        fl_error_set(reading->err, -ENOMEM, "not enough memory");
        return fail_at(reading, reading->line);
    }
    free(reading->value);
    reading->value = joined;
    return 0;
}

/* An ini_handler. Return: 1 when all is well, 0 else. */
static int take_value(void *reading_, const char *section, const char *name, const char *value)
{
    struct reading *reading = reading_;

    if (reading->failed_line)
        return 0;
    if (reading->key && reading->line_is_continued && !strcmp(section, reading->key->section) &&
        !strcmp(name, reading->key->name))
        return continue_value(reading, value) == 0;
    if (flush_value(reading))
        return 0;
    reading->key = fl_config_key_find(section, name, reading->err);
    if (!reading->key)
        return fail_at(reading, reading->line) == 0;
    reading->key_line = reading->line;
    reading->value = strdup(value);
    if (!reading->value) {
        reading->key = NULL;
        fl_error_set(reading->err, -ENOMEM, "not enough memory");
        return fail_at(reading, reading->line) == 0;
    }
    return 1;
}

int fl_config_parse(struct fl_config *config, const char *name, const char *text, size_t n,
                    struct fl_error *err)
{
    struct fl_error own = FL_ERROR_INIT;
    struct reading reading = {
        .config = config,
        .err = &own,
        .name = name,
        .next = text,
        .end = text + n,
    };
    int bad_line = ini_parse_stream(read_line, &reading, take_value, &reading);

    if (!reading.failed_line)
        flush_value(&reading);
    free(reading.value);
    if (bad_line > 0 && (!reading.failed_line || bad_line < reading.failed_line)) {
        fl_error_clear(&own);
        fl_error_set(&own, -EINVAL, "%s:%d: this is neither \"[section]\" nor \"key = value\"",
                     name, bad_line);
    } else if (bad_line < 0) {
        fl_error_set(&own, -ENOMEM, "cannot read %s: not enough memory", name);
    }
    return own.code ? fl_error_set(err, own.code, "%s", own.text) : 0;
}

static int read_file(struct fl_config *config, const char *path, struct fl_error *err)
{
    _cleanup_free char *text = NULL;
    size_t n = 0;
    int ret = fl_small_file_read(AT_FDCWD, path, path, 0, &text, &n, err);

    if (ret == -ENOENT)
        return 0;
    return ret ? ret : fl_config_parse(config, path, text, n, err);
}

static int is_conf(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return entry->d_name[0] != '.' && dot && !strcmp(dot, ".conf");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_folder(struct fl_config *config, const char *folder, struct fl_error *err)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_conf, by_name), ret = 0;

    if (n < 0)
        return errno == ENOENT ? 0 : fl_file_error(err, -errno, "read", folder);
    for (int i = 0; i < n; i++) {
        _cleanup_free char *path = NULL;

        if (!ret && asprintf(&path, "%s/%s", folder, entries[i]->d_name) < 0)
            ret = fl_error_set(err, -ENOMEM, "not enough memory");
        if (!ret)
            ret = read_file(config, path, err);
        free(entries[i]);
    }
    free(entries);
    return ret;
}

static char *below(const char *root, const char *path)
{
    size_t n = strlen(root);
    char *result;

    while (n && root[n - 1] == '/')
        n--;
    if (asprintf(&result, "%.*s%s", (int)n, root, path) < 0)
        abort(); /* as libopenvswitch's own allocations do */
    return result;
}

int fl_config_load(struct fl_config *config, const char *root, struct fl_error *err)
{
    _cleanup_free char *file = fl_path_config(root);
    _cleanup_free char *folder = below(root, "/etc/flowlift/conf.d");
    int ret;

    fl_config_init(config);
    ret = read_file(config, file, err);
    if (!ret)
        ret = read_folder(config, folder, err);
    if (ret) {
        fl_config_destroy(config);
        fl_config_init(config);
    }
    return ret;
}

void fl_config_init(struct fl_config *config)
{
    size_t n;
    const struct fl_config_key *keys = fl_config_keys(&n);

    memset(config, 0, sizeof *config);
    fl_storage_init(&config->storage);
    config->audit = fl_audit_options_default;
    for (size_t i = 0; i < n; i++) {
        struct fl_error err = FL_ERROR_INIT;

        if (strcmp(keys[i].section, "storage") &&
            fl_config_key_set(&keys[i], keys[i].default_text, config, &err))
            abort(); /* a default that is not allowed: the table is wrong (or memory is gone) */
    }
}

void fl_config_destroy(struct fl_config *config)
{
    fl_storage_destroy(&config->storage);
    fl_words_free(config->id_keys);
    fl_words_free(config->name_keys);
    fl_words_free(config->allow_relaxations);
    free(config->agent_auto);
    free(config->metrics_listen);
    free(config->metrics_textfile);
    free(config->fleet_remote);
    free(config->fleet_name);
    free(config->fleet_private_key);
    free(config->fleet_certificate);
    free(config->fleet_ca_certificate);
    memset(config, 0, sizeof *config);
}

struct fl_vm_keys fl_config_vm_keys(const struct fl_config *config)
{
    return (struct fl_vm_keys){
        .id_keys = (const char *const *)config->id_keys,
        .name_keys = (const char *const *)config->name_keys,
    };
}

bool fl_config_allows(const struct fl_config *config, const char *relaxation)
{
    for (char **id = config->allow_relaxations; id && *id; id++) {
        if (!strcmp(*id, relaxation))
            return true;
    }
    return false;
}

char *fl_path_remedies(const char *root)
{
    return below(root, "/var/lib/flowlift/remedies");
}

char *fl_path_journal(const char *root)
{
    return below(root, "/var/log/flowlift/journal.jsonl");
}

char *fl_path_auto(const char *root)
{
    return below(root, "/var/lib/flowlift/auto.json");
}

char *fl_path_rundir(const char *root)
{
    return below(root, "/run/flowlift");
}

char *fl_path_agent_lock(const char *root)
{
    return below(root, "/run/flowlift/agent.lock");
}

char *fl_path_events(const char *root)
{
    return below(root, "/run/flowlift/events");
}

char *fl_path_config(const char *root)
{
    return below(root, "/etc/flowlift/flowlift.conf");
}
