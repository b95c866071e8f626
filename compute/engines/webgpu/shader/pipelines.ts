/** Compute pipelines by kernel, constants, entry point and variant. Each is compiled once. */
import type { OperatorName } from '../../../repops/operators.ts';
import { EngineError } from '../../engine.ts';
import { BindGroupLayouts, type KernelLayout } from './bind-group-layouts.ts';
import type { KernelName } from './kernel-interface.ts';
import { specialize } from './specialize.ts';

/**
 * `native` trusts the compiler with the order of f32 operations; `barrier` makes every result opaque to it.
 * Both give the specified bits on a conforming device (docs/repops.md).
 */
export type Variant = 'native' | 'barrier';
/** The variant of each operator. Defaults to `native`. */
export type Variants = Readonly<Partial<Record<OperatorName, Variant>>>;

export interface PipelineRequest {
  readonly kernel: KernelName;
  readonly entry: string;
  /** Constants to set in the kernel's text. */
  readonly constants: Readonly<Record<string, number>>;
  readonly variant: Variant;
}

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: KernelLayout;
}

/** The name of a kernel's source in one variant (tools/build-shaders.mjs). */
function sourceName({ kernel, variant }: PipelineRequest): string {
  return variant === 'native' ? kernel : `${kernel}@${variant}`;
}

function labelOf(request: PipelineRequest): string {
  const constants = Object.entries(request.constants).map(([name, value]) => `${name}=${value}`);
  return [sourceName(request), ...constants].join(' ');
}

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #sources: Readonly<Record<string, string>>;
  readonly #layouts: BindGroupLayouts;
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #kernels = new Map<string, Promise<CompiledKernel>>();

  /** `sources` are the linked kernels by name. */
  constructor(device: GPUDevice, sources: Readonly<Record<string, string>>) {
    this.#device = device;
    this.#sources = sources;
    this.#layouts = new BindGroupLayouts(device);
  }

  /** Compiles an entry point of a kernel. Rejects with EngineError if the driver refuses the kernel. */
  get(request: PipelineRequest): Promise<CompiledKernel> {
    const key = `${labelOf(request)}/${request.entry}`;
    let kernel = this.#kernels.get(key);
    if (kernel === undefined) {
      kernel = this.#compile(request, key);
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }

  async #compile(request: PipelineRequest, label: string): Promise<CompiledKernel> {
    const module = this.#module(request);
    const layout = this.#layouts.of(request.kernel, request.entry);
    try {
      const pipeline = await this.#device.createComputePipelineAsync({
        label,
        layout: layout.pipelineLayout,
        compute: { module, entryPoint: request.entry },
      });
      return { pipeline, layout };
    } catch (cause) {
      throw new EngineError(
        `The GPU driver refuses kernel ${sourceName(request)}; use the wasm engine on this device.`,
        { cause },
      );
    }
  }

  #module(request: PipelineRequest): GPUShaderModule {
    const label = labelOf(request);
    let module = this.#modules.get(label);
    if (module === undefined) {
      const name = sourceName(request);
      const source = this.#sources[name];
      if (source === undefined) {
        throw new EngineError(`Kernel ${name} is missing; run node tools/build-kernels.mjs.`);
      }
      module = this.#device.createShaderModule({ label, code: specialize(source, request.constants) });
      this.#modules.set(label, module);
    }
    return module;
  }
}
