/* SPDX-License-Identifier: Apache-2.0 */
/* Source: iproute2 6.1 tc/tc_filter.c print_filter(), tc/f_flower.c flower_print_opt(). */
#include "flows/tc_json.h"

#include <stdio.h>
#include <string.h>

#include "flows/json_read.h"
#include "flows/tc_json_internal.h"
#include "flows/tc_key.h"

static void put_number_if(json_t *json, bool present, const char *key, uint64_t number)
{
    if (present)
        json_object_set_new(json, key, json_integer((json_int_t)number));
}

static void put_true_if(json_t *json, bool present, const char *key)
{
    if (present)
        json_object_set_new(json, key, json_true());
}

static json_t *lse_json(const struct fl_tc_mpls_lse *lse)
{
    json_t *json = json_object();

    put_number_if(json, lse->present & FL_TC_LSE_DEPTH, "depth", lse->depth);
    put_number_if(json, lse->present & FL_TC_LSE_LABEL, "label", lse->label);
    put_number_if(json, lse->present & FL_TC_LSE_TC, "tc", lse->tc);
    put_number_if(json, lse->present & FL_TC_LSE_BOS, "bos", lse->bos);
    put_number_if(json, lse->present & FL_TC_LSE_TTL, "ttl", lse->ttl);
    return json;
}

static void put_opts(const struct fl_tc_tunnel_opts *opts, const char *suffix, json_t *keys)
{
    static const char *const names[] = {
        [FL_TC_OPTS_NONE] = "",       [FL_TC_OPTS_GENEVE] = "geneve",
        [FL_TC_OPTS_VXLAN] = "vxlan", [FL_TC_OPTS_ERSPAN] = "erspan",
        [FL_TC_OPTS_GTP] = "gtp",
    };
    json_t *json = fl_tc_opts_json(opts);
    char name[32];

    if (!json)
        return;
    snprintf(name, sizeof name, "%s_opt_%s", names[opts->kind], suffix);
    json_object_set_new(keys, name, json);
}

static json_t *keys_json(const struct fl_tc_filter *filter)
{
    json_t *keys = json_object(), *mpls;

    for (enum fl_tc_key key = 0; key < FL_TC_N_KEYS; key++) {
        if (fl_tc_has_key(filter, key))
            fl_tc_key_put_json(filter, key, keys);
    }
    if (filter->n_mpls) {
        mpls = json_array();
        for (size_t i = 0; i < filter->n_mpls; i++)
            json_array_append_new(mpls, lse_json(&filter->mpls[i]));
        json_object_set_new(keys, "mpls", mpls);
    }
    put_opts(&filter->enc_opts, "key", keys);
    put_opts(&filter->enc_opts_mask, "mask", keys);
    return keys;
}

/* A class, or the number of a queue of the hardware. Source: TC_H_MIN_PRIORITY, TC_QOPT_MAX_QUEUE. */
static void put_classid(uint32_t classid, json_t *options)
{
    uint32_t major = classid >> 16, minor = classid & 0xffff;
    json_t *text;

    if (minor >= 0xffe0 && minor <= 0xffe0 + 15) {
        json_object_set_new(options, "hw_tc", json_integer(minor - 0xffe0));
        return;
    }
    text = !classid ? json_string("none")
           : !major ? json_sprintf(":%x", minor)
           : minor  ? json_sprintf("%x:%x", major, minor)
                    : json_sprintf("%x:", major);
    json_object_set_new(options, "classid", text);
}

static json_t *options_json(const struct fl_tc_filter *filter)
{
    json_t *options = json_object();

    put_number_if(options, filter->handle, "handle", filter->handle);
    if (filter->has_classid)
        put_classid(filter->classid, options);
    if (filter->indev)
        json_object_set_new(options, "indev", fl_json_of_string(filter->indev));
    json_object_set_new(options, "keys", keys_json(filter));
    put_true_if(options, filter->flags & FL_TC_SKIP_HW, "skip_hw");
    put_true_if(options, filter->flags & FL_TC_SKIP_SW, "skip_sw");
    put_true_if(options, filter->flags & FL_TC_IN_HW, "in_hw");
    put_number_if(options, filter->flags & FL_TC_IN_HW && filter->has_in_hw_count, "in_hw_count",
                  filter->in_hw_count);
    put_true_if(options, (filter->flags & (FL_TC_IN_HW | FL_TC_NOT_IN_HW)) == FL_TC_NOT_IN_HW,
                "not_in_hw");
    if (filter->n_actions)
        json_object_set_new(options, "actions", fl_tc_actions_json(filter));
    return options;
}

json_t *fl_tc_filter_json(const struct fl_tc_filter *filter)
{
    char buf[FL_TC_NAME_BYTES];
    json_t *json = json_object();

    if (filter->dev)
        json_object_set_new(json, "dev", fl_json_of_string(filter->dev));
    put_number_if(json, filter->hook == FL_TC_BLOCK, "block", filter->block);
    put_true_if(json, filter->hook == FL_TC_INGRESS, "ingress");
    put_true_if(json, filter->hook == FL_TC_EGRESS, "egress");
    if (filter->protocol)
        json_object_set_new(json, "protocol",
                            json_string(fl_tc_protocol_name(filter->protocol, buf)));
    put_number_if(json, filter->priority, "pref", filter->priority);
    json_object_set_new(json, "kind", json_string("flower"));
    put_number_if(json, true, "chain", filter->chain);
    json_object_set_new(json, "options", options_json(filter));
    if (filter->unknown[0])
        json_object_set_new(json, "unknown", fl_json_of_string(filter->unknown));
    return json;
}
