/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/hear.h"

#include <errno.h>
#include <string.h>

#include "lib/ovs/socket.h"
#include "lib/tc/extack.h"

static bool has_kernel_bridge(const struct fl_inventory *inv)
{
    for (size_t i = 0; inv && i < inv->n_bridges; i++) {
        if (!strcmp(inv->bridges[i].datapath_type, "system"))
            return true;
    }
    return false;
}

int fl_hear(const struct fl_host *host, const struct fl_inventory *inv, int64_t ms,
            struct fl_extacks *extacks, struct fl_error *err)
{
    long pid;
    int ret;

    *extacks = (struct fl_extacks){ .n_texts = 0 };
    if (!has_kernel_bridge(inv))
        return fl_error_set(err, -ENODATA,
                            "no bridge of this host is in the kernel: it has nothing to tell of "
                            "flows");
    ret = fl_socket_vswitchd_pid(host->target, &pid, err);
    return ret ? ret : fl_extack_listen(FL_TRACEFS, pid, ms, extacks, err);
}
