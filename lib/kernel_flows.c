/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kernel_flows.h"

#include <errno.h>

int fl_kernel_flows_dump(struct fl_ports *ports, enum fl_kernel_detail detail, fl_decode_cb *cb,
                         void *aux, struct fl_error *err)
{
    (void)ports;
    (void)detail;
    (void)cb;
    (void)aux;
    return fl_error_set(err, -ENOTSUP, "cannot read the kernel's flows yet; use --via ovs");
}
