/**
 * Blocks that a device has given up. It computes them to the end of the step in which it says so. Their
 * versions stay for one step more, whose update shows that somebody else does keep them: all that had a block
 * may give it up at the same time.
 */
export class ReleasedBlocks {
  /** The last step for which this device computes each block. */
  readonly #last = new Map<string, number>();

  get count(): number {
    return this.#last.size;
  }

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
   * A step begins. Returns the blocks that may be given back. `isKeptHere` tells which of the blocks this
   * device goes on to compute after all, because every keeper has given them up.
   */
  begin(step: number, isKeptHere: (block: string) => boolean): string[] {
    const dropped: string[] = [];
    for (const [block, last] of this.#last) {
      if (last >= step) continue;
      const isKept = isKeptHere(block);
      // The step after the last one, with somebody else's update of the block, is not done.
      if (!isKept && last + 1 >= step) continue;
      this.#last.delete(block);
      if (!isKept) dropped.push(block);
    }
    return dropped;
  }

  /**
   * Blocks to compute again, because the step stands still and waits for them. Others may have given them up
   * without this device's having heard of it. `isAwaited` tells which blocks have a hop that can be computed
   * and that nobody has handed off.
   */
  takeBack(step: number, isAwaited: (block: string) => boolean): string[] {
    const blocks = [...this.#last].filter(([block, last]) => last < step && isAwaited(block));
    for (const [block] of blocks) this.#last.delete(block);
    return blocks.map(([block]) => block);
  }
}
