/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "frame_key.h"

#define TAP_DEVICE "/dev/net/tun"
#define MAX_VLAN   4094

struct link_spec {
    char tap[IFNAMSIZ];
    char netns[64];
    uint16_t vlan;
};

static int parse_spec(const char *text, struct link_spec *spec)
{
    char copy[FLOWNIC_WIRE_SPEC_BYTES];
    char *vlan, *netns;

    memset(spec, 0, sizeof *spec);
    if (strlen(text) >= sizeof copy) {
        return -EINVAL;
    }
    strcpy(copy, text);
    vlan = strchr(copy, ':');
    if (vlan) {
        long number;
        char *end;

        *vlan++ = '\0';
        number = strtol(vlan, &end, 10);
        if (*end || end == vlan || number < 1 || number > MAX_VLAN) {
            return -EINVAL;
        }
        spec->vlan = (uint16_t)number;
    }
    netns = strchr(copy, '@');
    if (netns) {
        *netns++ = '\0';
        if (!*netns || strchr(netns, '/') || strlen(netns) >= sizeof spec->netns) {
            return -EINVAL;
        }
        strcpy(spec->netns, netns);
    }
    if (!*copy || strlen(copy) >= sizeof spec->tap) {
        return -EINVAL;
    }
    strcpy(spec->tap, copy);
    return 0;
}

static int open_tap_here(const char *name)
{
    struct ifreq request = { 0 };
    int fd = open(TAP_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    strcpy(request.ifr_name, name);
    if (ioctl(fd, TUNSETIFF, &request) < 0) {
        int error = -errno;

        close(fd);
        return error;
    }
    return fd;
}

/* A tap belongs to the namespace of the thread that opens the device. */
static int open_tap(const struct link_spec *spec)
{
    char path[80];
    int home, there, fd;

    if (!*spec->netns) {
        return open_tap_here(spec->tap);
    }
    snprintf(path, sizeof path, "/run/netns/%s", spec->netns);
    home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0) {
        return -errno;
    }
    there = open(path, O_RDONLY | O_CLOEXEC);
    if (there < 0 || setns(there, CLONE_NEWNET) < 0) {
        fd = -errno;
    } else {
        fd = open_tap_here(spec->tap);
        if (setns(home, CLONE_NEWNET) < 0) {
            abort(); /* the rest of the process would go on in the wrong namespace */
        }
    }
    if (there >= 0) {
        close(there);
    }
    close(home);
    return fd;
}

int flownic_wire_add(struct flownic_wire *wire, const char *spec, const char **wrong)
{
    struct link_spec parsed;
    int fd;

    if (parse_spec(spec, &parsed) < 0) {
        *wrong = "a link is TAP[@NETNS][:VLAN]";
        return -EINVAL;
    }
    if (wire->n_links == FLOWNIC_MAX_LINKS) {
        *wrong = "too many links";
        return -E2BIG;
    }
    fd = open_tap(&parsed);
    if (fd < 0) {
        *wrong = "cannot open the tap device";
        return fd;
    }
    wire->links[wire->n_links++] = (struct flownic_link){ .fd = fd, .vlan = parsed.vlan };
    return 0;
}

void flownic_wire_close(struct flownic_wire *wire)
{
    for (size_t i = 0; i < wire->n_links; i++) {
        close(wire->links[i].fd);
    }
    memset(wire, 0, sizeof *wire);
}

static void push_access_tag(struct flownic_frame *frame, uint16_t vlan)
{
    const struct flownic_action actions[] = {
        { .type = FLOWNIC_ACTION_PUSH_VLAN, .number = FLOWNIC_TPID_VLAN },
        { .type = FLOWNIC_ACTION_SET_VLAN_VID, .number = vlan },
    };

    flownic_actions_run(actions, sizeof actions / sizeof actions[0], frame, NULL);
}

static uint64_t station_at(const uint8_t *address)
{
    uint64_t station = 0;

    memcpy(&station, address, 6);
    return station;
}

static void learn_station(struct flownic_link *link, const struct flownic_frame *frame)
{
    if (frame->bytes >= FLOWNIC_ETH_HEADER_BYTES) {
        __atomic_store_n(&link->station, station_at(frame->data + 6), __ATOMIC_RELAXED);
    }
}

int flownic_wire_read(struct flownic_link *link, uint8_t *buffer, size_t size,
                      struct flownic_frame *frame)
{
    ssize_t n = read(link->fd, buffer + FLOWNIC_HEADROOM_BYTES, size - FLOWNIC_HEADROOM_BYTES);

    if (n < 0) {
        return -errno;
    }
    frame->data = buffer + FLOWNIC_HEADROOM_BYTES;
    frame->bytes = (size_t)n;
    if (link->vlan) {
        learn_station(link, frame);
        push_access_tag(frame, link->vlan);
    }
    return 0;
}

static int send_untagged(int fd, const uint8_t *data, size_t bytes)
{
    size_t rest = 12 + FLOWNIC_VLAN_TAG_BYTES;
    const struct iovec parts[] = {
        { .iov_base = (void *)(uintptr_t)data, .iov_len = 12 },
        { .iov_base = (void *)(uintptr_t)(data + rest), .iov_len = bytes - rest },
    };

    return writev(fd, parts, 2) < 0 ? -errno : 0;
}

/* Send to the access link that the address is behind, or to all of the VLAN. */
static int send_to_access(const struct flownic_wire *wire, uint16_t vlan, const uint8_t *data,
                          size_t bytes)
{
    int result = -ENOLINK;

    for (size_t i = 0; i < wire->n_links; i++) {
        const struct flownic_link *link = &wire->links[i];

        if (link->vlan == vlan &&
            __atomic_load_n(&link->station, __ATOMIC_RELAXED) == station_at(data)) {
            return send_untagged(link->fd, data, bytes);
        }
    }
    for (size_t i = 0; i < wire->n_links; i++) {
        if (wire->links[i].vlan == vlan) {
            result = send_untagged(wire->links[i].fd, data, bytes);
        }
    }
    return result;
}

int flownic_wire_send(const struct flownic_wire *wire, const uint8_t *data, size_t bytes)
{
    struct flownic_layers layers = { 0 };
    struct flownic_key key;
    int result = -ENOLINK;

    if (flownic_key_extract(data, bytes, &key, &layers) && layers.tagged) {
        uint16_t vlan = (uint16_t)((key.vlan_tci[0] & 0x0f) << 8 | key.vlan_tci[1]);

        result = send_to_access(wire, vlan, data, bytes);
    }
    for (size_t i = 0; result == -ENOLINK && i < wire->n_links; i++) {
        if (!wire->links[i].vlan) {
            result = write(wire->links[i].fd, data, bytes) < 0 ? -errno : 0;
        }
    }
    return result;
}
