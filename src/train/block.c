#include "fit_private.h"
#include "kt/rng.h"
#include <stdlib.h>

/* Batches by training rows. For large services after tests/bench/batch.py: services of 100,000 to 4 million
 * rows with known laws. Batches of 512 to 8,192 came nearer to the law than 128: gaps in cells trained on of
 * 0.023 instead of 0.026 nats a row at 100,000 rows with queues (one of five services 0.007 worse at 1,024),
 * 0.016 instead of 0.019 at a million; a learning rate of 0.02 instead of 0.01 was worse at every batch. As
 * the budget is 2,250 steps or three epochs, whichever is more, a larger batch takes longer until its three
 * epochs are 2,250 steps: 1,024 twice the CPU time of 128 at 100,000 rows and no more at a million, 4,096 no
 * more from 3 million on. They let 16 and 64 ranks share a fit. */
enum {
    SMALL_ROWS = 256, /* below: a quarter of the rows, at least LEAST_BATCH */
    MIDDLE_ROWS = 512,
    LARGE_ROWS = 100000,
    HUGE_ROWS = 3000000
};
enum { LEAST_BATCH = 16, SMALL_BATCH = 64, DEFAULT_BATCH = 128, LARGE_BATCH = 1024, HUGE_BATCH = 4096 };

int kt_batch_rows(int asked, size_t n_train)
{
    if (asked > 0 && (size_t)asked <= n_train)
        return asked;
    if (n_train < SMALL_ROWS)
        return n_train / 4 > LEAST_BATCH ? (int)(n_train / 4) : LEAST_BATCH;
    if (n_train < MIDDLE_ROWS)
        return SMALL_BATCH;
    if (n_train < LARGE_ROWS)
        return DEFAULT_BATCH;
    return n_train < HUGE_ROWS ? LARGE_BATCH : HUGE_BATCH;
}

int kt_batch_strips(int batch)
{
    return batch <= KT_BLOCK ? 1 : batch / KT_BLOCK;
}

void kt_team_run(int *first, int *last, int blocks, int rank, int size)
{
    *first = (int)((int64_t)blocks * rank / size);
    *last = (int)((int64_t)blocks * (rank + 1) / size);
}

size_t kt_blocks_strip(const kt_blocks *blocks, int strip)
{
    return (size_t)((unsigned __int128)blocks->n * (unsigned)strip / (unsigned)blocks->strips);
}

static size_t strip_rows(const kt_blocks *blocks, int strip)
{
    return kt_blocks_strip(blocks, strip + 1) - kt_blocks_strip(blocks, strip);
}

/* Strips differ by one row at most: an epoch of complete batches ends with the shortest, one of all rows with
 * the longest. */
static uint64_t epoch_steps(const kt_blocks *blocks)
{
    size_t block = (size_t)blocks->block, shortest = blocks->n / (size_t)blocks->strips;
    size_t longest = (blocks->n + (size_t)blocks->strips - 1) / (size_t)blocks->strips;
    return blocks->partial ? (longest + block - 1) / block : shortest / block;
}

static kt_blocks plan(const kt_recipe *recipe, size_t n)
{
    kt_blocks blocks = {
        .n = n, .partial = recipe->partial_batches, .seed = recipe->seed, .epoch = UINT64_MAX};
    blocks.batch = kt_batch_rows(recipe->batch, n);
    blocks.block = blocks.batch < KT_BLOCK ? blocks.batch : KT_BLOCK;
    blocks.strips = kt_batch_strips(blocks.batch);
    blocks.epoch_steps = epoch_steps(&blocks);
    return blocks;
}

uint64_t kt_fit_budget(const kt_recipe *recipe, size_t n_train)
{
    uint64_t by_epochs = (uint64_t)recipe->epochs * plan(recipe, n_train).epoch_steps;
    return (uint64_t)recipe->steps > by_epochs ? (uint64_t)recipe->steps : by_epochs;
}

kt_status kt_blocks_init(kt_blocks *blocks, const kt_recipe *recipe, size_t n, uint64_t subject,
                         const kt_team *team, kt_error *err)
{
    kt_status status = KT_OK;
    *blocks = plan(recipe, n);
    blocks->subject = subject;
    kt_team_run(&blocks->first, &blocks->last, blocks->strips, team->rank, team->size);
    size_t rows = kt_blocks_strip(blocks, blocks->last) - kt_blocks_strip(blocks, blocks->first);
    KT_TRY(kt_alloc(&blocks->order, rows, sizeof *blocks->order, err));
    KT_TRY(kt_alloc(&blocks->gather, (size_t)blocks->batch, sizeof *blocks->gather, err));
out:
    return status;
}

void kt_blocks_clear(kt_blocks *blocks)
{
    free(blocks->order);
    free(blocks->gather);
    *blocks = (kt_blocks){0};
}

void kt_blocks_seek(kt_blocks *blocks, uint64_t step)
{
    uint64_t epoch = step / blocks->epoch_steps;
    if (epoch == blocks->epoch)
        return;
    blocks->epoch = epoch;
    size_t base = kt_blocks_strip(blocks, blocks->first);
    for (int p = blocks->first; p < blocks->last; p++) {
        size_t at = kt_blocks_strip(blocks, p) - base, n = strip_rows(blocks, p);
        for (size_t i = 0; i < n; i++)
            blocks->order[at + i] = (uint32_t)(at + i);
        kt_rng rng;
        kt_rng_init(&rng, blocks->seed, blocks->subject, KT_RNG_EPOCH, (uint32_t)epoch, (uint32_t)p);
        kt_rng_shuffle(&rng, blocks->order + at, (uint32_t)n);
    }
}

static int rows_of(const kt_blocks *blocks, int strip, uint64_t step)
{
    size_t n = strip_rows(blocks, strip), done = (size_t)(step % blocks->epoch_steps) * (size_t)blocks->block;
    if (done >= n)
        return 0;
    return n - done < (size_t)blocks->block ? (int)(n - done) : blocks->block;
}

const uint32_t *kt_blocks_rows(int *n, const kt_blocks *blocks, int strip, uint64_t step)
{
    size_t at = kt_blocks_strip(blocks, strip) - kt_blocks_strip(blocks, blocks->first);
    *n = rows_of(blocks, strip, step);
    return blocks->order + at + (size_t)(step % blocks->epoch_steps) * (size_t)blocks->block;
}

int kt_blocks_total(const kt_blocks *blocks, uint64_t step)
{
    if (!blocks->partial)
        return blocks->batch;
    int total = 0;
    for (int p = 0; p < blocks->strips; p++)
        total += rows_of(blocks, p, step);
    return total;
}
