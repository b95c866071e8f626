/**
 * Blocks that a device has given up. It computes them to the end of the step in which it says so. Their
 * versions stay for one step more, whose update shows that somebody else does keep them: all that had a block
 * may give it up at the same time.
 */

/** A step that takes so long, in ms, may wait for a block that nobody keeps any more. */
const TAKE_BACK_MS = 15_000;

export class ReleasedBlocks {
  /** The last step for which this device computes each block. */
  readonly #last = new Map<string, number>();

  has(block: string): boolean {
    return this.#last.has(block);
  }

  /** The block is computed to the end of that step. */
  add(block: string, last: number): void {
    this.#last.set(block, last);
  }

  /** What this device holds is given back at once, or was lost. */
  clear(): void {
    this.#last.clear();
  }

  /**
   * Steps below `step` are done. Returns the blocks that may be given back. `isKeptHere` tells which of the
   * blocks this device goes on to compute after all, because every keeper has given them up.
   */
  finished(step: number, isKeptHere: (block: string) => boolean): string[] {
    const ended = [...this.#last].filter(([, last]) => last < step).map(([block]) => block);
    const kept = new Set(ended.filter(isKeptHere));
    const dropped = ended.filter((block) => !kept.has(block) && this.#isShownKept(block, step));
    for (const block of [...kept, ...dropped]) this.#last.delete(block);
    return dropped;
  }

  /** A step after the block's last one is done, and with it somebody else's update of the block. */
  #isShownKept(block: string, step: number): boolean {
    const last = this.#last.get(block);
    return last !== undefined && last + 1 < step;
  }

  /**
   * Blocks to compute again, because the step has taken so many milliseconds. Others may have given them up
   * without this device's having heard of it. `canKeep` tells for which blocks the step still allows it.
   */
  takeBack(step: number, elapsedMs: number, canKeep: (block: string) => boolean): string[] {
    if (elapsedMs < TAKE_BACK_MS) return [];
    const blocks = [...this.#last].filter(([block, last]) => last < step && canKeep(block));
    for (const [block] of blocks) this.#last.delete(block);
    return blocks.map(([block]) => block);
  }
}
