/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says of network devices: pieces of a byte that says of which kind they are, two bytes
 * of length (little endian) and a received buffer. Whatever comes of it must survive as JSON.
 */
#include <jansson.h>
#include <ovs/util.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/nic/ports_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as long as it is, so that a read past the end is seen. */
static void take_piece(struct fl_nic_reading *reading, unsigned int kind, const uint8_t *bytes,
                       size_t n)
{
    void *buffer = malloc(n ? n : 1);

    memcpy(buffer, bytes, n);
    fl_nic_decode(reading, (enum fl_nic_answer)(kind % FL_NIC_N_ANSWERS), buffer, n);
    free(buffer);
}

/* Names may be bytes that JSON cannot hold: what was read of JSON must stay the same. */
static void check_json(const struct fl_nic *nic)
{
    struct fl_error err = FL_ERROR_INIT;
    json_t *first = fl_nic_to_json(nic), *second;
    struct fl_nic read;

    fl_nic_init(&read);
    ovs_assert(!fl_nic_from_json(first, &read, &err));
    ovs_assert(read.n_ports == nic->n_ports);
    second = fl_nic_to_json(&read);
    ovs_assert(json_equal(first, second));
    json_decref(first);
    json_decref(second);
    fl_nic_destroy(&read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_nic nic;
    struct fl_nic_reading reading = { .nic = &nic, .tc_offload_bit = -1 };

    fl_nic_init(&nic);
    while (size >= 3) {
        size_t n = MIN((size_t)(data[1] | data[2] << 8), size - 3);

        take_piece(&reading, data[0], data + 3, n);
        data += 3 + n;
        size -= 3 + n;
    }
    fl_nic_infer_roles(&nic, size == 1);
    check_json(&nic);
    fl_nic_destroy(&nic);
    return 0;
}
