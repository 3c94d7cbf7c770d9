#include "kt/schedule.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct {
    size_t item;
    int ranks, wanted; /* wanted: with those who wait for its word; 0: none asked */
    double began;      /* of the ranks it has now */
    double first;      /* the step it then had */
    double end;
    bool closed, over; /* closed: would not grow */
} running;

typedef enum { FREE, DECIDE, END } event_kind;

typedef struct {
    double time;
    event_kind kind;
    size_t run; /* or, FREE: how many ranks */
} event;

typedef struct {
    const kt_plan_item *items;
    const size_t *queue;
    size_t n_queue, next;
    double latency, now;
    kt_plan_mode mode;
    int idle, asked; /* ranks without work; runs whose word is awaited */
    running *run;
    size_t n_run, *live, n_live; /* live: runs that are not over, once the queue is empty */
    event *heap;
    size_t n_heap, capacity;
    kt_plan_run *out;
    kt_plan_summary *sum;
    kt_error *err;
} sim;

/* ---- what an item takes ---- */

static double step_seconds(const kt_plan_item *item, int ranks, double latency)
{
    return item->fixed + item->shared * kt_plan_share(item->limit, ranks) +
           latency * kt_plan_exchanges(ranks);
}

static double begin_seconds(const kt_plan_item *item, int ranks)
{
    return item->start + item->read / ranks;
}

/* From step `first` on. */
static double seconds_from(const kt_plan_item *item, int ranks, double first, double latency)
{
    return begin_seconds(item, ranks) + (item->steps - first) * step_seconds(item, ranks, latency) +
           item->judge / ranks;
}

double kt_plan_seconds(const kt_plan_item *item, int ranks, double latency)
{
    return seconds_from(item, ranks, 0, latency);
}

static int most(const kt_plan_item *item, int ranks)
{
    return item->limit < ranks ? item->limit : ranks;
}

static double shortest(const kt_plan_item *item, int ranks, double latency)
{
    double best = kt_plan_seconds(item, 1, latency);
    for (int g = 2; g <= most(item, ranks); g++)
        best = fmin(best, kt_plan_seconds(item, g, latency));
    return best;
}

/* ---- events, the earliest first ---- */

static bool before(const event *a, const event *b)
{
    return a->time != b->time ? a->time < b->time : a->kind < b->kind;
}

static kt_status push(sim *s, event e)
{
    kt_status status = KT_OK;
    if (s->n_heap == s->capacity) {
        KT_TRY(kt_grow(&s->heap, 2 * s->capacity + 64, sizeof *s->heap, s->err));
        s->capacity = 2 * s->capacity + 64;
    }
    size_t at = s->n_heap++;
    for (; at > 0 && before(&e, &s->heap[(at - 1) / 2]); at = (at - 1) / 2)
        s->heap[at] = s->heap[(at - 1) / 2];
    s->heap[at] = e;
out:
    return status;
}

