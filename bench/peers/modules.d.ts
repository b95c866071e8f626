/** What the benchmark uses of packages that are installed only when it runs (bench/peers/package.json). */
declare module '@tensorflow/tfjs-core' {
  export interface Tensor {
    data(): Promise<Float32Array>;
    dispose(): void;
  }
  export const version_core: string;
  export function tensor2d(values: Float32Array, shape: readonly [number, number]): Tensor;
  export function matMul(a: Tensor, b: Tensor): Tensor;
  export function removeBackend(name: string): void;
  export function registerBackend(name: string, make: () => unknown): boolean;
  export function setBackend(name: string): Promise<boolean>;
}
declare module '@tensorflow/tfjs-backend-webgpu' {
  export class WebGPUBackend {
    constructor(device: GPUDevice, info?: GPUAdapterInfo);
    endComputePassEncoder(): void;
    submitQueue(): void;
  }
}
declare module '@jax-js/jax' {
  export interface Array {
    readonly ref: Array;
    data(): Promise<ArrayBufferView>;
    dispose(): void;
  }
  export const numpy: {
    array(values: Float32Array, options: { shape: readonly number[] }): Array;
    matmul(a: Array, b: Array): Array;
  };
  export function init(...devices: string[]): Promise<string[]>;
  export function defaultDevice(device: string): string;
  export function blockUntilReady<T>(arrays: T): Promise<T>;
}
