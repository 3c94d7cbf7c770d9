/* URLs: for people, in queries, and are they any. */
#include "http_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

kt_status kt_http_escape(char **out, const char *text, kt_error *err)
{
    static const char digit[] = "0123456789ABCDEF";
    kt_status status = KT_OK;
    KT_TRY(kt_alloc(out, 3 * strlen(text) + 1, 1, err));
    char *to = *out;
    for (; *text; text++) {
        if (strchr(unreserved, *text)) {
            *to++ = *text;
            continue;
        }
        *to++ = '%';
        *to++ = digit[(unsigned char)*text >> 4];
        *to++ = digit[(unsigned char)*text & 15];
    }
    *to = '\0';
out:
    return status;
}

/* Where the host begins: after "scheme://" and the user part, which ends at the last '@' before the path. */
static size_t authority(const char *url, size_t *host)
{
    const char *slashes = strstr(url, "://");
    size_t begin = slashes ? (size_t)(slashes - url) + 3 : 0;
    size_t end = begin + strcspn(url + begin, "/?#");
    *host = begin;
    for (size_t i = begin; i < end; i++)
        if (url[i] == '@')
            *host = i + 1;
    return begin;
}

size_t kt_http_trimmed(const char *url)
{
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    return n;
}

kt_status kt_http_display(char **out, const char *url, kt_error *err)
{
    size_t host, begin = authority(url, &host);
    size_t end = host + strcspn(url + host, "?#"); /* a query may hold a secret too */
    while (end > host && url[end - 1] == '/')
        end--;
    return kt_format(out, err, "%.*s%.*s", (int)begin, url, (int)(end - host), url + host);
}

kt_status kt_http_check_url(const char *url, kt_error *err)
{
    kt_status status = KT_OK;
    char *shown = NULL;
    size_t host;
    KT_TRY(kt_http_display(&shown, url, err));
    authority(url, &host);
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7F)
            KT_TRY(kt_fail(err, KT_USAGE, "%s: a URL holds no blanks and control characters", shown));
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        KT_TRY(kt_fail(err, KT_USAGE, "%s: a URL begins with http:// or https://", shown));
    if (strchr("/:", url[host]) || url[host] == '\0')
        KT_TRY(kt_fail(err, KT_USAGE, "%s: the URL names no host", shown));
    if (strpbrk(url, "?#"))
        KT_TRY(kt_fail(err, KT_USAGE, "%s: the URL is to end with its path, before a ? or #", shown));
out:
    free(shown);
    return status;
}
