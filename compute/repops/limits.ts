/** Bounds on programs: a program may come from a peer or a dispute, so every size has a limit. */

/**
 * A lattice fold is exact up to this many terms (docs/repops.md), so no folded length of any operator is
 * longer.
 */
export const MAX_FOLD = 2 ** 20;
/** Elements in one tensor; 4 GiB of f32. */
export const MAX_ELEMENTS = 2 ** 30;
/** Elements of an attention head: far more than any model has. */
export const MAX_HEAD = 2 ** 13;
export const MAX_NODES = 2 ** 16;
/** Tensors under one gradient norm. */
export const MAX_NORMS = 2 ** 15;
