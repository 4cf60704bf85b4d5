/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_TESTS_EDGES_OVN_H
#define FLOWLIFT_TESTS_EDGES_OVN_H

#include "flows/error.h"

/** fl_edges_ovn() - "edges ovn COOKIE...", see edges.c. Return: 0, or negative errno with @err. */
int fl_edges_ovn(int timeout_ms, char *argv[], struct fl_error *err);

#endif
