/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nic_rules_view.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cli/progress.h"
#include "flows/cleanup.h"
#include "flows/nic_rule_json.h"
#include "lib/agreement.h"
#include "lib/text.h"

/* Sentences for people; the rest is counted. */
#define MAX_SHOWN 5u

/* An entry is what was read of one port: a device and hook, a block, or a port of DPDK. */
struct writing {
    struct fl_output *out;
    const struct fl_inventory *inv;
    const struct fl_vm *only;
    bool has_entries;
    bool is_open; /* An entry has begun. */
    bool has_rules;
    int ifindex; /* Of the entry, when it is TC's. */
    enum fl_tc_hook hook;
    uint32_t block;
    uint64_t count, in_hw, not_in_hw;
};

static bool is_wanted(const struct writing *writing, const char *device)
{
    const struct fl_vm *vm = writing->only;

    for (size_t i = 0; vm && device && i < vm->n_interfaces; i++) {
        if (!strcmp(writing->inv->interfaces[vm->interfaces[i]].name, device))
            return true;
    }
    return !vm;
}

static void put_text(FILE *stream, const char *before, const char *text)
{
    _cleanup_json json_t *json = fl_text_json(text);

    fputs(before, stream);
    json_dumpf(json, stream, JSON_ENCODE_ANY);
}

static void begin_entry(struct writing *writing, const char *device, const char *api)
{
    FILE *stream = writing->out->stream;

    fputs(writing->has_entries ? ",\n    " : ",\n  \"nic_rules\": [\n    ", stream);
    put_text(stream, "{\"device\": ", device);
    put_text(stream, ", \"api\": ", api);
    writing->has_entries = writing->is_open = true;
    writing->has_rules = false;
    writing->count = writing->in_hw = writing->not_in_hw = 0;
}

static void put_rule(struct writing *writing, json_t *rule)
{
    FILE *stream = writing->out->stream;

    fputs(writing->has_rules ? ",\n      " : ", \"rules\": [\n      ", stream);
    json_dumpf(rule, stream, JSON_ENCODE_ANY | JSON_COMPACT);
    json_decref(rule);
    writing->has_rules = true;
    writing->count++;
}

/* TC: an entry ends where the next one begins. */

static void end_tc_entry(struct writing *writing)
{
    if (writing->is_open)
        fprintf(writing->out->stream,
                "], \"count\": %" PRIu64 ", \"in_hw\": %" PRIu64 ", \"not_in_hw\": %" PRIu64 "}",
                writing->count, writing->in_hw, writing->not_in_hw);
    writing->is_open = false;
}

static void begin_tc_entry(struct writing *writing, const struct fl_tc_filter *filter)
{
    static const char *const hooks[] = {
        [FL_TC_HOOK_UNKNOWN] = NULL,
        [FL_TC_INGRESS] = "ingress",
        [FL_TC_EGRESS] = "egress",
        [FL_TC_BLOCK] = "block",
    };

    end_tc_entry(writing);
    begin_entry(writing, filter->dev, "tc");
    put_text(writing->out->stream, ", \"hook\": ", hooks[filter->hook]);
    if (filter->hook == FL_TC_BLOCK)
        fprintf(writing->out->stream, ", \"block\": %" PRIu32 ", \"devices\": %" PRIu32,
                filter->block, filter->block_members);
    writing->ifindex = filter->ifindex;
    writing->hook = filter->hook;
    writing->block = filter->block;
}

static int write_filter(const struct fl_tc_filter *filter, void *writing_)
{
    struct writing *writing = writing_;
    bool same = writing->is_open && filter->ifindex == writing->ifindex &&
                filter->hook == writing->hook && filter->block == writing->block;

    if (!is_wanted(writing, filter->dev))
        return 0;
    if (!same)
        begin_tc_entry(writing, filter);
    put_rule(writing, fl_nic_rule_json(filter));
    writing->in_hw += (filter->flags & FL_TC_IN_HW) != 0;
    writing->not_in_hw += (filter->flags & FL_TC_NOT_IN_HW) != 0;
    return 0;
}

/* DPDK: the driver's lines, verbatim. */

/* mlx5 lists those of the whole NIC, whatever the port. */
static int write_port(const char *device, const char *api, void *writing_)
{
    struct writing *writing = writing_;

    end_tc_entry(writing);
    if (is_wanted(writing, device) || !strcmp(api, "mlx5"))
        begin_entry(writing, device, api);
    return 0;
}

