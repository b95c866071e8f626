import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { must } from '../../protocol/must.ts';
import { tensorRoot } from '../checkpoint/root.ts';
import { NANO_CONFIG } from '../decoder/config.ts';
import { blockPlan } from './block-plan.ts';
import { blockStep } from './block-step.ts';
import { blocksOf } from './block-version.ts';
import { HopComputer, type HopInput, HopInputError } from './hop-computer.ts';
import { bytesOf } from './testing/block-run.ts';
import { microbatchData, nanoBatch, nanoStart } from './testing/nano-case.ts';

const plan = blockPlan({ config: NANO_CONFIG, layers: [1, 1] });
const microbatches = { count: 2, batch: 1, length: 8 };
const step = blockStep({ plan, microbatches, paths: 'full' });
const hopOf = (kind: string, block: string) =>
  must(
    step.hops,
    step.hops.findIndex((hop) => hop.kind === kind && hop.block === block),
  );

let engine: Engine;
beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
});
afterAll(() => engine.stop());

/** Inputs of the embedding's first hop, and the activation that it gives. */
async function embedded(computer: HopComputer) {
  const state = must(blocksOf(plan, nanoStart().state), 0).tensors;
  const data = microbatchData(microbatches, nanoBatch(microbatches, 0));
  const inputs = new Map([...data].map(([name, words]) => [name, bytesOf(words)]));
  const { index } = hopOf('embed', 'embedding');
  const { outputs } = await computer.compute(index, { inputs, state });
  return { inputs, state, outputs };
}

/** What the first forward hop reads. */
async function forwardInput(computer: HopComputer): Promise<HopInput> {
  const { outputs } = await embedded(computer);
  return { inputs: outputs, state: must(blocksOf(plan, nanoStart().state), 1).tensors };
}

