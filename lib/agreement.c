/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/agreement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openvswitch/dynamic-string.h>
#include <ovs/util.h>

#include "flows/cleanup.h"
#include "flows/decode.h"
#include "flows/orphan.h"
#include "flows/tc_flow.h"
#include "lib/base/clock.h"
#include "lib/datapath/flows.h"
#include "lib/ovs/ctl.h"
#include "lib/ovs/dump.h"
#include "lib/ovs/log_unexpected.h"

/* Longer than a flow takes from one place to the other. */
#define BETWEEN_LOOKS_MS 1000
#define PAUSE_MS         5

struct look {
    const struct fl_inventory *inv;
    struct fl_nic_rules *rules;
    struct fl_ctl *ctl;                     /* NULL: the kernel is asked for Open vSwitch's word. */
    const struct fl_nic_listener *listener; /* NULL: none */
    struct fl_ports *ports;
    struct fl_tc_flow scratch;
    struct fl_orphan_judge judge;
    struct fl_log_unexpected unexpected;
    struct fl_agreement *agreement;
};

/* Open vSwitch's word. */

static int add_flow(const struct fl_flow *flow, void *agreement)
{
    fl_agreement_add_flow(agreement, flow);
    return 0;
}

static int push(const void *bytes, size_t n_bytes, void *decoder)
{
    return fl_decoder_push(decoder, bytes, n_bytes);
}

static int ask_ovs(struct look *look, struct fl_error *err)
{
    const struct fl_dump_options options = { .pause_ms = PAUSE_MS };
    struct fl_decoder *decoder = fl_decoder_create(look->ports, 0, add_flow, look->agreement);
    int ret;

    if (!decoder)
        return fl_error_set(err, -ENOMEM, "cannot read flows: not enough memory");
    ret = fl_dump_flows(look->ctl, look->inv, &options, push, decoder, err);
    if (!ret)
        ret = fl_decoder_finish(decoder);
    fl_decoder_destroy(decoder);
    return ret;
}

static int ask_kernel(struct look *look, struct fl_error *err)
{
    struct fl_datapath *datapath;
    int ret = fl_datapath_open(&datapath, err);

    for (size_t i = 0; !ret && i < fl_datapath_n(datapath); i++)
        ret = fl_datapath_dump(datapath, fl_datapath_info(datapath, i)->ifindex, look->ports,
                               FL_DATAPATH_COUNTERS, add_flow, look->agreement, err);
    fl_datapath_close(datapath);
    return ret;
}

/*
 * Flows that it believes to have in TC. Source: Open vSwitch 3.1 ofproto/ofproto-dpif-upcall.c,
 * upcall_unixctl_show(); lib/netdev-offload-tc.c, netdev_tc_get_n_flows().
 * Return: whether it says so.
 */
static bool read_n_kept(struct look *look, uint64_t *n)
{
    static const char words[] = "offloaded flows : ";
    struct fl_error ignored = FL_ERROR_INIT;
    _cleanup_free char *reply = NULL;
    const char *at;

    *n = 0;
    if (!look->ctl || strcmp(fl_inventory_datapath_type(look->inv), "system") ||
        fl_ctl_run(look->ctl, "upcall/show", NULL, &reply, &ignored))
        return false;
    at = strstr(reply, words);
    if (!at)
        return false;
    *n = strtoull(at + strlen(words), NULL, 10);
    return true;
}

/* The NIC's word. */

/* Why Open vSwitch cannot know this filter, appended to @why; nothing where it may. */
static void judge_orphan(struct look *look, const struct fl_flow *flow, struct ds *why)
{
    enum fl_orphan orphan = fl_orphan_of(&look->judge, flow);

    if (orphan)
        fl_orphan_reason(&look->judge, flow, orphan, why);
    else if (flow->has_ufid && fl_log_unexpected_has(&look->unexpected, flow->id))
        ds_put_cstr(why, "the log of ovs-vswitchd calls it unexpected, time and again");
}

