/* SPDX-License-Identifier: Apache-2.0 */
/* Items of a flow, "name:value": what each tells of it. */
#include <ovs/util.h>
#include <ovs/uuid.h>

#include "flows/decode_internal.h"

#define UUID_TEXT_LEN 36

struct item {
    struct fl_flow_scratch *scratch;
    struct fl_flow *flow;
    struct fl_text value;
};

static void read_ufid(const struct item *item);
static void read_packets(const struct item *item);
static void read_bytes(const struct item *item);
static void read_hw_packets(const struct item *item);
static void read_hw_bytes(const struct item *item);
static void read_used(const struct item *item);
static void read_offloaded(const struct item *item);
static void read_layer(const struct item *item);

static const struct {
    const char *name;
    void (*read)(const struct item *item); /* NULL: of no use to us. */
} items[] = {
    { "packets", read_packets },
    { "bytes", read_bytes },
    { "used", read_used },
    { "actions", NULL },
    { "offloaded", read_offloaded },
    { "dp", read_layer },
    { "flags", NULL },
    { "ufid", read_ufid },
    { "dp-extra-info", NULL },
    { "dp-offload-info", NULL }, /* a sentence: decode_flow.c */
    { "mega_ufid", NULL },
    { "offload_packets", read_hw_packets },
    { "offload_bytes", read_hw_bytes },
    { "dpe_packets", NULL },
    { "dpe_bytes", NULL },
};

bool fl_is_flow_item(struct fl_text name)
{
    for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
        if (fl_text_is(name, items[i].name))
            return true;
    }
    return false;
}

static bool scan_ufid(struct fl_cursor *c, struct uuid *uuid)
{
    const char *p = c->p;

    if (c->end - p < UUID_TEXT_LEN)
        return false;
    for (int i = 0, n = 0; i < UUID_TEXT_LEN; i++, p++) {
        int digit;

        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (*p != '-')
                return false;
            continue;
        }
        digit = hexit_value((unsigned char)*p);
        if (digit < 0)
            return false;
        uuid->parts[n / 8] = uuid->parts[n / 8] << 4 | (uint32_t)digit;
        n++;
    }
    c->p = p;
    return true;
}

static void read_ufid(const struct item *item)
{
    struct fl_cursor c = { item->value.s, item->value.s + item->value.n };
    struct uuid uuid;

    memset(&uuid, 0, sizeof uuid);
    if (!scan_ufid(&c, &uuid) || c.p != c.end) {
        fl_flow_blame(item->scratch, item->flow, "the ufid is not legible", item->value);
        return;
    }
    memcpy(&item->flow->id, &uuid, sizeof uuid);
    item->flow->has_ufid = true;
}

static uint64_t read_count(const struct item *item, const char *error)
{
    struct fl_cursor c = { item->value.s, item->value.s + item->value.n };
    uint64_t count;

    if (fl_scan_decimal(&c, &count) && c.p == c.end && count != FL_COUNT_UNKNOWN)
        return count;
    fl_flow_blame(item->scratch, item->flow, error, item->value);
    return FL_COUNT_UNKNOWN;
}

static void read_packets(const struct item *item)
{
    item->flow->packets = read_count(item, "the packet count is not legible");
}

static void read_bytes(const struct item *item)
{
    item->flow->bytes = read_count(item, "the byte count is not legible");
}

/* Of versions that vendors make. */
static void read_hw_packets(const struct item *item)
{
    item->flow->hw_packets = read_count(item, "the packet count of the NIC is not legible");
}

static void read_hw_bytes(const struct item *item)
{
    item->flow->hw_bytes = read_count(item, "the byte count of the NIC is not legible");
}

/* "never", "5.710s", "-0.703s" (a clock went back: used just now) */
static void read_used(const struct item *item)
{
    struct fl_cursor c = { item->value.s, item->value.s + item->value.n };
    uint64_t seconds, fraction = 0;
    bool negative;

    if (fl_text_is(item->value, "never")) {
        item->flow->used_ms = FL_USED_NEVER;
        return;
    }
    negative = fl_scan_char(&c, '-');
    if (!fl_scan_decimal(&c, &seconds) || seconds > INT64_MAX / 1000 - 1)
        goto illegible;
    if (fl_scan_char(&c, '.')) {
        const char *start = c.p;

        if (!fl_scan_decimal(&c, &fraction) || c.p - start > 9)
            goto illegible;
        for (ptrdiff_t i = c.p - start; i != 3; i += i < 3 ? 1 : -1)
            fraction = i < 3 ? fraction * 10 : fraction / 10;
    }
    fl_scan_char(&c, 's');
    if (c.p != c.end)
        goto illegible;
    item->flow->used_ms = negative ? 0 : (int64_t)(seconds * 1000 + fraction);
    return;

illegible:
    fl_flow_blame(item->scratch, item->flow, "the time of last use is not legible", item->value);
}

static void read_offloaded(const struct item *item)
{
    if (fl_text_is(item->value, "yes"))
        item->flow->offloaded = FL_OFFLOADED_YES;
    else if (fl_text_is(item->value, "partial"))
        item->flow->offloaded = FL_OFFLOADED_PARTIAL;
    else if (!fl_text_is(item->value, "no")) /* OVS leaves it out instead. */
        item->flow->offloaded = FL_OFFLOADED_OTHER;
}

static void read_layer(const struct item *item)
{
    static const struct {
        const char *name;
        enum fl_layer layer;
    } layers[] = {
        { "ovs", FL_LAYER_OVS },
        { "tc", FL_LAYER_TC },
        { "dpdk", FL_LAYER_DPDK },
        { "doca", FL_LAYER_DOCA },
    };

    item->flow->layer = FL_LAYER_OTHER;
    for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
        if (fl_text_is(item->value, layers[i].name))
            item->flow->layer = layers[i].layer;
    }
}

void fl_flow_item_read(struct fl_flow_scratch *scratch, struct fl_flow *flow, struct fl_text name,
                       struct fl_text value)
{
    const struct item item = { scratch, flow, value };

    for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
        if (fl_text_is(name, items[i].name)) {
            if (items[i].read)
                items[i].read(&item);
            return;
        }
    }
}
