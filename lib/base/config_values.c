/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/base/config_values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/base/listen.h"

#define MAX_WORDS           64
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void *target(const struct fl_config_key *key, struct fl_config *config)
{
    return (char *)config + key->offset;
}

int fl_value_vlans(const struct fl_config_key *key, const char *value, struct fl_config *config,
                   struct fl_error *err)
{
    (void)key;
    if (value[0])
        return fl_storage_parse_vlans(&config->storage, value, err);
    free(config->storage.vlans);
    config->storage.vlans = NULL;
    config->storage.n_vlans = 0;
    return 0;
}

int fl_value_subnets(const struct fl_config_key *key, const char *value, struct fl_config *config,
                     struct fl_error *err)
{
    (void)key;
    if (value[0])
        return fl_storage_parse_subnets(&config->storage, value, err);
    free(config->storage.subnets);
    config->storage.subnets = NULL;
    config->storage.n_subnets = 0;
    return 0;
}

int fl_value_services(const struct fl_config_key *key, const char *value, struct fl_config *config,
                      struct fl_error *err)
{
    (void)key;
    if (!value[0])
        return fl_error_set(err, -EINVAL, "at least one is needed");
    return fl_storage_parse_services(&config->storage, value, err);
}

void fl_words_free(char **words)
{
    for (size_t i = 0; words && words[i]; i++)
        free(words[i]);
    free(words);
}

static void release_words(char ***words)
{
    fl_words_free(*words);
}

/* Words between commas and blanks. @only: characters a word may have, or NULL. */
static int split_words(const char *value, const char *only, char ***result, struct fl_error *err)
{
    static const char separators[] = ", \t\r\n";
    _cleanup_(release_words) char **words = calloc(MAX_WORDS + 1, sizeof *words);
    size_t n = 0;

    if (!words)
        return -ENOMEM;
    for (const char *p = value + strspn(value, separators); *p; p += strspn(p, separators)) {
        size_t length = strcspn(p, separators);

        if (n == MAX_WORDS)
            return fl_error_set(err, -EINVAL, "more than %d words", MAX_WORDS);
        if (length > FL_LIMIT_NAME_BYTES)
            return fl_error_set(err, -EINVAL, "a word is longer than %u bytes",
                                FL_LIMIT_NAME_BYTES);
        if (only && strspn(p, only) < length)
            return fl_error_set(err, -EINVAL, "\"%.*s\" is no id", (int)length, p);
        words[n] = strndup(p, length);
        if (!words[n++])
            return -ENOMEM;
        p += length;
    }
    *result = fl_steal(words);
    return 0;
}

static int replace_words(char ***where, char **words)
{
    fl_words_free(*where);
    *where = words;
    return 0;
}

int fl_value_words(const struct fl_config_key *key, const char *value, struct fl_config *config,
                   struct fl_error *err)
{
    char **words = NULL;
    int ret = split_words(value, NULL, &words, err);

    if (ret)
        return ret;
    if (!words[0]) {
        fl_words_free(words);
        return fl_error_set(err, -EINVAL, "at least one is needed");
    }
    return replace_words(target(key, config), words);
}

int fl_value_ids(const struct fl_config_key *key, const char *value, struct fl_config *config,
                 struct fl_error *err)
{
    char **words = NULL;
    int ret = split_words(value, "abcdefghijklmnopqrstuvwxyz0123456789-", &words, err);

    return ret ? ret : replace_words(target(key, config), words);
}

/* A decimal number such as "5" or "0.5". Return: what follows it, or NULL. */
static const char *parse_number(const char *text, double *number)
{
    char *end;

    if (strspn(text, "0123456789.") == 0 || strlen(text) > 32)
        return NULL;
    *number = strtod(text,
                     &end); /* the locale is always "C" here: no setlocale() in this project */
    if (end == text || !isfinite(*number) || end != text + strspn(text, "0123456789."))
        return NULL;
    return end + strspn(end, " ");
}

static int check_range(const struct fl_config_key *key, double number, struct fl_error *err)
{
    if (number < key->least)
        return fl_error_set(err, -EINVAL, "too small");
    if (number > key->most)
        return fl_error_set(err, -EINVAL, "too large");
    return 0;
}

