/* SPDX-License-Identifier: Apache-2.0 */

#include "lib/store/remedies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ovs/sha1.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flows/cleanup.h"
#include "flows/limits.h"
#include "lib/base/clock.h"
#include "lib/base/config.h"
#include "lib/base/small_file.h"
#include "lib/store/atomic_file.h"

#define SUFFIX ".json"
/* Remedies of one host; far above the number of its VMs. */
#define MAX_REMEDIES 65536
#define LOCK_POLL_MS 20

struct fl_store {
    char *folder;
    int dir_fd;  /* -1: there is no folder, so the store is empty */
    int lock_fd; /* -1 for a reader */
};

/* The file of a VM: the SHA-1 of its identity. */
struct file_name {
    char text[SHA1_HEX_DIGEST_LEN + sizeof SUFFIX];
};

static struct file_name name_of(const char *vm_id)
{
    struct file_name name;
    struct sha1_ctx sha1;
    uint8_t digest[SHA1_DIGEST_SIZE];

    sha1_init(&sha1);
    sha1_update(&sha1, vm_id, (uint32_t)strlen(vm_id));
    sha1_final(&sha1, digest);
    sha1_to_hex(digest, name.text);
    memcpy(name.text + SHA1_HEX_DIGEST_LEN, SUFFIX, sizeof SUFFIX);
    return name;
}

static char *path_of(const struct fl_store *store, const char *name)
{
    char *path;

    if (asprintf(&path, "%s/%s", store->folder, name) < 0)
        abort(); /* as libopenvswitch's own allocations do */
    return path;
}

/* Whoever holds the lock wrote its process id into it. */
static long lock_holder(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

static int lock_busy(int fd, const char *path, struct fl_error *err)
{
    long pid = lock_holder(fd);

    if (pid > 0)
        return fl_error_set(
            err, -EAGAIN,
            "another flowlift (process %ld) is changing remedies right now and holds "
            "%s; wait for it to finish and run again",
            pid, path);
    return fl_error_set(
        err, -EAGAIN,
        "another flowlift is changing remedies right now and holds %s; wait for it to "
        "finish and run again",
        path);
}

static int lock_file(int fd, const char *path, int wait_ms, struct fl_error *err)
{
    int64_t deadline = fl_monotonic_ms() + wait_ms;

    while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return fl_file_error(err, -errno, "lock", path);
        if (fl_monotonic_ms() >= deadline)
            return lock_busy(fd, path, err);
        fl_sleep_until_ms(fl_monotonic_ms() + LOCK_POLL_MS);
    }
    /* Only for the other one's sentence: a full disk must not keep anybody from reverting. */
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0)
        return 0;
    return 0;
}

static int take_lock(const char *root, int wait_ms, int *lock_fd, struct fl_error *err)
{
    _cleanup_free char *folder = fl_path_rundir(root);
    _cleanup_free char *path = NULL;
    int fd, ret = fl_make_folder(folder, 0750, err);

    if (ret)
        return ret;
    if (asprintf(&path, "%s/lock", folder) < 0)
        return fl_error_set(err, -ENOMEM, "not enough memory");
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return fl_file_error(err, -errno, "open", path);
    ret = lock_file(fd, path, wait_ms, err);
    if (ret) {
        close(fd);
        return ret;
    }
    *lock_fd = fd;
    return 0;
}

