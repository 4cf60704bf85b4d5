/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/base/config_keys.h"

#include <errno.h>
#include <string.h>

#include "flows/nearest.h"
#include "lib/base/config_values.h"

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define AT(member) .offset = offsetof(struct fl_config, member)

static const struct fl_config_key keys[] = {
    {
        .section = "storage",
        .name = "vlans",
        .default_text = "",
        .parse = fl_value_vlans,
        .allowed = "VLAN ids 1 to 4095 and ranges of them, such as \"100, 200-210\"; empty for all",
        .meaning = "VLANs that carry storage traffic.",
    },
    {
        .section = "storage",
        .name = "subnets",
        .default_text = "",
        .parse = fl_value_subnets,
        .allowed = "IPv4 and IPv6 subnets, such as \"10.1.0.0/16, fd00:1::/64\"; empty for all",
        .meaning = "Where the storage servers are.",
    },
    {
        .section = "storage",
        .name = "services",
        .default_text = "2049, 20049, 111",
        .parse = fl_value_services,
        .allowed = "ports of the servers, such as \"2049, tcp/20049, nfs\"",
        .meaning = "Services whose traffic is storage traffic.",
    },
    {
        .section = "vm",
        .name = "id-keys",
        .default_text = "vm-id, vm-uuid, xs-vm-uuid, iface-id",
        .parse = fl_value_words,
        AT(id_keys),
        .allowed = "names of external_ids keys, the first that an interface has wins",
        .meaning = "Which key in external_ids of an Interface is the identity of its VM.",
    },
    {
        .section = "vm",
        .name = "names",
        .default_text = "vm-name",
        .parse = fl_value_words,
        AT(name_keys),
        .allowed = "names of external_ids keys, the first that an interface has wins",
        .meaning = "Which key in external_ids of an Interface is the VM's name for people.",
    },
    {
        .section = "audit",
        .name = "window",
        .default_text = "5s",
        .parse = fl_value_duration,
        AT(window_ms),
        .least = 100,
        .most = 10 * MINUTE_MS,
        .allowed = "100ms to 10m, such as 5, 5s or 500ms",
        .meaning =
            "Time between the two readings that packets are counted over; hardware counters lag "
            "by up to 2 s.",
    },
    {
        .section = "audit",
        .name = "grace",
        .default_text = "1s",
        .parse = fl_value_duration,
        AT(audit.grace_ms),
        .least = 0,
        .most = 10 * MINUTE_MS,
        .allowed = "0 to 10m, such as 1, 1s or 500ms",
        .meaning = "Flows younger than this do not count: their offload may still be on its way.",
    },
    {
        .section = "audit",
        .name = "stranded-below",
        .default_text = "90%",
        .parse = fl_value_share,
        AT(audit.stranded_below),
        .least = 0,
        .most = 1,
        .allowed = "a share, such as 0.9 or 90%",
        .meaning = "A VM with a smaller share of its storage packets in hardware is stranded.",
    },
    {
        .section = "policy",
        .name = "allow-relaxations",
        .default_text = "ct-invalid",
        .parse = fl_value_ids,
        AT(allow_relaxations),
        .allowed = "ids of relaxations, such as \"ct-invalid, mac-learning\"; empty for none",
        .meaning = "What a plan may forward that the pipeline without it would not.",
    },
    {
        .section = "agent",
        .name = "auto",
        .default_text = "audit",
        .parse = fl_value_auto,
        AT(agent_auto),
        .allowed = "off, audit or repair",
        .meaning = "What the agent does by itself: nothing, look, or look and repair.",
    },
    {
        .section = "agent",
        .name = "interval",
        .default_text = "1m",
        .parse = fl_value_duration,
        AT(agent_interval_ms),
        .least = SECOND_MS,
        .most = 24 * HOUR_MS,
        .allowed = "1s to 24h, such as 60, 60s or 1m",
        .meaning = "Time between two looks of the agent.",
    },
    {
        .section = "agent",
        .name = "max-repairs-per-hour",
        .default_text = "6",
        .parse = fl_value_count,
        AT(agent_max_repairs_per_hour),
        .least = 0,
        .most = 1000,
        .allowed = "0 to 1000",
        .meaning = "After so many repairs in one hour the agent only looks, and says so.",
    },
    {
        .section = "metrics",
        .name = "listen",
        .default_text = "unix:metrics.sock",
        .parse = fl_value_listen,
        AT(metrics_listen),
        .allowed = "unix:NAME, unix:/PATH, 127.0.0.1:PORT, [::1]:PORT or off",
        .meaning =
            "Where the agent serves its metrics: a socket in /run/flowlift, or a port of this "
            "host for this host.",
    },
    {
        .section = "metrics",
        .name = "textfile",
        .default_text = "",
        .parse = fl_value_textfile,
        AT(metrics_textfile),
        .allowed = "an absolute path that ends in .prom; empty for none",
        .meaning =
            "File that the agent writes its metrics to, in the folder that node_exporter reads.",
    },
    {
        .section = "fleet",
        .name = "remote",
        .default_text = "",
        .parse = fl_value_remote,
        AT(fleet_remote),
        .allowed = "an OVSDB remote, such as ssl:10.0.0.1:6640; empty for none",
        .meaning = "Database that the hosts of a fleet share; several with commas between.",
    },
    {
        .section = "fleet",
        .name = "name",
        .default_text = "",
        .parse = fl_value_word,
        AT(fleet_name),
        .allowed = "one word; empty for the host name",
        .meaning = "What this host is called there, which is the CN of its certificate.",
    },
    {
        .section = "fleet",
        .name = "private-key",
        .default_text = "",
        .parse = fl_value_file,
        AT(fleet_private_key),
        .allowed = "an absolute path of a PEM file",
        .meaning = "This host's private key, for a remote that begins with ssl:.",
    },
    {
        .section = "fleet",
        .name = "certificate",
        .default_text = "",
        .parse = fl_value_file,
        AT(fleet_certificate),
        .allowed = "an absolute path of a PEM file",
        .meaning = "This host's certificate.",
    },
    {
        .section = "fleet",
        .name = "ca-certificate",
        .default_text = "",
        .parse = fl_value_file,
        AT(fleet_ca_certificate),
        .allowed = "an absolute path of a PEM file",
        .meaning = "Certificate of the authority that the database's own is signed by.",
    },
};

