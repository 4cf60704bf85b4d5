/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CONFIG_H
#define FLOWLIFT_CONFIG_H

/*
 * The configuration: /etc/flowlift/flowlift.conf, then /etc/flowlift/conf.d/ *.conf in the order of
 * their names (INI, read by inih). A later value replaces an earlier one. Also where everything lies
 * below --root.
 */

#include <stdbool.h>
#include <stdint.h>

#include "flows/audit.h"
#include "flows/error.h"
#include "flows/inventory.h"
#include "flows/storage.h"

struct fl_config {
    struct fl_storage storage;      /* [storage] vlans subnets services */
    char **id_keys;                 /* [vm] id-keys; NULL-terminated */
    char **name_keys;               /* [vm] names */
    int64_t window_ms;              /* [audit] window, seconds in the file; default 5 s */
    struct fl_audit_options audit;  /* [audit] grace (seconds), stranded-below (0..1 or %) */
    char **allow_relaxations;       /* [policy] allow-relaxations; default: ct-invalid */
    char *agent_auto;               /* [agent] auto: off, audit, repair */
    int64_t agent_interval_ms;      /* [agent] interval, seconds in the file */
    int agent_max_repairs_per_hour; /* [agent] max-repairs-per-hour */
    char *metrics_listen;           /* [metrics] listen, as lib/base/listen.h reads it */
    char *metrics_textfile;         /* [metrics] textfile, or NULL */
    char *fleet_remote;             /* [fleet] remote, or NULL; as are the others of a fleet */
    char *fleet_name;
    char *fleet_private_key;
    char *fleet_certificate;
    char *fleet_ca_certificate;
};

void fl_config_init(struct fl_config *config); /* the defaults */
void fl_config_destroy(struct fl_config *config);
/**
 * fl_config_load() - the defaults, replaced by what the files under @root say
 * @root: "" for the host's own
 * Return: 0 (files may be absent); -EINVAL with file, line, and for an unknown section or key the
 * nearest known one; -EACCES. @config is the defaults on error.
 */
int fl_config_load(struct fl_config *config, const char *root, struct fl_error *err);
/** fl_config_parse() - one file's text, for tests and the fuzzer; @name is used in errors */
int fl_config_parse(struct fl_config *config, const char *name, const char *text, size_t n,
                    struct fl_error *err);
struct fl_vm_keys fl_config_vm_keys(const struct fl_config *config); /* borrowed */
bool fl_config_allows(const struct fl_config *config, const char *relaxation);

/* Where things are below @root; each returns a string to free(). */
char *fl_path_remedies(const char *root);   /* ROOT/var/lib/flowlift/remedies */
char *fl_path_journal(const char *root);    /* ROOT/var/log/flowlift/journal.jsonl */
char *fl_path_auto(const char *root);       /* ROOT/var/lib/flowlift/auto.json */
char *fl_path_rundir(const char *root);     /* ROOT/run/flowlift */
char *fl_path_agent_lock(const char *root); /* ROOT/run/flowlift/agent.lock, held by the agent */
char *fl_path_events(const char *root);     /* ROOT/run/flowlift/events */
char *fl_path_config(const char *root);     /* ROOT/etc/flowlift/flowlift.conf */

#endif
