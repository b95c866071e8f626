/**
 * A plan made ready for one device: its pipelines, its parameters in device memory, and the commands for the
 * memory that it is bound to.
 */
import type { OperandLocation, PlannedStep } from '../plan/memory-slots.ts';
import type { Plan } from '../plan/plan.ts';
import type { DispatchStep, Operand } from '../plan/steps.ts';
import { PARAMS_BINDING, PARAMS_BYTES, WORKGROUP_OFFSET_BYTES } from '../shader/bind-group-layouts.ts';
import { bindingInterface, encodeParams } from '../shader/kernel-interface.ts';
import type { CompiledKernel, Pipelines, Variant, Variants } from '../shader/pipelines.ts';
import type { DeviceMemory, Memory } from './device-memory.ts';
import type { WorkgroupOffsets } from './workgroup-offsets.ts';

/** Sets of tensors for which commands are kept. Callers alternate between few. */
const MAX_RECORDINGS = 8;

export interface DispatchCommand {
  readonly kind: 'dispatch';
  /** The planned step; its measured speed is kept by it. */
  readonly planned: PlannedStep;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  /** Byte offset of the step's parameters. */
  readonly paramsOffset: number;
  readonly groups: readonly [x: number, y: number, z: number];
  /** Whether the workgroups are one line that may be divided anywhere into several dispatches. */
  readonly isDivisible: boolean;
}

/** One command of a run, with every resource resolved. */
export type Command =
  | DispatchCommand
  | {
      readonly kind: 'copy';
      readonly from: GPUBuffer;
      readonly to: GPUBuffer;
      /** Offset in `to`, in bytes. */
      readonly at: number;
      readonly bytes: number;
    }
  | { readonly kind: 'clear'; readonly buffer: GPUBuffer };

interface CompiledDispatch extends CompiledKernel {
  readonly paramsOffset: number;
}

export interface CompileOptions {
  readonly device: GPUDevice;
  readonly plan: Plan;
  readonly pipelines: Pipelines;
  readonly variants: Variants;
  readonly workgroupOffsets: WorkgroupOffsets;
}

function variantOf(variants: Variants, { op }: PlannedStep): Variant {
  return (op === undefined ? undefined : variants[op]) ?? 'native';
}

export class CompiledPlan {
  readonly plan: Plan;
  readonly #device: GPUDevice;
  readonly #dispatches: ReadonlyMap<PlannedStep, CompiledDispatch>;
  readonly #params: GPUBuffer;
  readonly #workgroupOffsets: WorkgroupOffsets;
  readonly #recordings = new Map<string, readonly Command[]>();

  private constructor(
    options: CompileOptions,
    dispatches: ReadonlyMap<PlannedStep, CompiledDispatch>,
    params: GPUBuffer,
  ) {
    this.plan = options.plan;
    this.#device = options.device;
    this.#workgroupOffsets = options.workgroupOffsets;
    this.#dispatches = dispatches;
    this.#params = params;
  }