const struct fl_config_key *fl_config_keys(size_t *n)
{
    *n = ARRAY_LENGTH(keys);
    return keys;
}

/* Sections, or the keys of one, each once. Return: how many. */
static size_t known_words(const char *section, const char *known[ARRAY_LENGTH(keys)])
{
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (section && !strcmp(section, keys[i].section))
            known[n++] = keys[i].name;
        else if (!section && (!n || strcmp(known[n - 1], keys[i].section)))
            known[n++] = keys[i].section;
    }
    return n;
}

/* "a, b and c" */
static void join_words(const char *const *words, size_t n, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s",
                                 !i          ? ""
                                 : i + 1 < n ? ", "
                                             : " and ",
                                 words[i]);
}

static void refuse_section(const char *section, struct fl_error *err)
{
    const char *known[ARRAY_LENGTH(keys)], *nearest = NULL;
    size_t n = known_words(NULL, known);
    char list[256];

    fl_nearest(section, known, n, &nearest, 1);
    join_words(known, n, list, sizeof list);
    if (nearest)
        fl_error_set(err, -EINVAL, "unknown section [%s]; did you mean [%s]?", section, nearest);
    else
        fl_error_set(err, -EINVAL, "unknown section [%s]; there are %s", section, list);
}

static void refuse_key(const char *section, const char *name, struct fl_error *err)
{
    const char *known[ARRAY_LENGTH(keys)], *nearest = NULL;
    size_t n = known_words(section, known);
    char list[256];

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (!strcmp(keys[i].name, name)) {
            fl_error_set(err, -EINVAL, "key \"%s\" belongs into section [%s], not into [%s]", name,
                         keys[i].section, section);
            return;
        }
    }
    fl_nearest(name, known, n, &nearest, 1);
    join_words(known, n, list, sizeof list);
    if (nearest)
        fl_error_set(err, -EINVAL, "unknown key \"%s\" in section [%s]; did you mean \"%s\"?", name,
                     section, nearest);
    else
        fl_error_set(err, -EINVAL, "unknown key \"%s\" in section [%s]; known there: %s", name,
                     section, list);
}

const struct fl_config_key *fl_config_key_find(const char *section, const char *name,
                                               struct fl_error *err)
{
    bool known_section = false;

    for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
        if (strcmp(keys[i].section, section))
            continue;
        known_section = true;
        if (!strcmp(keys[i].name, name))
            return &keys[i];
    }
    if (!section[0])
        fl_error_set(err, -EINVAL,
                     "key \"%s\" stands above the first section; put a line such as "
                     "[audit] before it",
                     name);
    else if (!known_section)
        refuse_section(section, err);
    else
        refuse_key(section, name, err);
    return NULL;
}

int fl_config_key_set(const struct fl_config_key *key, const char *value, struct fl_config *config,
                      struct fl_error *err)
{
    struct fl_error why = FL_ERROR_INIT;
    int ret = key->parse(key, value, config, &why);

    if (!ret)
        return 0;
    if (ret == -ENOMEM)
        return fl_error_set(err, ret, "not enough memory");
    return fl_error_set(err, -EINVAL, "[%s] %s: \"%.100s\" cannot be used%s%s; allowed: %s",
                        key->section, key->name, value, why.text[0] ? ": " : "", why.text,
                        key->allowed);
}
