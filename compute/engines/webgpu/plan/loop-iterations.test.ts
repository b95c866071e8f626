import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CASES } from '../../../conformance/cases.ts';
import { runCase } from '../../../conformance/run-case.ts';
import { SHADERS } from '../../../generated/shaders.ts';
import { attributeNames } from '../../../repops/attributes.ts';
import { MAX_FOLD, MAX_HEAD, MAX_NORMS } from '../../../repops/limits.ts';
import { operatorProgram } from '../../../repops/operator-program.ts';
import { OPERATOR_NAMES, type OperatorName } from '../../../repops/operators.ts';
import type { Attributes } from '../../../repops/program.ts';
import { validateProgram } from '../../../repops/validate.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from '../device/dawn.ts';
import { createWebGpuEngine, type WebGpuEngine } from '../engine.ts';
import {
  DEFAULT_TUNING,
  GEMV_CANDIDATES,
  REGISTER_TILE_CANDIDATES,
  SOFTWARE_TUNING,
  TILE_CANDIDATES,
  type Tuning,
} from '../tuning/tuning.ts';
import { planLeaves, planRoots } from './hash-plans.ts';
import { loopIterations, MAX_LOOP_ITERATIONS } from './loop-iterations.ts';
import { type Plan, planProgram } from './plan.ts';

function iterationsIn(plan: Plan): readonly number[] {
  return plan.steps.flatMap(({ step }) => (step.kind === 'dispatch' ? [loopIterations(step)] : []));
}

/** A size of anything, often one at the edge of what is allowed. */
const size = (largest: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.integer({ min: 1, max: 100 }),
    fc.double({ min: 0, max: Math.log2(largest), noNaN: true }).map((power) => Math.floor(2 ** power)),
    fc.constant(largest),
  );

const attributesOf = (op: OperatorName): fc.Arbitrary<Attributes> =>
  fc
    .record(
      Object.fromEntries(
        attributeNames(op).map((name): [string, fc.Arbitrary<number>] => {
          if (/^(transpose|inverse|greedy)/.test(name)) return [name, fc.constantFrom(0, 1)];
          if (/^(scale|inv|eps|clip|ratio|max|beta|one|weight)/.test(name)) return [name, fc.constant(1)];
          if (name === 'topP') return [name, fc.constantFrom(0.5, 1)];
          if (name === 'headDim') return [name, size(MAX_HEAD / 2).map((half) => 2 * half)];
          if (name === 'count') return [name, size(MAX_NORMS)];
          return [name, size(MAX_FOLD)];
        }),
      ),
    )
    .map((a): Attributes => {
      const { heads, kvHeads } = a;
      // Whole groups of heads.
      return heads === undefined || kvHeads === undefined
        ? a
        : { ...a, heads: kvHeads * Math.ceil(heads / kvHeads) };
    });

const tuning: fc.Arbitrary<Tuning> = fc.record(
  {
    large: fc.constantFrom(...TILE_CANDIDATES),
    small: fc.constantFrom(...TILE_CANDIDATES),
    minTiles: fc.constantFrom(1, 32, 512),
    gemv: fc.constantFrom(...GEMV_CANDIDATES),
    registerTiled: fc.constantFrom(...REGISTER_TILE_CANDIDATES),
  },
  { requiredKeys: ['large', 'small', 'minTiles', 'gemv'] },
);

