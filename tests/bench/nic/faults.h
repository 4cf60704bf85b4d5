/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults: what the simulated NIC is told to do badly, switched on and off at run time.
 *
 * A fault is said in words joined by ',' or ':' (a device argument cannot hold a comma):
 *
 *     max-rules,N | max-rules,off        the rule table of the NIC holds N rules
 *     table-full,on|off                  no room for any new rule
 *     refuse-match,FIELD,on|off          a rule that looks at FIELD is refused (frame_key.h)
 *     refuse-action,ACTION,on|off        a rule with ACTION is refused (actions.h)
 *     partial,on|off                     accept rules that only mark a packet
 *     partial-only,on|off                ... and refuse those that forward it
 *     latency-us,N | latency-us,off      every insertion takes so long
 *     all,off                            back to a NIC that works
 *
 * Rules that are already in the NIC stay: a fault meets new rules only.
 */
#ifndef FLOWNIC_FAULTS_H
#define FLOWNIC_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flownic_faults {
    uint32_t max_rules; /* 0: no limit */
    uint32_t latency_us;
    uint32_t refused_fields;  /* one bit for each of flownic_fields */
    uint32_t refused_actions; /* one bit for each enum flownic_action_type */
    bool table_full;
    bool partial;
    bool partial_only;
};

/**
 * flownic_faults_set() - switch one fault
 * @faults: changed only on success
 * @words: the fault, as described above; borrowed
 *
 * Return: NULL, or a constant sentence that says what is wrong with @words.
 */
const char *flownic_faults_set(struct flownic_faults *faults, const char *words);

/**
 * flownic_faults_format() - the faults that are on, in the words that switch them on
 * @faults: borrowed
 * @text: receives them, separated by blanks; empty if there are none; always terminated
 * @size: bytes at @text
 */
void flownic_faults_format(const struct flownic_faults *faults, char *text, size_t size);

#endif
