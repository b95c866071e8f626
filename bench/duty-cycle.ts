/** The share of the time that an engine really computes, for shares asked of it. */
import { SYSTEM_CLOCK } from '../compute/engines/duty-cycle.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { type Benchmark, type BenchmarkContext, compared, type Measurement } from './benchmark.ts';
import { type GpuEngine, gpuEngine } from './gpu.ts';
import { programContestant, stepProgram } from './step-parts.ts';

const SHARES = [0.1, 0.25, 0.5, 0.75] as const;
/** Longer than this at each share, so that one late timer does not count. */
const STRETCH_MS = 1500;

type Paced = GpuEngine['engine'] | Awaited<ReturnType<typeof createWasmEngine>>;

/** Time that an engine spent in pauses, as its clock saw it. */
interface Watched {
  pausedMs: number;
}

function watchedClock(watched: Watched) {
  return {
    now: SYSTEM_CLOCK.now,
    async sleep(ms: number, signal?: AbortSignal) {
      const start = SYSTEM_CLOCK.now();
      await SYSTEM_CLOCK.sleep(ms, signal);
      watched.pausedMs += SYSTEM_CLOCK.now() - start;
    },
  };
}

export const dutyCycle: Benchmark = {
  name: 'duty-cycle',
  async *run(context) {
    const wasmWatch = { pausedMs: 0 };
    yield* measure('wasm-1', await createWasmEngine({ clock: watchedClock(wasmWatch) }), wasmWatch, context);
    const gpuWatch = { pausedMs: 0 };
    const gpu = await gpuEngine(context, { clock: watchedClock(gpuWatch) });
    if (gpu !== undefined) yield* measure(gpu.name, gpu.engine, gpuWatch, context);
  },
};

async function* measure(
  name: string,
  engine: Paced,
  watched: Watched,
  context: BenchmarkContext,
): AsyncIterable<Measurement> {
  const step = programContestant('step', engine, stepProgram(NANO_CONFIG, 4, 32));
  try {
    await step.run();
    for (const share of SHARES) {
      engine.setShare(share);
      // The first run at a share learns how long parts of it take.
      await step.run();
      watched.pausedMs = 0;
      const start = SYSTEM_CLOCK.now();
      let elapsed = 0;
      while (elapsed < STRETCH_MS) {
        context.signal.throwIfAborted();
        await step.run();
        elapsed = SYSTEM_CLOCK.now() - start;
      }
      const kept = (100 * (elapsed - watched.pausedMs)) / elapsed;
      yield compared(`duty-cycle/${name}/${100 * share}%`, '% of the time', kept);
    }
  } finally {
    step.close();
    await engine.stop();
  }
}
