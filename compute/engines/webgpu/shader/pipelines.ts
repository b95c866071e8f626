/** Compute pipelines by kernel, constants, entry point and variant, each compiled once. */
import type { OperatorName } from '../../../repops/operators.ts';
import { EngineError } from '../../engine.ts';
import type { Step } from '../plan/steps.ts';
import { type KernelLayout, Layouts } from './bind-group-layouts.ts';
import { specialize } from './specialize.ts';

/**
 * `native` trusts the compiler with the order of f32 operations; `barrier` makes every result opaque to it. Both give
 * the specified bits on a conforming device (docs/repops.md).
 */
export type Variant = 'native' | 'barrier';
export type Variants = Readonly<Partial<Record<OperatorName, Variant>>>;

export type Dispatch = Extract<Step, { kind: 'dispatch' }>;

export interface Kernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: KernelLayout;
}

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #sources: Readonly<Record<string, string>>;
  readonly #layouts: Layouts;
  readonly #modules = new Map<string, { readonly module: GPUShaderModule; readonly source: string }>();
  readonly #kernels = new Map<string, Promise<Kernel>>();

  constructor(device: GPUDevice, sources: Readonly<Record<string, string>>) {
    this.#device = device;
    this.#sources = sources;
    this.#layouts = new Layouts(device);
  }

  /** The pipeline of a dispatch. Throws EngineError when the driver refuses the kernel. */
  get(step: Dispatch, variant: Variant): Promise<Kernel> {
    const name = variant === 'native' ? step.kernel : `${step.kernel}@${variant}`;
    const constants = Object.entries(step.constants ?? {}).map(([constant, value]) => `${constant}=${value}`);
    const label = constants.length === 0 ? name : `${name} ${constants.join(' ')}`;
    const key = `${label}/${step.entry}`;
    let kernel = this.#kernels.get(key);
    if (kernel === undefined) {
      kernel = this.#compile(step, name, label);
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }

  async #compile(step: Dispatch, name: string, label: string): Promise<Kernel> {
    const { module, source } = this.#module(step, name, label);
    const layout = this.#layouts.of(source, Object.keys(step.bindings).map(Number));
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label: `${label}/${step.entry}`,
        layout: layout.pipelineLayout,
        compute: { module, entryPoint: step.entry },
      });
      return { pipeline, layout };
    } catch (cause) {
      throw new EngineError(`The GPU driver refuses kernel ${name}; use the wasm engine on this device.`, {
        cause,
      });
    }
  }

  #module(step: Dispatch, name: string, label: string): { module: GPUShaderModule; source: string } {
    let made = this.#modules.get(label);
    if (made === undefined) {
      const template = this.#sources[name];
      if (template === undefined) {
        throw new EngineError(`Kernel ${name} is missing; run node tools/build-kernels.mjs.`);
      }
      const source = specialize(template, step.constants ?? {});
      made = { module: this.#device.createShaderModule({ label, code: source }), source };
      this.#modules.set(label, made);
    }
    return made;
  }
}
