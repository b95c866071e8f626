/** How fast an engine trains: one optimizer step of the nano model, the work that it would be chosen for. */
import type { Engine } from '../../compute/engines/engine.ts';
import { elementCount } from '../../compute/repops/program.ts';
import { NANO_CONFIG, parameterSpecs } from '../decoder/config.ts';
import { initialParameters } from '../decoder/initialize.ts';
import { ModelSession, type TrainingBatch } from '../decoder/model-session.ts';

export interface Measurement {
  /** The fastest step seen, in milliseconds. */
  readonly stepMs: number;
  /** Billions of operations a second at that pace, by the usual 6 operations per parameter and token. */
  readonly gflops: number;
}

export interface MeasureOptions {
  readonly engine: Engine;
  /** Milliseconds; `performance.now` in a page. */
  readonly now: () => number;
  /** Steps after the first, which compiles. 3 by default; stops early once they have taken a second. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

const BATCH = 4;
const LENGTH = 32;
const ENOUGH_MS = 1000;

/** Times training steps. The engine is left as it was; errors of the engine pass through. */
export async function measureTraining(options: MeasureOptions): Promise<Measurement> {
  const { engine, now, signal } = options;
  const session = await ModelSession.create({
    engine,
    config: NANO_CONFIG,
    parameters: initialParameters({
      config: NANO_CONFIG,
      draw: (tensor, element, part) => Math.imul(tensor * 8191 + element * 2 + part + 1, 0x9e3779b1) >>> 0,
      deviation: 0.05,
    }),
  });
  try {
    const count = BATCH * LENGTH;
    const tokens = Array.from({ length: count }, (_, i) => (i * 7) % NANO_CONFIG.vocabulary);
    const batch: TrainingBatch = {
      batch: BATCH,
      length: LENGTH,
      tokens,
      targets: tokens,
      weights: tokens.map(() => 1 / count),
      learningRate: 0.001,
    };
    await session.step(batch);
    let stepMs = Number.POSITIVE_INFINITY;
    let spent = 0;
    for (let step = 0; step < (options.steps ?? 3) && spent < ENOUGH_MS; step++) {
      signal?.throwIfAborted();
      const start = now();
      await session.step(batch);
      const took = Math.max(now() - start, 0.01);
      stepMs = Math.min(stepMs, took);
      spent += took;
    }
    const parameters = parameterSpecs(NANO_CONFIG).reduce((sum, { shape }) => sum + elementCount(shape), 0);
    return { stepMs, gflops: (6 * parameters * count) / (stepMs * 1e6) };
  } finally {
    await session.dispose();
  }
}