describe('HopComputer', () => {
  const forward = hopOf('forward', 'layers.0-0');

  it('gives outputs with their tensor roots, and the same again', async () => {
    const computer = new HopComputer({ engine, step });
    const input = await forwardInput(computer);
    const { outputs, roots } = await computer.compute(forward.index, input);
    expect([...outputs.keys()]).toEqual(forward.outputs);
    for (const [name, bytes] of outputs) {
      expect(bytes.byteLength).toBe(step.bytesOf(name));
      expect(roots.get(name)).toEqual(tensorRoot(bytes));
    }
    const other = new HopComputer({ engine, step });
    expect((await other.compute(forward.index, input)).outputs).toEqual(outputs);
    await computer.dispose();
    await other.dispose();
    await expect(computer.compute(forward.index, input)).rejects.toThrow(/disposed/);
  });

  it('takes inputs that are Buffers at an odd place, as frames are in Node', async () => {
    const computer = new HopComputer({ engine, step });
    const input = await forwardInput(computer);
    const odd = new Map(
      [...input.inputs].map(([name, bytes]) => {
        const larger = Buffer.alloc(bytes.length + 9);
        larger.set(bytes, 7);
        return [name, larger.subarray(7, 7 + bytes.length)];
      }),
    );
    const expected = await computer.compute(forward.index, input);
    expect(await computer.compute(forward.index, { ...input, inputs: odd })).toEqual(expected);
    await computer.dispose();
  });

  it('goes on with another version of a block, and back', async () => {
    const computer = new HopComputer({ engine, step });
    const input = await forwardInput(computer);
    const first = await computer.compute(forward.index, input);
    const changed = new Map(input.state);
    const gain = 'model.layers.0.input_layernorm.weight';
    changed.set(gain, bytesOf(new Float32Array(NANO_CONFIG.hiddenSize).fill(2)));
    const second = await computer.compute(forward.index, { ...input, state: changed });
    expect(second.outputs).not.toEqual(first.outputs);
    expect(await computer.compute(forward.index, input)).toEqual(first);
    expect(computer.heldBytes).toBeGreaterThan(0);
    await computer.release('layers.0-0');
    await computer.release('embedding');
    expect(computer.heldBytes).toBe(0);
    expect(await computer.compute(forward.index, input)).toEqual(first);
    await computer.dispose();
  });

  it('keeps what an update wrote, and can go back to what was before', async () => {
    const computer = new HopComputer({ engine, step });
    const update = hopOf('update', 'layers.0-0');
    const state = must(blocksOf(plan, nanoStart().state), 1).tensors;
    const inputs = new Map(
      update.inputs.map((name) => [name, bytesOf(new Float32Array(step.bytesOf(name) / 4).fill(0.5))]),
    );
    const one = await computer.compute(update.index, { inputs, state });
    expect([...one.outputs.keys()].sort()).toEqual([...state.keys()].sort());
    const two = await computer.compute(update.index, { inputs, state: one.outputs });
    expect(two.roots).not.toEqual(one.roots);
    expect((await computer.compute(update.index, { inputs, state })).roots).toEqual(one.roots);
    await computer.dispose();
  });

  it('goes on with another step of the plan, but not of another plan', async () => {
    const computer = new HopComputer({ engine, step });
    const input = await forwardInput(computer);
    const before = await computer.compute(forward.index, input);
    const skipping = blockStep({ plan, microbatches, paths: [[1], [2]] });
    await computer.use(skipping);
    expect(await computer.compute(forward.index, input)).toEqual(before);
    // Rows of another length have other positions.
    const short = blockStep({ plan, microbatches: { count: 1, batch: 2, length: 4 }, paths: 'full' });
    await computer.use(short);
    const halves = await computer.compute(forward.index, input);
    expect(halves).not.toEqual(before);
    await computer.use(step);
    expect(await computer.compute(forward.index, input)).toEqual(before);
    const foreign = blockPlan({ config: NANO_CONFIG, layers: [2] });
    const other = blockStep({ plan: foreign, microbatches, paths: 'full' });
    await expect(computer.use(other)).rejects.toThrow(HopInputError);
    await computer.dispose();
  });

  it('[B-12] refuses tensors that are missing, of another size or not canonical', async () => {
    const computer = new HopComputer({ engine, step });
    const input = await forwardInput(computer);
    const [name] = forward.inputs;
    const good = input.inputs.get(name ?? '') ?? new Uint8Array();
    const weight = 'model.layers.0.mlp.up_proj.weight';
    const poisoned = (value: number) => {
      const bytes = good.slice();
      new DataView(bytes.buffer).setFloat32(64, value, true);
      return bytes;
    };
    const bad: readonly (readonly [HopInput, RegExp])[] = [
      [{ ...input, inputs: new Map() }, /lacks activation.0.embedding/],
      [{ ...input, inputs: new Map([[name ?? '', good.slice(4)]]) }, /has 2044 bytes/],
      [{ ...input, inputs: new Map([[name ?? '', poisoned(Number.NaN)]]) }, /not canonical at element 16/],
      [{ ...input, inputs: new Map([[name ?? '', poisoned(-0)]]) }, /not canonical/],
      [{ ...input, inputs: new Map([[name ?? '', poisoned(Number.POSITIVE_INFINITY)]]) }, /not canonical/],
      [{ ...input, state: new Map([...input.state].filter(([key]) => key !== weight)) }, /lacks model/],
      [
        { ...input, state: new Map(input.state).set(weight, new Uint8Array(4)) },
        /up_proj.weight has 4 bytes/,
      ],
    ];
    for (const [given, message] of bad) {
      await expect(computer.compute(forward.index, given)).rejects.toThrow(HopInputError);
      await expect(computer.compute(forward.index, given)).rejects.toThrow(message);
    }
    await expect(computer.compute(step.hops.length, input)).rejects.toThrow(/none of number/);
    expect([...(await computer.compute(forward.index, input)).outputs.keys()]).toEqual(forward.outputs);
    await computer.dispose();
  });

  it('[B-12] refuses a token that is not in the vocabulary', async () => {
    const computer = new HopComputer({ engine, step });
    const { inputs, state } = await embedded(computer);
    const wrong = new Map(inputs).set('tokens.0', bytesOf(new Uint32Array(8).fill(64)));
    const { index } = hopOf('embed', 'embedding');
    await expect(computer.compute(index, { inputs: wrong, state })).rejects.toThrow();
    await computer.dispose();
  });

  it('stops before it computes when told to', async () => {
    const computer = new HopComputer({ engine, step });
    const input = await forwardInput(computer);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(computer.compute(forward.index, input, { signal })).rejects.toThrow('enough');
    await computer.dispose();
  });
});
