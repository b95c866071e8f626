/** Runs steps of a model in blocks over several devices of one machine, with hops placed at will. */
import type { Words } from '../../../compute/repops/recipe.ts';
import type { Hex } from '../../../protocol/hex.ts';
import { DEFAULT_OPTIMIZER } from '../../decoder/adamw.ts';
import { HyperSchedule } from '../../decoder/hyper.ts';
import type { AdapterState } from '../../decoder/lora/adapter-state.ts';
import type { ModelState } from '../../decoder/state.ts';
import type { WeightSource } from '../../decoder/weights.ts';
import { type BlockPlan, blockOf } from '../block-plan.ts';
import type { BlockStep } from '../block-step.ts';
import { type BlockVersion, blocksOf, composedRoot, frozenWeights } from '../block-version.ts';
import type { Hop } from '../hop.ts';
import type { HopComputer, TensorBytes } from '../hop-computer.ts';

export interface BlockRunOptions {
  readonly state: ModelState | AdapterState;
  /** Of a frozen model. */
  readonly weights?: WeightSource;
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
  readonly #state = new Map<string, TensorBytes>();
  readonly #frozen = new Map<string, TensorBytes>();
  /** Tensor roots of all versions, as their owners publish them. */
  readonly #roots = new Map<string, Uint8Array>();
  /** What hops of the last step wrote. */
  readonly tensors = new Map<string, Uint8Array>();
  steps: number;

  private constructor(options: BlockRunOptions) {
    this.#options = options;
    this.steps = options.state.step;
  }

  static async start(plan: BlockPlan, options: BlockRunOptions): Promise<BlockRun> {
    const run = new BlockRun(options);
    for (const { block, tensors } of blocksOf(plan, options.state)) {
      run.#state.set(block, tensors);
      if (options.weights === undefined) continue;
      run.#frozen.set(block, await frozenWeights(plan, blockOf(plan, block), options.weights));
    }
    return run;
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
      const state = new Map([...(this.#frozen.get(hop.block) ?? []), ...(this.#state.get(hop.block) ?? [])]);
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

  /** The root of a checkpoint with that metadata, from the tensor roots that the updates gave. */
  root(plan: BlockPlan, metadata: ReadonlyMap<string, string>): Hex {
    return composedRoot(plan, metadata, this.#roots);
  }
}

export function bytesOf({ buffer, byteOffset, byteLength }: Words): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
