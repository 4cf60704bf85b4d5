/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_NIC_PROFILE_INTERNAL_H
#define FLOWLIFT_NIC_PROFILE_INTERNAL_H

/* What the files of flows/nic_profile*.c share. */

#include <openvswitch/match.h>

#include "flows/nic_profile.h"

/* flows/nics/NAME.json, made part of the program by flows/nics/embed.py. */
extern const char *const fl_profile_texts[]; /* NULL at the end. */

/**
 * fl_profile_read() - one profile
 * Return: 0 with @profile owned by the caller, or -EINVAL with @err naming what is wrong.
 */
int fl_profile_read(const json_t *json, struct fl_profile **profile, struct fl_error *err);
void fl_profile_destroy(struct fl_profile *profile);
void fl_profile_line_destroy(struct fl_profile_line *line);

/* Limits of one profile. */
#define FL_PROFILE_NAME_BYTES 64u
#define FL_PROFILE_TEXT_BYTES 400u
#define FL_PROFILE_ITEMS_MAX  64u /* Of one section, and of one list of names. */

/** fl_profile_check_keys() - @known ends with NULL. Return: 0, or -EINVAL naming a key that is not in it. */
int fl_profile_check_keys(const json_t *object, const char *where, const char *const *known,
                          struct fl_error *err);
int fl_profile_check_name(const char *name, const char *where, struct fl_error *err);
/** fl_profile_read_names() - of an array, or of a single name; absent leaves @names empty */
int fl_profile_read_names(const json_t *object, const char *where, const char *key,
                          struct svec *names, struct fl_error *err);
/**
 * fl_profile_read_line() - one line, of all @names that it is for
 * @line: its kind is set; to be destroyed also when this fails; its name and field are left out
 */
int fl_profile_read_line(const json_t *json, const char *where, struct svec *names,
                         struct fl_profile_line *line, struct fl_error *err);

/** fl_profile_field() - the field that libopenvswitch calls exactly so, or NULL */
const struct mf_field *fl_profile_field(const char *name);
/** fl_profile_flag() - the bit of a flag: "new" of "ct_state", "later" of "ip_frag"; 0: there is none */
uint32_t fl_profile_flag(const char *field, const char *flag);

/* A field that set() changes, and of which packets. */
struct fl_profile_rewrite {
    const char *field;
    enum fl_profile_over over;
};
#define FL_PROFILE_REWRITES_MAX 64

/* A flow, as the lines of a profile speak of it. */
struct fl_profile_parts {
    const struct fl_flow *flow;
    struct match match;
    enum fl_profile_over over;
    struct svec actions; /* Names, each once. */
    struct fl_profile_rewrite rewrites[FL_PROFILE_REWRITES_MAX];
    size_t n_rewrites;
    size_t n_outputs;
    size_t n_vlan_pushes;
};

/** fl_profile_parts_init() - @flow is borrowed; what of it is not known is not there */
void fl_profile_parts_init(struct fl_profile_parts *parts, const struct fl_flow *flow);
void fl_profile_parts_destroy(struct fl_profile_parts *parts);
/** fl_profile_parts_test() - does the flow test this field? */
bool fl_profile_parts_test(const struct fl_profile_parts *parts, const struct mf_field *field);

#endif
