import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { MUTANTS, mutate } from '../../compute/conformance/testing/mutants.ts';
import { type Engine, EngineError } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { openDawnAdapter, SWIFTSHADER_ICD } from '../../compute/engines/webgpu/device/dawn.ts';
import { openWebGpuEngine } from '../../compute/engines/webgpu/engine.ts';
import { SHADERS } from '../../compute/generated/shaders.ts';
import { availableCandidates, type Candidate, chooseEngine } from './choose.ts';

const opened: Engine[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((engine) => engine.stop()));
});

/** Counts how often each candidate is opened and stopped. */
function candidate(kind: Candidate['kind'], make: () => Promise<Engine>) {
  const counts = { opened: 0, stopped: 0 };
  return {
    counts,
    candidate: {
      kind,
      async open() {
        counts.opened++;
        const engine = await make();
        const stop = engine.stop.bind(engine);
        engine.stop = async () => {
          counts.stopped++;
          await stop();
        };
        opened.push(engine);
        return { engine, device: engine.description };
      },
    } satisfies Candidate,
  };
}

/** An engine that is right and, by the test's clock, slow or fast. */
function paced(kind: Candidate['kind'], clock: { ms: number }, stepMs: number) {
  return candidate(kind, async () => {
    const engine = await createWasmEngine();
    const run = engine.run.bind(engine);
    engine.run = async (...args) => {
      await run(...args);
      clock.ms += stepMs;
    };
    return engine;
  });
}

const memory = () => {
  const entries = new Map<string, string>();
  return {
    entries,
    get: async (key: string) => entries.get(key),
    set: async (key: string, value: string) => {
      entries.set(key, value);
    },
  };
};

