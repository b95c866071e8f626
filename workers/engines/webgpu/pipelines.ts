/** Compute pipelines by kernel, entry point and variant, each compiled once. */
import type { OperatorName } from '../../repops/operators.ts';
import { EngineError } from '../engine.ts';
import type { Step } from './steps.ts';

/**
 * `native` trusts the compiler with the order of f32 operations; `barrier` makes every result opaque to it. Both give
 * the specified bits on a conforming device (docs/repops.md).
 */
export type Variant = 'native' | 'barrier';
export type Variants = Readonly<Partial<Record<OperatorName, Variant>>>;

type Dispatch = Extract<Step, { kind: 'dispatch' }>;

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #sources: Readonly<Record<string, string>>;
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: GPUDevice, sources: Readonly<Record<string, string>>) {
    this.#device = device;
    this.#sources = sources;
  }

  /** The pipeline of a dispatch. Throws EngineError when the driver refuses the kernel. */
  get(step: Dispatch, variant: Variant): Promise<GPUComputePipeline> {
    const key = `${step.kernel}/${step.entry}@${variant}`;
    let pipeline = this.#pipelines.get(key);
    if (pipeline === undefined) {
      pipeline = this.#compile(step, variant);
      this.#pipelines.set(key, pipeline);
    }
    return pipeline;
  }

  async #compile(step: Dispatch, variant: Variant): Promise<GPUComputePipeline> {
    const name = variant === 'native' ? step.kernel : `${step.kernel}@${variant}`;
    try {
      return await this.#device.createComputePipelineAsync({
        label: `${name}/${step.entry}`,
        layout: 'auto',
        compute: { module: this.#module(name), entryPoint: step.entry },
      });
    } catch (cause) {
      throw new EngineError(`The GPU driver refuses kernel ${name}; use the wasm engine on this device.`, {
        cause,
      });
    }
  }

  #module(name: string): GPUShaderModule {
    let module = this.#modules.get(name);
    if (module === undefined) {
      const code = this.#sources[name];
      if (code === undefined) {
        throw new EngineError(`Kernel ${name} is missing; run node tools/build-kernels.mjs.`);
      }
      module = this.#device.createShaderModule({ label: name, code });
      this.#modules.set(name, module);
    }
    return module;
  }
}
