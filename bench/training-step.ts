/** One optimizer step of the nano model: tokens a second on wasm, with the reference engine as the peer. */
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { initialParameters } from '../models/decoder/initialize.ts';
import { ModelSession, type TrainingBatch } from '../models/decoder/model-session.ts';
import { type Benchmark, compared } from './benchmark.ts';
import { gpuEngine } from './gpu.ts';
import { interleave } from './interleave.ts';

const PEER = 'reference engine (TypeScript)';

/** Rows of 32 tokens, about one rollout each. */
const BATCH = 16;
const LENGTH = 32;
const TOKENS = BATCH * LENGTH;

export const trainingStep: Benchmark = {
  name: 'training-step',
  async *run(context) {
    const engines: { name: string; engine: Engine }[] = [
      { name: 'reference', engine: createReferenceEngine() },
      { name: 'wasm-1', engine: await createWasmEngine({ threads: 1 }) },
      { name: 'wasm-2', engine: await createWasmEngine({ threads: 2 }) },
    ];
    const gpu = await gpuEngine(context);
    if (gpu !== undefined) engines.push(gpu);
    try {
      const sessions = await Promise.all(engines.map(({ engine }) => startSession(engine)));
      const contestants = engines.map(({ name }, i) => ({
        name,
        run: async () => void (await sessions[i]?.step(trainingBatch())),
      }));
      // A step of the reference takes seconds.
      const times = await interleave(contestants, { rounds: 2, turnMs: 200, signal: context.signal });
      const rate = (ms: number): number => (1000 * TOKENS) / ms;
      const peerValue = rate(times[0] ?? Number.NaN);
      for (const [i, { name }] of engines.entries()) {
        if (i === 0) continue;
        const value = rate(times[i] ?? Number.NaN);
        yield compared(`training-step/${name}/nano-${BATCH}x${LENGTH}`, 'tokens/s', value, {
          name: PEER,
          value: peerValue,
        });
      }
      for (const session of sessions) await session.dispose();
    } finally {
      for (const { engine } of engines) await engine.stop();
    }
  },
};

function startSession(engine: Engine): Promise<ModelSession> {
  return ModelSession.create({
    engine,
    config: NANO_CONFIG,
    parameters: initialParameters({
      config: NANO_CONFIG,
      draw: (tensor, element, part) => Math.imul(tensor * 7919 + element * 31 + part, 0x9e3779b1) >>> 0,
      deviation: 0.05,
    }),
  });
}

function trainingBatch(): TrainingBatch {
  const tokens = Array.from({ length: TOKENS }, (_, i) => (i * 7) % NANO_CONFIG.vocabulary);
  return {
    batch: BATCH,
    length: LENGTH,
    tokens,
    targets: tokens.map((token) => (token + 1) % NANO_CONFIG.vocabulary),
    weights: tokens.map(() => 1 / TOKENS),
    learningRate: 1e-4,
  };
}
