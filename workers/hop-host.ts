/**
 * Computes hops of a model in blocks for one device. It holds the versions of the blocks that the device
 * keeps, of the last two steps: another member may ask for a hop of the step before again.
 */
import type { Engine } from '../compute/engines/engine.ts';
import type { Words } from '../compute/repops/recipe.ts';
import { blockOf } from '../models/blocks/block-plan.ts';
import { type BlockVersion, decodeBlock, encodeBlock } from '../models/blocks/block-version.ts';
import { HopComputer } from '../models/blocks/hop-computer.ts';
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
}

/** Steps of which data are kept: those of the step in progress and of the one before. */
const KEPT = 2;

export class HopHost {
  readonly #engine: Engine;
  readonly #run: BlockRun;
  #computer: HopComputer | undefined;
  /** By block, then by step. */
  readonly #versions = new Map<string, Map<number, ReadonlyMap<string, Uint8Array>>>();
  readonly #data = new Map<number, ReadonlyMap<string, Uint8Array>>();

  constructor({ engine, run }: HopHostOptions) {
    this.#engine = engine;
    this.#run = run;
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
   * Takes a block's version from its file. Returns the roots of its tensors. Throws what `decodeBlock` throws
   * for a file of another model or plan.
   */
  load(file: Uint8Array): { readonly version: Pick<BlockVersion, 'block' | 'step'>; readonly roots: Roots } {
    const { block, step, tensors } = decodeBlock(this.#run.plan, file);
    this.#keep(block, step, tensors);
    const roots = new Map([...tensors].map(([name, bytes]) => [name, toHex(tensorRoot(bytes))]));
    return { version: { block, step }, roots };
  }

  /** The file of a version. Throws HopHostError when it is not held. */
  file(block: string, step: number): Uint8Array {
    return encodeBlock(this.#run.plan, { block, step, tensors: this.#tensors(block, step) });
  }

  /** Gives a block's versions back. */
  async release(block: string): Promise<void> {
    this.#versions.delete(block);
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
    inputs: ReadonlyMap<string, Uint8Array>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<ReadonlyMap<string, HopOutput>> {
    const plan = this.#run.step(step);
    this.#computer ??= new HopComputer({ engine: this.#engine, step: plan });
    const found = plan.hops[hop];
    if (found === undefined)
      throw new HopHostError(`Step ${step} has ${plan.hops.length} hops, none ${hop}.`);
    const state = found.state.length === 0 ? NOTHING : this.#tensors(found.block, step);
    await this.#computer.use(plan);
    const given = new Map([...this.#dataOf(step), ...inputs]);
    const { outputs, roots } = await this.#computer.compute(hop, { inputs: given, state }, options);
    if (found.kind === 'update') this.#keep(found.block, step + 1, this.#updated(state, outputs));
    return new Map(
      [...outputs].map(([name, bytes]) => [
        name,
        { bytes, root: toHex(roots.get(name) ?? tensorRoot(bytes)) },
      ]),
    );
  }

  /** Frees the engine's tensors. The caller stops the engine. */
  async dispose(): Promise<void> {
    this.#versions.clear();
    await this.#computer?.dispose();
  }

  /** Frozen tensors stay as they are. */
  #updated(
    before: ReadonlyMap<string, Uint8Array>,
    outputs: ReadonlyMap<string, Uint8Array>,
  ): ReadonlyMap<string, Uint8Array> {
    return new Map([...before].map(([name, bytes]) => [name, outputs.get(name) ?? bytes]));
  }

  #keep(block: string, step: number, tensors: ReadonlyMap<string, Uint8Array>): void {
    blockOf(this.#run.plan, block);
    const versions = this.#versions.get(block) ?? new Map<number, ReadonlyMap<string, Uint8Array>>();
    this.#versions.set(block, versions.set(step, tensors));
    for (const old of versions.keys()) if (old <= step - KEPT) versions.delete(old);
  }

  #tensors(block: string, step: number): ReadonlyMap<string, Uint8Array> {
    const tensors = this.#versions.get(block)?.get(step);
    if (tensors === undefined) {
      throw new HopHostError(
        `This device does not keep ${block.slice(0, 40)} of step ${step}: fetch it first.`,
      );
    }
    return tensors;
  }

  #dataOf(step: number): ReadonlyMap<string, Uint8Array> {
    const known = this.#data.get(step);
    if (known !== undefined) return known;
    const made = new Map([...this.#run.data(step)].map(([name, words]) => [name, bytesOf(words)]));
    for (const old of this.#data.keys()) if (old <= step - KEPT) this.#data.delete(old);
    this.#data.set(step, made);
    return made;
  }
}

type Roots = ReadonlyMap<string, Hex>;
const NOTHING: ReadonlyMap<string, Uint8Array> = new Map();

function bytesOf({ buffer, byteOffset, byteLength }: Words): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