describe('loop iterations', () => {
  it('are known for every kernel', () => {
    for (const { program } of CASES) {
      for (const tuned of [DEFAULT_TUNING, SOFTWARE_TUNING]) {
        expect(() => iterationsIn(planProgram(program, tuned))).not.toThrow();
      }
    }
  });

  it.each(OPERATOR_NAMES)('of %s stay within the bound, whatever its sizes and the tuning', (op) => {
    let planned = 0;
    fc.assert(
      fc.property(attributesOf(op), tuning, (attributes, tuned) => {
        const program = operatorProgram(op, attributes);
        try {
          validateProgram(program);
        } catch {
          return;
        }
        // Scores of longer sequences go through parts of the same size, only more of them.
        const { B = 1, heads = 1, Tq = 1, Tk = 1 } = attributes;
        if (B * heads * Tq * Tk > 2 ** 27) return;
        planned += 1;
        expect(Math.max(0, ...iterationsIn(planProgram(program, tuned)))).toBeLessThanOrEqual(
          MAX_LOOP_ITERATIONS,
        );
      }),
      // A norm's program names every tensor.
      { numRuns: op === 'clip.scale' ? 20 : 200 },
    );
    expect(planned).toBeGreaterThan(5);
  });

  it.each<[OperatorName, Attributes]>([
    ['matmul', { M: 1, N: 1024, K: MAX_FOLD, transposeA: 0, transposeB: 0 }],
    ['matmul', { M: 8, N: 1024, K: MAX_FOLD, transposeA: 0, transposeB: 1 }],
    ['matmul', { M: 1024, N: 1024, K: MAX_FOLD, transposeA: 0, transposeB: 1 }],
    ['matmul', { M: 9, N: 9, K: MAX_FOLD / 8, transposeA: 0, transposeB: 1 }],
    ['attention', { B: 1, Tq: 1, Tk: MAX_FOLD, heads: 2, kvHeads: 2, headDim: 64, scale: 1 }],
    ['attention.grad.q', { B: 1, Tq: 33, Tk: MAX_FOLD, heads: 4, kvHeads: 1, headDim: 256, scale: 1 }],
    ['attention.grad.kv', { B: 1, Tq: MAX_FOLD, Tk: 2, heads: 7, kvHeads: 1, headDim: 2, scale: 1 }],
    ['attention.grad.kv', { B: 1, Tq: 4096, Tk: 4096, heads: 14, kvHeads: 2, headDim: 64, scale: 1 }],
    ['embed.grad', { N: MAX_FOLD, V: 2, D: 1 }],
    ['sample', { N: 1, V: MAX_FOLD, invTemperature: 1, greedy: 0 }],
  ])('of %s of %o stay within the bound', (op, attributes) => {
    const program = operatorProgram(op, attributes);
    validateProgram(program);
    for (const large of TILE_CANDIDATES) {
      for (const gemv of GEMV_CANDIDATES) {
        for (const tuned of [DEFAULT_TUNING, SOFTWARE_TUNING]) {
          const plan = planProgram(program, { ...tuned, large, gemv, minTiles: 1 });
          expect(Math.max(...iterationsIn(plan))).toBeLessThanOrEqual(MAX_LOOP_ITERATIONS);
        }
      }
    }
  });

  it('of hashing stay within the bound', () => {
    for (const plan of [planRoots([2 ** 30, 5]), planLeaves(2 ** 30)]) {
      expect(Math.max(...iterationsIn(plan))).toBeLessThanOrEqual(MAX_LOOP_ITERATIONS);
    }
  });
});

/** Bytes between the counts of two dispatches, as dynamic offsets must be aligned. */
const ALIGNMENT = 256;
const MOST_DISPATCHES = 4096;

