/* The fixed tree of sums. The nodes held are those of a prefix walk: between two calls no two neighbours are
 * siblings. */
#include "kt/tree.h"
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

enum { ALIGNMENT = 64 };

kt_status kt_tree_init(kt_tree *tree, size_t width, void (*add)(void *, const void *, void *), void *context,
                       kt_error *err)
{
    assert(width > 0 && width % ALIGNMENT == 0 && add);
    *tree = (kt_tree){.width = width, .add = add, .context = context};
    /* Not zeroed: most trees use a few slots, and the others then cost no memory. */
    if (width <= PTRDIFF_MAX / KT_TREE_NODES)
        tree->slot = aligned_alloc(ALIGNMENT, width * KT_TREE_NODES);
    return tree->slot
               ? KT_OK
               : kt_fail(err, KT_MEMORY, "out of memory for %d sums of %zu bytes", KT_TREE_NODES, width);
}

void kt_tree_clear(kt_tree *tree)
{
    free(tree->slot);
    *tree = (kt_tree){0};
}

void kt_tree_restart(kt_tree *tree)
{
    tree->n = 0;
}

static char *slot(const kt_tree *tree, int i)
{
    return tree->slot + (size_t)i * tree->width;
}

void *kt_tree_next(kt_tree *tree)
{
    assert(tree->n < KT_TREE_NODES);
    return slot(tree, tree->n);
}

static bool siblings(kt_tree_node a, kt_tree_node b)
{
    return a.level == b.level && a.index % 2 == 0 && b.index == a.index + 1;
}

static kt_tree_node parent(kt_tree_node node)
{
    return (kt_tree_node){node.level + 1, node.index / 2};
}

/* The last two nodes are siblings: their parent takes their place. */
static void merge(kt_tree *tree)
{
    int left = tree->n - 2;
    tree->add(slot(tree, left), slot(tree, left + 1), tree->context);
    tree->node[left] = parent(tree->node[left]);
    tree->n--;
}

void kt_tree_push(kt_tree *tree, kt_tree_node node)
{
    assert(tree->n < KT_TREE_NODES && node.level >= 0 && node.index >= 0);
    tree->node[tree->n++] = node;
    while (tree->n > 1 && siblings(tree->node[tree->n - 2], tree->node[tree->n - 1]))
        merge(tree);
}

/* Right to left: nothing lies right of the last node, so that it is its own parent at every level up to its
 * neighbour's, whose right sibling it then is. */
void *kt_tree_root(kt_tree *tree)
{
    assert(tree->n > 0 && tree->node[0].index == 0);
    while (tree->n > 1) {
        assert(tree->node[tree->n - 2].index % 2 == 0 &&
               tree->node[tree->n - 2].level >= tree->node[tree->n - 1].level);
        merge(tree);
    }
    return slot(tree, 0);
}

int kt_tree_cover(kt_tree_node *nodes, int first, int last)
{
    int n = 0;
    assert(first >= 0 && first <= last);
    while (first < last) { /* the largest aligned node that begins here and does not pass the end */
        int level = 31 - __builtin_clz((unsigned)(last - first));
        if (first > 0 && __builtin_ctz((unsigned)first) < level)
            level = __builtin_ctz((unsigned)first);
        nodes[n++] = (kt_tree_node){level, first >> level};
        first += 1 << level;
    }
    return n;
}
