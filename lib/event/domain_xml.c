/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/event/domain_xml.h"

#include <errno.h>
#include <string.h>

#include <expat.h>
#include <net/ethernet.h>
#include <netinet/ether.h>

/* Where in the document the parser is: the element whose children are looked at. */
enum place {
    OUTSIDE,
    DOMAIN,
    NAME,
    UUID,
    DEVICES,
    INTERFACE,
    VIRTUALPORT,
    OF_NO_INTEREST, /* and nor is anything in it */
};

/* What an element is, by its parent and its name. Elements that are not here are of no interest. */
static const struct {
    enum place parent;
    const char *element;
    enum place place;
} steps[] = {
    { OUTSIDE, "domain", DOMAIN },
    { DOMAIN, "name", NAME },
    { DOMAIN, "uuid", UUID },
    { DOMAIN, "devices", DEVICES },
    { DEVICES, "interface", INTERFACE },
    { INTERFACE, "virtualport", VIRTUALPORT },
};

/* Attributes that are kept, by the place of their element. */
enum kept { MAC, TARGET, INTERFACE_ID };
static const struct {
    enum place parent;
    const char *element, *attribute;
    enum kept kept;
} attributes[] = {
    { INTERFACE, "mac", "address", MAC },
    { INTERFACE, "target", "dev", TARGET },
    { VIRTUALPORT, "parameters", "interfaceid", INTERFACE_ID },
};

/* Text of an element, which expat hands out in pieces. */
struct gathered {
    char text[FL_LIMIT_NAME_BYTES +
              2]; /* one byte more than is kept, so that it is seen to be too long */
    size_t n;
};

struct reading {
    XML_Parser parser;
    enum place path[FL_LIMIT_DOMAIN_XML_DEPTH];
    size_t depth;
    bool refused;
    bool ended;     /* </domain> was read */
    bool cut_short; /* something was left out */
    struct gathered name, uuid;
    struct fl_event event;
};

static void refuse(struct reading *reading)
{
    reading->refused = true;
    XML_StopParser(reading->parser, XML_FALSE);
}

static enum place place_now(const struct reading *reading)
{
    return reading->depth ? reading->path[reading->depth - 1] : OUTSIDE;
}

static enum place place_of(enum place parent, const char *element)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].parent == parent && !strcmp(steps[i].element, element))
            return steps[i].place;
    }
    return OF_NO_INTEREST;
}

/* A name that the kernel would take for an interface. Source: Linux 6.1 net/core/dev.c, dev_valid_name(). */
static bool is_interface_name(const char *name)
{
    return strcspn(name, "/: \t\n\v\f\r") == strlen(name) && strcmp(name, ".") &&
           strcmp(name, "..");
}

static bool keep_mac(char mac[18], const char *text)
{
    struct ether_addr address;
    const uint8_t *byte = address.ether_addr_octet;

    if (!ether_aton_r(text, &address))
        return false;
    snprintf(mac, 18, "%02x:%02x:%02x:%02x:%02x:%02x", byte[0], byte[1], byte[2], byte[3], byte[4],
             byte[5]);
    return true;
}

static void keep(struct reading *reading, enum kept kept, const char *value)
{
    struct fl_event_interface *iface = &reading->event.interfaces[reading->event.n_interfaces - 1];
    bool fits = false;

    switch (kept) {
    case MAC: fits = keep_mac(iface->mac, value); break;
    case TARGET:
        fits = is_interface_name(value) &&
               fl_event_text(iface->target, sizeof iface->target, value);
        break;
    case INTERFACE_ID:
        fits = fl_event_text(iface->interface_id, sizeof iface->interface_id, value);
        break;
    }
    if (!fits)
        reading->cut_short = true;
}

static void keep_attributes(struct reading *reading, enum place parent, const char *element,
                            const char **pairs)
{
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (attributes[i].parent != parent || strcmp(attributes[i].element, element))
            continue;
        for (const char **pair = pairs; *pair; pair += 2) {
            if (!strcmp(pair[0], attributes[i].attribute))
                keep(reading, attributes[i].kept, pair[1]);
        }
    }
}

/* Return: where the children of the new interface are. */
static enum place add_interface(struct reading *reading)
{
    if (reading->event.n_interfaces == FL_LIMIT_EVENT_INTERFACES) {
        reading->cut_short = true;
        return OF_NO_INTEREST;
    }
    reading->event.n_interfaces++;
    return INTERFACE;
}

static void on_start(void *aux, const char *element, const char **pairs)
{
    struct reading *reading = aux;
    enum place parent = place_now(reading), place = place_of(parent, element);

    if (reading->depth == FL_LIMIT_DOMAIN_XML_DEPTH || (!reading->depth && place != DOMAIN)) {
        refuse(reading);
        return;
    }
    if (place == INTERFACE)
        place = add_interface(reading);
    keep_attributes(reading, parent, element, pairs);
    reading->path[reading->depth++] = place;
}

static void on_end(void *aux, const char *element)
{
    struct reading *reading = aux;

    (void)element;
    if (reading->refused)
        return; /* of an empty element, a start that was refused has its end all the same */
    reading->depth--;
    reading->ended = !reading->depth;
}

static void on_text(void *aux, const char *text, int n)
{
    struct reading *reading = aux;
    enum place place = place_now(reading);
    struct gathered *to = place == NAME ? &reading->name : place == UUID ? &reading->uuid : NULL;

    for (int i = 0; to && i < n && to->n < sizeof to->text - 1; i++)
        to->text[to->n++] = text[i];
}

static void on_doctype(void *aux, const char *name, const char *sysid, const char *pubid,
                       int has_subset)
{
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)has_subset;
    refuse(aux);
}

/* The texts that were gathered, and whether anything is missing. */
static void finish(struct reading *reading)
{
    struct fl_event *event = &reading->event;

    if (!event->vm[0])
        fl_event_text(event->vm, sizeof event->vm, reading->name.text);
    event->complete = fl_event_uuid(event->uuid, reading->uuid.text) && reading->ended &&
                      !reading->cut_short;
}

int fl_domain_xml_read(const char *xml, size_t n_bytes, bool is_whole, struct fl_event *event)
{
    struct reading reading = { .event = *event };
    enum XML_Status status;

    if (n_bytes > FL_LIMIT_DOMAIN_XML_BYTES) {
        n_bytes = FL_LIMIT_DOMAIN_XML_BYTES;
        is_whole = false;
    }
    reading.parser = XML_ParserCreate(NULL);
    if (!reading.parser)
        return -EINVAL;
    XML_SetUserData(reading.parser, &reading);
    XML_SetElementHandler(reading.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reading.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reading.parser, on_doctype);
    status = XML_Parse(reading.parser, xml, (int)n_bytes, is_whole);
    XML_ParserFree(reading.parser);
    if (status != XML_STATUS_OK || reading.refused)
        return -EINVAL;
    finish(&reading);
    *event = reading.event;
    return 0;
}
