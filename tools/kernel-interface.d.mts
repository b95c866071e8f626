import type { KernelInterface } from '../compute/engines/webgpu/shader/kernel-interface.ts';

export class KernelSourceError extends Error {
  constructor(kernel: string, problem: string);
}

export function readKernelInterface(kernel: string, source: string): KernelInterface;
