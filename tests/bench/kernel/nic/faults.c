// SPDX-License-Identifier: GPL-2.0
#include "faults.h"

#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "key.h"
#include "main.h"
#include "nic.h"
#include "ports.h"
#include "rule.h"
#include "tc.h"

#define MAX_WORDS 3

/* What a ConnectX does not match, at least not as OVS asks for it. */
static const char *const refused_at_first[] = {
    "ttl", "icmp-type", "icmp-code", "arp-op", "arp-sip", "arp-tip", "arp-sha", "arp-tha",
};

static DEFINE_MUTEX(lock); /* of writers */
static struct {
    u64 refused_fields;
    u32 refused_actions;
    u32 max_rules;
    unsigned int stats_delay_ms;
    bool table_full;
    bool no_cpu_hit;
} faults;
static u32 max_rules_at_first;

static void stop_punting(struct flownic_port *port, void *unused)
{
    WRITE_ONCE(port->punt_every, 0);
}

static void reset(void)
{
    int i;

    memset(&faults, 0, sizeof(faults));
    faults.max_rules = max_rules_at_first;
    for (i = 0; i < ARRAY_SIZE(refused_at_first); i++) {
        faults.refused_fields |= BIT_ULL(flownic_field_find(refused_at_first[i]));
    }
}

void flownic_faults_init(u32 max_rules)
{
    max_rules_at_first = max_rules;
    reset();
}

static int set_bit_named(u64 *bits, int bit, const char *word)
{
    bool on;

    if (bit < 0 || kstrtobool(word, &on)) {
        return -EINVAL;
    }
    WRITE_ONCE(*bits, on ? *bits | BIT_ULL(bit) : *bits & ~BIT_ULL(bit));
    return 0;
}

static int set_punt(const char *name, const char *word)
{
    struct flownic_port *port = flownic_ports_by_name(name);
    u32 every = 0;

    if (!port) {
        return -ENODEV;
    }
    if (strcmp(word, "off") && kstrtou32(word, 0, &every)) {
        return -EINVAL;
    }
    atomic_set(&port->punt_position, 0);
    WRITE_ONCE(port->punt_every, every);
    return 0;
}

static int set_stats_delay(const char *value)
{
    struct flownic_nic *nic;
    unsigned int i;
    int error = kstrtouint(value, 0, &faults.stats_delay_ms);

    if (error) {
        return error;
    }
    for (i = 0; (nic = flownic_nic(i)); i++) {
        flownic_tc_sample(nic);
    }
    return 0;
}

static int set_two_words(const char *name, const char *value)
{
    if (!strcmp(name, "max-rules")) {
        return kstrtou32(value, 0, &faults.max_rules);
    }
    if (!strcmp(name, "table-full")) {
        return kstrtobool(value, &faults.table_full);
    }
    if (!strcmp(name, "stats-delay")) {
        return set_stats_delay(value);
    }
    if (!strcmp(name, "no-cpu-hit")) {
        return kstrtobool(value, &faults.no_cpu_hit);
    }
    if (!strcmp(name, "all") && !strcmp(value, "off")) {
        reset();
        flownic_ports_for_each(stop_punting, NULL);
        return 0;
    }
    return -EINVAL;
}

static int set_three_words(const char *name, const char *which, const char *value)
{
    u64 actions = faults.refused_actions;
    int error;

    if (!strcmp(name, "refuse-match")) {
        return set_bit_named(&faults.refused_fields, flownic_field_find(which), value);
    }
    if (!strcmp(name, "refuse-action")) {
        error = set_bit_named(&actions, flownic_action_find(which), value);
        WRITE_ONCE(faults.refused_actions, (u32)actions);
        return error;
    }
    if (!strcmp(name, "punt")) {
        return set_punt(which, value);
    }
    return -EINVAL;
}

int flownic_faults_set(char *words)
{
    char *word[MAX_WORDS];
    int n_words = 0;
    int error = -EINVAL;
    char *next;

    words = strim(words);
    while ((next = strsep(&words, " \t"))) {
        if (!*next) {
            continue;
        }
        if (n_words == MAX_WORDS) {
            return -EINVAL;
        }
        word[n_words++] = next;
    }
    mutex_lock(&lock);
    if (n_words == 2) {
        error = set_two_words(word[0], word[1]);
    } else if (n_words == 3) {
        error = set_three_words(word[0], word[1], word[2]);
    }
    mutex_unlock(&lock);
    return error;
}

static void print_punt(struct flownic_port *port, void *seq)
{
    u32 every = READ_ONCE(port->punt_every);

    if (every) {
        seq_printf(seq, "punt %s %u\n", port->rep->name, every);
    }
}

void flownic_faults_print(struct seq_file *seq)
{
    const char *name;
    unsigned int i;

    mutex_lock(&lock);
    for (i = 0; (name = flownic_field_name(i)); i++) {
        if (faults.refused_fields & BIT_ULL(i)) {
            seq_printf(seq, "refuse-match %s on\n", name);
        }
    }
    for (i = 0; (name = flownic_action_name(i)); i++) {
        if (faults.refused_actions & BIT(i)) {
            seq_printf(seq, "refuse-action %s on\n", name);
        }
    }
    seq_printf(seq, "max-rules %u\n", faults.max_rules);
    seq_printf(seq, "table-full %s\n", faults.table_full ? "on" : "off");
    flownic_ports_for_each(print_punt, seq);
    seq_printf(seq, "stats-delay %u\n", faults.stats_delay_ms);
    seq_printf(seq, "no-cpu-hit %s\n", faults.no_cpu_hit ? "on" : "off");
    mutex_unlock(&lock);
}

const char *flownic_faults_refuse_fields(u64 fields)
{
    u64 refused = fields & READ_ONCE(faults.refused_fields);

    return refused ? flownic_field_refusal(__ffs64(refused)) : NULL;
}

const char *flownic_faults_refuse_actions(u32 kinds)
{
    u32 refused = kinds & READ_ONCE(faults.refused_actions);

    return refused ? flownic_action_refusal(__ffs(refused)) : NULL;
}

u32 flownic_faults_room(void)
{
    return READ_ONCE(faults.table_full) ? 0 : READ_ONCE(faults.max_rules);
}

unsigned int flownic_faults_stats_delay_ms(void)
{
    return READ_ONCE(faults.stats_delay_ms);
}

bool flownic_faults_no_cpu_hit(void)
{
    return READ_ONCE(faults.no_cpu_hit);
}
