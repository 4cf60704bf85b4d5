/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_DOMAIN_XML_H
#define FLOWLIFT_DOMAIN_XML_H

/*
 * What an event needs of libvirt's domain XML: name, UUID, and the interfaces. The XML is not trusted:
 * a document with a DOCTYPE is refused (libvirt never writes one, and without one there are no entities
 * to expand), and so is one that is nested deeper than FL_LIMIT_DOMAIN_XML_DEPTH, is not well-formed, or
 * is no <domain>.
 *
 * Source: libvirt 9.0 docs/formatdomain.rst: domain/name, domain/uuid, and of each
 * domain/devices/interface: mac address=, target dev=, virtualport/parameters interfaceid=.
 */

#include "lib/event/event.h"

/**
 * fl_domain_xml_read() - fill in what the XML says
 * @xml: @n_bytes of it
 * @is_whole: whether that is all; of a document that is cut off, what there is counts
 * @event: gets @uuid, @interfaces and @complete, and @vm if that is empty
 * Return: 0, or -EINVAL for XML that is refused: @event is untouched then.
 */
int fl_domain_xml_read(const char *xml, size_t n_bytes, bool is_whole, struct fl_event *event);

#endif
