/** The blocks whose versions a device has in memory, to compute their hops, and writes to its medium. */
import type { ComputedTensor } from '../../pipeline/runtime/member-events.ts';
import type { Computation } from '../blocks/block-keeper.ts';
import type { ConfirmedVersion } from '../blocks/needed-versions.ts';
import type { VersionPlace } from '../messages/block-announcement.ts';
import type { Roots } from './run-states.ts';

/** What computes hops and holds the versions of blocks in memory: a worker of a page, or a process. */
export interface HopWorker {
  begin(block: string): Promise<{ readonly roots: Roots }>;
  load(file: Uint8Array): Promise<{ readonly roots: Roots }>;
  file(block: string, step: number): Promise<Uint8Array>;
  /** Gives a block's versions back, and keeps its frozen weights for another version. */
  forget(block: string): Promise<void>;
  /** Gives back all that belongs to a block. */
  release(block: string): Promise<void>;
  compute(
    step: number,
    hop: number,
    inputs: ReadonlyMap<string, Uint8Array>,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, ComputedTensor>>;
}

export interface HeldBlocksOptions {
  readonly worker: HopWorker;
  /** The names of a block's tensors. */
  readonly tensorsOf: (block: string) => Iterable<string>;
  /** The version that the run has agreed on. Undefined for a step that is not remembered. */
  readonly confirmed: (block: string, step: number) => ConfirmedVersion | undefined;
  /** Begins to write a version. Undefined where this device does not keep the block. */
  readonly beginWriting: (place: VersionPlace) => Computation | undefined;
}

export class HeldBlocks {
  readonly #options: HeldBlocksOptions;
  /** The step of the newest version of each block. */
  readonly #steps = new Map<string, number>();
  readonly #writing = new Set<string>();
  /** Blocks of which a version is being loaded. */
  readonly #taking = new Set<string>();
  /** See `left`. */
  readonly #left = new Set<string>();
  /** See `prepared`. */
  readonly #prepared = new Set<string>();

  constructor(options: HeldBlocksOptions) {
    this.#options = options;
  }

  get ids(): readonly string[] {
    return [...this.#steps.keys()];
  }

  /** Blocks of which a version is being loaded. */
  get loading(): Iterable<string> {
    return this.#taking;
  }

  /** Blocks that the worker still has since this device left the others. */
  get left(): readonly string[] {
    return [...this.#left];
  }

  /**
   * Blocks without a version here whose frozen weights the worker still has. They are large and do not
   * change, so a version that came too late for its step does not make the next one late, too.
   */
  get prepared(): readonly string[] {
    return [...this.#prepared];
  }

  /** Steps done in the newest version of a block. Undefined where none is here. */
  stepOf(block: string): number | undefined {
    return this.#steps.get(block);
  }

  /** Takes a block as the run starts with it. Throws RangeError where it is not the run's. */
  async begin(block: string, first: Roots): Promise<void> {
    const { roots } = await this.#options.worker.begin(block);
    for (const [name, root] of roots) {
      if (first.get(name) !== root) throw new RangeError(`${block} of this device is not the run's.`);
    }
    this.#has(block, 0);
  }

  /**
   * Takes a version from its file, where its tensors have these roots and it is still wanted when it is
   * loaded. Returns whether it was taken. Of two files of one block at the same time the second is left out:
   * a false one must not take the place of the one that is computed with.
   */
  async take(
    { block, step }: VersionPlace,
    file: Uint8Array,
    state: Roots,
    isWanted: () => boolean,
  ): Promise<boolean> {
    if (this.#taking.has(block)) return false;
    this.#taking.add(block);
    try {
      const { roots } = await this.#options.worker.load(file);
      const names = [...this.#options.tensorsOf(block)];
      if (!names.every((name) => roots.get(name) === state.get(name)) || !isWanted()) {
        await this.forget(block);
        return false;
      }
      this.#has(block, step);
      return true;
    } finally {
      this.#taking.delete(block);
    }
  }

  /** A step is done: all blocks here have their next version. */
  finished(steps: number): void {
    for (const block of this.#steps.keys()) this.#steps.set(block, steps);
  }

  #has(block: string, step: number): void {
    this.#steps.set(block, step);
    this.#left.delete(block);
    this.#prepared.delete(block);
  }

  /** Gives a block's versions back. Another version of it is expected. */
  async forget(block: string): Promise<void> {
    this.#steps.delete(block);
    this.#left.delete(block);
    this.#prepared.add(block);
    await this.#options.worker.forget(block);
  }

  /** Gives a block back. */
  async drop(block: string): Promise<void> {
    this.#steps.delete(block);
    this.#left.delete(block);
    this.#prepared.delete(block);
    await this.#options.worker.release(block);
  }

  /**
   * This device leaves the others. The worker keeps what it has until `recover` or `dropLeft`. Where the
   * device was the only one that had computed a block's update, the others wait for that version.
   */
  leave(): void {
    for (const block of this.ids) this.#left.add(block);
    this.#steps.clear();
  }

  /**
   * Takes a version again that the worker still has since this device left, under the conditions of `take`.
   * Returns whether it was taken.
   */
  async recover(place: VersionPlace, state: Roots, isWanted: () => boolean): Promise<boolean> {
    if (!this.#left.has(place.block)) return false;
    const file = await this.file(place.block, place.step).catch(() => undefined);
    return file !== undefined && this.take(place, file, state, isWanted);
  }

  /**
   * Gives back what was held when this device left the others, and was not taken again. Of the `expected`
   * blocks other versions are to come.
   */
  async dropLeft(expected: readonly string[]): Promise<void> {
    for (const block of this.left) await (expected.includes(block) ? this.forget(block) : this.drop(block));
  }

  /** The file of a version that is in memory. Rejects where it is not. */
  file(block: string, step: number): Promise<Uint8Array> {
    return this.#options.worker.file(block, step);
  }

  /**
   * Writes a version to the medium, where this device is to keep it. Where steps are faster than the medium,
   * those that end while the block is being written are left out.
   */
  async write(block: string, step: number): Promise<void> {
    if (this.#writing.has(block)) return;
    const confirmed = this.#options.confirmed(block, step);
    const computation = confirmed === undefined ? undefined : this.#options.beginWriting({ block, step });
    if (confirmed === undefined || computation === undefined) return;
    this.#writing.add(block);
    try {
      await computation.store(confirmed.root, await this.file(block, step));
    } catch (error) {
      computation.abandon();
      throw error;
    } finally {
      this.#writing.delete(block);
    }
  }
}
