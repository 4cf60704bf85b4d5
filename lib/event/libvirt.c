/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/event/libvirt.h"

#include <string.h>

#include "lib/event/domain_xml.h"

static const struct {
    const char *operation, *suboperation;
    enum fl_event_what what;
} calls[] = {
    { "started", "begin", FL_EVENT_START },       { "stopped", "end", FL_EVENT_STOP },
    { "release", "end", FL_EVENT_STOP },          { "migrate", "begin", FL_EVENT_INCOMING },
    { "reconnect", "begin", FL_EVENT_RECONNECT }, { "attach", "begin", FL_EVENT_ATTACH },
};

static bool find_what(const char *operation, const char *suboperation, enum fl_event_what *what)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (!strcmp(operation, calls[i].operation) &&
            !strcmp(suboperation, calls[i].suboperation)) {
            *what = calls[i].what;
            return true;
        }
    }
    return false;
}

bool fl_event_of_libvirt(const char *const *words, size_t n_words, const char *xml, size_t n_xml,
                         bool xml_is_whole, struct fl_event *result)
{
    struct fl_event event = { .source = "libvirt", .time_ms = result->time_ms };

    if (n_words < 3 || !find_what(words[1], words[2], &event.what))
        return false;
    /* '-' is libvirt's word for none, in both places. */
    if (strcmp(words[0], "-"))
        fl_event_text(event.vm, sizeof event.vm, words[0]);
    if (event.what == FL_EVENT_STOP && n_words > 3 && strcmp(words[3], "-"))
        fl_event_text(event.reason, sizeof event.reason, words[3]);
    fl_domain_xml_read(xml, n_xml, xml_is_whole, &event);
    *result = event;
    return true;
}
