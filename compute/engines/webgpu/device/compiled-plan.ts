/** A plan made ready for one device: pipelines, parameters on the device, and the commands for the memory it is bound to. */

import type { Plan, PlannedStep } from '../plan/plan.ts';
import type { Operand } from '../plan/steps.ts';
import { PARAMS_BYTES, SLICE_BINDING, SLICE_BYTES } from '../shader/bind-group-layouts.ts';
import type { Kernel, Pipelines, Variant, Variants } from '../shader/pipelines.ts';
import type { DeviceMemory, Memory } from './device-memory.ts';
import type { SliceNumbers } from './workgroup-offsets.ts';

/** Sets of tensors for which commands are kept: callers alternate between few. */
const MAX_RECORDINGS = 8;

/** One command of a run, with nothing left to look up. */
export type Command =
  | {
      readonly kind: 'dispatch';
      /** The planned step, whose measured speed is kept. */
      readonly planned: PlannedStep;
      readonly pipeline: GPUComputePipeline;
      readonly bindGroup: GPUBindGroup;
      readonly paramsOffset: number;
      readonly groups: readonly [x: number, y: number, z: number];
      readonly sliceable: boolean;
    }
  | {
      readonly kind: 'copy';
      readonly from: GPUBuffer;
      readonly to: GPUBuffer;
      /** Bytes. */
      readonly at: number;
      readonly bytes: number;
    }
  | { readonly kind: 'clear'; readonly buffer: GPUBuffer };

interface CompiledDispatch extends Kernel {
  readonly paramsOffset: number;
}

export interface CompileOptions {
  readonly device: GPUDevice;
  readonly plan: Plan;
  readonly pipelines: Pipelines;
  readonly variants: Variants;
  readonly sliceNumbers: SliceNumbers;
}

function variantOf(variants: Variants, { op }: PlannedStep): Variant {
  return (op === undefined ? undefined : variants[op]) ?? 'native';
}

export class CompiledPlan {
  readonly plan: Plan;
  readonly #device: GPUDevice;
  readonly #dispatches: ReadonlyMap<PlannedStep, CompiledDispatch>;
  readonly #params: GPUBuffer;
  readonly #sliceNumbers: SliceNumbers;
  readonly #recordings = new Map<string, readonly Command[]>();

  private constructor(
    options: CompileOptions,
    dispatches: ReadonlyMap<PlannedStep, CompiledDispatch>,
    params: GPUBuffer,
  ) {
    this.plan = options.plan;
    this.#device = options.device;
    this.#sliceNumbers = options.sliceNumbers;
    this.#dispatches = dispatches;
    this.#params = params;
  }

  /** Compiles what the plan needs, all kernels at once. Throws EngineError when the driver refuses one. */
  static async compile(options: CompileOptions): Promise<CompiledPlan> {
    const { device, plan, pipelines, variants } = options;
    const alignment = Math.max(PARAMS_BYTES, device.limits.minUniformBufferOffsetAlignment);
    const offsets = new Map<string, number>();
    const blocks: (readonly number[])[] = [];
    const compiled = await Promise.all(
      plan.steps.map(async (planned): Promise<[PlannedStep, CompiledDispatch] | undefined> => {
        const { step } = planned;
        if (step.kind !== 'dispatch') return undefined;
        const key = step.params.join();
        const paramsOffset = offsets.get(key) ?? (blocks.push(step.params) - 1) * alignment;
        offsets.set(key, paramsOffset);
        return [planned, { ...(await pipelines.get(step, variantOf(variants, planned))), paramsOffset }];
      }),
    );
    const params = device.createBuffer({
      label: 'params',
      size: Math.max(1, blocks.length) * alignment,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const words = new Uint32Array((Math.max(1, blocks.length) * alignment) / 4);
    // Word 0 of every block is `zero`, which the kernels' barrier relies on.
    for (const [index, block] of blocks.entries()) words.set(block, (index * alignment) / 4 + 1);
    device.queue.writeBuffer(params, 0, words);
    return new CompiledPlan(options, new Map(compiled.filter((entry) => entry !== undefined)), params);
  }

  /** The whole program on these tensors, in order. Bind groups are made once for a set of tensors. */
  commands(memory: DeviceMemory, bindings: Readonly<Record<string, Memory>>): readonly Command[] {
    const slots = memory.slots(this.plan.slots);
    const names = Object.keys(bindings).sort();
    const ids = [...slots.map(({ id }) => id), ...names.map((name) => bindings[name]?.id)];
    const key = ids.join();
    let commands = this.#recordings.get(key);
    if (commands === undefined) {
      commands = this.#record(slots, bindings);
      const [oldest] = this.#recordings.keys();
      if (this.#recordings.size >= MAX_RECORDINGS && oldest !== undefined) this.#recordings.delete(oldest);
      this.#recordings.set(key, commands);
    }
    return commands;
  }

  #record(slots: readonly Memory[], bindings: Readonly<Record<string, Memory>>): readonly Command[] {
    const memoryOf = (operand: Operand): Memory => {
      const place = this.plan.place(operand);
      const found = place.kind === 'slot' ? slots[place.slot] : bindings[place.name];
      if (found === undefined) throw new Error('a planned operand has no memory');
      return found;
    };
    const groups = new Map<string, GPUBindGroup>();
    return this.plan.steps.map((planned): Command => {
      const { step } = planned;
      switch (step.kind) {
        case 'dispatch': {
          const dispatch = this.#dispatches.get(planned);
          if (dispatch === undefined) throw new Error(`${step.kernel} was not compiled`);
          const { pipeline, layout, paramsOffset } = dispatch;
          const memories = Object.entries(step.bindings).map(
            ([binding, operand]) => [Number(binding), memoryOf(operand)] as const,
          );
          const key = `${layout.key} ${memories.map(([, { id }]) => id).join()}`;
          const bindGroup = groups.get(key) ?? this.#bindGroup(dispatch, memories);
          groups.set(key, bindGroup);
          const { sliceable } = layout;
          return {
            kind: 'dispatch',
            planned,
            pipeline,
            bindGroup,
            paramsOffset,
            groups: step.groups,
            sliceable,
          };
        }
        case 'copy':
          return {
            kind: 'copy',
            from: memoryOf(step.from).buffer,
            to: memoryOf(step.to).buffer,
            at: step.at * 4,
            bytes: step.words * 4,
          };
        default:
          return { kind: 'clear', buffer: memoryOf(step.target).buffer };
      }
    });
  }

  #bindGroup({ layout }: Kernel, memories: readonly (readonly [number, Memory])[]): GPUBindGroup {
    const slice = { buffer: this.#sliceNumbers.buffer, size: SLICE_BYTES };
    return this.#device.createBindGroup({
      layout: layout.bindGroupLayout,
      entries: [
        { binding: 0, resource: { buffer: this.#params, size: PARAMS_BYTES } },
        ...memories.map(([binding, { buffer }]) => ({ binding, resource: { buffer } })),
        ...(layout.sliceable ? [{ binding: SLICE_BINDING, resource: slice }] : []),
      ],
    });
  }
}