static int write_line(const char *line, void *writing_)
{
    struct writing *writing = writing_;

    if (writing->is_open)
        put_rule(writing, fl_text_json(line));
    return 0;
}

static int write_port_end(const char *device OVS_UNUSED, const struct fl_plugin_listing *listing,
                          const char *why, void *writing_)
{
    struct writing *writing = writing_;
    FILE *stream = writing->out->stream;

    if (!writing->is_open)
        return 0;
    fputs(writing->has_rules ? "]" : listing ? ", \"rules\": []" : ", \"rules\": null", stream);
    if (listing)
        fprintf(stream, ", \"lines\": %" PRIu64, listing->lines);
    else
        fputs(", \"lines\": null", stream);
    put_text(stream, ", \"missing\": ", why);
    fputs("}", stream);
    writing->is_open = false;
    return 0;
}

static json_t *disagreement_json(const struct fl_disagreement *found)
{
    const struct fl_flow flow = { .id = found->ufid };
    char ufid[37];

    fl_flow_format_id(&flow, ufid);
    return json_pack("{s:o, s:o, s:o}", "device",
                     fl_text_json(found->device[0] ? found->device : NULL), "ufid",
                     found->has_ufid ? json_string(ufid) : json_null(), "text",
                     fl_text_json(found->text));
}

static void put_disagreements(const struct fl_agreement *agreement, FILE *stream)
{
    fputs(",\n  \"disagreements\": [", stream);
    for (size_t i = 0; i < agreement->n_found; i++) {
        _cleanup_json json_t *json = disagreement_json(&agreement->found[i]);

        fputs(i ? ",\n    " : "\n    ", stream);
        json_dumpf(json, stream, JSON_COMPACT);
    }
    fputs(agreement->n_found ? "\n  ]" : "]", stream);
}

static int read_agreement(const struct fl_request *request, const struct fl_inventory *inv,
                          const struct fl_nic_listener *listener, struct fl_agreement *agreement,
                          struct fl_error *err)
{
    const struct fl_host host = fl_request_host(request);
    int ret;

    if (request->n_from)
        return fl_error_set(err, -ENODATA,
                            "a file tells of flows alone: the NIC of a live host is asked");
    fl_progress_line("asking the NIC", NULL);
    ret = fl_agreement_read(&host, inv, listener, agreement, err);
    fl_progress_end();
    return ret;
}

void fl_nic_rules_json(const struct fl_request *request, const struct fl_inventory *inv,
                       const struct fl_vm *only, struct fl_output *out)
{
    struct writing writing = { .out = out, .inv = inv, .only = only };
    const struct fl_nic_listener listener = { .filter = write_filter,
                                              .port = write_port,
                                              .line = write_line,
                                              .port_end = write_port_end,
                                              .aux = &writing,
                                              .mlx5_dump = request->mlx5_dump };
    struct fl_error err = FL_ERROR_INIT;
    struct fl_agreement agreement;
    int ret = read_agreement(request, inv, &listener, &agreement, &err);

    end_tc_entry(&writing);
    if (writing.has_entries)
        fputs("\n  ]", out->stream);
    else
        fputs(ret ? ",\n  \"nic_rules\": null" : ",\n  \"nic_rules\": []", out->stream);
    put_text(out->stream, ",\n  \"nic_rules_missing\": ", ret ? err.text : NULL);
    if (ret) {
        fputs(",\n  \"disagreements\": null", out->stream);
        return;
    }
    put_disagreements(&agreement, out->stream);
    fl_agreement_destroy(&agreement);
}

void fl_disagreements_text(const struct fl_request *request, const struct fl_inventory *inv,
                           struct fl_output *out)
{
    struct fl_error err = FL_ERROR_INIT;
    struct fl_agreement agreement;

    if (read_agreement(request, inv, NULL, &agreement, &err))
        return;
    for (size_t i = 0; i < agreement.n_found && i < MAX_SHOWN; i++) {
        fl_output_styled(out, FL_STYLE_BAD, "disagreement: ");
        fl_output_paragraph(out, 14, 14, agreement.found[i].text);
    }
    if (agreement.n_found > MAX_SHOWN)
        fl_output_printf(out, "and %zu more: flowlift flows --json, \"disagreements\"\n",
                         agreement.n_found - MAX_SHOWN);
    fl_agreement_destroy(&agreement);
}
