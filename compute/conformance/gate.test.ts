import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../engines/engine.ts';
import { createReferenceEngine } from '../engines/reference.ts';
import { createWasmEngine } from '../engines/wasm/engine.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from '../engines/webgpu/device/dawn.ts';
import { openWebGpuEngine, type WebGpuEngine } from '../engines/webgpu/engine.ts';
import { DEFAULT_TUNING, SOFTWARE_TUNING } from '../engines/webgpu/tuning/tuning.ts';
import { SHADERS } from '../generated/shaders.ts';
import type { OperatorName } from '../repops/operators.ts';
import { CASES } from './cases.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { runGate } from './gate.ts';
import { MUTANTS, mutate } from './testing/mutants.ts';

const casesOf = (...ops: OperatorName[]): readonly ConformanceCase[] =>
  CASES.filter(({ op }) => ops.includes(op));

describe('the gate without a GPU', () => {
  const engine = createReferenceEngine();
  afterAll(() => engine.stop());

  it('passes an engine whose bits are right, in one sentence', async () => {
    const seen: OperatorName[] = [];
    const verdict = await runGate({
      engine,
      cases: casesOf('add', 'rope'),
      onOperator: (op) => seen.push(op),
    });
    expect(verdict).toMatchObject({ passed: true, checks: verdict.same });
    expect(verdict.sentence).toBe(`All ${verdict.checks} checks gave the specified bits.`);
    expect(seen).toEqual(['add', 'rope']);
  });

  it('refuses one with a single wrong bit', async () => {
    const wrong: Engine = {
      ...engine,
      kind: 'reference',
      async read(tensor) {
        const data = await engine.read(tensor);
        // The sign of one element of one tensor.
        if (tensor.shape.length === 2 && tensor.shape[1] === 30 && data instanceof Float32Array)
          data[3] = -data[3]!;
        return data;
      },
    };
    const verdict = await runGate({ engine: wrong, cases: casesOf('add', 'rope') });
    expect(verdict.passed).toBe(false);
    expect(verdict.operators.add?.passed).toBe(true);
    expect(verdict.operators.rope?.passed).toBe(false);
    expect(verdict.sentence).toMatch(
      /^\d+ of \d+ checks gave wrong bits, in rope, so this engine is not used\.$/,
    );
  });

  it('refuses when a case has no expected bits, or when there is no case', async () => {
    expect((await runGate({ engine, cases: casesOf('add'), expected: {} })).passed).toBe(false);
    expect((await runGate({ engine, cases: [] })).passed).toBe(false);
  });

  it('reports an operator that cannot run', async () => {
    const broken: Engine = {
      ...engine,
      run: async () => {
        throw new Error('no such kernel');
      },
    };
    const verdict = await runGate({ engine: broken, cases: casesOf('swiglu') });
    expect(verdict.operators.swiglu).toMatchObject({ passed: false, error: 'no such kernel' });
    expect(verdict.sentence).toContain('(no such kernel)');
  });

  it('stops when it is told to', async () => {
    await expect(runGate({ engine, signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });

  it.each([1, 2])('[RO-1] passes the wasm engine on %i threads', async (threads) => {
    const wasm = await createWasmEngine({ threads });
    const verdict = await runGate({ engine: wasm });
    expect(verdict).toMatchObject({ passed: true, checks: CASES.length });
    await wasm.stop();
  });
});

describe.skipIf(!existsSync(SWIFTSHADER_ICD))('the gate on SwiftShader', () => {
  // Kept for the whole file: a collected instance takes its devices with it.
  const instances: GPU[] = [];
  let engine: WebGpuEngine | undefined;

  // Silences a warning of SwiftShader's loader.
  process.env.XDG_RUNTIME_DIR ??= tmpdir();

  async function open(
    shaders: Readonly<Record<string, string>>,
    tuning = DEFAULT_TUNING,
  ): Promise<WebGpuEngine> {
    const { gpu, adapter } = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
    instances.push(gpu);
    return openWebGpuEngine(adapter, { shaders, tuning });
  }

  beforeAll(async () => {
    engine = await open(SHADERS);
  });
  afterAll(() => engine?.stop());

  it('passes the kernels as they are', async () => {
    const ops = [...new Set(MUTANTS.flatMap(({ caughtBy }) => caughtBy))];
    if (engine === undefined) throw new Error('no engine');
    const verdict = await runGate({ engine, cases: casesOf(...ops) });
    expect(verdict.sentence).toBe(`All ${verdict.checks} checks gave the specified bits.`);
  });

  it.each(MUTANTS)(
    'refuses a device that $name',
    async (mutant) => {
      const tuning = mutant.software === true ? SOFTWARE_TUNING : DEFAULT_TUNING;
      const wrong = await open(mutate(SHADERS, mutant), tuning);
      try {
        const cases = casesOf(...mutant.caughtBy).filter(({ name }) => mutant.within?.test(name) ?? true);
        const verdict = await runGate({ engine: wrong, cases });
        const caught = Object.entries(verdict.operators).filter(([, operator]) => !operator.passed);
        expect(caught.map(([op]) => op).sort()).toEqual([...mutant.caughtBy].sort());
        // Caught by its bits, not because the text no longer compiles.
        expect(caught.map(([, { error }]) => error)).toEqual(caught.map(() => undefined));
        expect(verdict.passed).toBe(false);
      } finally {
        await wrong.stop();
      }
    },
    300_000,
  );

  it('falls back to the guarded kernel of an operator whose native one is wrong, and only there', async () => {
    const mutant = MUTANTS.find(({ caughtBy }) => caughtBy.includes('clip.scale'));
    if (mutant === undefined) throw new Error('no such mutant');
    const halfWrong = await open(mutate(SHADERS, mutant, (name) => !name.endsWith('@barrier')));
    try {
      const verdict = await runGate({ engine: halfWrong, cases: casesOf('clip.scale', 'add') });
      expect(verdict.operators['clip.scale']).toMatchObject({ passed: true, variant: 'barrier' });
      expect(verdict.operators.add).toMatchObject({ passed: true, variant: 'native' });
      expect(verdict.sentence).toContain('clip.scale with the guarded kernels');
    } finally {
      await halfWrong.stop();
    }
  });
});
