#include "part.h"

#include "kt/log.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

kt_status kt_part_open(kt_part *part, const char *path, bool fresh, const kt_file_guard *guard, kt_error *err)
{
    kt_status status = KT_OK;
    *part = (kt_part){.lock = -1, .guard = guard};
    KT_TRY(kt_strdup(&part->path, path, err));
    KT_TRY(kt_records_lock(&part->lock, path, err));
    if (fresh && truncate(path, 0) != 0)
        KT_TRY(kt_fail_errno(err, KT_IO, "%s: cannot be emptied", path));
    KT_TRY(kt_records_open(&part->replay, path, err));
out:
    if (status != KT_OK)
        kt_part_close(part, true);
    return status;
}

void kt_part_close(kt_part *part, bool keep)
{
    struct stat about;
    kt_records_close(part->replay);
    if (part->lock >= 0 && (!keep || (stat(part->path, &about) == 0 && about.st_size == 0)))
        unlink(part->path);
    if (part->lock >= 0)
        kt_records_unlock(part->lock);
    free(part->path);
    *part = (kt_part){.lock = -1};
}

kt_status kt_part_rewind(kt_part *part, kt_error *err)
{
    kt_records_close(part->replay);
    part->replay = NULL;
    return kt_records_open(&part->replay, part->path, err);
}

kt_status kt_part_next(kt_json **document, kt_spans *spans, kt_part *part, kt_error *err)
{
    kt_status status = KT_OK;
    const char *data = NULL;
    size_t n = 0;
    uint64_t length = 0;
    bool torn = false;
    *document = NULL;
    if (!part->replay)
        return KT_OK;
    KT_TRY(kt_records_next(&data, &n, &torn, part->replay, err));
    part->end = kt_records_end(part->replay);
    if (!data) {
        if (torn)
            kt_log(KT_LOG_WARN, "%s: its last record is torn: asked for again", part->path);
        kt_records_close(part->replay);
        part->replay = NULL;
        return KT_OK;
    }
    if (n >= sizeof length)
        memcpy(&length, data, sizeof length);
    if (n < sizeof length || length > n - sizeof length)
        KT_TRY(kt_fail(err, KT_INPUT, "%s: a record of it is none of a pull", part->path));
    KT_TRY(kt_json_parse(document, data + sizeof length, (size_t)length, part->path, err));
    n -= sizeof length + (size_t)length;
    if (n > 0)
        KT_TRY(kt_spans_unpack(spans, data + sizeof length + (size_t)length, n, err));
out:
    return status;
}

kt_status kt_part_add(kt_part *part, kt_json *document, const kt_spans *spans, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL, *packed = NULL;
    size_t n = 0;
    KT_TRY(kt_json_text(&text, document, 0, err));
    if (spans && spans->n > 0)
        KT_TRY(kt_spans_pack(&packed, &n, spans, err));
    uint64_t length = strlen(text);
    const kt_record_part parts[] = {{&length, sizeof length}, {text, (size_t)length}, {packed, n}};
    KT_TRY(kt_file_ask(part->guard, err));
    KT_TRY(kt_records_append(part->path, &part->end, parts, n > 0 ? 3 : 2, true, err));
out:
    kt_json_drop(document);
    free(text);
    free(packed);
    return status;
}
