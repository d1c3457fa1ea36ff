/* Finding the pictures below a folder, in torchvision's order: classes by name, and in each the
 * pictures by the paths of their folders, then by name. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "data/folder.h"

/* The folders that are being walked through, from the innermost out. */
typedef struct chain {
    const struct chain *outer;
    dev_t device;
    ino_t number;
} chain;

typedef struct {
    gti_listing *list;
    size_t root; /* bytes of paths that are the set's folder and a slash */
    gt_data_error *error;
} walk;

static bool no_memory(const char *path, gt_data_error *error)
{
    return gt_data_fail(error, GT_ERR_MEMORY, "%s: out of memory", path);
}

static bool system_failed(const char *path, gt_data_error *error)
{
    return gt_data_fail(error, gt_status_of_errno(errno), "%s: %s", path, strerror(errno));
}

/* --- names --- */

static bool is_image(const char *name)
{
    static const char *const ends[] = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".ppm", ".pgm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
        if (strcasecmp(dot, ends[i]) == 0) return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_names(char **names, int64_t n)
{
    for (int64_t i = 0; i < n; i++) free(names[i]);
    free(names);
}

static bool add_name(char ***names, int64_t *n, int64_t *room, const char *name)
{
    if (*n == *room) {
        char **more = realloc(*names, (size_t)(2 * *room + 64) * sizeof *more);
        if (!more) return false;
        *names = more;
        *room = 2 * *room + 64;
    }
    (*names)[*n] = strdup(name);
    return (*names)[(*n)++];
}

static bool read_names(DIR *dir, const char *path, char ***names, int64_t *n, gt_data_error *error)
{
    for (int64_t room = 0;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e) return !errno || system_failed(path, error);
        if (e->d_name[0] != '.' && !add_name(names, n, &room, e->d_name))
            return no_memory(path, error);
    }
}

/* The sorted names in a folder that do not begin with a dot; the list and each name are to be
 * freed. -1 after a failure. */
static int64_t list_names(const char *path, char ***names, gt_data_error *error)
{
    int64_t n = 0;
    *names = NULL;
    DIR *dir = opendir(path);
    if (!dir) {
        system_failed(path, error);
        return -1;
    }
    const bool ok = read_names(dir, path, names, &n, error);
    closedir(dir);
    if (!ok) free_names(*names, n);
    if (!ok) return -1;
    if (n) qsort(*names, (size_t)n, sizeof **names, by_name);
    return n;
}

/* --- what is passed over, and what is empty --- */