/* Temporary files of writers that were killed: nobody else writes while we hold the lock. */
static void remove_leftovers(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir && fd >= 0)
        close(fd);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (fl_atomic_file_is_leftover(entry->d_name))
            unlinkat(dir_fd, entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

static int open_folder(struct fl_store *store, bool writer, struct fl_error *err)
{
    int ret = writer ? fl_make_folder(store->folder, 0750, err) : 0;

    if (ret)
        return ret;
    store->dir_fd = open(store->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->dir_fd < 0 && (errno != ENOENT || writer))
        return fl_file_error(err, -errno, "read", store->folder);
    if (writer)
        remove_leftovers(store->dir_fd);
    return 0;
}

int fl_store_open(const char *root, bool writer, int wait_ms, struct fl_store **result,
                  struct fl_error *err)
{
    struct fl_store *store = calloc(1, sizeof *store);
    int ret = 0;

    if (!store)
        return fl_error_set(err, -ENOMEM, "not enough memory");
    store->dir_fd = store->lock_fd = -1;
    store->folder = fl_path_remedies(root);
    if (writer)
        ret = take_lock(root, wait_ms, &store->lock_fd, err);
    if (!ret)
        ret = open_folder(store, writer, err);
    if (ret) {
        fl_store_close(store);
        return ret;
    }
    *result = store;
    return 0;
}

void fl_store_close(struct fl_store *store)
{
    if (!store)
        return;
    if (store->dir_fd >= 0)
        close(store->dir_fd);
    if (store->lock_fd >= 0) {
        if (ftruncate(store->lock_fd, 0) < 0) {
            /* The next holder writes its own id over ours. */
        }
        close(store->lock_fd);
    }
    free(store->folder);
    free(store);
}

/* The remedy in one file. @vm_id: whose it must be, or NULL for the one its name says. */
static int read_remedy(struct fl_store *store, const char *name, struct fl_remedy *remedy,
                       struct fl_error *err)
{
    _cleanup_free char *path = path_of(store, name);
    _cleanup_free char *text = NULL;
    _cleanup_json json_t *json = NULL;
    struct fl_error why = FL_ERROR_INIT;
    size_t n;
    int ret = fl_small_file_read(store->dir_fd, name, path, O_NOFOLLOW, &text, &n, err);

    if (ret)
        return ret;
    json = fl_json_parse(path, text, n, err);
    if (!json)
        return -EINVAL;
    if (fl_remedy_from_json(json, remedy, &why))
        return fl_error_set(err, -EINVAL, "%s is damaged: %s", path, why.text);
    if (strcmp(name_of(remedy->set.vm_id).text, name)) {
        fl_remedy_destroy(remedy);
        return fl_error_set(err, -EINVAL, "%s is damaged: it holds the remedy of another VM", path);
    }
    return 0;
}

int fl_store_get(struct fl_store *store, const char *vm_id, struct fl_remedy *remedy,
                 struct fl_error *err)
{
    int ret = store->dir_fd < 0 ? -ENOENT : read_remedy(store, name_of(vm_id).text, remedy, err);

    if (ret == -ENOENT)
        fl_error_set(err, ret, "there is no remedy for VM %s", vm_id);
    return ret;
}

int fl_store_read(const char *root, const char *vm_id, struct fl_remedy *remedy,
                  struct fl_error *err)
{
    struct fl_store *store;
    int error = fl_store_open(root, false, 0, &store, err);

    if (!error) {
        error = fl_store_get(store, vm_id, remedy, err);
        fl_store_close(store);
    }
    return error;
}

int fl_store_put(struct fl_store *store, const struct fl_remedy *remedy, struct fl_error *err)
{
    _cleanup_free char *path = path_of(store, name_of(remedy->set.vm_id).text);
    _cleanup_json json_t *json = fl_remedy_to_json(remedy);
    _cleanup_free char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    size_t n;

    if (store->lock_fd < 0)
        return fl_error_set(err, -EBADF, "cannot write %s: the store was opened for reading", path);
    if (!text)
        return fl_error_set(err, -ENOMEM, "cannot write %s: not enough memory", path);
    n = strlen(text);
    if (n > FL_LIMIT_FILE_BYTES)
        return fl_error_set(err, -EFBIG, "cannot write %s: it would be larger than %u MiB", path,
                            FL_LIMIT_FILE_BYTES >> 20);
    text[n] = '\n'; /* in the place of the NUL */
    return fl_atomic_file_put(path, 0640, text, n + 1, err);
}

static int by_vm_name(const void *a_, const void *b_)
{
    const struct fl_remedy *a = a_, *b = b_;
    int order = strcmp(a->set.vm_name, b->set.vm_name);

    return order ? order : strcmp(a->set.vm_id, b->set.vm_id);
}

static int is_remedy(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);

    return entry->d_name[0] != '.' && n > strlen(SUFFIX) &&
           !strcmp(entry->d_name + n - strlen(SUFFIX), SUFFIX);
}

/* Read them one by one; damaged ones are left out and the first is named. */
static int read_entries(struct fl_store *store, struct dirent **entries, size_t n_entries,
                        struct fl_remedy *remedies, size_t *n, struct fl_error *err)
{
    size_t n_damaged = 0;

    for (size_t i = 0; i < n_entries; i++) {
        int ret = read_remedy(store, entries[i]->d_name, &remedies[*n], err);

        if (!ret)
            ++*n;
        else if (ret != -ENOENT) /* taken away meanwhile */
            n_damaged++;
    }
    if (n_damaged > 1)
        fl_error_prefix(err, "%zu remedy files cannot be used, the first", n_damaged);
    return n_damaged ? -EINVAL : 0;
}

int fl_store_list(struct fl_store *store, struct fl_remedy **list, size_t *n, struct fl_error *err)
{
    struct dirent **entries = NULL;
    struct fl_remedy *remedies;
    size_t n_remedies = 0;
    int n_entries, ret;

    *list = NULL;
    *n = 0;
    if (store->dir_fd < 0)
        return 0;
    n_entries = scandir(store->folder, &entries, is_remedy, alphasort);
    if (n_entries < 0)
        return fl_file_error(err, -errno, "read", store->folder);
    if (n_entries > MAX_REMEDIES) {
        ret = fl_error_set(err, -E2BIG, "%s has more than %d files", store->folder, MAX_REMEDIES);
    } else if (!(remedies = calloc((size_t)n_entries + 1, sizeof *remedies))) {
        ret = fl_error_set(err, -ENOMEM, "not enough memory");
    } else {
        ret = read_entries(store, entries, (size_t)n_entries, remedies, &n_remedies, err);
        qsort(remedies, n_remedies, sizeof *remedies, by_vm_name);
        *list = remedies;
        *n = n_remedies;
    }
    for (int i = 0; i < n_entries; i++)
        free(entries[i]);
    free(entries);
    return ret;
}

void fl_remedy_list_free(struct fl_remedy *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fl_remedy_destroy(&list[i]);
    free(list);
}
