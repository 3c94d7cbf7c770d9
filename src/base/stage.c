#include "kt/stage.h"

#include "kt/file.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct kt_stage {
    char *temporary; /* the folder that is renamed or emptied; NULL once it is gone */
    char *path;      /* what stands for the target: temporary, or a folder in it */
    char *place; /* where temporary goes: the first of the target's folders that is missing, or the target */
    bool whole;  /* place is missing: one rename does it */
};

/* The length of the longest part of a path that is there, and of the one component more that is not. */
static size_t first_missing(const char *path)
{
    char *part = strdup(path);
    size_t n = strlen(path), found = n;
    for (size_t i = 1; part && i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        part[i] = '\0';
        struct stat info;
        bool missing = lstat(part, &info) != 0;
        part[i] = path[i];
        if (missing) {
            found = i;
            break;
        }
    }
    free(part);
    return found;
}

/* A new folder with a name that begins with a dot, in `parent` ("" for the current one). */
static kt_status make_temporary(char **out, const char *parent, const char *name, kt_error *err)
{
    kt_status status = KT_OK;
    char *made = NULL;
    for (int count = 0; !*out; count++) {
        KT_TRY(kt_format(&made, err, "%s.%.200s.%ld.%d.tmp", parent, name, (long)getpid(), count));
        if (mkdir(made, 0777) == 0) {
            *out = made;
            made = NULL;
        } else if (errno != EEXIST) {
            KT_TRY(kt_fail_errno(err, KT_IO, "cannot create a folder for what is written to %s%s", parent,
                                 name));
        }
        free(made);
        made = NULL;
    }
out:
    free(made);
    return status;
}

kt_status kt_stage_begin(kt_stage **stage, const char *target, kt_error *err)
{
    kt_status status = KT_OK;
    kt_stage *s = NULL;
    char *clean = NULL, *parent = NULL;
    *stage = NULL;
    KT_TRY(kt_alloc(&s, 1, sizeof *s, err));
    KT_TRY(kt_strdup(&clean, *target ? target : ".", err));
    size_t n = strlen(clean);
    while (n > 1 && clean[n - 1] == '/')
        clean[--n] = '\0';
    kt_path_kind kind = kt_path_kind_of(clean);
    if (kind != KT_PATH_MISSING && kind != KT_PATH_FOLDER)
        KT_TRY(kt_fail(err, KT_IO, "cannot write into %s: it is not a folder", target));
    size_t end = kind == KT_PATH_FOLDER ? n : first_missing(clean);
    s->whole = kind == KT_PATH_MISSING;
    KT_TRY(kt_format(&s->place, err, "%.*s", (int)end, clean));
    if (strstr(clean + end, "/.."))
        KT_TRY(kt_fail(err, KT_IO, "cannot write into %s: %s is not there", target, s->place));
    if (s->whole) { /* beside it */
        const char *slash = strrchr(s->place, '/');
        int folder = slash ? (int)(slash - s->place) + 1 : 0;
        KT_TRY(kt_format(&parent, err, "%.*s", folder, s->place));
        KT_TRY(make_temporary(&s->temporary, parent, s->place + folder, err));
    } else { /* in it: a target may be where a filesystem is mounted */
        KT_TRY(kt_format(&parent, err, "%s/", s->place));
        KT_TRY(make_temporary(&s->temporary, parent, "kt", err));
    }
    KT_TRY(kt_format(&s->path, err, "%s%s", s->temporary, clean + end));
    KT_TRY(kt_folder_create(s->path, err));
    *stage = s;
    s = NULL;
out:
    kt_stage_end(s);
    free(clean);
    free(parent);
    return status;
}

const char *kt_stage_path(const kt_stage *stage)
{
    return stage->path;
}

/* ---- commit ---- */

