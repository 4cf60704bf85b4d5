/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_OVN_ROW_H
#define FLOWLIFT_OVN_ROW_H

/*
 * Rows of OVN's databases, as far as they say who asked for an OpenFlow flow: of the southbound the row that
 * ovn-controller made the flow of, of the northbound an ACL. Pure: JSON of RFC 7047 in, values out. It is not
 * trusted: texts are cut, other types are taken for nothing.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include <ovs/uuid.h>

struct fl_ovn_acl {
    char *name;      /* or NULL */
    char *direction; /* "from-lport", "to-lport" */
    int priority;
    char *match;
    char *action; /* "allow-related" */
};

struct fl_ovn_row {
    struct uuid uuid;  /* Its first 32 bits are the cookie. */
    const char *table; /* "Logical_Flow", "Port_Binding", ... */
    char *name;        /* Of other tables: "vm1", "10.0.0.1 of vm1"; or NULL. */
    bool is_logical_flow;
    /* Then, each may be NULL: */
    char *pipeline; /* "ingress", "egress" */
    int table_id;   /* OVN's */
    int priority;
    char *match;
    char *actions;
    char *stage;  /* "ls_in_acl" */
    char *source; /* "northd.c:6548" */
    /* Of the northbound row that northd made it of. */
    bool has_hint;
    uint32_t hint;          /* The first 32 bits of its uuid. */
    bool is_acl;            /* It is in table ACL. */
    struct fl_ovn_acl *acl; /* As the northbound has it, or NULL. */
};

/* Tables of the southbound whose rows ovn-controller's cookies are of, in the order in which they are asked. */
struct fl_ovn_table {
    const char *name;
    const char *columns[7]; /* Of these a row is read; ends with NULL. */
};
extern const struct fl_ovn_table fl_ovn_tables[];
extern const size_t fl_ovn_n_tables;
/* Of the northbound. */
extern const struct fl_ovn_table fl_ovn_acl_table;

/**
 * fl_ovn_row_read() - a row of a table of the southbound
 * @json: the row's columns
 * @row: owned by the caller: fl_ovn_row_destroy()
 */
void fl_ovn_row_read(const struct fl_ovn_table *table, const struct uuid *uuid, const json_t *json,
                     struct fl_ovn_row *row);
void fl_ovn_row_destroy(struct fl_ovn_row *row);
/** fl_ovn_acl_read() - Return: owned by the caller, fl_ovn_acl_free() */
struct fl_ovn_acl *fl_ovn_acl_read(const json_t *json);
void fl_ovn_acl_free(struct fl_ovn_acl *acl);

#endif
