/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_EVENT_LIBVIRT_H
#define FLOWLIFT_EVENT_LIBVIRT_H

/*
 * From a call of libvirt's qemu hook to an event: GUEST OPERATION SUBOPERATION EXTRA, and domain XML.
 *
 * | call                   | when                                          | event             |
 * |------------------------|-----------------------------------------------|-------------------|
 * | prepare begin          | nothing is made yet, and it may still fail    | none              |
 * | start begin            | the taps are there, QEMU is not; may fail     | none              |
 * | started begin          | QEMU runs                                     | start             |
 * | stopped end            | QEMU is gone, its ports may still be there    | stop              |
 * | release end REASON     | its ports are gone, too                       | stop, with REASON |
 * | migrate begin          | an incoming migration begins (started follows)| incoming          |
 * | restore begin          | a saved image is read (started follows)       | none              |
 * | reconnect begin        | libvirt was restarted and found it running    | reconnect         |
 * | attach begin           | it was started by others, and libvirt told    | attach            |
 *
 * Anything else is no event: a later libvirt may have operations of which nothing is known here, and
 * ports that come and go are seen in OVSDB anyway.
 *
 * Source: libvirt docs/hooks.rst, "/etc/libvirt/hooks/qemu" (REASON since 10.5.0, before it "-");
 * https://libvirt.org/hooks.html.
 */

#include "lib/event/event.h"

/**
 * fl_event_of_libvirt() - the event that a call of the hook is
 * @words: the @n_words arguments of the hook
 * @xml: @n_xml bytes of domain XML; @xml_is_whole: whether that is all of it
 * @event: @time_ms is left to the caller
 *
 * XML that is refused or absent makes an event that is not complete, and keeps none from being one.
 * Return: true, or false when there is nothing to tell of; @event is untouched then.
 */
bool fl_event_of_libvirt(const char *const *words, size_t n_words, const char *xml, size_t n_xml,
                         bool xml_is_whole, struct fl_event *event);

#endif
