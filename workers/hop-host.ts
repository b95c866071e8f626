/**
 * Computes hops of a model in blocks for one device. It holds the versions of the blocks that the device
 * keeps, of the last two steps: another member may ask for a hop of the step before again. Weights that no
 * step changes are on the engine alone.
 */
import type { Engine } from '../compute/engines/engine.ts';
import type { Words } from '../compute/repops/recipe.ts';
import { blockOf } from '../models/blocks/block-plan.ts';
import { type BlockVersion, decodeBlock, encodeBlock } from '../models/blocks/block-version.ts';
import { HopComputer, type TensorBytes } from '../models/blocks/hop-computer.ts';
import { tensorRoot } from '../models/checkpoint/root.ts';
import { type Hex, toHex } from '../protocol/hex.ts';
import type { BlockRun } from '../training/blocks/block-run.ts';

/** A tensor with its root (docs/checkpoint.md). */
export interface HopOutput {
  readonly bytes: Uint8Array;
  readonly root: Hex;
}

/** The device does not keep what the hop needs. */
export class HopHostError extends Error {
  override readonly name = 'HopHostError';
}

export interface HopHostOptions {
  readonly engine: Engine;
  readonly run: BlockRun;
  /** A block's weights that no step changes. Defaults to none: all weights are trained. */
  readonly frozen?: (block: string, signal: AbortSignal) => Promise<TensorBytes>;
}

/** Steps of which data are kept: those of the step in progress and of the one before. */
const KEPT = 2;

export class HopHost {
  readonly #engine: Engine;
  readonly #run: BlockRun;
  readonly #frozen: HopHostOptions['frozen'];
  /** Ends the loading of a block's frozen weights. */
  readonly #loading = new Map<string, AbortController>();
  /** Blocks whose frozen weights are on the engine. */
  readonly #withWeights = new Set<string>();
  #computer: HopComputer | undefined;
  /** By block, then by step. */
  readonly #versions = new Map<string, Map<number, TensorBytes>>();
  readonly #data = new Map<number, TensorBytes>();

  constructor({ engine, run, frozen }: HopHostOptions) {
    this.#engine = engine;
    this.#run = run;
    this.#frozen = frozen;
  }

