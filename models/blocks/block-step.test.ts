import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { must } from '../../protocol/must.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { checkpointRoot } from '../checkpoint/root.ts';
import { DEFAULT_OPTIMIZER } from '../decoder/adamw.ts';
import { checkpointContents, checkpointMetadata } from '../decoder/checkpoint.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { ModelSession } from '../decoder/model-session.ts';
import type { ModelState } from '../decoder/state.ts';
import { type BlockPath, blockPlan } from './block-plan.ts';
import { type BlockStep, type BlockStepOptions, blockStep } from './block-step.ts';
import { modelOf } from './block-version.ts';
import { HopComputer } from './hop-computer.ts';
import { BlockRun } from './testing/block-run.ts';
import { microbatchData, nanoBatch, nanoStart } from './testing/nano-case.ts';

const plan = blockPlan({ config: NANO_CONFIG, layers: [1, 1] });
const microbatches = { count: 4, batch: 2, length: 32 };
const small = { count: 4, batch: 1, length: 12 };
const SKIPPING: readonly BlockPath[] = [[1], [2, 1], [2], [1, 2]];

let engines: Engine[] = [];
beforeAll(async () => {
  engines = await Promise.all(Array.from({ length: 6 }, () => createWasmEngine({ threads: 1 })));
});
afterAll(() => Promise.all(engines.map((engine) => engine.stop())));

/** Runs steps on the engines, with every hop on a device drawn from `seed`. */
async function runOn(
  devices: readonly Engine[],
  step: BlockStep,
  o: {
    readonly steps: number;
    readonly seed?: number;
    readonly apart?: boolean;
  },
): Promise<BlockRun> {
  const draws = new RandomStream([o.seed ?? 0, 0]);
  const computers = devices.map((engine) => new HopComputer({ engine, step }));
  const run = await BlockRun.start(step.plan, {
    state: nanoStart().state,
    devices: computers,
    place: (hop, at) => draws.word(at, hop.index, 0) % devices.length,
  });
  for (let at = 0; at < o.steps; at++) {
    const rows = nanoBatch(step.microbatches, at, { apart: o.apart ?? false });
    await run.step(step, microbatchData(step.microbatches, rows), rows.learningRate);
  }
  for (const computer of computers) await computer.dispose();
  return run;
}

/** The same rows, each step as one batch of a session. */
async function session(steps: number, o: { apart: boolean }): Promise<ModelState> {
  const { config, state } = nanoStart();
  const model = await ModelSession.create({
    engine: must(engines, 0),
    config,
    parameters: state.parameters,
  });
  for (let at = 0; at < steps; at++) await model.step(nanoBatch(microbatches, at, { apart: o.apart }));
  const after = await model.snapshot();
  await model.dispose();
  return after;
}

/** The checkpoint's root, composed from what the devices publish. */
const composed = (run: BlockRun) => run.root(plan, checkpointMetadata(nanoStart(), run.steps));

/** Names of the tensors that differ in any bit. */
function differing(one: ModelState, other: ModelState): string[] {
  return (['parameters', 'm', 'v'] as const).flatMap((group) =>
    [...one[group]]
      .filter(([name, values]) => {
        const theirs = other[group].get(name);
        return !values.every((value, i) => Object.is(value, theirs?.[i]));
      })
      .map(([name]) => `${group} ${name}`),
  );
}

const rootOf = (state: ModelState) => checkpointRoot(checkpointContents({ ...nanoStart(), state }));

