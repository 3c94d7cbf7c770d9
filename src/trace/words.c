#include "words.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- slots ---- */

kt_status kt_slots_reserve(kt_slots *slots, kt_error *err)
{
    kt_status status = KT_OK;
    kt_slot *grown = NULL;
    if (2 * (slots->n + 1) <= slots->size)
        return KT_OK;
    size_t size = slots->size > 0 ? 2 * slots->size : 64;
    KT_TRY(kt_alloc(&grown, size, sizeof *grown, err));
    for (size_t i = 0; i < slots->size; i++) {
        size_t at = slots->slot[i].hash & (size - 1);
        if (slots->slot[i].item == 0)
            continue;
        while (grown[at].item != 0)
            at = (at + 1) & (size - 1);
        grown[at] = slots->slot[i];
    }
    free(slots->slot);
    slots->slot = grown;
    slots->size = size;
out:
    return status;
}

void kt_slots_clear(kt_slots *slots)
{
    free(slots->slot);
    *slots = (kt_slots){.slot = NULL};
}

kt_slot *kt_slots_seek(const kt_slots *slots, uint32_t hash, bool (*same)(const void *context, uint32_t item),
                       const void *context)
{
    if (slots->size == 0)
        return NULL;
    for (size_t at = hash & (slots->size - 1);; at = (at + 1) & (slots->size - 1)) {
        kt_slot *slot = &slots->slot[at];
        if (slot->item == 0 || (slot->hash == hash && same(context, slot->item - 1)))
            return slot;
    }
}

void kt_slots_take(kt_slots *slots, kt_slot *slot, uint32_t hash, uint32_t item)
{
    assert(slot->item == 0);
    *slot = (kt_slot){hash, item + 1};
    slots->n++;
}

/* FNV-1a in words of 8 bytes, with the finalizer of MurmurHash3, since the low bits are used. */
uint32_t kt_hash_bytes(const void *data, size_t n)
{
    const unsigned char *bytes = data;
    uint64_t hash = 0xcbf29ce484222325u ^ n;
    for (; n >= 8; n -= 8, bytes += 8) {
        uint64_t part;
        memcpy(&part, bytes, 8);
        hash = (hash ^ part) * 0x100000001b3u;
        hash ^= hash >> 29;
    }
    for (; n > 0; n--, bytes++)
        hash = (hash ^ *bytes) * 0x100000001b3u;
    hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
    hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(hash ^ (hash >> 33));
}

/* ---- words ---- */

struct kt_words_chunk {
    struct kt_words_chunk *next;
    size_t used, size;
    char bytes[];
};

typedef struct {
    const kt_words *words;
    const char *text;
    size_t n;
} wanted;

static bool same_text(const void *context, uint32_t item)
{
    const wanted *w = context;
    const char *there = w->words->text[item];
    return strncmp(there, w->text, w->n) == 0 && there[w->n] == '\0';
}

static kt_status keep(const char **copy, kt_words *words, const char *text, size_t n, kt_error *err)
{
    enum { CHUNK = 1 << 16 };
    struct kt_words_chunk *chunk = words->chunk;
    if (!chunk || n >= chunk->size - chunk->used) {
        struct kt_words_chunk *made = NULL;
        size_t size = n < CHUNK ? CHUNK : n + 1;
        kt_status status = kt_grow(&made, sizeof *made + size, 1, err);
        if (status != KT_OK)
            return status;
        *made = (struct kt_words_chunk){.next = chunk, .size = size};
        chunk = words->chunk = made;
    }
    char *to = chunk->bytes + chunk->used;
    memcpy(to, text, n);
    to[n] = '\0';
    chunk->used += n + 1;
    *copy = to;
    return KT_OK;
}

kt_status kt_words_put(uint32_t *index, kt_words *words, const char *text, size_t n, kt_error *err)
{
    kt_status status = KT_OK;
    const wanted w = {words, text, n};
    uint32_t hash = kt_hash_bytes(text, n);
    *index = 0;
    KT_TRY(kt_slots_reserve(&words->slots, err));
    kt_slot *slot = kt_slots_seek(&words->slots, hash, same_text, &w);
    if (slot->item != 0) {
        *index = slot->item - 1;
        goto out;
    }
    if (words->n == UINT32_MAX - 1)
        KT_TRY(kt_fail(err, KT_INPUT, "more than %zu different texts in spans", words->n));
    if (words->n == words->capacity) {
        KT_TRY(kt_grow(&words->text, 2 * words->capacity + 64, sizeof *words->text, err));
        words->capacity = 2 * words->capacity + 64;
    }
    KT_TRY(keep(&words->text[words->n], words, text, n, err));
    *index = (uint32_t)words->n++;
    kt_slots_take(&words->slots, slot, hash, *index);
out:
    return status;
}

uint32_t kt_words_find(const kt_words *words, const char *text, size_t n)
{
    const wanted w = {words, text, n};
    const kt_slot *slot = kt_slots_seek(&words->slots, kt_hash_bytes(text, n), same_text, &w);
    return slot && slot->item != 0 ? slot->item - 1 : UINT32_MAX;
}

void kt_words_clear(kt_words *words)
{
    while (words->chunk) {
        struct kt_words_chunk *next = words->chunk->next;
        free(words->chunk);
        words->chunk = next;
    }
    free(words->text);
    kt_slots_clear(&words->slots);
    *words = (kt_words){.n = 0};
}
