/* The fixed tree of sums: node (level, i) covers blocks [i 2^level, (i+1) 2^level); a node is its left child
 * plus its right child, or its left child where the right one holds no block. Whoever computes which node,
 * the additions are the same, and so are the bits. Vectors of n values, float or double. */
#ifndef KT_TREE_H
#define KT_TREE_H

#include "kt/error.h"
#include <stdbool.h>
#include <stddef.h>

enum { KT_TREE_NODES = 64 };

typedef struct {
    int level, index;
} kt_tree_node;

typedef struct {
    int n;        /* nodes held, ascending */
    size_t width; /* bytes of a node's vector, a multiple of 64 */
    kt_tree_node node[KT_TREE_NODES];
    char *slot;                                         /* [KT_TREE_NODES] vectors, aligned to 64 */
    void (*add)(void *a, const void *b, void *context); /* a += b */
    void *context;
} kt_tree;

kt_status kt_tree_init(kt_tree *tree, size_t width, void (*add)(void *, const void *, void *), void *context,
                       kt_error *err);
void kt_tree_clear(kt_tree *tree); /* releases; takes a zeroed tree */

void kt_tree_restart(kt_tree *tree);
void *kt_tree_next(kt_tree *tree);                   /* where the next node's vector is to be written */
void kt_tree_push(kt_tree *tree, kt_tree_node node); /* it was written; siblings merge at once */
void *kt_tree_root(kt_tree *tree);                   /* after the last node: merges what is left */

/* The nodes that a tree holds after blocks [first, last) were pushed: what travels between ranks. nodes:
 * [KT_TREE_NODES]; returns their number. */
int kt_tree_cover(kt_tree_node *nodes, int first, int last);

#endif