int fl_value_duration(const struct fl_config_key *key, const char *value, struct fl_config *config,
                      struct fl_error *err)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {
        { "", SECOND_MS }, { "s", SECOND_MS }, { "ms", 1 }, { "m", MINUTE_MS }, { "h", HOUR_MS },
    };
    double number;
    const char *unit = parse_number(value, &number);

    for (size_t i = 0; unit && i < ARRAY_LENGTH(units); i++) {
        if (!strcmp(unit, units[i].unit)) {
            int ret = check_range(key, number * units[i].ms, err);

            if (!ret)
                *(int64_t *)target(key, config) = llround(number * units[i].ms);
            return ret;
        }
    }
    return fl_error_set(err, -EINVAL, "it is no time");
}

int fl_value_share(const struct fl_config_key *key, const char *value, struct fl_config *config,
                   struct fl_error *err)
{
    double number;
    const char *unit = parse_number(value, &number);
    int ret;

    if (!unit || (unit[0] && strcmp(unit, "%")))
        return fl_error_set(err, -EINVAL, "it is no share");
    if (unit[0])
        number /= 100;
    ret = check_range(key, number, err);
    if (!ret)
        *(double *)target(key, config) = number;
    return ret;
}

int fl_value_count(const struct fl_config_key *key, const char *value, struct fl_config *config,
                   struct fl_error *err)
{
    double number;
    const char *rest = parse_number(value, &number);
    int ret;

    if (!rest || rest[0] || strchr(value, '.'))
        return fl_error_set(err, -EINVAL, "it is no whole number");
    ret = check_range(key, number, err);
    if (!ret)
        *(int *)target(key, config) = (int)number;
    return ret;
}

static int replace_string(char **where, const char *value)
{
    char *copy = value ? strdup(value) : NULL;

    if (value && !copy)
        return -ENOMEM;
    free(*where);
    *where = copy;
    return 0;
}

int fl_value_auto(const struct fl_config_key *key, const char *value, struct fl_config *config,
                  struct fl_error *err)
{
    (void)err;
    if (strcmp(value, "off") && strcmp(value, "audit") && strcmp(value, "repair"))
        return -EINVAL;
    return replace_string(target(key, config), value);
}

int fl_value_listen(const struct fl_config_key *key, const char *value, struct fl_config *config,
                    struct fl_error *err)
{
    struct fl_listen listen;
    int ret = fl_listen_parse(value, &listen, err);

    return ret ? ret : replace_string(target(key, config), value);
}

/* node_exporter reads no file of another name. */
int fl_value_textfile(const struct fl_config_key *key, const char *value, struct fl_config *config,
                      struct fl_error *err)
{
    static const char ending[] = ".prom";
    size_t n = strlen(value);

    if (n && value[0] != '/')
        return fl_error_set(err, -EINVAL, "it is no absolute path");
    if (n && (n < sizeof ending || strcmp(value + n - strlen(ending), ending)))
        return fl_error_set(err, -EINVAL, "its name does not end in %s", ending);
    return replace_string(target(key, config), n ? value : NULL);
}

int fl_value_remote(const struct fl_config_key *key, const char *value, struct fl_config *config,
                    struct fl_error *err)
{
    if (value[0] && !strchr(value, ':'))
        return fl_error_set(err, -EINVAL, "it is no OVSDB remote");
    return replace_string(target(key, config), value[0] ? value : NULL);
}

int fl_value_word(const struct fl_config_key *key, const char *value, struct fl_config *config,
                  struct fl_error *err)
{
    if (strpbrk(value, " \t,"))
        return fl_error_set(err, -EINVAL, "it is more than one word");
    return replace_string(target(key, config), value[0] ? value : NULL);
}

int fl_value_file(const struct fl_config_key *key, const char *value, struct fl_config *config,
                  struct fl_error *err)
{
    if (value[0] && value[0] != '/')
        return fl_error_set(err, -EINVAL, "it is no absolute path");
    return replace_string(target(key, config), value[0] ? value : NULL);
}
