/** Runs steps of a model in blocks over several devices of one machine, with hops placed at will. */
import type { Words } from '../../../compute/repops/recipe.ts';
import type { Hex } from '../../../protocol/hex.ts';
import { DEFAULT_OPTIMIZER } from '../../decoder/adamw.ts';
import { type Checkpoint, checkpointMetadata } from '../../decoder/checkpoint.ts';
import { HyperSchedule } from '../../decoder/hyper.ts';
import type { BlockStep } from '../block-step.ts';
import { type BlockVersion, blocksOf, composedRoot } from '../block-version.ts';
import type { Hop } from '../hop.ts';
import type { HopComputer } from '../hop-computer.ts';

export interface BlockRunOptions {
  readonly start: Checkpoint;
  readonly devices: readonly HopComputer[];
  /** The device of a hop, by its number. */
  readonly place: (hop: Hop, step: number) => number;
}

/** Data of a step by the names of the recipe's tensors, `hyper` excepted. */
export type StepData = ReadonlyMap<string, Words>;

/** A model that lives only in its blocks. */
export class BlockRun {
  readonly #options: BlockRunOptions;
  readonly #hyper = new HyperSchedule(DEFAULT_OPTIMIZER);
  readonly #state = new Map<string, ReadonlyMap<string, Uint8Array>>();
  /** Tensor roots of all versions, as their owners publish them. */
  readonly #roots = new Map<string, Uint8Array>();
  /** What hops of the last step wrote. */
  readonly tensors = new Map<string, Uint8Array>();
  steps: number;

  constructor(options: BlockRunOptions, step: BlockStep) {
    this.#options = options;
    this.steps = options.start.state.step;
    for (const { block, tensors } of blocksOf(step.plan, options.start.state))
      this.#state.set(block, tensors);
  }

  async step(step: BlockStep, data: StepData, learningRate: number): Promise<void> {
    const { devices, place } = this.#options;
    const { tensors } = this;
    tensors.clear();
    for (const [name, words] of data) tensors.set(name, bytesOf(words));
    tensors.set('hyper', bytesOf(this.#hyper.at(this.steps + 1, learningRate)));
    for (const hop of step.hops) {
      const device = devices[place(hop, this.steps)];
      if (device === undefined) throw new RangeError(`hop ${hop.index} has no device`);
      // Over the network these would be copies, and a device that is new to a block reads its file.
      const inputs = new Map(
        hop.inputs.map((name) => [name, tensors.get(name)?.slice() ?? new Uint8Array()]),
      );
      const state = this.#state.get(hop.block) ?? new Map();
      const { outputs, roots } = await device.compute(hop.index, { inputs, state });
      if (hop.kind === 'update') {
        this.#state.set(hop.block, outputs);
        for (const [name, root] of roots) this.#roots.set(name, root);
      } else {
        for (const [name, bytes] of outputs) tensors.set(name, bytes);
      }
    }
    this.steps += 1;
  }

  versions(): readonly BlockVersion[] {
    return [...this.#state].map(([block, tensors]) => ({ block, step: this.steps, tensors }));
  }

  /** The checkpoint's root, from the tensor roots that the updates gave. */
  root(step: BlockStep): Hex {
    return composedRoot(step.plan, checkpointMetadata(this.#options.start, this.steps), this.#roots);
  }
}

export function bytesOf({ buffer, byteOffset, byteLength }: Words): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
