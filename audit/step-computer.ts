/**
 * Computes steps of a planned run on an engine: only the state after the step, or for a dispute every tensor
 * of it.
 */
import type { Engine, Tensor } from '../compute/engines/engine.ts';
import type { Program, TensorSpec } from '../compute/repops/program.ts';
import type { RecipeTensor, Words } from '../compute/repops/recipe.ts';
import { must } from '../protocol/must.ts';
import { RandomStream } from '../protocol/philox.ts';
import { bytesOf } from './encode-program.ts';
import type { RunPlan, StateTensors } from './run-plan.ts';

export interface ComputeOptions {
  readonly signal?: AbortSignal;
}

/** Every tensor of a step. */
export interface ComputedTrace {
  /**
   * The little-endian words of each slot's tensor. The metadata's slot has its text, and the last slot has
   * nothing.
   */
  readonly tensors: readonly Uint8Array[];
  readonly after: StateTensors;
}

/** Computes the steps of a run. Calls must not overlap. */
export interface StepComputer {
  /** The state after a step that starts with `before`. */
  advance(step: number, before: StateTensors, options?: ComputeOptions): Promise<StateTensors>;
  /** As `advance`, with every slot of the trace. */
  trace(step: number, before: StateTensors, options?: ComputeOptions): Promise<ComputedTrace>;
  /** Frees its tensors on the engine. */
  dispose(): void;
}

export interface StepComputerOptions {
  readonly engine: Engine;
  readonly plan: Pick<RunPlan, 'recipe' | 'encoded' | 'given' | 'metadata'>;
}

/** A computer of a plan's steps. It holds the recipe's tensors on the engine until `dispose`. */
export function createStepComputer({ engine, plan }: StepComputerOptions): StepComputer {
  const held = new Map<string, Tensor>();

  function tensorOf(name: string): Tensor {
    const found = held.get(name);
    if (found !== undefined) return found;
    const { shape, dtype } = recipeTensor(name);
    const made = engine.allocate(shape, dtype);
    held.set(name, made);
    return made;
  }

  function recipeTensor(name: string): RecipeTensor {
    const tensor = plan.recipe.tensors.get(name);
    if (tensor === undefined) throw new RangeError(`The recipe has no tensor ${name}.`);
    return tensor;
  }

  /** Writes the inputs of a step to the engine, and returns them. */
  function writeInputs(step: number, before: StateTensors): ReadonlyMap<string, Words> {
    const given = plan.given(step);
    const written = new Map<string, Words>();
    for (const [name, { source }] of plan.recipe.tensors) {
      if (source.kind === 'none') continue;
      const words =
        source.kind === 'fixed' ? source.words : (source.kind === 'state' ? before : given).get(name);
      if (words === undefined) throw new RangeError(`Step ${step} lacks ${name}.`);
      engine.write(tensorOf(name), words);
      written.set(name, words);
    }
    return written;
  }

  function draw(output: string, key: Words | undefined): Float32Array {
    if (key === undefined) throw new RangeError(`The draw of ${output} has no key.`);
    const stream = new RandomStream([must(key, 0), must(key, 1)]);
    const uniforms = Float32Array.from({ length: must(recipeTensor(output).shape, 0) }, (_, position) =>
      stream.uniform(must(key, 2), must(key, 3), position),
    );
    engine.write(tensorOf(output), uniforms);
    return uniforms;
  }

  function bound(bindings: Readonly<Record<string, string>>): Record<string, Tensor> {
    return Object.fromEntries(Object.entries(bindings).map(([name, tensor]) => [name, tensorOf(tensor)]));
  }

  async function words(tensor: Tensor): Promise<Words> {
    const data = await engine.read(tensor);
    if (data instanceof Float32Array || data instanceof Uint32Array) return data;
    throw new TypeError(`A step of training has no ${tensor.dtype} tensors.`);
  }

  async function stateAfter(): Promise<StateTensors> {
    const after = new Map<string, Float32Array>();
    for (const [name, { source }] of plan.recipe.tensors) {
      if (source.kind !== 'state') continue;
      const data = await words(tensorOf(name));
      if (data instanceof Float32Array) after.set(name, data);
    }
    return after;
  }

  async function runTraced(
    traced: { readonly program: Program; readonly outputs: readonly string[] },
    bindings: Readonly<Record<string, string>>,
    options: ComputeOptions,
  ): Promise<Uint8Array[]> {
    const own = bound(bindings);
    const extra: Tensor[] = [];
    const allocate = ({ shape, dtype }: TensorSpec): Tensor => {
      const tensor = engine.allocate(shape, dtype);
      extra.push(tensor);
      return tensor;
    };
    try {
      for (const [name, spec] of Object.entries(traced.program.tensors)) own[name] ??= allocate(spec);
      await engine.run(traced.program, own, options);
      const outputs: Uint8Array[] = [];
      for (const name of traced.outputs) {
        const tensor = own[name];
        if (tensor === undefined) throw new RangeError(`${traced.program.name} has no tensor ${name}.`);
        outputs.push(bytesOf(await words(tensor)));
      }
      return outputs;
    } finally {
      for (const tensor of extra) engine.free(tensor);
    }
  }

  return {
    async advance(step, before, options = {}) {
      const written = writeInputs(step, before);
      for (const action of plan.recipe.actions) {
        if (action.kind === 'draw') draw(action.output, written.get(action.key));
        else await engine.run(action.program, bound(action.bindings), options);
      }
      return await stateAfter();
    },
    async trace(step, before, options = {}) {
      const written = writeInputs(step, before);
      const { encoded } = plan;
      const tensors: Uint8Array[] = encoded.slots.map(() => new Uint8Array());
      for (const { name, slot } of encoded.given) {
        const words = written.get(name);
        if (words === undefined) throw new RangeError(`Step ${step} lacks ${name}.`);
        tensors[slot] = bytesOf(words);
      }
      tensors[encoded.metadataSlot] = plan.metadata(step);
      for (const entry of encoded.actions) {
        if (entry.kind === 'draw') {
          const { output, key } = entry.action;
          tensors[entry.slot] = bytesOf(draw(output, written.get(key)));
          continue;
        }
        const outputs = await runTraced(entry.traced, entry.action.bindings, options);
        for (const [i, bytes] of outputs.entries()) tensors[entry.traced.firstSlot + i] = bytes;
      }
      return { tensors, after: await stateAfter() };
    },
    dispose() {
      for (const tensor of held.values()) engine.free(tensor);
      held.clear();
    },
  };
}
