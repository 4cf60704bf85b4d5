/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call of libvirt's hook: four words, each on a line of its own, then XML. Whatever it is, the event
 * is one that can be written and read again, and what is cut off says no more than the whole.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flows/cleanup.h"
#include "lib/event/libvirt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fields are texts that end, and the JSON of the event is read as the same event. */
static void check(const struct fl_event *event)
{
    _cleanup_json json_t *json = fl_event_to_json(event), *again = NULL;
    _cleanup_free char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    struct fl_error err = FL_ERROR_INIT;
    struct fl_event read;

    if (!text || strlen(text) > FL_LIMIT_EVENT_BYTES || fl_event_from_json(json, &read, &err))
        abort();
    again = fl_event_to_json(&read);
    if (!json_equal(json, again))
        abort();
    if (event->complete && !event->uuid[0])
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free char *copy = malloc(size + 1);
    struct fl_event whole = { 0 }, part = { 0 };
    const char *words[4], *xml;
    size_t n_words = 0, n_xml;
    char *next = copy;

    memcpy(copy, data, size);
    copy[size] = '\0';
    for (char *newline; n_words < 4 && (newline = strchr(next, '\n')); next = newline + 1) {
        *newline = '\0';
        words[n_words++] = next;
    }
    xml = next;
    n_xml = size - (size_t)(xml - copy);
    if (fl_event_of_libvirt(words, n_words, xml, n_xml, true, &whole))
        check(&whole);
    if (fl_event_of_libvirt(words, n_words, xml, n_xml / 2, false, &part)) {
        check(&part);
        if (part.n_interfaces > whole.n_interfaces && whole.complete)
            abort();
    }
    return 0;
}
