import type { DType, Program } from '../repops/program.ts';
import type { TensorData } from './tensor-data.ts';

export type EngineKind = 'reference' | 'wasm' | 'webgpu';

/** An engine-owned tensor. Opaque to everyone but the engine that made it. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
}

/**
 * Runs RepOps programs. Every engine gives the same bits for the same program and inputs; which one runs is the
 * device's own affair. Calls are serialised by the caller: one run at a time.
 */
export interface Engine {
  readonly kind: EngineKind;
  /** What computes, for people: "wasm SIMD, 2 workers", "WebGPU, NVIDIA H100". */
  readonly description: string;
  /** A zeroed tensor. Throws EngineMemoryError when the device refuses. */
  allocate(shape: readonly number[], dtype: DType): Tensor;
  /** Copies data in: Float32Array for f32, Uint32Array for u32, Uint16Array for bf16. Length must equal the element count. */
  write(tensor: Tensor, data: TensorData): void;
  read(tensor: Tensor): Promise<TensorData>;
  free(tensor: Tensor): void;
  /** Runs every node in order with `bindings` for the bound tensors. Throws ProgramError on a shape or name that does not fit. */
  run(program: Program, bindings: Readonly<Record<string, Tensor>>, options?: RunOptions): Promise<void>;
  /** Releases everything, workers and devices included. */
  stop(): Promise<void>;
}

export class EngineError extends Error {
  override readonly name: string = 'EngineError';
}
/** The GPU device went away (driver reset, tab in the background, unplugged). State in it is lost; restart from the checkpoint. */
export class DeviceLostError extends EngineError {
  override readonly name = 'DeviceLostError';
}
export class EngineMemoryError extends EngineError {
  override readonly name = 'EngineMemoryError';
}
