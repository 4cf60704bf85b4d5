/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CONFIG_KEYS_H
#define FLOWLIFT_CONFIG_KEYS_H

/*
 * Every key of the configuration, once: how its value is read, its default, and what it is for. The
 * parser, the errors and the documentation all come from this table.
 */

#include <stddef.h>

#include "flows/error.h"
#include "lib/base/config.h"

struct fl_config_key {
    const char *section;
    const char *name;
    const char *default_text; /* As it would be written in the file; "" for none. */
    const char *allowed;      /* What a value may be, for errors and documentation. */
    const char *meaning;      /* One sentence. */
    int (*parse)(const struct fl_config_key *key, const char *value, struct fl_config *config,
                 struct fl_error *err);
    size_t offset; /* Of what is set, in struct fl_config. */
    double least;  /* Range of a number (durations: ms). */
    double most;
};

/** fl_config_keys() - the table, in the order of the documentation. Return: its *@n entries. */
const struct fl_config_key *fl_config_keys(size_t *n);

/**
 * fl_config_key_find() - the entry of a key
 * Return: borrowed, or NULL with a sentence that names the nearest known section or key.
 */
const struct fl_config_key *fl_config_key_find(const char *section, const char *name,
                                               struct fl_error *err);

/**
 * fl_config_key_set() - read @value into @config
 * Return: 0; -EINVAL with the key, the value and what is allowed; @config is untouched then.
 */
int fl_config_key_set(const struct fl_config_key *key, const char *value, struct fl_config *config,
                      struct fl_error *err);

/** fl_words_free() - a NULL-terminated list of strings, as the keys of struct fl_config hold it */
void fl_words_free(char **words);

#endif
