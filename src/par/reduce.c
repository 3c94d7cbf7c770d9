#include "kt/reduce.h"
#include "kt/comm.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_NODES = 11 };

struct kt_reducer {
    MPI_Comm comm;
    kt_team team;
    size_t capacity; /* bytes of each buffer */
    char *send, *receive;
};

typedef struct {
    int first, last; /* ranks whose blocks a tree holds: [first, last) */
} span;

/* The nodes of the runs of several neighbouring ranks. */
static int span_nodes(kt_tree_node *nodes, span s, int blocks, int size)
{
    int first, last, unused;
    kt_team_run(&first, &unused, blocks, s.first, size);
    kt_team_run(&unused, &last, blocks, s.last - 1, size);
    return first < last ? kt_tree_cover(nodes, first, last) : 0;
}

static kt_status reserve(kt_reducer *r, size_t bytes, kt_error *err)
{
    kt_status status = KT_OK;
    if (bytes <= r->capacity)
        return KT_OK;
    free(r->send);
    free(r->receive);
    r->send = r->receive = NULL;
    r->capacity = 0;
    KT_TRY(kt_alloc(&r->send, bytes, 1, err));
    KT_TRY(kt_alloc(&r->receive, bytes, 1, err));
    r->capacity = bytes;
out:
    return status;
}

/* One exchange: `mine` and `theirs` are neighbours, and afterwards the tree holds both. A rank outside of
 * recursive doubling only sends (gives) or only receives (takes). */
static kt_status exchange(kt_reducer *r, kt_tree *tree, int blocks, span *mine, span theirs, int partner,
                          bool gives, bool takes, kt_error *err)
{
    kt_status status = KT_OK;
    kt_tree_node nodes[KT_TREE_NODES];
    MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    int incoming = takes ? span_nodes(nodes, theirs, blocks, r->team.size) : 0;
    size_t width = tree->width, held = (size_t)tree->n * width;

    KT_TRY(reserve(r, KT_TREE_NODES * width, err));
    if (takes)
        MPI_Irecv(r->receive, (int)((size_t)incoming * width), MPI_BYTE, partner, TAG_NODES, r->comm,
                  &requests[0]);
    if (gives) {
        memcpy(r->send, tree->slot, held);
        MPI_Isend(r->send, (int)held, MPI_BYTE, partner, TAG_NODES, r->comm, &requests[1]);
    }
    kt_comm_wait(&requests[0], MPI_STATUS_IGNORE);
    kt_comm_wait(&requests[1], MPI_STATUS_IGNORE);
    if (!takes)
        goto out;

    kt_tree_node own[KT_TREE_NODES];
    int n_own = tree->n;
    memcpy(own, tree->node, sizeof own);
    bool first = theirs.first < mine->first;
    if (first && !gives)
        memcpy(r->send, tree->slot, held);
    if (first)
        kt_tree_restart(tree);
    for (int i = 0; i < incoming; i++) {
        memcpy(kt_tree_next(tree), r->receive + (size_t)i * width, width);
        kt_tree_push(tree, nodes[i]);
    }
    for (int i = 0; first && i < n_own; i++) {
        memcpy(kt_tree_next(tree), r->send + (size_t)i * width, width);
        kt_tree_push(tree, own[i]);
    }
    mine->first = first ? theirs.first : mine->first;
    mine->last = first ? mine->last : theirs.last;
out:
    return status;
}

/* The ranks of the largest power of two take part in doubling. With `extra` more ranks, each of the first
 * `extra` pairs (2i, 2i + 1) first joins in its even member, which passes the result back at the end. */
static kt_status complete(void *context, kt_tree *tree, int blocks, kt_error *err)
{
    kt_status status = KT_OK;
    kt_reducer *r = context;
    int rank = r->team.rank, size = r->team.size, power = 1;
    while (2 * power <= size)
        power *= 2;
    int extra = size - power;
    bool paired = rank < 2 * extra;
    span mine = {rank, rank + 1};

    if (paired && rank % 2 == 1) {
        KT_TRY(exchange(r, tree, blocks, &mine, (span){rank - 1, rank}, rank - 1, true, false, err));
        kt_tree_restart(tree);
        int root = span_nodes(tree->node, (span){0, size}, blocks, size);
        MPI_Request request;
        MPI_Irecv(tree->slot, (int)((size_t)root * tree->width), MPI_BYTE, rank - 1, TAG_NODES, r->comm,
                  &request);
        kt_comm_wait(&request, MPI_STATUS_IGNORE);
        tree->n = root;
        return KT_OK;
    }
    if (paired)
        KT_TRY(exchange(r, tree, blocks, &mine, (span){rank + 1, rank + 2}, rank + 1, false, true, err));

    int place = paired ? rank / 2 : rank - extra; /* among the ranks that double */
    for (int step = 1; step < power; step *= 2) {
        int partner = place ^ step, low = partner / step * step, high = low + step;
        span theirs = {low < extra ? 2 * low : low + extra, high < extra ? 2 * high : high + extra};
        int partner_rank = partner < extra ? 2 * partner : partner + extra;
        KT_TRY(exchange(r, tree, blocks, &mine, theirs, partner_rank, true, true, err));
    }
    if (paired)
        kt_comm_send(tree->slot, (size_t)tree->n * tree->width, rank + 1, TAG_NODES, r->comm);
out:
    return status;
}

static kt_status largest(void *context, double *values, int n, kt_error *err)
{
    kt_reducer *r = context;
    MPI_Request request;
    (void)err;
    MPI_Iallreduce(MPI_IN_PLACE, values, n, MPI_DOUBLE, MPI_MAX, r->comm, &request);
    kt_comm_wait(&request, MPI_STATUS_IGNORE);
    return KT_OK;
}

kt_status kt_reducer_create(kt_reducer **reducer, MPI_Comm comm, kt_error *err)
{
    kt_status status = KT_OK;
    kt_reducer *r = NULL;
    KT_TRY(kt_alloc(&r, 1, sizeof *r, err));
    r->comm = comm;
    r->team = (kt_team){.rank = kt_comm_rank(comm), .size = kt_comm_size(comm)};
    if (r->team.size > 1) {
        r->team.complete = complete;
        r->team.largest = largest;
        r->team.context = r;
    }
out:
    *reducer = r;
    return status;
}

void kt_reducer_destroy(kt_reducer *reducer)
{
    if (!reducer)
        return;
    free(reducer->send);
    free(reducer->receive);
    free(reducer);
}

const kt_team *kt_reducer_team(const kt_reducer *reducer)
{
    return &reducer->team;
}
