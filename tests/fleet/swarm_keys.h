/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_SWARM_KEYS_H
#define FLOWLIFT_TESTS_SWARM_KEYS_H

#include <stdbool.h>

/**
 * fl_swarm_keys() - a key and its certificate in one PEM file, made in a millisecond: openssl(1) takes ten and more
 * @name: whom the authority says it is, CN
 * @path: is written
 */
bool fl_swarm_keys(const char *ca_key, const char *ca_certificate, const char *name, long serial,
                   const char *path);

#endif
