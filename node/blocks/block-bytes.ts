/** Bytes of a model's blocks that a volunteer keeps where nothing else is said. */
export const DEFAULT_BLOCK_BYTES = 4 * 2 ** 30;
