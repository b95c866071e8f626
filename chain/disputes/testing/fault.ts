/** Fault injection for tests: what a broken or dishonest device would commit to instead of the truth. */

/**
 * One fault in a run: one word of one tensor has other bits, and everything after it is computed from that.
 */
export interface Fault {
  readonly step: number;
  readonly slot: number;
  /** The word of the slot's tensor, taken modulo its length. Defaults to the first. */
  readonly element?: number;
  /**
   * The bits to flip in that word. Where the slot has no words, its root becomes another. Defaults to the
   * lowest bit.
   */
  readonly mask?: number;
}

/** Flips bits of one little-endian word of a tensor, in place. */
export function flipBits(tensor: Uint8Array, element: number, mask: number): void {
  const view = new DataView(tensor.buffer, tensor.byteOffset, tensor.byteLength);
  const place = 4 * (element % (tensor.length / 4));
  view.setUint32(place, view.getUint32(place, true) ^ mask, true);
}

/**
 * Accumulators to post for a faulty element. The contract takes only those that come to the element: of
 * these, the first is the element itself and the others are 0.
 */
export function forgedAccumulators(chunks: number, element: number): number[] {
  return Array.from({ length: chunks }, (_, chunk) => (chunk === 0 ? element : 0));
}
