import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { FrozenSession } from '../decoder/frozen-session.ts';
import { adapterMetadata, adapterRoot, freshAdapterState } from '../decoder/lora/adapter-state.ts';
import { DEFAULT_LORA, initialAdapters, type LoraOptions } from '../decoder/lora/adapters.ts';
import { frozenRoot } from '../decoder/lora/frozen-root.ts';
import { memoryWeights } from '../decoder/weights.ts';
import { blockBytes, blockOf, blockPlan } from './block-plan.ts';
import { type BlockStep, blockStep } from './block-step.ts';
import { adaptersOf, BlockVersionError, blocksOf, frozenWeights } from './block-version.ts';
import { HopComputer } from './hop-computer.ts';
import { BlockRun } from './testing/block-run.ts';
import { microbatchData, nanoBatch, nanoStart, SMALL_QWEN2 } from './testing/nano-case.ts';

const config = SMALL_QWEN2;
const weights = memoryWeights(nanoStart(config, 0.2).state.parameters);
const microbatches = { count: 3, batch: 2, length: 32 };
const stream = new RandomStream([4, 4]);

function planOf(lora: LoraOptions) {
  const adapters = initialAdapters({ config, lora, draw: (...at) => stream.word(...at) });
  const plan = blockPlan({ config, layers: [2, 1], weights: { frozen: true, lora } });
  return { plan, adapters, state: freshAdapterState(config, lora, adapters) };
}

let engines: Engine[] = [];
beforeAll(async () => {
  engines = await Promise.all([0, 1, 2].map(() => createWasmEngine({ threads: 1 })));
});
afterAll(() => Promise.all(engines.map((engine) => engine.stop())));

async function runOn(devices: number, step: BlockStep, state: ReturnType<typeof planOf>['state']) {
  const computers = engines.slice(0, devices).map((engine) => new HopComputer({ engine, step }));
  const place = ({ index }: { readonly index: number }, at: number) =>
    stream.word(at, index, devices) % devices;
  const run = await BlockRun.start(step.plan, { state, weights, devices: computers, place });
  for (let at = 0; at < 3; at++) {
    const rows = nanoBatch(microbatches, at, { config });
    await run.step(step, microbatchData(microbatches, rows), rows.learningRate);
  }
  for (const computer of computers) await computer.dispose();
  return run;
}

describe.each<{ name: string; lora: LoraOptions }>([
  { name: 'all projections', lora: DEFAULT_LORA },
  { name: 'some projections', lora: { rank: 4, alpha: 4, targets: ['q_proj', 'v_proj', 'o_proj'] } },
])('adapters on frozen blocks: $name', ({ lora }) => {
  it('[B-15] have in index order every bit that a session’s have, and in a tree one root anywhere', async () => {
    const { plan, adapters, state } = planOf(lora);
    const session = await FrozenSession.create({
      engine: engines[0]!,
      config,
      weights,
      lora: { ...lora, adapters },
    });
    for (let at = 0; at < 3; at++) await session.step(nanoBatch(microbatches, at, { config }));
    const base = await frozenRoot(config, weights);
    const expected = adapterRoot({ config, lora, base, state: await session.snapshot() });
    await session.dispose();
    const metadata = adapterMetadata({ config, lora, base }, 3);

    const index = blockStep({ plan, microbatches, paths: 'full', order: 'index' });
    const run = await runOn(3, index, state);
    expect(run.root(plan, metadata)).toBe(expected);
    expect(adapterRoot({ config, lora, base, state: adaptersOf(plan, run.versions()) })).toBe(expected);

    const paths = [[1, 2], [2, 1], [2]];
    const skipping = blockStep({ plan, microbatches, paths });
    const one = await runOn(1, skipping, state);
    const three = await runOn(3, skipping, state);
    expect(three.root(plan, metadata)).toBe(one.root(plan, metadata));
  });

  it('[B-15] go no further back than the first layers of a path, and train nothing else', () => {
    const { plan } = planOf(lora);
    const step = blockStep({ plan, microbatches, paths: [[1, 2], [2, 1], [2]] });
    const gradients = step.hops.flatMap(({ kind, outputs }) =>
      kind === 'backward' || kind === 'loss'
        ? outputs.filter((name) => name.startsWith('activation.gradient.'))
        : [],
    );
    expect(gradients).toEqual([
      'activation.gradient.0.layers.2-2',
      'activation.gradient.0.layers.0-1',
      'activation.gradient.1.layers.0-1',
      'activation.gradient.1.layers.2-2',
      'activation.gradient.2.layers.2-2',
    ]);
    const updates = step.hops.filter(({ kind }) => kind === 'update');
    const trained = updates.filter(({ block }) => block !== 'embedding');
    expect(trained.map(({ block }) => block)).toEqual(['layers.0-1', 'layers.2-2']);
    expect(trained.flatMap(({ outputs }) => outputs).every((name) => name.includes('lora_'))).toBe(true);
  });
});

