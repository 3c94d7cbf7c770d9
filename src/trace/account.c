#include "account.h"

const char *const kt_fate_key[KT_FATES] = {
#define X(name, key, text) key,
    KT_FATE_LIST(X)
#undef X
};

const char *const kt_fate_text[KT_FATES] = {
#define X(name, key, text) text,
    KT_FATE_LIST(X)
#undef X
};

kt_json *kt_account_json(const uint64_t *count)
{
    kt_json *lines = kt_json_array();
    for (int f = 0; f < KT_FATES; f++) {
        if (count[f] == 0)
            continue;
        kt_json *line = kt_json_object();
        kt_json_put(line, "line", kt_json_string(kt_fate_key[f]));
        kt_json_put(line, "text", kt_json_string(kt_fate_text[f]));
        kt_json_put(line, "spans", kt_json_int((int64_t)count[f]));
        kt_json_append(lines, line);
    }
    return lines;
}
