/* Memory that ends after so many allocations. Link with -Wl,--wrap=aligned_alloc -Wl,--wrap=realloc, which
 * take all of ours and none of the libraries'. */
#ifndef KT_TEST_MEMORY_H
#define KT_TEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

static int allocations = -1; /* that still succeed; -1: all */

static bool memory_refuses(void)
{
    if (allocations == 0)
        return true;
    allocations -= allocations > 0;
    return false;
}

void *__real_aligned_alloc(size_t alignment, size_t n);
void *__real_realloc(void *memory, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
void *__wrap_realloc(void *memory, size_t n);

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return memory_refuses() ? NULL : __real_aligned_alloc(alignment, n);
}

void *__wrap_realloc(void *memory, size_t n)
{
    return memory_refuses() ? NULL : __real_realloc(memory, n);
}

#endif
