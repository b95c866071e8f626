/** Turns commands into a command buffer. Successive dispatches, or parts of them, share a compute pass. */
import { workgroupGrid } from '../plan/steps.ts';
import type { Command, DispatchCommand } from './compiled-plan.ts';
import type { WorkgroupOffsets } from './workgroup-offsets.ts';

export class CommandEncoder {
  readonly #encoder: GPUCommandEncoder;
  readonly #offsets: WorkgroupOffsets;
  #pass: GPUComputePassEncoder | undefined;

  constructor(device: GPUDevice, offsets: WorkgroupOffsets) {
    this.#encoder = device.createCommandEncoder();
    this.#offsets = offsets;
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

  /**
   * Adds at most `count` workgroups of a divisible dispatch, from number `first` on. Returns how many it
   * added.
   */
  addPart(command: DispatchCommand, first: number, count: number): number {
    const [x, y] = workgroupGrid(count);
    // Several rows of workgroups must be full, because a workgroup beyond `count` would run twice.
    const taken = y === 1 ? x : x * Math.floor(count / x);
    this.#dispatch(command, first, [x, taken / x, 1]);
    return taken;
  }

  finish(): GPUCommandBuffer {
    this.#endPass();
    return this.#encoder.finish();
  }

  #dispatch(command: DispatchCommand, first: number, groups: readonly [number, number, number]): void {
    const offsets = command.isDivisible
      ? [command.paramsOffset, this.#offsets.byteOffsetOf(first)]
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