static kt_status sync_folder(const char *path, kt_error *err)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* EINVAL: a filesystem that cannot sync a folder. */
    bool good = folder >= 0 && (fsync(folder) == 0 || errno == EINVAL);
    kt_status status = good ? KT_OK : kt_fail_errno(err, KT_IO, "cannot sync %s", path);
    if (folder >= 0)
        close(folder);
    return status;
}

/* One pass over what is staged, against what is there: with `move` it is moved, without it is only asked
 * whether it may be. */
static kt_status merge(const char *from, const char *to, bool move, bool replace, kt_error *err)
{
    kt_status status = KT_OK;
    char **names = NULL, *source = NULL, *target = NULL;
    size_t n = 0;
    KT_TRY(kt_folder_list(&names, &n, from, err));
    for (size_t i = 0; i < n; i++) {
        KT_TRY(kt_path_join(&source, from, names[i], err));
        KT_TRY(kt_path_join(&target, to, names[i], err));
        kt_path_kind is = kt_path_kind_of(source), there = kt_path_kind_of(target);
        if (is == KT_PATH_FOLDER && there == KT_PATH_FOLDER)
            KT_TRY(merge(source, target, move, replace, err));
        else if (there == KT_PATH_FOLDER || (is == KT_PATH_FOLDER && there != KT_PATH_MISSING))
            KT_TRY(kt_fail(err, KT_IO, "cannot write %s: a %s is there", target,
                           there == KT_PATH_FOLDER ? "folder" : "file"));
        else if (there != KT_PATH_MISSING && !replace)
            KT_TRY(kt_fail(err, KT_BUSY, "%s is there already", target));
        else if (move && rename(source, target) != 0)
            KT_TRY(kt_fail_errno(err, KT_IO, "cannot move a finished file to %s", target));
        free(source);
        free(target);
        source = target = NULL;
    }
    if (move)
        KT_TRY(sync_folder(to, err));
out:
    free(source);
    free(target);
    kt_strings_free(names, n);
    return status;
}

/* Everything on the filesystem at once: thousands of small files take longer one by one. */
static kt_status sync_tree(const char *path, kt_error *err)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = folder >= 0 && syncfs(folder) == 0;
    kt_status status = good ? KT_OK : kt_fail_errno(err, KT_IO, "cannot sync %s", path);
    if (folder >= 0)
        close(folder);
    return status;
}

kt_status kt_stage_commit(kt_stage *stage, bool replace, kt_error *err)
{
    kt_status status = KT_OK;
    char *parent = NULL;
    KT_TRY(sync_tree(stage->temporary, err));
    if (!stage->whole) {
        KT_TRY(merge(stage->temporary, stage->place, false, replace, err));
        KT_TRY(merge(stage->temporary, stage->place, true, replace, err));
    } else {
        const char *slash = strrchr(stage->place, '/');
        KT_TRY(kt_format(&parent, err, "%.*s", slash ? (int)(slash - stage->place) + 1 : 1,
                         slash ? stage->place : "."));
        if (rename(stage->temporary, stage->place) != 0)
            KT_TRY(kt_fail_errno(err, KT_IO, "cannot move a finished folder to %s", stage->place));
        free(stage->temporary);
        stage->temporary = NULL;
        KT_TRY(sync_folder(parent, err));
    }
    kt_stage_end(stage);
out:
    free(parent);
    return status;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path);
}

void kt_stage_end(kt_stage *stage)
{
    if (!stage)
        return;
    if (stage->temporary)
        nftw(stage->temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(stage->temporary);
    free(stage->path);
    free(stage->place);
    free(stage);
}

kt_status kt_stage_write(const char *path, const void *data, size_t n, kt_error *err)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool good = file >= 0 && kt_file_put(file, data, n);
    int saved = errno;
    bool closed = file < 0 || close(file) == 0;
    if (good && closed)
        return KT_OK;
    errno = good ? errno : saved;
    return kt_fail_errno(err, KT_IO, "cannot write %zu bytes to %s", n, path);
}