describe('a step over blocks', () => {
  it.each([
    { name: 'full, on 1 and 6', paths: 'full' as const, devices: [1, 6] },
    { name: 'skipping and swapping, on 1, 2, 4 and 6', paths: [[2, 1], [2]], devices: [1, 2, 4, 6] },
  ])(
    '[B-5] has one root after 100 steps, however hops are placed: $name devices',
    async ({ paths, devices }) => {
      const step = blockStep({ plan, microbatches: { count: 2, batch: 1, length: 4 }, paths });
      const roots = new Set<string>();
      for (const [seed, count] of devices.entries()) {
        const run = await runOn(engines.slice(0, count), step, { steps: 100, seed });
        roots.add(composed(run));
        // What the devices hold is what the composed root says.
        expect(rootOf(modelOf(plan, run.versions()))).toBe(composed(run));
      }
      expect(roots.size).toBe(1);
    },
  );

  it('[B-5] has the root of the wasm engine with hops on the reference engine too', async () => {
    const step = blockStep({ plan, microbatches, paths: SKIPPING });
    const mixed = await runOn([createReferenceEngine(), must(engines, 0)], step, { steps: 1, seed: 3 });
    expect(composed(mixed)).toBe(composed(await runOn(engines, step, { steps: 1 })));
  });

  it('[B-7] has in index order every bit of one batch but the embedding’s', async () => {
    const step = blockStep({ plan, microbatches, paths: 'full', order: 'index' });
    const run = await runOn(engines, step, { steps: 1 });
    const differ = differing(await session(1, { apart: false }), modelOf(plan, run.versions()));
    expect(differ).toEqual(['parameters', 'm', 'v'].map((group) => `${group} model.embed_tokens.weight`));
  });

  it('[B-7] has in index order all bits of one batch, for many steps, if microbatches share no token', async () => {
    const step = blockStep({ plan, microbatches, paths: 'full', order: 'index' });
    const run = await runOn(engines, step, { steps: 12, apart: true });
    expect(composed(run)).toBe(rootOf(await session(12, { apart: true })));
  });

  it('[B-7] has in index order all bits of one batch with the policy objective too', async () => {
    const step = blockStep({ plan, microbatches, paths: 'full', order: 'index', objective: 'policy' });
    const rows = nanoBatch(microbatches, 0, { apart: true });
    const draws = new RandomStream([8, 8]).sequence(0);
    const each = (least: number, most: number) =>
      Float32Array.from({ length: 256 }, () => Math.fround(least + (most - least) * draws.uniform()));
    const policy = { advantages: each(-1, 1), oldLogprobs: each(-4.4, -3.9) };
    const computer = new HopComputer({ engine: must(engines, 0), step });
    const { config, state } = nanoStart();
    const run = await BlockRun.start(plan, { state, devices: [computer], place: () => 0 });
    const data = new Map(microbatchData(microbatches, rows));
    for (let m = 0; m < 4; m++) {
      for (const name of ['advantages', 'oldLogprobs'] as const) {
        data.set(`${name}.${m}`, policy[name].slice(m * 64, (m + 1) * 64));
      }
    }
    await run.step(step, data, rows.learningRate);
    await computer.dispose();
    const model = await ModelSession.create({
      engine: must(engines, 0),
      config,
      parameters: state.parameters,
    });
    await model.step({ ...rows, policy });
    expect(composed(run)).toBe(rootOf(await model.snapshot()));
    await model.dispose();
  });

  it('[B-6] adds gradients up in a fixed tree, with another last bit than in index order', async () => {
    const [tree, index] = (['tree', 'index'] as const).map((order) =>
      blockStep({ plan, microbatches, paths: 'full', order }),
    );
    const [one, other] = [
      await runOn(engines, tree!, { steps: 1 }),
      await runOn(engines, index!, { steps: 1 }),
    ];
    expect(composed(one)).not.toBe(composed(other));
    const [close, exact] = [modelOf(plan, one.versions()), modelOf(plan, other.versions())];
    for (const [name, values] of close.parameters) {
      const theirs = exact.parameters.get(name);
      expect(values.every((value, i) => Math.abs(value - must(theirs ?? [], i)) < 1e-5)).toBe(true);
    }
  });

  it('[B-8] gives a block that no microbatch visits a gradient of +0', async () => {
    const step = blockStep({ plan, microbatches, paths: [[2], [2], [2], [2]] });
    const run = await runOn(engines, step, { steps: 1 });
    const after = modelOf(plan, run.versions());
    for (const group of [after.m, after.v]) {
      for (const [name, values] of group) {
        expect(values.some((value) => !Object.is(value, 0))).toBe(!name.startsWith('model.layers.0.'));
      }
    }
    // Decay alone acts on it, as on any parameter whose gradient is zero.
    const before = nanoStart().state.parameters;
    const gain = 'model.layers.0.input_layernorm.weight';
    expect(after.parameters.get(gain)).toEqual(before.get(gain));
    expect(after.parameters.get('model.layers.0.mlp.up_proj.weight')).not.toEqual(
      before.get('model.layers.0.mlp.up_proj.weight'),
    );
  });

  it('[B-8] leaves a microbatch that skips a block out of its sums', async () => {
    // Microbatch 3 alone visits the first layers: their gradient is its own, bit for bit.
    const step = blockStep({ plan, microbatches, paths: [[2], [2], [2], [1, 2]] });
    for (const { name } of must(plan.blocks, 1).trained) {
      expect(step.gradients.get(name)).toBe(`gradient.3.${name}`);
    }
    expect(step.gradients.get('model.layers.1.mlp.up_proj.weight')).toBe(
      'sum.0-3.model.layers.1.mlp.up_proj.weight',
    );
  });

  it.each([1, 3, 5])('[B-6] has the same tree for %i microbatches, absent ones being +0', async (count) => {
    const step = blockStep({ plan, microbatches: { count, batch: 2, length: 8 }, paths: 'full' });
    const sums = step.hops.filter(({ kind, block }) => kind === 'sum' && block === 'layers.0-0');
    expect(sums).toHaveLength(count - 1);
    const ranges = sums.map(({ outputs }) => outputs[0]?.split('.')[1]);
    expect(ranges).toEqual({ 1: [], 3: ['0-1', '0-3'], 5: ['0-1', '2-3', '0-3', '0-7'] }[count]);
  });
});

