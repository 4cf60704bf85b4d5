/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLOWLIFT_CLI_VERBS_H
#define FLOWLIFT_CLI_VERBS_H

/*
 * The one table of verbs and the one table of options. Help, usage errors, completion and the
 * manual page are made from them, so a verb or an option is added here and nowhere else.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/output.h"
#include "flows/error.h"
#include "flows/flow.h"
#include "lib/base/until.h"
#include "lib/collect.h"
#include "lib/fleet/overview_look.h"

/* Exit codes (DESIGN.md section 6). */
#define FL_EXIT_DONE     0 /* nothing stranded, or done */
#define FL_EXIT_NOT_DONE 1 /* stranded found, or not done and said why */
#define FL_EXIT_TROUBLE  2 /* could not read, bad arguments */

enum fl_option_id {
    FL_OPTION_VM,
    FL_OPTION_STORAGE,
    FL_OPTION_PATH,
    FL_OPTION_WINDOW,
    FL_OPTION_SCREEN,
    FL_OPTION_PROBE,
    FL_OPTION_LISTEN,
    FL_OPTION_MLX5_DUMP,
    FL_OPTION_OUTPUT,
    FL_OPTION_PLAN,
    FL_OPTION_TICKET,
    FL_OPTION_DRY_RUN,
    FL_OPTION_CONFIRM_WITHIN,
    FL_OPTION_UNTIL,
    FL_OPTION_FOREGROUND,
    FL_OPTION_ALL,
    FL_OPTION_VERDICT,
    FL_OPTION_CAUSE,
    FL_OPTION_NIC,
    FL_OPTION_FIRMWARE,
    FL_OPTION_VERSION,
    FL_OPTION_HOST,
    FL_OPTION_OLDER,
    FL_OPTION_REMOTE,
    FL_OPTION_LINES,
    FL_OPTION_TICKS,
    FL_OPTION_MAN,
    FL_OPTION_FROM,
    FL_OPTION_FORMAT,
    FL_OPTION_JSON,
    FL_OPTION_VIA,
    FL_OPTION_DB,
    FL_OPTION_ROOT,
    FL_OPTION_TIMEOUT,
    FL_OPTION_HELP,
    FL_N_OPTIONS
};

struct fl_option {
    const char *name;    /* Without the dashes. */
    char letter;         /* Short form, or 0. */
    const char *value;   /* What follows ("SEC"), or NULL. */
    const char *choices; /* Words it may be, "FILE" for a file name, "VM" for a VM, or NULL. */
    const char *summary;
};

enum fl_format {
    FL_FORMAT_TABLE,
    FL_FORMAT_JSON,
    FL_FORMAT_JSONL,
    FL_FORMAT_PROM,
    FL_FORMAT_MD,
    FL_N_FORMATS
};
extern const char *const fl_format_names[FL_N_FORMATS + 1]; /* NULL-terminated */

struct fl_verb;

/* One call of the command, as its arguments say. Strings are borrowed from argv. */
struct fl_request {
    const struct fl_verb *verb;
    const char *argument;    /* VM, or word, or NULL; --vm is kept here too. */
    const char *const *rest; /* The words behind it, of a verb that has @takes_rest. */
    size_t n_rest;
    const char **more; /* Likewise, of one that has @takes_more; owned. */
    size_t n_more;
    enum fl_format format;
    bool help;
    bool storage;
    bool screen;
    bool probe;
    bool mlx5_dump;
    bool dry_run;
    bool foreground;
    bool all;
    bool man;
    bool has_path;
    enum fl_path path; /* when @has_path */
    enum fl_via via;
    const char *db;     /* or NULL */
    const char *remote; /* of the fleet's database, or NULL */
    const char *root;   /* "" for the host's own */
    const char *output; /* or NULL */
    const char *plan;   /* or NULL */
    const char *ticket; /* or NULL */
    const char **from;  /* owned */
    size_t n_from;
    int64_t window_ms;            /* -1: as configured */
    int64_t listen_ms;            /* 0: not */
    int64_t confirm_within_ms;    /* 0: nobody need confirm */
    struct fl_until until;        /* not set: for good */
    int timeout_ms;               /* 0: the default of each step */
    struct fl_fleet_filter fleet; /* what of a fleet is looked at */
    int64_t older_ms;             /* from when on a host of it is silent */
    size_t lines;                 /* 0: all */
    bool has_lines;               /* somebody asked for @lines */
    size_t ticks;                 /* 0: until it is ended */
};

/** fl_request_host() - where OVS is, as the options say; borrows from @request */
static inline struct fl_host fl_request_host(const struct fl_request *request)
{
    return (struct fl_host){
        .db = request->db,
        .timeout_ms = request->timeout_ms,
        .via = request->via,
    };
}

enum fl_effect { FL_READS, FL_WRITES };

/* Names that completion offers for a verb's first argument. */
enum fl_names {
    FL_NAMES_NONE,
    FL_NAMES_VMS,      /* of this host */
    FL_NAMES_REMEDIES, /* VMs that have one */
    FL_NAMES_CAUSES,
    FL_NAMES_VERBS,
};

#define FL_MOST_EXAMPLES 4

struct fl_example {
    const char *words;   /* Behind "flowlift "; NULL ends the list. */
    const char *meaning; /* What for, no full stop. */
};

struct fl_verb {
    const char *name;
    const char *arguments;   /* "" none, "VM" needed, "[VM]" may be given, "VM|--all" one of them */
    const char *words;       /* What the first argument may be, with spaces between; or NULL. */
    enum fl_names names;     /* Likewise, where it is a name. */
    const char *summary;     /* One line, no full stop. */
    const char *description; /* For --help and the manual page. */
    struct fl_example examples[FL_MOST_EXAMPLES + 1]; /* Likewise. */
    enum fl_effect effect;
    bool hidden;      /* Works, and is not listed. */
    bool takes_more;  /* Several words may follow the first argument, with options between them. */
    bool takes_rest;  /* What follows the first argument is not ours: no word of it is an option. */
    bool never_fails; /* Exits with 0, whatever happens. */
    unsigned int formats; /* 1u << enum fl_format */
    uint64_t options;     /* UINT64_C(1) << enum fl_option_id */
    /*
     * Return: exit code. With @err set (then FL_EXIT_TROUBLE) nothing was written to @out, and the
     * sentence goes to standard error.
     */
    int (*run)(const struct fl_request *request, struct fl_output *out, struct fl_error *err);
};

extern const struct fl_option fl_options[FL_N_OPTIONS];
extern const struct fl_verb fl_verbs[]; /* Ends with a NULL name. */

/** fl_verb_find() - by name, hidden ones too; NULL when there is none */
const struct fl_verb *fl_verb_find(const char *name);
/** fl_verb_named() - likewise; when there is none, @err names the nearest */
const struct fl_verb *fl_verb_named(const char *name, struct fl_error *err);
static inline bool fl_verb_has(const struct fl_verb *verb, enum fl_option_id option)
{
    return verb->options & (UINT64_C(1) << option);
}

int fl_verb_audit(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_fleet(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_flows(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_explain(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_report(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_plan(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_apply(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_confirm(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_verify(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_revert(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_status(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_guard(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_hook(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_history(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_watch(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_capture(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_doctor(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_causes(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_help(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_await(const struct fl_request *, struct fl_output *, struct fl_error *);
int fl_verb_completion(const struct fl_request *, struct fl_output *, struct fl_error *);

#endif
