/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/news.h"

#include <stdlib.h>
#include <string.h>

#include <ovs/sset.h>
#include <ovs/util.h>

#include "flows/audit.h"
#include "flows/cleanup.h"
#include "lib/audit_document.h"
#include "lib/text.h"

struct fl_old_news {
    char *name;
    char *what;   /* verdict, scope and first cause */
    bool is_said; /* false: the host's line was said in its place */
};

/* Where lines go. */
struct speaker {
    void (*say)(bool is_bad, const char *line, void *aux);
    void *aux;
};

static void free_old(struct fl_old_news *old)
{
    if (old) {
        free(old->name);
        free(old->what);
        free(old);
    }
}

void fl_news_init(struct fl_news *news)
{
    *news = (struct fl_news){ .host = NULL };
    shash_init(&news->vms);
}

void fl_news_destroy(struct fl_news *news)
{
    struct shash_node *node;

    SHASH_FOR_EACH(node, &news->vms) {
        free_old(node->data);
    }
    shash_destroy(&news->vms);
    free(news->host);
}

static void say(const struct speaker *speaker, bool is_bad, const char *subject, const char *line)
{
    _cleanup_free char *escaped_subject = fl_text_escaped(subject);
    _cleanup_free char *escaped = fl_text_escaped(line);
    _cleanup_free char *both = xasprintf("%s: %s", escaped_subject, escaped);

    speaker->say(is_bad, both, speaker->aux);
}

/* ---- Of one VM ---- */

static bool has_verdict(const json_t *vm, enum fl_verdict verdict)
{
    return !strcmp(fl_text_at(vm, "verdict"), fl_verdict_name(verdict));
}

static bool is_of_host(const json_t *vm)
{
    return fl_audit_document_vm_is_bad(vm) &&
           !strcmp(fl_text_at(vm, "scope"), fl_scope_name(FL_SCOPE_HOST));
}

static const char *identity_of(const json_t *vm)
{
    const char *id = fl_text_at(vm, "id");

    return *id ? id : fl_text_at(vm, "name");
}

/* "stranded, scope vm, ct-state-match" */
static char *what_of(const json_t *vm)
{
    const char *cause = json_string_value(json_array_get(json_object_get(vm, "causes"), 0));

    return xasprintf("%s, scope %s%s%s", fl_text_at(vm, "verdict"), fl_text_at(vm, "scope"),
                     cause ? ", " : "", cause ? cause : "");
}

static void take_bad(struct fl_news *news, const json_t *vm, const struct speaker *speaker)
{
    struct fl_old_news *old = shash_find_data(&news->vms, identity_of(vm));
    _cleanup_free char *what = what_of(vm);

    if (old && !strcmp(old->what, what)) {
        return;
    }
    if (!old) {
        old = xzalloc(sizeof *old);
        old->name = xstrdup(fl_text_at(vm, "name"));
        shash_add(&news->vms, identity_of(vm), old);
    }
    free(old->what);
    old->what = fl_steal(what);
    if (!is_of_host(vm)) {
        _cleanup_free char *line = xasprintf("%s: %s", old->what, fl_text_at(vm, "reason"));

        say(speaker, true, old->name, line);
        old->is_said = true;
    }
}

static void take_well(struct fl_news *news, const json_t *vm, const struct speaker *speaker)
{
    struct fl_old_news *old = shash_find_and_delete(&news->vms, identity_of(vm));

    if (old && old->is_said) {
        say(speaker, false, old->name, "is well again");
    }
    free_old(old);
}

static void take_gone(struct fl_news *news, const json_t *vms, const struct speaker *speaker)
{
    struct sset here = SSET_INITIALIZER(&here);
    struct shash_node *node;
    const json_t *vm;
    size_t i;

    json_array_foreach(vms, i, vm) {
        sset_add(&here, identity_of(vm));
    }
    SHASH_FOR_EACH_SAFE(node, &news->vms) {
        if (!sset_contains(&here, node->name)) {
            struct fl_old_news *old = node->data;

            shash_delete(&news->vms, node);
            if (old->is_said) {
                _cleanup_free char *line = xasprintf("is gone; it was %s", old->what);

                say(speaker, false, old->name, line);
            }
            free_old(old);
        }
    }
    sset_destroy(&here);
}

/* ---- Of the host ---- */

static void count_vms(const json_t *vms, size_t *n_of_host, size_t *n_others)
{
    const json_t *vm;
    size_t i;

    *n_of_host = *n_others = 0;
    json_array_foreach(vms, i, vm) {
        *n_of_host += is_of_host(vm);
        *n_others += (fl_audit_document_vm_is_bad(vm) && !is_of_host(vm)) ||
                     has_verdict(vm, FL_VERDICT_OFFLOADED);
    }
}

static void host_is_bad(struct fl_news *news, const json_t *cause, size_t n, size_t n_vms,
                        const struct speaker *speaker)
{
    const char *id = cause ? fl_text_at(cause, "id") : "no flow in hardware";
    const char *detail = cause ? fl_text_at(cause, "detail") : "no flow of any VM is in hardware";
    bool is_new = !news->host || strcmp(news->host, id);

    news->is_host_configured = cause != NULL;
    if (is_new) {
        _cleanup_free char *line = xasprintf("%s: %s; %zu of %zu VMs are stranded", id, detail, n,
                                             n_vms);

        free(news->host);
        news->host = xstrdup(id);
        say(speaker, true, "the whole host", line);
    }
}

static void take_host(struct fl_news *news, const json_t *document, const struct speaker *speaker)
{
    const json_t *cause = json_array_get(json_object_get(document, "host_causes"), 0);
    const json_t *vms = json_object_get(document, "vms");
    size_t n_of_host, n_others;

    count_vms(vms, &n_of_host, &n_others);
    if (cause || n_of_host) {
        host_is_bad(news, cause, n_of_host, json_array_size(vms), speaker);
    } else if (news->host && (news->is_host_configured || n_others)) {
        /* VMs that are idle say nothing of it. */
        free(news->host);
        news->host = NULL;
        say(speaker, false, "the whole host", "is well again");
    }
}

void fl_news_take(struct fl_news *news, const json_t *document,
                  void (*say_line)(bool is_bad, const char *line, void *aux), void *aux)
{
    const struct speaker speaker = { say_line, aux };
    const json_t *vms = json_object_get(document, "vms"), *vm;
    size_t i;

    take_host(news, document, &speaker);
    json_array_foreach(vms, i, vm) {
        if (fl_audit_document_vm_is_bad(vm)) {
            take_bad(news, vm, &speaker);
        } else if (has_verdict(vm, FL_VERDICT_OFFLOADED)) {
            take_well(news, vm, &speaker);
        }
    }
    /* What was not read may be all there is of it. */
    if (json_is_null(json_object_get(document, "incomplete"))) {
        take_gone(news, vms, &speaker);
    }
}
