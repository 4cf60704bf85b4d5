/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fleet/seed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/order.h"

char *fl_fleet_flow_set_text(const struct fl_flowset *set)
{
    _cleanup_json json_t *json = NULL;
    char *text;

    if (!set->n_rules) {
        return NULL;
    }
    json = fl_flowset_to_json(set);
    text = json_dumps(json, JSON_COMPACT);
    if (text && strlen(text) > FL_FLEET_FLOW_SET_BYTES) {
        free(text);
        return NULL;
    }
    return text;
}

static int read_set(const char *vm_id, const char *text, struct fl_flowset *set,
                    struct fl_error *err)
{
    _cleanup_json json_t *json = NULL;
    int error;

    if (strlen(text) > FL_FLEET_FLOW_SET_BYTES) {
        return fl_error_set(err, -EINVAL, "they are longer than %u KiB",
                            FL_FLEET_FLOW_SET_BYTES / 1024);
    }
    json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json) {
        return fl_error_set(err, -EINVAL, "they are no JSON");
    }
    error = fl_flowset_from_json(json, set, err);
    if (error) {
        return error;
    }
    error = fl_order_check_rules(set, err);
    if (!error && (strcmp(set->vm_id, vm_id) || set->cookie != fl_cookie_of_vm(vm_id))) {
        error = fl_error_set(err, -EINVAL, "they are of another VM");
    }
    if (error) {
        fl_flowset_destroy(set);
    }
    return error;
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = with && *with ? xstrdup(with) : NULL;
}

void fl_fleet_heed(const struct fl_cluster_heard *heard, const struct fl_decision *word,
                   struct fl_remedy *remedy)
{
    bool is_order = heard->order.decided_ms == word->decided_ms && heard->who;
    const char *until = is_order ? heard->until : heard->peer_until;
    struct fl_error ignored = FL_ERROR_INIT;

    remedy->decided_ms = word->decided_ms;
    remedy->unwanted = !word->stands;
    replace(&remedy->who, is_order ? heard->who : heard->peer_who);
    replace(&remedy->ticket, is_order ? heard->ticket : heard->peer_ticket);
    remedy->until = (struct fl_until){ .time_ms = 0 };
    if (until && *until) {
        fl_until_parse(until, &remedy->until, &ignored);
    }
}

int fl_fleet_seed(const char *vm_id, const char *vm_name, const struct fl_cluster_heard *heard,
                  const struct fl_decision *word, int64_t now_ms, struct fl_remedy *remedy,
                  struct fl_error *err)
{
    struct fl_flowset set;
    int error = read_set(vm_id, heard->flow_set, &set, err);

    if (error) {
        fl_error_prefix(err, "the rules of host %s", heard->peer);
        return error;
    }
    fl_remedy_init(remedy);
    fl_flowset_destroy(&remedy->set);
    remedy->set = set;
    free(remedy->set.vm_name);
    remedy->set.vm_name = xstrdup(vm_name);
    fl_flowset_drop_decoys(&remedy->set);
    fl_flowset_forget_proof(&remedy->set);
    remedy->set.n_zones = 0; /* numbers of that host's conntrack */
    remedy->state = FL_REMEDY_SUSPENDED;
    remedy->created_ms = remedy->changed_ms = now_ms;
    fl_fleet_heed(heard, word, remedy);
    return 0;
}
