#include "kt/journal.h"
#include "kt/file.h"
#include <stdlib.h>
#include <string.h>

kt_status kt_journal_append(const char *path, const char *lines, size_t n, kt_error *err)
{
    return kt_file_append(path, lines, n, false, err);
}

kt_status kt_journal_write(const char *path, kt_json *event, kt_error *err)
{
    kt_status status = KT_OK;
    char *text = NULL, *line = NULL;
    KT_TRY(kt_json_text(&text, event, 0, err));
    KT_TRY(kt_format(&line, err, "%s\n", text));
    KT_TRY(kt_journal_append(path, line, strlen(line), err));
out:
    kt_json_drop(event);
    free(text);
    free(line);
    return status;
}
