/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of ovs-vswitchd's log: any text is a refusal with a device that fits, or none. And a line of the tracepoint
 * netlink:netlink_extack: any text is of somebody, or not understood.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/extack.h"
#include "flows/refusal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_printable(const char *text)
{
    while (*text >= ' ' && *text <= '~')
        text++;
    return !*text;
}

static void hear(const char *line)
{
    struct fl_extacks extacks = { .n_texts = 0 };
    struct fl_cause causes[FL_EXTACKS_MAX];
    char text[FL_TC_ANSWER_TEXT];
    uint32_t tid;

    if (fl_extack_parse(line, &tid, text) != FL_EXTACK_TOLD)
        return;
    fl_extacks_add(&extacks, text);
    fl_extacks_add(&extacks, text);
    if (tid > INT32_MAX || !is_printable(text) || extacks.n_texts != 1 || extacks.texts[0].n != 2 ||
        fl_extacks_causes(&extacks, causes) > 1)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = xmemdup0((const char *)data, size);
    char device[FL_REFUSAL_DEVICE_BYTES];
    struct fl_cause cause;

    if (fl_refusal_of_log(line, &cause, device) &&
        (cause.id >= FL_N_CAUSES || strnlen(device, sizeof device) == sizeof device ||
         !strstr(line, cause.detail) || !strstr(line, device)))
        abort();
    hear(line);
    free(line);
    return 0;
}