/** Kernels that write the most loop iterations of any invocation into a binding of their own. */
function counting(sources: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const counter = `
@group(1) @binding(0) var<storage, read_write> most_iterations: atomic<u32>;
var<private> my_iterations: u32;
fn count_iteration() {
  my_iterations++;
  atomicMax(&most_iterations, my_iterations);
}
`;
  // Once before a loop, for the final failing test.
  return Object.fromEntries(
    Object.entries(sources).map(([name, source]) => [
      name,
      counter +
        source.replaceAll(
          /\b(?:for|while) \(.*\{/g,
          (found) => `count_iteration(); ${found} count_iteration();`,
        ),
    ]),
  );
}

describe.skipIf(!existsSync(SWIFTSHADER_ICD))('loop iterations, counted on Dawn and SwiftShader', () => {
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  let gpu: GPU;
  let device: GPUDevice;
  let engine: WebGpuEngine;
  let counts: GPUBuffer;
  let dispatches = 0;

  beforeAll(async () => {
    const opened = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    gpu = opened.gpu;
    // The counts are one more than the 8 that kernels may have.
    device = await opened.adapter.requestDevice({ requiredLimits: { maxStorageBuffersPerShaderStage: 9 } });
    counts = device.createBuffer({
      size: ALIGNMENT * MOST_DISPATCHES,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    const layout = device.createBindGroupLayout({
      entries: [
        {
          binding: 0,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: 'storage', hasDynamicOffset: true },
        },
      ],
    });
    const group = device.createBindGroup({
      layout,
      entries: [{ binding: 0, resource: { buffer: counts, size: 4 } }],
    });
    const pipelineLayout = device.createPipelineLayout.bind(device);
    device.createPipelineLayout = ({ bindGroupLayouts }) =>
      pipelineLayout({ bindGroupLayouts: [...bindGroupLayouts, layout] });
    const commandEncoder = device.createCommandEncoder.bind(device);
    device.createCommandEncoder = (descriptor) => {
      const encoder = commandEncoder(descriptor);
      const computePass = encoder.beginComputePass.bind(encoder);
      encoder.beginComputePass = (options) => {
        const pass = computePass(options);
        const dispatch = pass.dispatchWorkgroups.bind(pass);
        pass.dispatchWorkgroups = (...groups) => {
          pass.setBindGroup(1, group, [ALIGNMENT * dispatches++]);
          dispatch(...groups);
        };
        return pass;
      };
      return encoder;
    };
    engine = createWebGpuEngine({ device, shaders: counting(SHADERS) });
  });
  afterAll(async () => {
    await engine.stop();
    expect(gpu).toBeDefined();
  });

  /** The most rounds of an invocation in each dispatch since the last call. */
  async function counted(): Promise<readonly number[]> {
    const size = ALIGNMENT * dispatches;
    const copy = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(counts, 0, copy, 0, size);
    encoder.clearBuffer(counts, 0, size);
    device.queue.submit([encoder.finish()]);
    await copy.mapAsync(GPUMapMode.READ);
    const words = new Uint32Array(copy.getMappedRange());
    const result = Array.from({ length: dispatches }, (_, i) => words[(i * ALIGNMENT) / 4] ?? 0);
    copy.destroy();
    dispatches = 0;
    return result;
  }

  // Each set of attributes once, since the iterations hardly depend on values.
  const cases = [
    ...new Map(CASES.map((each) => [JSON.stringify([each.op, each.program.nodes[0]?.attributes]), each])),
  ].map(([, each]) => each);

  it('are never more than loopIterations says, and as many in the longest cases', async () => {
    let longest = 0;
    const runs = cases.flatMap((each) =>
      (each.op === 'matmul' ? [DEFAULT_TUNING, SOFTWARE_TUNING] : [DEFAULT_TUNING]).map((tuned) => ({
        each,
        tuned,
      })),
    );
    for (const { each, tuned } of runs) {
      engine.useTuning(tuned);
      await runCase(engine, each);
      const seen = await counted();
      const steps = planProgram(each.program, tuned).steps.flatMap(({ step }) =>
        step.kind === 'dispatch' ? [step] : [],
      );
      expect(seen).toHaveLength(steps.length);
      for (const [i, step] of steps.entries()) {
        const most = loopIterations(step);
        const what = `${each.name}: ${step.kernel} ${step.entry}`;
        expect(seen[i], what).toBeLessThanOrEqual(most);
        if (most > 50_000) expect(seen[i], what).toBeGreaterThan(0.98 * most);
        longest = Math.max(longest, seen[i] ?? 0);
      }
    }
    // So that a device that ends loops below the bound fails the gate.
    expect(longest).toBeGreaterThan(0.99 * MAX_LOOP_ITERATIONS);
  });
});
