import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../compute/engines/engine.ts';
import { createWasmEngine } from '../../../compute/engines/wasm/engine.ts';
import { blockStep } from '../../../models/blocks/block-step.ts';
import { HopComputer } from '../../../models/blocks/hop-computer.ts';
import { DEFAULT_OPTIMIZER } from '../../../models/decoder/adamw.ts';
import { HyperSchedule } from '../../../models/decoder/hyper.ts';
import { initialParameters } from '../../../models/decoder/initialize.ts';
import { ModelSession } from '../../../models/decoder/model-session.ts';
import { RandomStream } from '../../../protocol/philox.ts';
import {
  ARMS,
  type Arm,
  ArmRun,
  type BlocksSettings,
  configOf,
  learningRateAt,
  pathsWithout,
  planOf,
  spreadOf,
} from './arms.ts';
import { BlockTrainer } from './block-trainer.ts';
import { barsOf, figuresOf } from './figures.ts';
import { lessonText, rowsOf } from './lesson-text.ts';
import { type ArmResult, runBlocks } from './run-blocks.ts';

const SETTINGS: BlocksSettings = {
  size: 'tiny',
  steps: 6,
  rows: 20,
  length: 16,
  learningRate: 2e-3,
  warmup: 2,
  inner: 2,
  lossChance: 0.2,
  heldOutRows: 4,
};
const plan = planOf('tiny');
const draws = new RandomStream([1, 2]);
const parameters = initialParameters({
  config: configOf('tiny'),
  draw: (tensor, element, part) => draws.word(tensor, element, part),
  deviation: 0.06,
});
const text = lessonText('test');

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 'starling-blocks-'));
});
afterAll(async () => {
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('a trainer of blocks', () => {
  const trainer = () => new BlockTrainer({ engine, plan, optimizer: DEFAULT_OPTIMIZER, tensors: parameters });

  it('has the bits of hops that are computed one by one', async () => {
    const paths = [
      [1, 2, 3, 4, 5, 6],
      [1, 4, 3],
    ];
    const windows = text.windows(0, 4, 16);
    const own = trainer();
    await own.step({ windows, paths, learningRate: 1e-2, step: 0 });
    const step = blockStep({ plan, microbatches: { count: 2, batch: 2, length: 16 }, paths });
    const computer = new HopComputer({ engine, step });
    const bytes = new Map<string, Uint8Array>();
    const put = (name: string, data: Float32Array | Uint32Array) =>
      bytes.set(name, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    for (const [name, { shape, source }] of step.recipe.tensors) {
      const count = shape.reduce((a, b) => a * b, 1);
      if (source.kind === 'state') put(name, parameters.get(name) ?? new Float32Array(count));
    }
    put('hyper', new HyperSchedule(DEFAULT_OPTIMIZER).at(1, 1e-2));
    for (const m of [0, 1]) {
      const part = rowsOf(windows, 2 * m, 2);
      put(`tokens.${m}`, part.tokens);
      put(`targets.${m}`, part.targets);
      put(`weights.${m}`, new Float32Array(32).fill(1 / 64));
    }
    for (const hop of step.hops) {
      const { outputs } = await computer.compute(hop.index, { inputs: bytes, state: bytes });
      for (const [name, output] of outputs) bytes.set(name, output);
    }
    await computer.dispose();
    for (const [name, data] of await own.parameters()) {
      expect([...new Uint8Array(data.buffer)], name).toEqual([...(bytes.get(name) ?? [])]);
    }
    own.dispose();
  });

  it('scores as a session does, and through a part of the layers as the model of those', async () => {
    const windows = text.windows(50, 3, 16);
    const own = trainer();
    const meanOf = async (layers: readonly number[]) => {
      const kept = new Map(
        [...parameters].flatMap(([name, data]) => {
          const layer = /(?<=^model\.layers\.)\d+/.exec(name)?.[0];
          if (layer === undefined) return [[name, data] as const];
          const place = layers.indexOf(Number(layer));
          return place < 0 ? [] : [[name.replace(`layers.${layer}.`, `layers.${place}.`), data] as const];
        }),
      );
      const config = { ...configOf('tiny'), layers: layers.length };
      const session = await ModelSession.create({ engine, config, parameters: kept });
      const scores = await session.score({ batch: 3, ...windows });
      await session.dispose();
      return -scores.reduce((a, b) => a + b, 0) / scores.length;
    };
    expect(await own.score(windows, [1, 2, 3, 4, 5, 6], 3)).toBeCloseTo(await meanOf([0, 1, 2, 3, 4, 5]), 6);
    expect(await own.score(windows, [1, 4, 6], 2)).toBeCloseTo(await meanOf([0, 3, 5]), 6);
    own.dispose();
  });
});

describe('the text of the lessons', () => {
  it('has the same window for a number, whatever is asked with it', () => {
    const many = text.windows(3, 4, 16);
    expect(rowsOf(many, 2, 1)).toEqual(text.windows(5, 1, 16));
    expect(many.tokens.subarray(1, 16)).toEqual(many.targets.subarray(0, 15));
    expect(lessonText('other').windows(3, 4, 16).tokens).not.toEqual(many.tokens);
  });
});

describe('the arms', () => {
  const options = (
    arms: readonly Arm[],
    more: { readonly folder: string; readonly signal?: AbortSignal },
  ) => ({
    ...{ engine, settings: SETTINGS, arms, seeds: [1], print: () => {}, now: () => 0, saveEvery: 1 },
    ...more,
  });
  const withoutTime = (results: readonly ArmResult[]) => results.map((result) => ({ ...result, seconds: 0 }));

  it.each(ARMS)('%s goes on after a kill with the same result', async (arm) => {
    const whole = await runBlocks(options([arm], { folder: join(folder, 'whole') }));
    const killed = join(folder, 'killed');
    const stop = new AbortController();
    let steps = 0;
    const print = () => {
      if (++steps === 3) stop.abort(new Error('killed'));
    };
    const part = { ...options([arm], { folder: killed, signal: stop.signal }), print, lineEvery: 1 };
    await expect(runBlocks(part)).rejects.toThrow('killed');
    const lines: string[] = [];
    const again = await runBlocks({
      ...options([arm], { folder: killed }),
      print: (line) => lines.push(line),
    });
    expect(lines[0]).toMatch(/goes on after step [23]$/);
    expect(withoutTime(again)).toEqual(withoutTime(whole));
    // What is finished is not computed again.
    expect(await runBlocks({ ...options([arm], { folder: killed }), report: true })).toEqual(again);
  });

  it('learn: the loss falls, and groups come together at an outer step', async () => {
    const [full, noloco, checkfree] = await runBlocks(
      options(['full', 'noloco', 'checkfree'], { folder: join(folder, 'whole') }),
    );
    expect(full?.heldOut).toBeLessThan(Math.log(392));
    expect(noloco?.spreads).toHaveLength(3);
    const [before, after] = noloco?.spreads[0] ?? [0, 0];
    expect(after).toBeLessThan(before);
    expect(checkfree?.repairs).toBeGreaterThan(0);
  });

  it('see the same rows in a step, together', async () => {
    const runs = (['full', 'noloco'] as const).map(
      (arm) => new ArmRun({ engine, arm, seed: 1, settings: SETTINGS, from: undefined }),
    );
    const losses: number[] = [];
    for (const run of runs) {
      await run.begin();
      losses.push(await run.advance());
      run.dispose();
    }
    expect(losses[0]).toBeCloseTo(losses[1] ?? 0, 5);
  });

  it('have all paths with two or three of the five stages missing that may be skipped', () => {
    for (const missing of [2, 3]) {
      const paths = pathsWithout(missing);
      expect(new Set(paths.map(String)).size).toBe(10);
      for (const path of paths) {
        expect(path[0]).toBe(1);
        expect(path).toHaveLength(6 - missing);
        expect([...path].sort()).toEqual(path);
      }
    }
  });

  it('have a rate that rises, stays and falls', () => {
    const rates = [0, 1, 3, 5].map((step) => learningRateAt(SETTINGS, step) / SETTINGS.learningRate);
    expect(rates[0]).toBeCloseTo(0.5);
    expect(rates.slice(1, 3)).toEqual([1, 1]);
    expect(rates[3]).toBeCloseTo(0.1 + (0.9 * 1) / 1.8);
  });

  it('measure the spread of weights', () => {
    const group = (...values: number[]) => new Map([['w', Float32Array.from(values)]]);
    expect(spreadOf([group(1, 2), group(1, 2)])).toBe(0);
    expect(spreadOf([group(0, 0), group(2, 2)])).toBe(1);
  });
});

describe('the figures', () => {
  const result = (arm: Arm, seed: number, perplexity: number): ArmResult => ({
    ...{ arm, seed, heldOut: Math.log(perplexity), losses: [1], spreads: [], repairs: 0, seconds: 1 },
    missing: { two: Math.log(perplexity * 1.05), three: Math.log(perplexity * 1.2) },
  });

  it('compare runs of the same seed, and leave out what was not run', () => {
    const results = [
      ...[result('full', 1, 10), result('full', 2, 20)],
      ...[result('skip', 1, 10.1), result('skip', 2, 20.2), result('noloco', 3, 9)],
    ];
    const bars = barsOf(results);
    expect(bars[0]?.ratio?.mean).toBeCloseTo(1.01);
    expect(bars[1]?.ratio?.mean).toBeCloseTo(1.05);
    expect(bars[2]?.ratio?.mean).toBeCloseTo(1.2);
    expect(bars[4]?.ratio).toBeUndefined();
    expect(figuresOf(results)).toContain(
      '| a third skipped, over full | +2.0 % | +1.0 % (+1.0 % to +1.0 %) | 2 |',
    );
  });
});
