/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target of the decoder of the kernel's connections: an input is one message of ctnetlink, or
 * several.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conntrack/entries.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_connection connection;
    void *message = malloc(size ? size : 1); /* aligned, and exactly so long */

    memcpy(message, data, size);
    if (fl_conntrack_decode(message, size, &connection)) {
        REQUIRE(connection.offload <= FL_CONNECTION_OFFLOAD_HARDWARE);
        REQUIRE(connection.zone_of <= FL_CONNECTION_ZONE_REPLY);
        fl_connection_has_nat(&connection);
    }
    free(message);
    return 0;
}
