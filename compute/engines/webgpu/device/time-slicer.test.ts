import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, DutyCycle } from '../../duty-cycle.ts';
import type { Command } from './compiled-plan.ts';
import { TimeSlicer } from './time-slicer.ts';
import { WorkgroupOffsets } from './workgroup-offsets.ts';

interface Work {
  readonly groups: number;
  /** Milliseconds that one workgroup takes. */
  readonly ms: number;
  readonly isDivisible: boolean;
}

/**
 * A device that computes nothing. It takes the time that its workgroups take, and records which of them ran
 * when.
 */
function fakeDevice(work: readonly Work[]) {
  let time = 0;
  let busyUntil = 0;
  const slices: number[] = [];
  const ran = work.map(({ groups }) => new Uint8Array(groups));
  const submissions: { ms: number; groups: number }[] = [];
  const order: number[] = [];
  Object.assign(globalThis, { GPUBufferUsage: { UNIFORM: 64, COPY_DST: 8 } });
  const device = {
    limits: { minUniformBufferOffsetAlignment: 256 },
    createBuffer: () => ({}),
    createCommandEncoder() {
      let ms = 0;
      let groups = 0;
      let current = 0;
      let offset = 0;
      const pass = {
        setPipeline: (pipeline: number) => {
          current = pipeline;
        },
        setBindGroup: (_group: number, _bindGroup: object, offsets: readonly number[]) => {
          offset = offsets[1] ?? 0;
        },
        dispatchWorkgroups(x: number, y: number, z: number) {
          const count = x * y * z;
          const first = slices[offset] ?? 0;
          for (let i = first; i < first + count; i++) ran[current]?.set([(ran[current]?.[i] ?? 0) + 1], i);
          order.push(current);
          ms += count * (work[current]?.ms ?? 0);
          groups += count;
        },
        end: () => undefined,
      };
      return { beginComputePass: () => pass, finish: () => ({ ms, groups }) };
    },
    queue: {
      writeBuffer: (_buffer: object, offset: number, data: Uint32Array) => {
        slices[offset] = data[0] ?? 0;
      },
      submit([commands]: readonly { ms: number; groups: number }[]) {
        if (commands === undefined) return;
        submissions.push(commands);
        busyUntil = time + commands.ms;
      },
      onSubmittedWorkDone: async () => {
        time = busyUntil;
      },
    },
  };
  const clock: Clock = {
    now: () => time,
    sleep: async (ms) => {
      time += ms;
    },
  };
  const commands = work.map(({ groups, isDivisible }, index) => ({
    kind: 'dispatch',
    planned: { step: { kind: 'dispatch', index } },
    pipeline: index,
    bindGroup: {},
    paramsOffset: 0,
    groups: [groups, 1, 1],
    isDivisible,
  }));
  return {
    device: device as unknown as GPUDevice,
    commands: commands as unknown as readonly Command[],
    clock,
    ran,
    order,
    submissions,
  };
}

const work = fc.record({
  groups: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4000 })),
  ms: fc.constantFrom(0, 0.0001, 0.01, 1, 30),
  isDivisible: fc.boolean(),
});

describe('TimeSlicer', () => {
  it('runs every workgroup once and in order, run after run, whatever each takes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(work, { minLength: 1, maxLength: 12 }), async (all) => {
        const { device, commands, clock, ran, order } = fakeDevice(all);
        const duty = new DutyCycle(clock);
        duty.share = 0.5;
        const workgroupOffsets = new WorkgroupOffsets(device);
        const slicer = new TimeSlicer({
          device,
          workgroupOffsets,
          clock,
          duty,
          sliceMs: 10,
          orLost: (pending) => pending,
        });
        for (let run = 1; run <= 3; run++) {
          order.length = 0;
          await slicer.run(commands);
          expect(ran.every((counts) => counts.every((count) => count === run))).toBe(true);
          expect(order).toEqual([...order].sort((a, b) => a - b));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('holds the device for one slice at a time once it knows the work', async () => {
    const all = [
      { groups: 20_000, ms: 0.01, isDivisible: true },
      { groups: 3, ms: 0.5, isDivisible: true },
      { groups: 7000, ms: 0.002, isDivisible: true },
      { groups: 4, ms: 9, isDivisible: true },
    ];
    const { device, commands, clock, submissions } = fakeDevice(all);
    const workgroupOffsets = new WorkgroupOffsets(device);
    const duty = new DutyCycle(clock);
    const slicer = new TimeSlicer({
      device,
      workgroupOffsets,
      clock,
      duty,
      sliceMs: 10,
      orLost: (pending) => pending,
    });
    for (let run = 0; run < 5; run++) await slicer.run(commands);
    submissions.length = 0;
    const count = await slicer.run(commands);
    expect(count).toBe(submissions.length);
    for (const { ms } of submissions) expect(ms).toBeLessThanOrEqual(11);
    // 251.5 ms of work; pieces of 9 ms share no slice.
    expect(count).toBeLessThanOrEqual(32);
  });

  it('stops between submissions on abort', async () => {
    const { device, commands, clock, submissions } = fakeDevice([{ groups: 1000, ms: 1, isDivisible: true }]);
    const controller = new AbortController();
    const duty = new DutyCycle({
      ...clock,
      sleep: async () => controller.abort(new Error('enough')),
    });
    duty.share = 0.5;
    const workgroupOffsets = new WorkgroupOffsets(device);
    const slicer = new TimeSlicer({
      device,
      workgroupOffsets,
      clock,
      duty,
      sliceMs: 10,
      orLost: (pending) => pending,
    });
    await expect(slicer.run(commands, controller.signal)).rejects.toThrow('enough');
    expect(submissions.length).toBe(1);
  });
});