static int hear_filter(const struct fl_tc_filter *filter, void *look_)
{
    struct look *look = look_;
    const struct fl_nic_listener *listener = look->listener;
    struct ds why = DS_EMPTY_INITIALIZER;
    struct fl_flow flow;

    fl_tc_to_flow(&look->scratch, filter, 0, &flow);
    judge_orphan(look, &flow, &why);
    fl_agreement_add_filter(look->agreement, filter, &flow, why.length ? ds_cstr(&why) : NULL);
    ds_destroy(&why);
    return listener ? listener->filter(filter, listener->aux) : 0;
}

static int hear_port(const char *device, const char *api, void *look_)
{
    const struct fl_nic_listener *listener = ((const struct look *)look_)->listener;

    return listener ? listener->port(device, api, listener->aux) : 0;
}

static int hear_line(const char *line, void *look_)
{
    const struct fl_nic_listener *listener = ((const struct look *)look_)->listener;

    return listener ? listener->line(line, listener->aux) : 0;
}

static int hear_port_end(const char *device, const struct fl_plugin_listing *listing,
                         const char *why, void *look_)
{
    struct look *look = look_;
    const struct fl_nic_listener *listener = look->listener;

    if (listing)
        fl_agreement_add_port(look->agreement, device, listing->lines);
    return listener ? listener->port_end(device, listing, why, listener->aux) : 0;
}

static int ask_nic(struct look *look, struct fl_error *err)
{
    const struct fl_nic_listener listener = { .filter = hear_filter,
                                              .port = hear_port,
                                              .line = hear_line,
                                              .port_end = hear_port_end,
                                              .aux = look };
    int ret;

    fl_tc_flow_init(&look->scratch, look->ports);
    fl_orphan_judge_init(&look->judge, look->inv, look->ports);
    fl_log_unexpected_read(&look->unexpected);
    ret = fl_nic_rules_read(look->rules, &listener, err);
    fl_tc_flow_uninit(&look->scratch);
    return ret;
}

/* One look. Return: 0 and @agreement owned by the caller. */
static int take_look(struct look *look, struct fl_agreement *agreement, struct fl_error *err)
{
    struct fl_ports *ports = fl_ports_create();
    uint64_t n_before, n_after;
    bool is_counted;
    int ret;

    look->ports = ports;
    look->agreement = agreement;
    fl_agreement_init(agreement, ports);
    agreement->lists_all = look->ctl != NULL;
    ret = look->ctl ? ask_ovs(look, err) : ask_kernel(look, err);
    is_counted = !ret && read_n_kept(look, &n_before);
    if (!ret)
        ret = ask_nic(look, err);
    if (!ret) {
        if (is_counted && read_n_kept(look, &n_after) && n_after == n_before)
            fl_agreement_count(agreement, n_before);
        fl_agreement_end(agreement);
    }
    agreement->ports = NULL;
    fl_ports_destroy(ports);
    if (ret)
        fl_agreement_destroy(agreement);
    return ret;
}

static int look_twice(struct look *look, struct fl_agreement *agreement, struct fl_error *err)
{
    struct fl_agreement again;
    int ret = take_look(look, agreement, err);

    if (ret || !agreement->n_found)
        return ret;
    look->listener = NULL;
    fl_sleep_until_ms(fl_monotonic_ms() + BETWEEN_LOOKS_MS);
    ret = take_look(look, &again, err);
    if (ret) {
        fl_agreement_destroy(agreement);
        return ret;
    }
    fl_agreement_confirm(agreement, &again);
    fl_agreement_destroy(&again);
    return 0;
}

int fl_agreement_read(const struct fl_host *host, const struct fl_inventory *inv,
                      const struct fl_nic_listener *listener, struct fl_agreement *agreement,
                      struct fl_error *err)
{
    struct look look = { .inv = inv, .listener = listener };
    const char *type = fl_inventory_datapath_type(inv);
    struct fl_agreement made;
    bool mlx5_dump = listener && listener->mlx5_dump;
    int ret = fl_nic_rules_open(host, inv, mlx5_dump, &look.rules, err);

    if (!ret && (host->via == FL_VIA_OVS || strcmp(type, "system")))
        ret = fl_ctl_open(host->target, fl_host_timeout_ms(host), &look.ctl, err);
    if (!ret)
        ret = look_twice(&look, &made, err);
    if (!ret)
        *agreement = made;
    fl_ctl_close(look.ctl);
    fl_nic_rules_close(look.rules);
    return ret;
}
