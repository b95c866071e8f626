/**
 * Finds the fastest tile sizes of a device by timing products with each of them, within seconds, and
 * remembers the result by adapter and browser. A tuning affects speed only. The tuner rejects tile sizes
 * whose result differs in one bit from that of the default tuning, and the conformance gate runs with the
 * chosen ones afterwards.
 */
import { elementCount, type Program } from '../../../repops/program.ts';
import type { Engine, Tensor } from '../../engine.ts';
import {
  DEFAULT_TUNING,
  GEMV_CANDIDATES,
  type GemvShape,
  MIN_TILES_CANDIDATES,
  REGISTER_TILE_CANDIDATES,
  type RegisterTileShape,
  TILE_CANDIDATES,
  type TileShape,
  type Tuning,
} from './tuning.ts';

export interface TunedEngine extends Engine {
  useTuning(tuning: Tuning): void;
}

export function canTune(engine: Engine): engine is TunedEngine {
  return 'useTuning' in engine;
}

/** Keeps results. If it fails, the device is tuned again the next time. */
export interface TuningStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
}

export interface TuneOptions {
  readonly engine: TunedEngine;
  /** Names the adapter. Part of the key of the remembered result. */
  readonly device: string;
  /** Names the browser or runtime with its version. Part of the key of the remembered result. */
  readonly userAgent: string;
  /** Defaults to none: the result is not remembered. */
  readonly store?: TuningStore;
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number;
  /** Milliseconds after which the tuner tries nothing new. Defaults to 4,000. */
  readonly budgetMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Part of the key. Raise it when the kernels or the candidates change, so that old results are no longer
 * used.
 */
const VERSION = 4;
const DEFAULT_BUDGET_MS = 4000;
/** Runs that are timed together, after one that compiles. */
const RUNS = 3;
/** Number of values after which operands repeat. A prime, so that no two rows are equal. */
const PATTERN = 4093;

interface Candidate {
  /** A tuning with which the trial's product uses the tile sizes in question. */
  readonly tried: Tuning;
  /** The tuning to continue with if they are the fastest. */
  readonly kept: Tuning;
}

interface Trial {
  readonly program: Program;
  /** What to try, given the best tuning of the trials before. */
  readonly candidates: (best: Tuning) => readonly Candidate[];
}

const asTried = (kept: Tuning): Candidate => ({ tried: kept, kept });

/**
 * The most valuable first: the large products of training, those of generating a token, small ones with long
 * folds.
 */
const TRIALS: readonly Trial[] = [
  {
    program: productOf(1024, 896, 896),
    candidates: (best) =>
      TILE_CANDIDATES.map((large) => ({
        tried: { ...best, large, minTiles: 1 },
        kept: { ...best, large },
      })),
  },
  {
    program: productOf(1024, 896, 896),
    candidates: (best) =>
      REGISTER_TILE_CANDIDATES.map((registerTiled) => ({
        tried: { ...best, registerTiled, minTiles: 1 },
        kept: { ...best, registerTiled },
      })),
  },
  {
    program: productOf(1, 4864, 896),
    candidates: (best) => GEMV_CANDIDATES.map((gemv) => asTried({ ...best, gemv })),
  },
  {
    program: productOf(128, 128, 4096),
    candidates: (best) =>
      MIN_TILES_CANDIDATES.flatMap((minTiles) =>
        [best.small, best.large].map((small) => asTried({ ...best, small, minTiles })),
      ),
  },
];

/** Finds the tuning of a device and sets it in the engine. Rejects on abort and when the device is lost. */
export async function tune(options: TuneOptions): Promise<Tuning> {
  const { engine, store, now, signal } = options;
  const key = `tuning ${VERSION} ${options.device} ${options.userAgent}`;
  const known = parseTuning(await store?.get(key).catch(() => undefined));
  if (known !== undefined) {
    engine.useTuning(known);
    return known;
  }
  const end = now() + (options.budgetMs ?? DEFAULT_BUDGET_MS);
  let best = DEFAULT_TUNING;
  for (const trial of TRIALS) {
    signal?.throwIfAborted();
    if (now() >= end) break;
    best = await fastest(trial, best, options, end);
  }
  engine.useTuning(best);
  await store?.set(key, JSON.stringify(best)).catch(() => undefined);
  return best;
}

async function fastest(trial: Trial, start: Tuning, options: TuneOptions, end: number): Promise<Tuning> {
  const { engine, now, signal } = options;
  const bindings: Record<string, Tensor> = {};
  try {
    for (const [name, { shape, dtype }] of Object.entries(trial.program.tensors)) {
      bindings[name] = engine.allocate(shape, dtype);
    }
    for (const name of ['a', 'b']) write(engine, bindings[name]);
    engine.useTuning(start);
    const expected = await bitsOf(engine, trial.program, bindings);
    let best = start;
    let bestMs = await timeOf(engine, trial.program, bindings, now);
    for (const { tried, kept } of trial.candidates(start)) {
      signal?.throwIfAborted();
      if (now() >= end) break;
      engine.useTuning(tried);
      try {
        if (!sameBits(await bitsOf(engine, trial.program, bindings), expected)) continue;
      } catch {
        // A driver may refuse tile sizes. If the device is lost instead, the next call outside throws.
        continue;
      }
      const ms = await timeOf(engine, trial.program, bindings, now);
      if (ms < bestMs) [best, bestMs] = [kept, ms];
    }
    return best;
  } finally {
    for (const tensor of Object.values(bindings)) engine.free(tensor);
  }
}

async function timeOf(
  engine: Engine,
  program: Program,
  bindings: Readonly<Record<string, Tensor>>,
  now: () => number,
): Promise<number> {
  const start = now();
  for (let run = 0; run < RUNS; run++) await engine.run(program, bindings);
  // A run may return before the device is done, but reading one element of a result waits for it.
  const { probe } = bindings;
  if (probe !== undefined) await engine.read(probe);
  return now() - start;
}

async function bitsOf(
  engine: Engine,
  program: Program,
  bindings: Readonly<Record<string, Tensor>>,
): Promise<Uint32Array> {
  await engine.run(program, bindings);
  const { c } = bindings;
  if (c === undefined) return new Uint32Array();
  const data = await engine.read(c);
  return new Uint32Array(data.buffer, data.byteOffset, data.length);
}

function sameBits(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}

/** A product whose b lies along k, as the weights of checkpoints do. `probe` is a result of one element. */
function productOf(M: number, N: number, K: number): Program {
  return {
    name: `tune ${M} x ${N} x ${K}`,
    tensors: {
      a: { shape: [M, K], dtype: 'f32', storage: 'bound' },
      b: { shape: [N, K], dtype: 'f32', storage: 'bound' },
      c: { shape: [M, N], dtype: 'f32', storage: 'bound' },
      one: { shape: [1], dtype: 'f32', storage: 'bound' },
      probe: { shape: [1], dtype: 'f32', storage: 'bound' },
    },
    nodes: [
      {
        op: 'matmul',
        attributes: { M, N, K, transposeA: 0, transposeB: 1 },
        inputs: ['a', 'b'],
        outputs: ['c'],
      },
      { op: 'add', attributes: { len: 1 }, inputs: ['one', 'one'], outputs: ['probe'] },
    ],
  };
}

/** Writes values of differing magnitudes, so that a wrong order of summation shows in the bits. */
function write(engine: Engine, tensor: Tensor | undefined): void {
  if (tensor === undefined) return;
  const data = new Float32Array(elementCount(tensor.shape));
  const first = Math.min(PATTERN, data.length);
  for (let i = 0; i < first; i++) {
    const random = Math.imul(i + 1, 0x9e3779b1);
    data[i] = (random % 997) * 2 ** ((random >>> 8) % 9);
  }
  for (let at = first; at < data.length; at += first)
    data.copyWithin(at, 0, Math.min(first, data.length - at));
  engine.write(tensor, data);
}

/** The remembered tuning, or undefined if there is none or if it is not made of the candidates. */
export function parseTuning(text: string | undefined): Tuning | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { large, small, minTiles, gemv, registerTiled } = value as Record<string, unknown>;
  const tiles = [...TILE_CANDIDATES, DEFAULT_TUNING.large, DEFAULT_TUNING.small];
  const found = {
    large: same<TileShape>(tiles, large),
    small: same<TileShape>(tiles, small),
    minTiles: same<number>([...MIN_TILES_CANDIDATES, DEFAULT_TUNING.minTiles], minTiles),
    gemv: same<GemvShape>([...GEMV_CANDIDATES, DEFAULT_TUNING.gemv], gemv),
  };
  if (found.large === undefined || found.small === undefined) return undefined;
  if (found.minTiles === undefined || found.gemv === undefined) return undefined;
  const tuning = { large: found.large, small: found.small, minTiles: found.minTiles, gemv: found.gemv };
  if (registerTiled === undefined) return tuning;
  const shape = same<RegisterTileShape>(REGISTER_TILE_CANDIDATES, registerTiled);
  return shape === undefined ? undefined : { ...tuning, registerTiled: shape };
}

/** The candidate equal to `value`, whatever the order of its fields. */
function same<T>(candidates: readonly T[], value: unknown): T | undefined {
  const keyed = (x: unknown): string =>
    JSON.stringify(typeof x === 'object' && x !== null ? Object.entries(x).sort() : x);
  return candidates.find((candidate) => keyed(candidate) === keyed(value));
}