describe('boundaries', () => {
  const floats = (run: BlockRun, name: string) =>
    new Float32Array((run.tensors.get(name) ?? new Uint8Array()).slice().buffer);

  it.each([
    { boundary: 'bf16', error: 0.01 },
    { boundary: 'int8', error: 0.05 },
  ] as const)('[B-16] are rounded to $boundary by the hops, and so have one root anywhere', async (o) => {
    const { boundary, error } = o;
    const step = blockStep({ plan, microbatches: small, paths: SKIPPING, boundary });
    const exact = blockStep({ plan, microbatches: small, paths: SKIPPING });
    const one = await runOn(engines.slice(0, 1), step, { steps: 3 });
    const six = await runOn(engines, step, { steps: 3, seed: 9 });
    expect(composed(six)).toBe(composed(one));
    const [rounded, plain] = [
      await runOn(engines, step, { steps: 1 }),
      await runOn(engines, exact, { steps: 1 }),
    ];
    expect(composed(rounded)).not.toBe(composed(plain));
    const logprobs = floats(plain, 'logprobs.3');
    expect(logprobs).toHaveLength(12);
    for (const [i, value] of floats(rounded, 'logprobs.3').entries()) {
      expect(Math.abs(value - must(logprobs, i))).toBeLessThan(error);
    }
  });

  it('[B-16] have tensors of the size that a wire needs', () => {
    const of = (boundary: 'f32' | 'bf16' | 'int8') =>
      blockStep({ plan, microbatches: small, paths: 'full', boundary });
    expect(of('bf16').hops[1]?.inputs).toEqual(['activation.0.embedding']);
    const bytes = of('int8');
    expect(bytes.hops[1]?.inputs).toEqual(['activation.0.embedding.bytes', 'activation.0.embedding.scale']);
    expect(bytes.bytesOf('activation.0.embedding.bytes')).toBe(12 * 64);
    expect(bytes.bytesOf('activation.gradient.0.embedding.scale')).toBe(12 * 4);
    const odd = blockPlan({ config: { ...NANO_CONFIG, hiddenSize: 62 }, layers: [2] });
    expect(() => blockStep({ plan: odd, microbatches: small, paths: 'full', boundary: 'int8' })).toThrow(
      /no whole words of bytes/,
    );
  });

  it('[B-16] of bf16 have lower halves of 0, in both directions', async () => {
    const step = blockStep({ plan, microbatches: small, paths: 'full', boundary: 'bf16' });
    const run = await runOn(engines, step, { steps: 1 });
    const names = [...run.tensors.keys()].filter((name) => name.startsWith('activation.'));
    expect(names).toHaveLength(small.count * 6);
    for (const name of names) {
      const words = new Uint32Array((run.tensors.get(name) ?? new Uint8Array()).slice().buffer);
      expect(words.every((word) => (word & 0xffff) === 0)).toBe(true);
      expect(words.some((word) => word !== 0)).toBe(true);
    }
  });
});