  /**
   * Compiles all kernels of a plan at once. Rejects with EngineError if the driver refuses one, and with
   * KernelInterfaceError if a parameter does not fit its type.
   */
  static async compile(options: CompileOptions): Promise<CompiledPlan> {
    const { device, plan, pipelines, variants } = options;
    const alignment = Math.max(PARAMS_BYTES, device.limits.minUniformBufferOffsetAlignment);
    const offsets = new Map<string, number>();
    const blocks: (readonly number[])[] = [];
    const compiled = await Promise.all(
      plan.steps.map(async (planned): Promise<[PlannedStep, CompiledDispatch] | undefined> => {
        const { step } = planned;
        if (step.kind !== 'dispatch') return undefined;
        const words = encodeParams(step.kernel, step.params);
        const key = words.join();
        const paramsOffset = offsets.get(key) ?? (blocks.push(words) - 1) * alignment;
        offsets.set(key, paramsOffset);
        const { kernel, entry, constants } = step;
        const variant = variantOf(variants, planned);
        return [planned, { ...(await pipelines.get({ kernel, entry, constants, variant })), paramsOffset }];
      }),
    );
    const params = device.createBuffer({
      label: 'params',
      size: Math.max(1, blocks.length) * alignment,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const words = new Uint32Array((Math.max(1, blocks.length) * alignment) / 4);
    // Word 0 of every block is `zero`, on which the kernels' barrier relies.
    for (const [index, block] of blocks.entries()) words.set(block, (index * alignment) / 4 + 1);
    device.queue.writeBuffer(params, 0, words);
    return new CompiledPlan(options, new Map(compiled.filter((entry) => entry !== undefined)), params);
  }

  /**
   * The commands of the whole program on these tensors, in order, with the prepacked copies of those for
   * which it was planned. Bind groups are made once for a set of tensors.
   */
  commands(
    memory: DeviceMemory,
    bindings: Readonly<Record<string, Memory>>,
    copies: ReadonlyMap<string, Memory> = new Map(),
  ): readonly Command[] {
    const slots = memory.slots(this.plan.slots);
    const names = Object.keys(bindings).sort();
    const held = [...slots, ...copies.values()].map(({ id }) => id);
    const ids = [...held, ...names.map((name) => bindings[name]?.id)];
    const key = ids.join();
    let commands = this.#recordings.get(key);
    if (commands === undefined) {
      commands = this.#record(slots, bindings, copies);
      const [oldest] = this.#recordings.keys();
      if (this.#recordings.size >= MAX_RECORDINGS && oldest !== undefined) this.#recordings.delete(oldest);
      this.#recordings.set(key, commands);
    }
    return commands;
  }

  #record(
    slots: readonly Memory[],
    bindings: Readonly<Record<string, Memory>>,
    copies: ReadonlyMap<string, Memory>,
  ): readonly Command[] {
    const locate = (location: OperandLocation): Memory | undefined => {
      switch (location.kind) {
        case 'slot':
          return slots[location.slot];
        case 'bound':
          return bindings[location.name];
        case 'prepacked':
          return copies.get(location.name);
      }
    };
    const memoryOf = (operand: Operand): Memory => {
      const found = locate(this.plan.locate(operand));
      if (found === undefined) throw new Error('a planned operand has no memory');
      return found;
    };
    const bindGroups = new Map<string, GPUBindGroup>();
    return this.plan.steps.map((planned) => this.#commandOf(planned, memoryOf, bindGroups));
  }

  #commandOf(
    planned: PlannedStep,
    memoryOf: (operand: Operand) => Memory,
    bindGroups: Map<string, GPUBindGroup>,
  ): Command {
    const { step } = planned;
    switch (step.kind) {
      case 'dispatch': {
        const dispatch = this.#dispatches.get(planned);
        if (dispatch === undefined) throw new Error(`${step.kernel} was not compiled`);
        const { pipeline, layout, paramsOffset } = dispatch;
        const memories = memoriesOf(step, memoryOf);
        const key = `${layout.key} ${memories.map(([, { id }]) => id).join()}`;
        const bindGroup = bindGroups.get(key) ?? this.#bindGroup(dispatch, memories);
        bindGroups.set(key, bindGroup);
        const isDivisible = layout.workgroupOffset !== undefined;
        const { groups } = step;
        return { kind: 'dispatch', planned, pipeline, bindGroup, paramsOffset, groups, isDivisible };
      }
      case 'copy':
        return {
          kind: 'copy',
          from: memoryOf(step.from).buffer,
          to: memoryOf(step.to).buffer,
          at: step.at * 4,
          bytes: step.words * 4,
        };
      case 'clear':
        return { kind: 'clear', buffer: memoryOf(step.target).buffer };
    }
  }

  #bindGroup({ layout }: CompiledKernel, memories: readonly BoundMemory[]): GPUBindGroup {
    const { workgroupOffset } = layout;
    const offset = { buffer: this.#workgroupOffsets.buffer, size: WORKGROUP_OFFSET_BYTES };
    return this.#device.createBindGroup({
      layout: layout.bindGroupLayout,
      entries: [
        { binding: PARAMS_BINDING, resource: { buffer: this.#params, size: PARAMS_BYTES } },
        ...memories.map(([binding, { buffer }]) => ({ binding, resource: { buffer } })),
        ...(workgroupOffset === undefined ? [] : [{ binding: workgroupOffset, resource: offset }]),
      ],
    });
  }
}

type BoundMemory = readonly [binding: number, memory: Memory];

/** The memory of each storage binding, in the order of the binding numbers. */
function memoriesOf(step: DispatchStep, memoryOf: (operand: Operand) => Memory): readonly BoundMemory[] {
  return Object.entries(step.bindings)
    .map(([name, operand]): BoundMemory => [bindingInterface(step.kernel, name).number, memoryOf(operand)])
    .sort(([a], [b]) => a - b);
}
