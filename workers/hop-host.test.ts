import { describe, expect, it } from 'vitest';
import { type Engine, EngineMemoryError, type Tensor } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { blockOf, blockPlan } from '../models/blocks/block-plan.ts';
import { blocksOf, composedRoot, encodeBlock, frozenWeights } from '../models/blocks/block-version.ts';
import { firstAdapters } from '../models/blocks/first-version.ts';
import { checkpointMetadata } from '../models/decoder/checkpoint.ts';
import { initialParameters } from '../models/decoder/initialize.ts';
import { freshState } from '../models/decoder/state.ts';
import { memoryWeights } from '../models/decoder/weights.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { fromHex, type Hex } from '../protocol/hex.ts';
import { must } from '../protocol/must.ts';
import { RandomStream } from '../protocol/philox.ts';
import { BlockRun } from '../training/blocks/block-run.ts';
import { completionTokenizer } from '../training/completion-tokenizer.ts';
import { shortFormat } from '../training/short-format.ts';
import { NANO_SELECTION } from '../training/tasks/catalogue.ts';
import { openTasks } from '../training/tasks/task-source.ts';
import { NARROW_CONFIG } from '../training/testing/narrow-model.ts';
import { HopHost, HopHostError } from './hop-host.ts';

const config = { ...NARROW_CONFIG, layers: 2 };
const stream = new RandomStream([1, 2]);
const start = {
  config,
  cursor: 0,
  rngKey: '0x00000000' as const,
  state: freshState(
    config,
    initialParameters({
      config,
      draw: (tensor, element, part) => stream.word(tensor, element, part),
      deviation: 0.2,
    }),
  ),
};
const plan = blockPlan({ config, layers: [1, 1] });
const settings = {
  microbatches: { count: 2, batch: 2, length: 16 },
  seed: new Uint8Array(32).fill(3),
  tasks: await openTasks(NANO_SELECTION, new Map()),
  format: shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson()))),
  visited: 2,
  learningRate: 1e-2,
};
const run = new BlockRun({ ...settings, plan });
const files = new Map(
  blocksOf(plan, start.state).map((version) => [version.block, encodeBlock(plan, version)]),
);

/** Computes steps over hosts that keep some of the blocks each. Returns the checkpoint's root after each. */
async function compute(hosts: readonly HopHost[], steps: number): Promise<readonly Hex[]> {
  const roots = new Map<string, Hex>();
  const after: Hex[] = [];
  for (let step = 0; step < steps; step++) {
    const made = new Map<string, Uint8Array>();
    for (const { index, block, inputs } of run.step(step).hops) {
      const keepers = hosts.filter(({ held }) => held.has(block));
      const host = must(keepers, (index + step) % keepers.length);
      // Every keeper computes an update, as each needs the next version.
      const isUpdate = run.step(step).hops[index]?.kind === 'update';
      for (const each of isUpdate ? keepers : [host]) {
        const given = new Map(
          inputs.flatMap((name) => (made.has(name) ? [[name, bytesOf(made, name)] as const] : [])),
        );
        for (const [name, { bytes, root }] of await each.compute(step, index, given)) {
          if (isUpdate) roots.set(name, root);
          else made.set(name, bytes);
        }
      }
    }
    const tensorRoots = new Map([...roots].map(([name, root]) => [name, fromHex(root)]));
    after.push(composedRoot(plan, checkpointMetadata(start, step + 1), tensorRoots));
  }
  return after;
}

function bytesOf(made: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const bytes = made.get(name);
  if (bytes === undefined) throw new RangeError(name);
  return bytes;
}

async function hostOf(blocks: readonly string[], engine = createReferenceEngine()): Promise<HopHost> {
  const host = new HopHost({ engine, run });
  for (const block of blocks) await host.load(bytesOf(files, block));
  return host;
}