  /** The blocks that are held, with the steps of their versions. */
  get held(): ReadonlyMap<string, readonly number[]> {
    return new Map([...this.#versions].map(([block, versions]) => [block, [...versions.keys()]]));
  }

  /** Bytes of the versions that are held. */
  get heldBytes(): number {
    let bytes = 0;
    for (const versions of this.#versions.values()) {
      for (const tensors of versions.values()) for (const data of tensors.values()) bytes += data.byteLength;
    }
    return bytes;
  }

  /**
   * Takes a block's version from its file, with the block's frozen weights. Returns the roots of its tensors.
   * Rejects with what `decodeBlock` throws for a file of another model or plan, and with HopHostError where
   * the block is given back meanwhile.
   */
  async load(
    file: Uint8Array,
  ): Promise<{ readonly version: Pick<BlockVersion, 'block' | 'step'>; readonly roots: Roots }> {
    const { block, step, tensors } = decodeBlock(this.#run.plan, file);
    await this.#loadFrozen(block);
    this.#keep(block, step, tensors);
    const roots = new Map([...tensors].map(([name, bytes]) => [name, toHex(tensorRoot(bytes))]));
    return { version: { block, step }, roots };
  }

  /** The file of a version. Throws HopHostError when it is not held. */
  file(block: string, step: number): Uint8Array {
    return encodeBlock(this.#run.plan, { block, step, tensors: this.#tensors(block, step) });
  }

  /** Gives a block's versions back, and keeps its frozen weights for another version. */
  async forget(block: string): Promise<void> {
    this.#versions.delete(block);
    await this.#computer?.releaseVersion(block);
  }

  /** Gives a block's versions and its frozen weights back. */
  async release(block: string): Promise<void> {
    this.#versions.delete(block);
    this.#withWeights.delete(block);
    this.#loading
      .get(block)
      ?.abort(new HopHostError(`${block.slice(0, 40)} was given back before its weights were read.`));
    await this.#computer?.release(block);
  }

  /** Roots of the data of a step, by name, which every member works out for itself. */
  dataRoots(step: number): Roots {
    return new Map([...this.#dataOf(step)].map(([name, bytes]) => [name, toHex(tensorRoot(bytes))]));
  }

  /**
   * Computes a hop. `inputs` are what other hops gave. After an update the block's next version is held.
   * Throws HopHostError when the block's version is not held, and HopInputError for wrong tensors.
   */
  async compute(
    step: number,
    hop: number,
    inputs: TensorBytes,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<ReadonlyMap<string, HopOutput>> {
    const plan = this.#run.step(step);
    const computer = this.#computerOf();
    const found = plan.hops[hop];
    if (found === undefined)
      throw new HopHostError(`Step ${step} has ${plan.hops.length} hops, none ${hop}.`);
    const state = found.state.length === 0 ? NOTHING : this.#tensors(found.block, step);
    await computer.use(plan);
    const given = new Map([...this.#dataOf(step), ...inputs]);
    const { outputs, roots } = await computer.compute(hop, { inputs: given, state }, options);
    if (found.kind === 'update') this.#keep(found.block, step + 1, this.#updated(found.block, step, outputs));
    return new Map(
      [...outputs].map(([name, bytes]) => [
        name,
        { bytes, root: toHex(roots.get(name) ?? tensorRoot(bytes)) },
      ]),
    );
  }

  /** Frees the engine's tensors. The caller stops the engine. */
  async dispose(): Promise<void> {
    for (const block of this.#loading.keys()) await this.release(block);
    this.#versions.clear();
    await this.#computer?.dispose();
  }

  #computerOf(): HopComputer {
    this.#computer ??= new HopComputer({ engine: this.#engine, step: this.#run.step(0) });
    return this.#computer;
  }

  async #loadFrozen(block: string): Promise<void> {
    if (this.#frozen === undefined || this.#withWeights.has(block)) return;
    const ending = new AbortController();
    this.#loading.set(block, ending);
    try {
      const weights = await this.#frozen(block, ending.signal);
      ending.signal.throwIfAborted();
      await this.#computerOf().loadFrozen(weights);
      ending.signal.throwIfAborted();
      this.#withWeights.add(block);
    } catch (error) {
      // The engine may have taken some of them before its memory ended. After an abort, `release` frees them,
      // and another load of the block may have begun.
      if (!ending.signal.aborted) await this.#computer?.release(block);
      throw error;
    } finally {
      if (this.#loading.get(block) === ending) this.#loading.delete(block);
    }
  }

  /** A block's version after a step. */
  #updated(block: string, step: number, outputs: TensorBytes): TensorBytes {
    return new Map(
      [...this.#tensors(block, step)].map(([name, bytes]) => [name, outputs.get(name) ?? bytes]),
    );
  }

  #keep(block: string, step: number, tensors: TensorBytes): void {
    blockOf(this.#run.plan, block);
    const versions = this.#versions.get(block) ?? new Map<number, TensorBytes>();
    this.#versions.set(block, versions.set(step, tensors));
    for (const old of versions.keys()) if (old <= step - KEPT) versions.delete(old);
  }

  #tensors(block: string, step: number): TensorBytes {
    const tensors = this.#versions.get(block)?.get(step);
    if (tensors === undefined) {
      throw new HopHostError(
        `This device does not keep ${block.slice(0, 40)} of step ${step}: fetch it first.`,
      );
    }
    return tensors;
  }

  #dataOf(step: number): TensorBytes {
    const known = this.#data.get(step);
    if (known !== undefined) return known;
    const made = new Map([...this.#run.data(step)].map(([name, words]) => [name, bytesOf(words)]));
    for (const old of this.#data.keys()) if (old <= step - KEPT) this.#data.delete(old);
    this.#data.set(step, made);
    return made;
  }
}

type Roots = ReadonlyMap<string, Hex>;
const NOTHING: TensorBytes = new Map();

function bytesOf({ buffer, byteOffset, byteLength }: Words): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
