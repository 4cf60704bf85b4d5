/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CONFIG_VALUES_H
#define FLOWLIFT_CONFIG_VALUES_H

/*
 * Reads the values of the configuration, a function for each kind. All of them have the type of
 * fl_config_key.parse: they set what @key->offset points to in @config, and touch nothing on error.
 *
 * Return: 0; -EINVAL with the reason (not yet the key nor what is allowed) in @err; -ENOMEM.
 */

#include "flows/error.h"
#include "lib/base/config.h"
#include "lib/base/config_keys.h"

#define SECOND_MS 1000.0
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)

#define FL_VALUE(kind)                                                      \
    int fl_value_##kind(const struct fl_config_key *key, const char *value, \
                        struct fl_config *config, struct fl_error *err)
/* "100, 200-210", "10.1.0.0/16", "2049, tcp/20049": into config->storage. */
FL_VALUE(vlans);
FL_VALUE(subnets);
FL_VALUE(services);
/* One or more words, and none or more ids (lower case letters, digits, '-'): a char **. */
FL_VALUE(words);
FL_VALUE(ids);
/* "5", "5s", "500ms", "2m", "1h" in the key's range: an int64_t of milliseconds. */
FL_VALUE(duration);
/* "0.9", "90%" in the key's range: a double. */
FL_VALUE(share);
/* A whole number in the key's range: an int. */
FL_VALUE(count);
/* "off", "audit", "repair": a char *. */
FL_VALUE(auto);
/* Where to listen (lib/base/listen.h): a char *. */
FL_VALUE(listen);
/* An absolute path of a *.prom file, or nothing: a char * or NULL. */
FL_VALUE(textfile);
/* An OVSDB remote, or nothing: a char * or NULL. */
FL_VALUE(remote);
/* One word, or nothing; an absolute path, or nothing: a char * or NULL. */
FL_VALUE(word);
FL_VALUE(file);
#undef FL_VALUE

#endif
