/** A plan made ready for one device: pipelines, parameters on the device, bind groups by the memory they name. */
import type { DeviceMemory, GpuTensor, Memory } from './memory.ts';
import type { Pipelines, Variants } from './pipelines.ts';
import type { Plan, PlannedStep } from './plan.ts';
import type { Operand } from './steps.ts';

/** Bytes that every Params struct is given; the longest has 9 words. */
const PARAMS_BYTES = 64;
/** Bind groups kept for one step: callers alternate between few sets of tensors. */
const MAX_BIND_GROUPS = 8;

interface CompiledDispatch {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly paramsOffset: number;
  readonly bindGroups: Map<string, GPUBindGroup>;
}

export interface CompileOptions {
  readonly device: GPUDevice;
  readonly plan: Plan;
  readonly pipelines: Pipelines;
  readonly variants: Variants;
}

export class CompiledPlan {
  readonly plan: Plan;
  readonly #device: GPUDevice;
  readonly #dispatches: ReadonlyMap<PlannedStep, CompiledDispatch>;
  readonly #params: GPUBuffer;

  private constructor(
    options: CompileOptions,
    dispatches: ReadonlyMap<PlannedStep, CompiledDispatch>,
    params: GPUBuffer,
  ) {
    this.plan = options.plan;
    this.#device = options.device;
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
        const pipeline = await pipelines.get(step, variants[planned.op] ?? 'native');
        const layout = pipeline.getBindGroupLayout(0);
        return [planned, { pipeline, layout, paramsOffset, bindGroups: new Map() }];
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

  /** Records the whole program for these bindings, one command buffer. */
  encode(memory: DeviceMemory, bindings: Readonly<Record<string, GpuTensor>>): GPUCommandBuffer {
    const slots = memory.slots(this.plan.slots);
    const memoryOf = (operand: Operand): Memory => {
      const place = this.plan.place(operand);
      const found = place.kind === 'slot' ? slots[place.slot] : bindings[place.name]?.memory;
      if (found === undefined) throw new Error('a planned operand has no memory');
      return found;
    };
    const encoder = this.#device.createCommandEncoder();
    let pass: GPUComputePassEncoder | undefined;
    const endPass = (): void => {
      pass?.end();
      pass = undefined;
    };
    for (const planned of this.plan.steps) {
      const { step } = planned;
      switch (step.kind) {
        case 'dispatch': {
          const dispatch = this.#dispatches.get(planned);
          if (dispatch === undefined) throw new Error(`${step.kernel} was not compiled`);
          pass ??= encoder.beginComputePass();
          pass.setPipeline(dispatch.pipeline);
          pass.setBindGroup(0, this.#bindGroup(dispatch, step.bindings, memoryOf));
          pass.dispatchWorkgroups(...step.groups);
          break;
        }
        case 'copy': {
          endPass();
          const [from, to] = [memoryOf(step.from).buffer, memoryOf(step.to).buffer];
          encoder.copyBufferToBuffer(from, 0, to, step.at * 4, step.words * 4);
          break;
        }
        case 'clear':
          endPass();
          encoder.clearBuffer(memoryOf(step.target).buffer);
          break;
      }
    }
    endPass();
    return encoder.finish();
  }

  #bindGroup(
    dispatch: CompiledDispatch,
    bindings: Readonly<Record<number, Operand>>,
    memoryOf: (operand: Operand) => Memory,
  ): GPUBindGroup {
    const memories = Object.entries(bindings).map(([binding, operand]) => ({
      binding: Number(binding),
      memory: memoryOf(operand),
    }));
    const key = memories.map(({ memory }) => memory.id).join();
    const cached = dispatch.bindGroups.get(key);
    if (cached !== undefined) return cached;
    const group = this.#device.createBindGroup({
      layout: dispatch.layout,
      entries: [
        {
          binding: 0,
          resource: { buffer: this.#params, offset: dispatch.paramsOffset, size: PARAMS_BYTES },
        },
        ...memories.map(({ binding, memory }) => ({ binding, resource: { buffer: memory.buffer } })),
      ],
    });
    if (dispatch.bindGroups.size >= MAX_BIND_GROUPS) {
      for (const oldest of dispatch.bindGroups.keys()) {
        dispatch.bindGroups.delete(oldest);
        break;
      }
    }
    dispatch.bindGroups.set(key, group);
    return group;
  }
}