describe('chooseEngine', () => {
  it('takes the faster of two right engines, stops the other and says why', async () => {
    const clock = { ms: 0 };
    const slow = paced('wasm', clock, 30);
    const fast = paced('webgpu', clock, 10);
    const selection = await chooseEngine({
      choice: 'auto',
      candidates: [slow.candidate, fast.candidate],
      userAgent: 'test',
      now: () => clock.ms,
    });
    expect(selection.verdicts.map(({ kind, checks, same }) => [kind, checks > 300, checks === same])).toEqual(
      [
        ['wasm', true, true],
        ['webgpu', true, true],
      ],
    );
    expect(selection.reason).toBe(
      'WebGPU computes here: it trains 3.0 times as fast as WebAssembly on this device.',
    );
    expect([slow.counts.stopped, fast.counts.stopped]).toEqual([1, 0]);
  });

  it('remembers the verdict and the speed for the same device and browser', async () => {
    const store = memory();
    const clock = { ms: 0 };
    const options = { choice: 'auto', userAgent: 'test 1', now: () => clock.ms, store } as const;
    const wasm = paced('wasm', clock, 30);
    const webgpu = paced('webgpu', clock, 10);
    const candidates = [wasm.candidate, webgpu.candidate];
    await chooseEngine({ ...options, candidates });
    expect(store.entries.size).toBe(2);
    const before = clock.ms;
    const again = await chooseEngine({ ...options, candidates });
    expect(clock.ms).toBe(before);
    expect(again.reason).toContain('3.0 times');
    await chooseEngine({ ...options, candidates, userAgent: 'test 2' });
    expect(clock.ms).toBeGreaterThan(before);
  });

  it('judges anew when what was remembered makes no sense', async () => {
    const store = { get: async () => '{"checks":-1}', set: async () => Promise.reject(new Error('full')) };
    const wasm = candidate('wasm', () => createWasmEngine());
    const selection = await chooseEngine({
      choice: 'wasm',
      candidates: [wasm.candidate],
      userAgent: 'test',
      now: () => 0,
      store,
    });
    expect(selection.verdicts[0]?.checks).toBeGreaterThan(300);
  });

  it('uses the engine that was asked for, without measuring', async () => {
    const reference = candidate('reference', async () => createReferenceEngine());
    const wasm = candidate('wasm', () => createWasmEngine());
    const selection = await chooseEngine({
      choice: 'reference',
      candidates: [wasm.candidate, reference.candidate],
      userAgent: 'test',
      now: () => 0,
    });
    expect(selection.engine.kind).toBe('reference');
    expect(wasm.counts.opened).toBe(0);
  });

  it('says what is missing when the engine that was asked for is not there', async () => {
    const candidates = availableCandidates({ threads: 1, gpu: undefined, allowSoftwareGpu: true });
    const options = { candidates, userAgent: 'test', now: () => 0 };
    await expect(chooseEngine({ ...options, choice: 'webgpu' })).rejects.toThrow(
      'WebGPU cannot be used. WebGPU: This browser has no WebGPU.',
    );
    const selection = await chooseEngine({ ...options, choice: 'auto' });
    opened.push(selection.engine);
    expect(selection.engine.kind).toBe('wasm');
    expect(selection.reason).toBe('WebAssembly computes here. This browser has no WebGPU.');
  });

  it('stands in with the reference when nothing else may be used', async () => {
    const broken: Candidate = {
      kind: 'wasm',
      open: async () => {
        throw new EngineError('WebAssembly is switched off.');
      },
    };
    const reference = candidate('reference', async () => createReferenceEngine());
    const selection = await chooseEngine({
      choice: 'auto',
      candidates: [broken, reference.candidate],
      userAgent: 'test',
      now: () => 0,
    });
    expect(selection.engine.kind).toBe('reference');
    expect(selection.reason).toContain('WebAssembly is switched off.');
  });

  it('passes over an engine with a wrong bit, however fast', async () => {
    const clock = { ms: 0 };
    const right = paced('wasm', clock, 30);
    const wrong = candidate('webgpu', async () => {
      const engine = await createWasmEngine();
      const read = engine.read.bind(engine);
      engine.read = async (tensor) => {
        const data = await read(tensor);
        if (tensor.shape.length === 1 && tensor.shape[0] === 333) data[332] = (data[332] ?? 0) + 1;
        return data;
      };
      return engine;
    });
    const selection = await chooseEngine({
      choice: 'auto',
      candidates: [right.candidate, wrong.candidate],
      userAgent: 'test',
      now: () => clock.ms,
    });
    expect(selection.engine.kind).toBe('wasm');
    expect(selection.reason).toMatch(
      /^WebAssembly computes here\. \d+ of \d+ checks gave wrong bits, in add, /,
    );
    const verdict = selection.verdicts.find(({ kind }) => kind === 'webgpu');
    expect(verdict?.same).toBeLessThan(verdict?.checks ?? 0);
    expect([right.counts.stopped, wrong.counts.stopped]).toEqual([0, 1]);
  });

  it.skipIf(!existsSync(SWIFTSHADER_ICD))('refuses a GPU with a wrong bit also when asked for', async () => {
    process.env.XDG_RUNTIME_DIR ??= tmpdir();
    const mutant = MUTANTS.find(({ caughtBy }) => caughtBy.includes('clip.scale'));
    if (mutant === undefined) throw new Error('no such mutant');
    const instances: GPU[] = [];
    const wrong = candidate('webgpu', async () => {
      const { gpu, adapter } = await openDawnAdapter({ vulkanDriver: SWIFTSHADER_ICD });
      instances.push(gpu);
      return openWebGpuEngine(adapter, { shaders: mutate(SHADERS, mutant) });
    });
    const options = { candidates: [wrong.candidate], userAgent: 'test', now: () => 0 };
    await expect(chooseEngine({ ...options, choice: 'webgpu' })).rejects.toThrow(
      /^WebGPU cannot be used\. WebGPU: \d+ of \d+ checks gave wrong bits, in swiglu/,
    );
    expect(wrong.counts.stopped).toBe(1);
  });
});
