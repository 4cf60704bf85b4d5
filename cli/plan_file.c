/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "lib/base/small_file.h"
#include "lib/store/atomic_file.h"
#include "lib/text.h"

#define PLAN_MODE 0640

int fl_plan_file_write(const char *path, const json_t *document, struct fl_error *err)
{
    _cleanup_free char *text = json_dumps(document, JSON_INDENT(2));
    struct fl_atomic_file *file;
    int error;

    if (!text)
        return fl_error_set(err, -ENOMEM, "not enough memory to write the plan");
    error = fl_atomic_file_create(path, PLAN_MODE, &file, err);
    if (error)
        return error;
    fl_atomic_file_write(file, text, strlen(text));
    fl_atomic_file_write(file, "\n", 1);
    return fl_atomic_file_commit(file, err);
}

static int check_document(const char *path, const json_t *document, struct fl_error *err)
{
    char host[HOST_NAME_MAX + 1] = "";

    gethostname(host, sizeof host - 1);
    if (strcmp(fl_text_at(document, "schema"), "flowlift/plan/1"))
        return fl_error_set(err, -EINVAL, "%s is no plan; make one with flowlift plan VM -o FILE",
                            path);
    if (strcmp(fl_text_at(document, "host"), host))
        return fl_error_set(err, -EINVAL, "%s was made on host %s; make one here", path,
                            fl_text_at(document, "host"));
    if (!json_is_object(json_object_get(document, "flowset")))
        return fl_error_set(err, -EINVAL, "%s holds no flow set: %s", path,
                            fl_text_at(document, "reason"));
    return 0;
}

int fl_plan_file_read(const char *path, const char *vm_what, struct fl_flowset *set,
                      struct fl_error *err)
{
    _cleanup_free char *text = NULL;
    _cleanup_json json_t *document = NULL;
    struct fl_flowset read;
    size_t n;
    int error = fl_small_file_read(AT_FDCWD, path, path, 0, &text, &n, err);

    if (error == -ENOENT)
        return fl_error_set(err, error, "there is no file %s", path);
    if (error)
        return error;
    document = fl_json_parse(path, text, n, err);
    if (!document)
        return -EINVAL;
    error = check_document(path, document, err);
    if (error)
        return error;
    error = fl_flowset_from_json(json_object_get(document, "flowset"), &read, err);
    if (error) {
        fl_error_prefix(err, "%s", path);
        return error;
    }
    if (strcmp(read.vm_name, vm_what) && strcmp(read.vm_id, vm_what)) {
        fl_error_set(err, -EINVAL, "%s is a plan for %s, not for %s", path, read.vm_name, vm_what);
        fl_flowset_destroy(&read);
        return -EINVAL;
    }
    *set = read;
    return 0;
}