describe('hops', () => {
  const untied = blockPlan({ config: { ...NANO_CONFIG, tiedEmbedding: false }, layers: [2] });

  it.each([
    ['tied', plan],
    ['untied', untied],
  ])('[B-4] read what came before and their own block’s version only: %s', (_, cut) => {
    const paths = cut === plan ? SKIPPING : 'full';
    const step = blockStep({ plan: cut, microbatches, paths });
    const known = new Set(
      [...step.recipe.tensors].filter(([, { source }]) => source.kind === 'data').map(([name]) => name),
    );
    for (const hop of step.hops) {
      const block = must(
        cut.blocks,
        cut.blocks.findIndex(({ id }) => id === hop.block),
      );
      const own = block.parameters.flatMap((name) => [name, `optimizer.m.${name}`, `optimizer.v.${name}`]);
      for (const name of hop.state) expect(own).toContain(name);
      for (const name of hop.inputs) expect(known).toContain(name);
      if (hop.kind === 'update') expect([...hop.outputs].sort()).toEqual([...own].sort());
      else for (const name of hop.outputs) known.add(name);
    }
    const kinds = new Set(step.hops.map(({ kind }) => kind));
    expect([...kinds]).toEqual(['embed', 'forward', 'loss', 'backward', 'sum', 'norm', 'clip', 'update']);
  });

  it('[B-9] add the gradients of a tied table: head first, then lookup', () => {
    const step = blockStep({ plan, microbatches, paths: 'full' });
    const name = 'model.embed_tokens.weight';
    const last = step.hops.find(({ outputs }) => outputs.includes(`gradient.${name}`));
    expect(last?.inputs).toEqual([`sum.0-3.${name}`, 'sum.0-3.embedding.lookup']);
    expect(step.gradients.get(name)).toBe(`gradient.${name}`);
  });

  it('[B-10] fold the norms in the order of the parameters', () => {
    const step = blockStep({ plan: untied, microbatches, paths: 'full' });
    const clip = step.hops.find(({ kind }) => kind === 'clip');
    const names = untied.blocks.flatMap(({ trained }) => trained.map(({ name }) => `norm.${name}`));
    expect(clip?.inputs).toEqual(names);
  });

  it('have the same programs in steps with other paths, and others with other settings', () => {
    const programs = (o: Partial<BlockStepOptions>) =>
      blockStep({ plan, microbatches, paths: 'full', ...o }).recipe.actions.map((action) =>
        action.kind === 'run' ? action.program : undefined,
      );
    const full = new Set(programs({}));
    expect(programs({ paths: SKIPPING }).every((program) => full.has(program))).toBe(true);
    const optimizer = { ...DEFAULT_OPTIMIZER, weightDecay: 0.5 };
    const others = [{ optimizer }, { boundary: 'bf16' as const }, { microbatches: small }];
    for (const other of others) expect(programs(other).some((program) => full.has(program))).toBe(false);
  });

  it('tell the bytes of their tensors', () => {
    const step = blockStep({ plan, microbatches, paths: 'full' });
    expect(step.bytesOf('activation.0.embedding')).toBe(64 * 64 * 4);
    expect(step.bytesOf('tokens.1')).toBe(64 * 4);
    expect(() => step.bytesOf('nothing')).toThrow(RangeError);
  });
});
