/** Turns commands into a command buffer: neighbouring dispatches, whole or in part, share a pass. */

import { lineOf } from '../plan/steps.ts';
import type { Command } from './compiled-plan.ts';
import type { SliceNumbers } from './workgroup-offsets.ts';

type DispatchCommand = Extract<Command, { kind: 'dispatch' }>;

export class CommandEncoder {
  readonly #encoder: GPUCommandEncoder;
  readonly #numbers: SliceNumbers;
  #pass: GPUComputePassEncoder | undefined;

  constructor(device: GPUDevice, numbers: SliceNumbers) {
    this.#encoder = device.createCommandEncoder();
    this.#numbers = numbers;
  }

  add(command: Command): void {
    switch (command.kind) {
      case 'dispatch':
        this.#dispatch(command, 0, command.groups);
        break;
      case 'copy':
        this.#endPass();
        this.#encoder.copyBufferToBuffer(command.from, 0, command.to, command.at, command.bytes);
        break;
      case 'clear':
        this.#endPass();
        this.#encoder.clearBuffer(command.buffer);
        break;
    }
  }

  /** Adds at most `count` workgroups of a sliceable dispatch from number `first` on; gives how many it took. */
  addPart(command: DispatchCommand, first: number, count: number): number {
    const [x, y] = lineOf(count);
    // A count of several rows must fill them: a workgroup beyond it would run twice.
    const taken = y === 1 ? x : x * Math.floor(count / x);
    this.#dispatch(command, first, [x, taken / x, 1]);
    return taken;
  }

  finish(): GPUCommandBuffer {
    this.#endPass();
    return this.#encoder.finish();
  }

  #dispatch(command: DispatchCommand, first: number, groups: readonly [number, number, number]): void {
    const offsets = command.sliceable
      ? [command.paramsOffset, this.#numbers.offsetOf(first)]
      : [command.paramsOffset];
    this.#pass ??= this.#encoder.beginComputePass();
    this.#pass.setPipeline(command.pipeline);
    this.#pass.setBindGroup(0, command.bindGroup, offsets);
    this.#pass.dispatchWorkgroups(...groups);
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