/* Adds a name to a text of some, whole or not at all; behind the last that fits stands "...". */
static void add_shown(char *text, size_t size, const char *name)
{
    const size_t used = strlen(text);
    if (used >= 3 && !strcmp(text + used - 3, "...")) return;
    const bool fits = used + strlen(name) + sizeof ", , ..." <= size;
    snprintf(text + used, size - used, "%s%s", used ? ", " : "", fits ? name : "...");
    for (char *c = text + used; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
}

static void skip(const walk *w, const char *path)
{
    gt_image_folder_report *r = &w->list->report;
    r->skipped++;
    add_shown(r->names, sizeof r->names, path + w->root);
}

/* --- walking --- */

static bool add_file(const walk *w, const char *path)
{
    gti_listing *l = w->list;
    if (l->count == l->room) {
        gti_listed *more = realloc(l->files, (size_t)(2 * l->room + 256) * sizeof *more);
        if (!more) return no_memory(path, w->error);
        l->files = more;
        l->room = 2 * l->room + 256;
    }
    gti_listed *f = &l->files[l->count];
    *f = (gti_listed){strdup(path), (size_t)(strrchr(path, '/') - path), l->n_classes};
    if (!f->path) return no_memory(path, w->error);
    l->count++;
    return true;
}

static bool walk_folder(const walk *w, const char *path, const struct stat *st, const chain *outer);

/* Adds what path stands for: a picture, or all below a folder. */
static bool visit(const walk *w, const char *path, const chain *outer)
{
    struct stat st;
    if (stat(path, &st) != 0) return system_failed(path, w->error);
    if (S_ISDIR(st.st_mode)) return walk_folder(w, path, &st, outer);
    if (S_ISREG(st.st_mode) && is_image(path)) return add_file(w, path);
    skip(w, path);
    return true;
}

static bool walk_folder(const walk *w, const char *path, const struct stat *st, const chain *outer)
{
    const chain here = {outer, st->st_dev, st->st_ino};
    char **names;
    for (const chain *c = outer; c; c = c->outer)
        if (c->device == here.device && c->number == here.number)
            return gt_data_fail(w->error, GT_ERR_IO, "%s: is a link to a folder that it lies in",
                                path);
    const int64_t n = list_names(path, &names, w->error);
    bool ok = n >= 0;
    for (int64_t i = 0; i < n && ok; i++) {
        char *inner = gti_file_path(path, names[i], "", w->error);
        ok = inner && visit(w, inner, &here);
        free(inner);
    }
    if (n >= 0) free_names(names, n);
    return ok;
}

/* --- classes --- */

static int by_place(const void *a, const void *b)
{
    const gti_listed *x = a, *y = b;
    const int c = memcmp(x->path, y->path, x->folder < y->folder ? x->folder : y->folder);
    if (c || x->folder != y->folder) return c ? c : x->folder < y->folder ? -1 : 1;
    return strcmp(x->path + x->folder, y->path + y->folder);
}

/* Adds the pictures of the class in this folder, whose name is added to `empty` if there are none.
 */
static bool add_class(const walk *w, const char *path, const struct stat *st, char empty[256])
{
    gti_listing *l = w->list;
    const int64_t first = l->count;
    if (!walk_folder(w, path, st, NULL)) return false;
    if (l->count == first) add_shown(empty, 256, path + w->root);
    else qsort(l->files + first, (size_t)(l->count - first), sizeof *l->files, by_place);
    l->classes[l->n_classes] = strdup(path + w->root);
    if (!l->classes[l->n_classes]) return no_memory(path, w->error);
    l->n_classes++;
    return true;
}

static bool add_classes(const walk *w, const char *folder, char **names, int64_t n, char empty[256])
{
    bool ok = true;
    for (int64_t i = 0; i < n && ok; i++) {
        struct stat st;
        char *path = gti_file_path(folder, names[i], "", w->error);
        ok = path && (stat(path, &st) == 0 || system_failed(path, w->error));
        if (ok && S_ISDIR(st.st_mode)) ok = add_class(w, path, &st, empty);
        else if (ok) skip(w, path);
        free(path);
    }
    return ok;
}

static bool check(const gti_listing *l, const char *folder, const char *empty, gt_data_error *error)
{
    const gt_image_folder_report *r = &l->report;
    char skipped[sizeof r->names + 64] = "";
    if (r->skipped)
        snprintf(skipped, sizeof skipped, "; %lld skipped: %s", (long long)r->skipped, r->names);
    if (!l->n_classes)
        return gt_data_fail(error, GT_ERR_IO,
                            "%s: expected a folder of .png, .jpg, ... files for each class, "
                            "found no folders%s",
                            folder, skipped);
    return !*empty || gt_data_fail(error, GT_ERR_IO,
                                   "%s: no .png, .jpg, ... files in the classes %s; what is no "
                                   "class must lie elsewhere%s",
                                   folder, empty, skipped);
}

bool gti_folder_list_make(gti_listing *l, const char *folder, gt_data_error *error)
{
    const walk w = {l, strlen(folder) + 1, error};
    char **names, empty[256] = "";
    const int64_t n = list_names(folder, &names, error);
    if (n < 0) return false;
    l->classes = gti_data_malloc((size_t)n * sizeof *l->classes, error);
    const bool ok = l->classes && add_classes(&w, folder, names, n, empty);
    free_names(names, n);
    return ok && check(l, folder, empty, error);
}

bool gti_folder_list_all(gti_listing *l, const char *folder, gt_data_error *error)
{
    const walk w = {l, strlen(folder) + 1, error};
    struct stat st;
    if (stat(folder, &st) != 0) return system_failed(folder, error);
    if (!walk_folder(&w, folder, &st, NULL)) return false;
    if (!l->count)
        return gt_data_fail(error, GT_ERR_IO, "%s: there are no .png, .jpg, ... files", folder);
    qsort(l->files, (size_t)l->count, sizeof *l->files, by_place);
    return true;
}

void gti_folder_list_free(gti_listing *l)
{
    for (int64_t i = 0; i < l->count; i++) free(l->files[i].path);
    free(l->files);
    free_names(l->classes, l->n_classes);
}
