/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/auto_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include <ovs/util.h>

#include "flows/cleanup.h"
#include "lib/base/config.h"
#include "lib/base/small_file.h"
#include "lib/store/atomic_file.h"

#define FILE_MODE   0640
#define FOLDER_MODE 0750

int fl_auto_load(const char *root, struct fl_auto_limits *limits, struct fl_error *err)
{
    _cleanup_free char *path = fl_path_auto(root), *text = NULL;
    _cleanup_json json_t *json = NULL;
    size_t n_bytes;
    int error;

    fl_auto_limits_init(limits);
    error = fl_small_file_read(AT_FDCWD, path, path, O_NOFOLLOW, &text, &n_bytes, err);
    if (error) {
        return error == -ENOENT ? 0 : error;
    }
    json = fl_json_parse(path, text, n_bytes, err);
    if (!json) {
        return -EINVAL;
    }
    error = fl_auto_from_json(json, limits, err);
    if (error) {
        fl_error_prefix(err, "%s", path);
    }
    return error;
}

int fl_auto_save(const char *root, const struct fl_auto_limits *limits, struct fl_error *err)
{
    _cleanup_free char *path = fl_path_auto(root), *folder = xstrdup(path), *text = NULL;
    _cleanup_json json_t *json = fl_auto_to_json(limits);
    int error = fl_make_folder(dirname(folder), FOLDER_MODE, err);

    if (error) {
        return error;
    }
    text = json_dumps(json, JSON_INDENT(2));
    return text ? fl_atomic_file_put(path, FILE_MODE, text, strlen(text), err)
                : fl_error_set(err, -ENOMEM, "not enough memory to write %s", path);
}
