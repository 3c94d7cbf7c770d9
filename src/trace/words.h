/* What a set of spans needs to keep things once each: texts by number over an arena, and tables that find an
 * item by its hash. */
#ifndef KT_TRACE_WORDS_H
#define KT_TRACE_WORDS_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Open addressing, linear probing, at most half full. Zeroed: empty. */
typedef struct {
    uint32_t hash, item; /* item: its number plus 1; 0: free */
} kt_slot;
typedef struct {
    kt_slot *slot; /* [size] */
    size_t n, size;
} kt_slots;

/* Room for one more item. */
kt_status kt_slots_reserve(kt_slots *slots, kt_error *err);
void kt_slots_clear(kt_slots *slots);

/* The slot of the item that has this hash and is the same, or the free one that it would take. After a
 * reserve there is one; NULL in an empty table. */
kt_slot *kt_slots_seek(const kt_slots *slots, uint32_t hash, bool (*same)(const void *context, uint32_t item),
                       const void *context);
void kt_slots_take(kt_slots *slots, kt_slot *slot, uint32_t hash, uint32_t item);

uint32_t kt_hash_bytes(const void *data, size_t n);

/* Zeroed: empty. text[i] ends in NUL and stays where it is until clear. */
typedef struct {
    size_t n, capacity;
    const char **text;
    kt_slots slots;
    struct kt_words_chunk *chunk; /* the newest */
} kt_words;

/* The text of n bytes without a NUL among them, copied when it is new. */
kt_status kt_words_put(uint32_t *index, kt_words *words, const char *text, size_t n, kt_error *err);
/* UINT32_MAX where it is not there. */
uint32_t kt_words_find(const kt_words *words, const char *text, size_t n);
void kt_words_clear(kt_words *words);

#endif
