/* SPDX-License-Identifier: Apache-2.0 */
/* A line of ovs-vswitchd's log: any text is a refusal with a device that fits, or none. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/refusal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = xmemdup0((const char *)data, size);
    char device[FL_REFUSAL_DEVICE_BYTES];
    struct fl_cause cause;

    if (fl_refusal_of_log(line, &cause, device) &&
        (cause.id >= FL_N_CAUSES || strnlen(device, sizeof device) == sizeof device ||
         !strstr(line, cause.detail) || !strstr(line, device)))
        abort();
    free(line);
    return 0;
}
