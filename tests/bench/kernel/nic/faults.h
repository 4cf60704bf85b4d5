/* SPDX-License-Identifier: GPL-2.0 */
/*
 * faults: what the simulated NICs are made unable to do. Refusals meet new rules only.
 *
 *     refuse-match FIELD on|off      see fields.c; ttl, icmp-* and arp-* are on at first
 *     refuse-action ACTION on|off    see actions.c
 *     max-rules N                    room for so many rules in each NIC
 *     table-full on|off              no room for any new rule
 *     punt PORT N                    every N-th packet that a rule of PORT would send on misses
 *     stats-delay MS                 rules' counters are as old as that; 0: always fresh
 *     no-cpu-hit on|off              representors do not tell what software saw
 *     all off                        as at first
 */
#ifndef FLOWNIC_FAULTS_H
#define FLOWNIC_FAULTS_H

#include <linux/seq_file.h>
#include <linux/types.h>

/**
 * flownic_faults_init() - as at first
 * @max_rules: room for so many rules in each NIC
 */
void flownic_faults_init(u32 max_rules);

/**
 * flownic_faults_set() - switch one fault
 * @words: "NAME VALUE" or "NAME WHICH VALUE"; taken apart
 *
 * Return: 0; -EINVAL for what is none of the above; -ENODEV for an unknown PORT.
 */
int flownic_faults_set(char *words);

/**
 * flownic_faults_print() - all faults in force, in the form in which they are set
 * @seq: receives the text
 */
void flownic_faults_print(struct seq_file *seq);

/**
 * flownic_faults_refuse_fields() - is a match refused?
 * @fields: a bit for each field that it looks at
 *
 * Return: the reason, constant; NULL if it is taken.
 */
const char *flownic_faults_refuse_fields(u64 fields);

/**
 * flownic_faults_refuse_actions() - are actions refused?
 * @kinds: a bit for each enum flownic_action_kind
 *
 * Return: the reason, constant; NULL if they are taken.
 */
const char *flownic_faults_refuse_actions(u32 kinds);

/**
 * flownic_faults_room() - how many rules each NIC may hold
 *
 * Return: a number of rules; 0 if the table is to be full.
 */
u32 flownic_faults_room(void);

/**
 * flownic_faults_stats_delay_ms() - how old rules' counters are
 *
 * Return: in milliseconds; 0: always fresh.
 */
unsigned int flownic_faults_stats_delay_ms(void);

/**
 * flownic_faults_no_cpu_hit() - do representors hide what software saw?
 *
 * Return: whether they do.
 */
bool flownic_faults_no_cpu_hit(void);

#endif