static event pop(sim *s)
{
    event first = s->heap[0], last = s->heap[--s->n_heap];
    size_t at = 0;
    for (size_t child = 1; child < s->n_heap; child = 2 * at + 1) {
        child += child + 1 < s->n_heap && before(&s->heap[child + 1], &s->heap[child]);
        if (!before(&s->heap[child], &last))
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = last;
    return first;
}

/* ---- runs ---- */

/* The run goes on from its step with the ranks that it has. */
static kt_status set_out(sim *s, size_t run)
{
    running *r = &s->run[run];
    r->began = s->now;
    r->end = s->now + seconds_from(&s->items[r->item], r->ranks, r->first, s->latency);
    return push(s, (event){r->end, END, run});
}

static kt_status hand_out(sim *s)
{
    kt_status status = KT_OK;
    for (; s->idle > 0 && s->next < s->n_queue; s->idle--) {
        size_t run = s->n_run++, item = s->queue[s->next++];
        s->run[run] = (running){.item = item, .ranks = 1};
        s->out[item] = (kt_plan_run){.begin = s->now, .first = 1};
        KT_TRY(set_out(s, run));
    }
out:
    return status;
}

static void list_live(sim *s)
{
    s->n_live = 0;
    for (size_t i = 0; i < s->n_run; i++)
        if (!s->run[i].over)
            s->live[s->n_live++] = i;
}

/* The live run that ends last of those that can grow; false: there is none. */
static bool last_to_end(size_t *best, sim *s)
{
    bool found = false;
    for (size_t i = 0; i < s->n_live;) {
        const running *r = &s->run[s->live[i]];
        if (r->over) {
            s->live[i] = s->live[--s->n_live];
            continue;
        }
        if (!r->closed && r->wanted == 0 && r->ranks < s->items[r->item].limit &&
            (!found || r->end > s->run[*best].end)) {
            *best = s->live[i];
            found = true;
        }
        i++;
    }
    return found;
}

static double step_at(const sim *s, const running *r, double time)
{
    const kt_plan_item *item = &s->items[r->item];
    double fitting = time - r->began - begin_seconds(item, r->ranks);
    double step = step_seconds(item, r->ranks, s->latency);
    return step > 0 && fitting > 0 ? r->first + floor(fitting / step) : r->first;
}

static bool growing_pays(const sim *s, const running *r)
{
    const kt_plan_item *item = &s->items[r->item];
    double left = item->steps - step_at(s, r, s->now);
    double saved = step_seconds(item, r->ranks, s->latency) - step_seconds(item, r->wanted, s->latency);
    return left > 0 && kt_plan_growing_pays(left * saved, begin_seconds(item, r->ranks));
}

/* Idle ranks wait for the word of runs that could take them; where none is asked they leave. */
static kt_status place_idle(sim *s)
{
    kt_status status = KT_OK;
    size_t best;
    while (s->mode == KT_PLAN_AUTO && s->idle > 0 && last_to_end(&best, s)) {
        running *r = &s->run[best];
        const kt_plan_item *item = &s->items[r->item];
        int room = item->limit - r->ranks, joining = room < s->idle ? room : s->idle;
        double known = r->began + begin_seconds(item, r->ranks) +
                       KT_PLAN_MEASURED_STEPS * step_seconds(item, r->ranks, s->latency);
        r->wanted = r->ranks + joining;
        s->idle -= joining;
        s->asked++;
        KT_TRY(push(s, (event){fmax(s->now, known), DECIDE, best}));
    }
    if (s->asked == 0)
        s->idle = 0;
out:
    return status;
}

static kt_status decide(sim *s, size_t run)
{
    running *r = &s->run[run];
    if (r->over || r->wanted == 0)
        return KT_OK;
    int wanted = r->wanted;
    s->asked--;
    if (!growing_pays(s, r)) {
        r->closed = true;
        r->wanted = 0;
        s->idle += wanted - r->ranks;
        return KT_OK;
    }
    s->sum->busy += r->ranks * (s->now - r->began);
    s->sum->grown += r->ranks == s->out[r->item].first;
    r->first = step_at(s, r, s->now);
    r->ranks = wanted;
    r->wanted = 0;
    return set_out(s, run);
}

static void end(sim *s, size_t run)
{
    running *r = &s->run[run];
    if (r->over || s->now < r->end)
        return; /* it has grown since, and ends at another time */
    r->over = true;
    s->asked -= r->wanted > 0;
    s->idle += r->wanted > 0 ? r->wanted : r->ranks;
    s->sum->busy += r->ranks * (s->now - r->began);
    s->out[r->item].end = s->now;
    s->out[r->item].last = r->ranks;
    s->sum->makespan = fmax(s->sum->makespan, s->now);
}

/* ---- the schedule ---- */

/* Rank 0 is in every team, so that they follow each other. The others come to the queue after their last one.
 */
static kt_status run_teams(sim *s, const size_t *order, size_t n_team, int ranks)
{
    kt_status status = KT_OK;
    double *freed = NULL, now = 0;
    KT_TRY(kt_alloc(&freed, (size_t)ranks, sizeof *freed, s->err));
    for (size_t i = 0; i < n_team; i++) {
        const kt_plan_item *item = &s->items[order[i]];
        int team = most(item, ranks);
        double seconds = kt_plan_seconds(item, team, s->latency);
        s->out[order[i]] = (kt_plan_run){now, now + seconds, team, team};
        s->sum->busy += team * seconds;
        now += seconds;
        for (int r = 0; r < team; r++)
            freed[r] = now;
    }
    s->sum->makespan = now;
    for (int r = 0; r < ranks; r++)
        KT_TRY(push(s, (event){freed[r], FREE, 1}));
out:
    free(freed);
    return status;
}

static kt_status play(sim *s)
{
    kt_status status = KT_OK;
    bool listed = false;
    while (s->n_heap > 0) {
        event e = pop(s);
        s->now = e.time;
        if (e.kind == FREE)
            s->idle += (int)e.run;
        else if (e.kind == END)
            end(s, e.run);
        else
            KT_TRY(decide(s, e.run));
        KT_TRY(hand_out(s));
        if (s->next < s->n_queue)
            continue;
        if (!listed)
            list_live(s);
        listed = true;
        KT_TRY(place_idle(s));
    }
out:
    return status;
}

static kt_status order_items(size_t *order, size_t *n_team, const kt_plan_item *items, size_t n, int ranks,
                             kt_plan_mode mode, kt_error *err)
{
    kt_status status = KT_OK;
    double *cost = NULL;
    int *limit = NULL;
    KT_TRY(kt_alloc(&cost, n, sizeof *cost, err));
    KT_TRY(kt_alloc(&limit, n, sizeof *limit, err));
    for (size_t i = 0; i < n; i++) {
        cost[i] = items[i].cost;
        limit[i] = items[i].limit;
    }
    kt_plan_teams(order, n_team, cost, limit, n, ranks, mode);
out:
    free(cost);
    free(limit);
    return status;
}

kt_status kt_plan_schedule(kt_plan_run *runs, kt_plan_summary *summary, const kt_plan_item *items, size_t n,
                           int ranks, kt_plan_mode mode, double latency, kt_error *err)
{
    kt_status status = KT_OK;
    size_t *order = NULL, n_team = 0;
    sim s = {.items = items, .latency = latency, .mode = mode, .out = runs, .sum = summary, .err = err};
    assert(ranks >= 1);
    *summary = (kt_plan_summary){.makespan = 0};
    KT_TRY(kt_alloc(&order, n, sizeof *order, err));
    KT_TRY(kt_alloc(&s.run, n, sizeof *s.run, err));
    KT_TRY(kt_alloc(&s.live, n, sizeof *s.live, err));
    KT_TRY(order_items(order, &n_team, items, n, ranks, mode, err));
    summary->teams = n_team;
    for (size_t i = 0; i < n; i++) {
        double alone = kt_plan_seconds(&items[i], 1, latency);
        summary->alone += alone;
        if (alone > summary->bound)
            summary->bound = fmax(summary->bound, shortest(&items[i], ranks, latency));
    }
    summary->bound = fmax(summary->bound, summary->alone / ranks);
    s.queue = order + n_team;
    s.n_queue = n - n_team;
    KT_TRY(run_teams(&s, order, n_team, ranks));
    KT_TRY(play(&s));
out:
    free(order);
    free(s.run);
    free(s.live);
    free(s.heap);
    return status;
}
