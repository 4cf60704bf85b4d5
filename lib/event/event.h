/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_EVENT_H
#define FLOWLIFT_EVENT_H

/*
 * What somebody else says of the life of a VM: it started, it stopped, it moved. An event is a reason
 * to look at the VM, and never taken for the truth: whoever reads it looks at the host itself.
 *
 * An event is a value without pointers. Text that is not known is empty, and null in JSON. A name or
 * identity that cannot be kept as it is (longer than its field, not UTF-8) is not kept at all, since
 * what is left of it could be that of another VM. Control characters, '/' and ".." are kept: they mean
 * nothing in JSON, and no file is ever named after a VM.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flows/error.h"
#include "flows/limits.h"

enum fl_event_what {
    FL_EVENT_START,     /* it runs here now */
    FL_EVENT_STOP,      /* it does not run here any more, whatever the reason */
    FL_EVENT_MIGRATED,  /* it was moved, here or away: which, is to be seen */
    FL_EVENT_INCOMING,  /* it is about to come here by migration; there may be no port yet */
    FL_EVENT_RECONNECT, /* it ran here all the time, and libvirt found it again */
    FL_EVENT_ATTACH,    /* it runs here, and libvirt was told of it */
    FL_N_EVENT_WHATS
};

struct fl_event_interface {
    char mac[18];           /* "52:54:00:64:00:02" */
    char target[16];        /* interface of the host, "vnet3"; libvirt may not have named it yet */
    char interface_id[129]; /* of the virtual port: external_ids:iface-id of its OVS interface */
};

struct fl_event {
    int64_t time_ms; /* Unix time */
    enum fl_event_what what;
    char source[17];                  /* who says so: "libvirt", "command" */
    char vm[FL_LIMIT_NAME_BYTES + 1]; /* name of the VM */
    char uuid[37];                    /* lower case, with dashes */
    char reason[33];                  /* of a stop: "shutdown", "migrated", ... */
    bool complete;                    /* @uuid and @interfaces are all that there is */
    size_t n_interfaces;
    struct fl_event_interface interfaces[FL_LIMIT_EVENT_INTERFACES];
};

/** fl_event_what_name() - "start", ... */
const char *fl_event_what_name(enum fl_event_what what);

/**
 * fl_event_text() - keep text of others in a field, if it can be kept as it is
 * @field: of @room bytes; empty when @text is not UTF-8, empty, or longer than @room - 1 bytes
 * Return: whether it was kept.
 */
bool fl_event_text(char *field, size_t room, const char *text);
/** fl_event_uuid() - likewise for a UUID in its usual form with dashes; made lower case */
bool fl_event_uuid(char uuid[37], const char *text);

/** fl_event_to_json() - "schema": "flowlift/event/1"; new reference, or NULL without memory */
json_t *fl_event_to_json(const struct fl_event *event);
/**
 * fl_event_from_json() - read what fl_event_to_json() wrote, or somebody else
 * Return: 0, or -EINVAL with @err naming the key that is wrong; @event is untouched then.
 */
int fl_event_from_json(const json_t *json, struct fl_event *event, struct fl_error *err);

#endif
