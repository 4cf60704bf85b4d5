/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel says of network devices: pieces of a byte that says of which kind they are, two bytes
 * of length (little endian) and a received buffer. Whatever comes of it is within its bounds.
 */
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

static void check_text(const char *text, size_t n_bytes)
{
    ovs_assert(strnlen(text, n_bytes) < n_bytes);
}

static void check_port(const struct fl_nic *nic, const struct fl_nic_port *port)
{
    ovs_assert(port->ifindex > 0 && fl_nic_port(nic, port->ifindex) == port);
    ovs_assert(port->switch_id.n_bytes <= sizeof port->switch_id.bytes);
    ovs_assert(port->port_id.n_bytes <= sizeof port->port_id.bytes);
    check_text(port->name, sizeof port->name);
    check_text(port->driver, sizeof port->driver);
    check_text(port->firmware, sizeof port->firmware);
    check_text(port->bus, sizeof port->bus);
    check_text(port->port_name, sizeof port->port_name);
    check_text(port->master_kind, sizeof port->master_kind);
    check_text(port->devlink, sizeof port->devlink);
    ovs_assert(fl_nic_role_name(port->role) && fl_nic_feature_name(port->tc_offload) &&
               fl_eswitch_mode_name(port->eswitch) && fl_inline_mode_name(port->inline_mode) &&
               fl_encap_mode_name(port->encap));
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
    for (size_t i = 0; i < nic.n_ports; i++)
        check_port(&nic, &nic.ports[i]);
    fl_nic_destroy(&nic);
    return 0;
}