describe('frozen blocks', () => {
  it('[B-17] have an update for the blocks in which nothing is trained, which changes nothing', () => {
    for (const tiedEmbedding of [true, false]) {
      const untied = blockPlan({
        config: { ...config, tiedEmbedding },
        layers: [3],
        weights: { frozen: true, lora: DEFAULT_LORA },
      });
      const { hops } = blockStep({ plan: untied, microbatches, paths: 'full' });
      for (const block of tiedEmbedding ? ['embedding'] : ['embedding', 'head']) {
        const updates = hops.filter((hop) => hop.kind === 'update' && hop.block === block);
        expect(updates).toMatchObject([{ inputs: ['clip'], state: [], outputs: [`kept.${block}`] }]);
      }
    }
  });

  it('take frozen weights to the engine once, and lose them with their block', async () => {
    const { plan, state } = planOf(DEFAULT_LORA);
    const step = blockStep({ plan, microbatches, paths: 'full' });
    const computer = new HopComputer({ engine: engines[0]!, step });
    const embedding = blockOf(plan, 'embedding');
    const frozen = await frozenWeights(plan, embedding, weights);
    const inputs = new Map([['tokens.0', new Uint8Array(4 * 2 * 32)]]);
    await expect(computer.compute(0, { inputs, state: new Map() })).rejects.toThrow('embed_tokens');
    const given = await computer.compute(0, { inputs, state: frozen });
    await computer.release('embedding');
    await computer.loadFrozen(frozen);
    await computer.loadFrozen(frozen);
    expect(await computer.compute(0, { inputs, state: new Map() })).toEqual(given);
    await computer.release('embedding');
    await expect(computer.compute(0, { inputs, state: new Map() })).rejects.toThrow('embed_tokens');
    const [adapter] = blocksOf(plan, state)[1]?.tensors ?? [];
    await expect(computer.loadFrozen(new Map([adapter!]))).rejects.toThrow('no frozen weight of this plan');
    const norm = 'model.norm.weight';
    await expect(computer.loadFrozen(new Map([[norm, new Uint8Array(4)]]))).rejects.toThrow('4 bytes');
    const minusZero = new Uint8Array(new Float32Array(32).fill(-0).buffer);
    await expect(computer.loadFrozen(new Map([[norm, minusZero]]))).rejects.toThrow('not canonical');
    await computer.dispose();
  });

  it('[B-15] hold weights as bf16, and versions of adapters alone', () => {
    const { plan, state } = planOf(DEFAULT_LORA);
    const versions = blocksOf(plan, state);
    expect(versions.map(({ tensors }) => tensors.size)).toEqual([0, 2 * 7 * 2 * 3, 7 * 2 * 3]);
    const embedding = blockOf(plan, 'embedding');
    expect(blockBytes(plan, embedding)).toBe(61 * 32 * 2 + 32 * 4);
    expect(() => blocksOf(plan, nanoStart(config).state)).toThrow(BlockVersionError);
  });
});