describe('HopHost', () => {
  it('[B-5] gives one checkpoint root on one device and on three, wasm beside the reference', async () => {
    const all = await compute([await hostOf([...files.keys()])], 3);
    const wasm = await createWasmEngine({ threads: 1 });
    const shared = [
      await hostOf(['embedding', 'layers.0-0'], wasm),
      await hostOf(['layers.0-0', 'layers.1-1']),
      await hostOf(['layers.1-1', 'embedding']),
    ];
    expect(await compute(shared, 3)).toEqual(all);
    expect(new Set(all).size).toBe(3);
    await wasm.stop();
  });

  it('computes a hop of the step before again, and none of the one before that', async () => {
    const host = await hostOf([...files.keys()]);
    const first = await host.compute(0, 0, new Map());
    await compute([host], 2);
    expect(host.held.get('embedding')).toEqual([1, 2]);
    await expect(host.compute(0, 0, new Map())).rejects.toThrow(HopHostError);
    const again = await host.compute(1, 0, new Map());
    const [name] = run.step(1).hops[0]?.outputs ?? [];
    expect(again.get(name ?? '')?.root).toMatch(/^0x/);
    expect(again).not.toEqual(first);
  });

  it('gives files that another device goes on with', async () => {
    const one = await hostOf([...files.keys()]);
    await compute([one], 1);
    const other = new HopHost({ engine: createReferenceEngine(), run });
    for (const block of files.keys()) {
      const { version, roots } = await other.load(one.file(block, 1));
      expect(version).toEqual({ block, step: 1 });
      expect(roots.size).toBeGreaterThan(0);
    }
    const [hop] = run.step(1).hops;
    expect(await other.compute(1, hop?.index ?? 0, new Map())).toEqual(
      await one.compute(1, hop?.index ?? 0, new Map()),
    );
  });

  it('says what it does not keep', async () => {
    const host = await hostOf(['embedding']);
    const forward = run.step(0).hops.find(({ kind }) => kind === 'forward');
    await expect(host.compute(0, forward?.index ?? 0, new Map())).rejects.toThrow('does not keep layers.');
    expect(() => host.file('embedding', 4)).toThrow('of step 4');
    await host.release('embedding');
    expect(host.heldBytes).toBe(0);
    await expect(host.compute(0, 0, new Map())).rejects.toThrow(HopHostError);
    await expect(host.compute(0, 10_000, new Map())).rejects.toThrow('none 10000');
  });

  it('reads frozen weights once for each block that it keeps, and gives them back with it', async () => {
    const lora = { rank: 2, alpha: 4, targets: ['q_proj'] } as const;
    const frozenPlan = blockPlan({ config, layers: [1, 1], weights: { frozen: true, lora } });
    const frozenRun = new BlockRun({ ...settings, plan: frozenPlan });
    const source = memoryWeights(start.state.parameters);
    const asked: string[] = [];
    let opened: (() => void) | undefined;
    const host = new HopHost({
      engine: createReferenceEngine(),
      run: frozenRun,
      async frozen(block) {
        asked.push(block);
        if (asked.length === 3) await new Promise<void>((resolve) => (opened = resolve));
        return frozenWeights(frozenPlan, blockOf(frozenPlan, block), source);
      },
    });
    const file = (block: string) =>
      encodeBlock(
        frozenPlan,
        firstAdapters(frozenPlan, block, () => 7),
      );
    await host.load(file('embedding'));
    await host.load(file('embedding'));
    await host.load(file('layers.0-0'));
    expect(asked).toEqual(['embedding', 'layers.0-0']);
    const made = await host.compute(0, 0, new Map());
    await host.release('embedding');
    await expect(host.compute(0, 0, new Map())).rejects.toThrow('does not keep embedding');

    const late = host.load(file('embedding'));
    await expect.poll(() => opened).toBeDefined();
    await host.release('embedding');
    opened?.();
    await expect(late).rejects.toThrow('embedding was given back before its weights were read');
    expect([...host.held.keys()]).toEqual(['layers.0-0']);
    await host.load(file('embedding'));
    expect(await host.compute(0, 0, new Map())).toEqual(made);
    expect(asked).toHaveLength(4);

    await host.forget('embedding');
    await expect(host.compute(0, 0, new Map())).rejects.toThrow('does not keep embedding');
    await host.load(file('embedding'));
    expect(await host.compute(0, 0, new Map())).toEqual(made);
    expect(asked).toHaveLength(4);
    await host.dispose();
  });

  it('gives back the frozen weights that the engine took where it cannot take all', async () => {
    const lora = { rank: 2, alpha: 4, targets: ['q_proj'] } as const;
    const frozenPlan = blockPlan({ config, layers: [1, 1], weights: { frozen: true, lora } });
    const source = memoryWeights(start.state.parameters);
    const held = new Set<Tensor>();
    const inner = createReferenceEngine();
    let isFull = true;
    const engine: Engine = {
      ...{ kind: inner.kind, description: inner.description },
      allocate(shape, dtype) {
        if (isFull && held.size === 3) throw new EngineMemoryError('Full.');
        const tensor = inner.allocate(shape, dtype);
        held.add(tensor);
        return tensor;
      },
      free(tensor) {
        held.delete(tensor);
        inner.free(tensor);
      },
      write: (tensor, data) => inner.write(tensor, data),
      read: (tensor) => inner.read(tensor),
      run: (program, bindings, options) => inner.run(program, bindings, options),
      stop: () => inner.stop(),
    };
    const host = new HopHost({
      engine,
      run: new BlockRun({ ...settings, plan: frozenPlan }),
      frozen: (block) => frozenWeights(frozenPlan, blockOf(frozenPlan, block), source),
    });
    const file = encodeBlock(
      frozenPlan,
      firstAdapters(frozenPlan, 'layers.0-0', () => 7),
    );
    await expect(host.load(file)).rejects.toThrow('Full.');
    expect([held.size, host.held.size]).toEqual([0, 0]);
    isFull = false;
    await host.load(file);
    expect(held.size).toBeGreaterThan(3);
    await host.release('layers.0-0');
    expect(held.size).toBe(0);
  });

  it('keeps a block that is loaded again while its first load still reads', async () => {
    const lora = { rank: 2, alpha: 4, targets: ['q_proj'] } as const;
    const frozenPlan = blockPlan({ config, layers: [1, 1], weights: { frozen: true, lora } });
    const source = memoryWeights(start.state.parameters);
    const reads: (() => void)[] = [];
    const host = new HopHost({
      engine: createReferenceEngine(),
      run: new BlockRun({ ...settings, plan: frozenPlan }),
      async frozen(block) {
        await new Promise<void>((resolve) => reads.push(resolve));
        return frozenWeights(frozenPlan, blockOf(frozenPlan, block), source);
      },
    });
    const file = encodeBlock(
      frozenPlan,
      firstAdapters(frozenPlan, 'embedding', () => 7),
    );
    const [first, end] = [host.load(file), () => reads.shift()?.()];
    await expect.poll(() => reads).toHaveLength(1);
    await host.release('embedding');
    const second = host.load(file);
    await expect.poll(() => reads).toHaveLength(2);
    reads.pop()?.();
    await second;
    end();
    await expect(first).rejects.toThrow('was given back');
    expect([...(await host.compute(0, 0, new Map())).keys()]).toEqual(['activation.0.embedding']);
    await host.dispose();
  });
});
