/* SPDX-License-Identifier: Apache-2.0 */
/* The answers to RTM_GETSTATS, as buffers received one after the other. */
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nic/stats_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sample(const struct fl_port_sample *sample)
{
    for (size_t i = 0; i < sample->n_ports; i++) {
        ovs_assert(sample->ports[i].has_link);
        ovs_assert(!i || sample->ports[i - 1].ifindex < sample->ports[i].ifindex);
        ovs_assert(fl_port_sample_find(sample, sample->ports[i].ifindex) == &sample->ports[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_port_sample sample = { .ports = NULL };
    struct fl_stats_answer counted = { .sample = &sample, .sequence = 1 };
    struct fl_stats_answer skipped = { .sequence = 1 };
    void *buffer = malloc(size ? size : 1);
    int ret;

    memcpy(buffer, data, size);
    ret = fl_stats_decode(&counted, buffer, size);
    ovs_assert(counted.error <= 0 && (!ret || ret < 0));
    fl_stats_decode(&skipped, buffer, size);
    fl_stats_sort(&sample);
    check_sample(&sample);
    free(sample.ports);
    free(buffer);
    return 0;
}
