// SPDX-License-Identifier: GPL-2.0
#include "debugfs.h"

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "conntrack.h"
#include "faults.h"
#include "main.h"
#include "nic.h"
#include "ports.h"
#include "rule.h"
#include "stats.h"
#include "table.h"

#define MAX_COMMAND 128

static struct dentry *folder;

static void print_rule(struct seq_file *seq, const struct flownic_rule *rule)
{
    seq_printf(seq, "id %llu port %s chain %u prio %u cookie %lx match ", rule->serial,
               rule->port->rep->name, rule->chain, rule->prio, rule->cookie);
    flownic_key_print(seq, &rule->key, &rule->mask);
    seq_puts(seq, " actions ");
    flownic_actions_print(seq, rule);
    seq_printf(seq, " packets %lld bytes %lld\n", atomic64_read(&rule->packets),
               atomic64_read(&rule->bytes));
}

static int rules_show(struct seq_file *seq, void *unused)
{
    const struct flownic_rule *rule;
    struct flownic_nic *nic;
    unsigned int i;

    for (i = 0; (nic = flownic_nic(i)); i++) {
        mutex_lock(&nic->table.lock);
        list_for_each_entry(rule, &nic->table.rules, in_order) {
            print_rule(seq, rule);
        }
        mutex_unlock(&nic->table.lock);
    }
    return 0;
}
DEFINE_SHOW_ATTRIBUTE(rules);

static int connections_show(struct seq_file *seq, void *unused)
{
    flownic_ct_print(seq);
    return 0;
}
DEFINE_SHOW_ATTRIBUTE(connections);

static void print_counters(struct flownic_port *port, void *context)
{
    struct seq_file *seq = context;
    struct flownic_counts counts;
    const char *name;
    unsigned int i;

    flownic_counted(port, &counts);
    seq_printf(seq, "%s rules=%d refused=%lld", port->rep->name, atomic_read(&port->n_rules),
               atomic64_read(&port->refused));
    for (i = 0; (name = flownic_count_name(i)); i++) {
        seq_printf(seq, " %s_packets=%llu %s_bytes=%llu", name, counts.of[i].packets, name,
                   counts.of[i].bytes);
    }
    seq_putc(seq, '\n');
}

static int counters_show(struct seq_file *seq, void *unused)
{
    flownic_ports_for_each(print_counters, seq);
    return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int faults_show(struct seq_file *seq, void *unused)
{
    flownic_faults_print(seq);
    return 0;
}

static int faults_open(struct inode *inode, struct file *file)
{
    return single_open(file, faults_show, NULL);
}

static ssize_t faults_write(struct file *file, const char __user *from, size_t size,
                            loff_t *position)
{
    char command[MAX_COMMAND];
    int error;

    if (size >= sizeof(command)) {
        return -EINVAL;
    }
    if (copy_from_user(command, from, size)) {
        return -EFAULT;
    }
    command[size] = '\0';
    error = flownic_faults_set(command);
    return error ?: (ssize_t)size;
}

static const struct file_operations faults_fops = {
    .owner = THIS_MODULE,
    .open = faults_open,
    .read = seq_read,
    .write = faults_write,
    .llseek = seq_lseek,
    .release = single_release,
};

void flownic_debugfs_create(void)
{
    folder = debugfs_create_dir(KBUILD_MODNAME, NULL);
    debugfs_create_file("rules", 0444, folder, NULL, &rules_fops);
    debugfs_create_file("connections", 0444, folder, NULL, &connections_fops);
    debugfs_create_file("counters", 0444, folder, NULL, &counters_fops);
    debugfs_create_file("faults", 0644, folder, NULL, &faults_fops);
}

void flownic_debugfs_remove(void)
{
    debugfs_remove_recursive(folder);
}
