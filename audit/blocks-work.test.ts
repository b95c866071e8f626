import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import type { BlockStep } from '../models/blocks/block-step.ts';
import type { Hop } from '../models/blocks/hop.ts';
import { HopComputer } from '../models/blocks/hop-computer.ts';
import { BlockRun } from '../models/blocks/testing/block-run.ts';
import { checkpointMetadata } from '../models/decoder/checkpoint.ts';
import { toHex } from '../protocol/hex.ts';
import { hopReads } from '../protocol/hop-program.ts';
import { commitRun } from './commit-run.ts';
import { hopOfSlot, slotsOfHop } from './hop-slots.ts';
import { costOfRun } from './run-cost.ts';
import { planRun, type RunPlan } from './run-plan.ts';
import { SUPERVISED, tinySpec, tinyStart } from './testing/tiny-run.ts';

const start = tinyStart(2);
/** Skips and swaps; nobody visits both layers in order but the last microbatch. */
const work = {
  kind: 'blocks',
  rows: 1,
  length: 24,
  layers: [1, 1],
  paths: [[1], [2, 1], [2], [1, 2]],
} as const;
const spec = tinySpec({ start, work: { ...work, boundary: 'int8' }, steps: 3 });

function stepOf({ blocks }: RunPlan): BlockStep {
  if (blocks === undefined) throw new Error('no blocks were planned');
  return blocks;
}

describe('a run over blocks', () => {
  it('[B-14] has the roots that devices with a block each have', async () => {
    const engine = await createWasmEngine({ threads: 1 });
    const run = await commitRun({ engine, spec, start });
    const step = stepOf(run.plan);
    const devices = [0, 1, 2].map(() => new HopComputer({ engine, step }));
    const own = new Map(step.plan.blocks.map(({ id }, i) => [id, i]));
    const place = ({ block }: Hop) => own.get(block) ?? 0;
    const blocks = await BlockRun.start(step.plan, { state: start.state, devices, place });
    for (let at = 0; at < spec.steps; at++) {
      const given = new Map(run.plan.given(at));
      given.delete('hyper');
      await blocks.step(step, given, spec.learningRate);
      expect(blocks.root(step.plan, checkpointMetadata(start, at + 1))).toBe(run.roots[at]);
    }
    for (const device of devices) await device.dispose();
    run.dispose();
    await engine.stop();
  });

  it('[B-14] gives evidence for each hop: slots of what it read and wrote', async () => {
    const engine = await createWasmEngine({ threads: 1 });
    const run = await commitRun({ engine, spec, start });
    const trace = await run.trace(1);
    const { encoded } = run.plan;
    const step = stepOf(run.plan);
    const computer = new HopComputer({ engine: createReferenceEngine(), step });
    const read = async (slots: readonly { tensor: string; slot: number }[]) =>
      new Map(
        await Promise.all(slots.map(async ({ tensor, slot }) => [tensor, await trace.tensor(slot)] as const)),
      );
    for (const hop of step.hops) {
      const slots = slotsOfHop(step, encoded, hop.index);
      expect(slots.outputs.map(({ tensor }) => tensor)).toEqual(hop.outputs);
      const last = Math.max(...slots.inputs.map(({ slot }) => slot), ...slots.state.map(({ slot }) => slot));
      const { roots } = await computer.compute(hop.index, {
        inputs: await read(slots.inputs),
        state: await read(slots.state),
      });
      for (const { tensor, slot } of slots.outputs) {
        expect(slot).toBeGreaterThan(last);
        expect(hopOfSlot(encoded, slot)).toBe(hop.index);
        expect(toHex(roots.get(tensor) ?? new Uint8Array())).toBe(trace.roots[slot]);
      }
    }
    expect(hopOfSlot(encoded, 0)).toBeUndefined();
    expect(hopOfSlot(encoded, run.program.length - 1)).toBeUndefined();
    expect(() => slotsOfHop(step, encoded, step.hops.length)).toThrow(RangeError);
    await computer.dispose();
    run.dispose();
    await engine.stop();
  });

  it('[V-72] has hops whose slots read nothing but what a device signs, and fixed slots', () => {
    const plan = planRun(spec);
    const step = stepOf(plan);
    for (const { index } of step.hops) {
      const action = plan.encoded.actions[index];
      if (action?.kind !== 'run') throw new Error('a hop is a run');
      const { inputs, state } = slotsOfHop(step, plan.encoded, index);
      const range = { first: action.traced.firstSlot, count: action.traced.outputs.length };
      const signed = [...inputs, ...state].map(({ slot }) => slot);
      expect(hopReads(plan.program, range).inputs).toEqual(signed.toSorted((a, b) => a - b));
    }
  });

  it('[B-14] has another program for other paths and boundaries, and the same data as a supervised step', () => {
    const plan = planRun(tinySpec({ start, work, steps: 3 }));
    expect(planRun(spec).terms.program).not.toBe(plan.terms.program);
    const full = planRun(
      tinySpec({ start, steps: 3, work: { ...work, paths: work.paths.map(() => [1, 2]) } }),
    );
    expect(full.terms.program).not.toBe(plan.terms.program);
    expect(full.terms.data).toBe(plan.terms.data);
    const whole = planRun(tinySpec({ start, steps: 3, work: { ...SUPERVISED, rows: 4, length: 24 } }));
    const given = plan.given(2);
    const joined = work.paths.flatMap((_, m) => [...(given.get(`tokens.${m}`) ?? [])]);
    expect(joined).toEqual([...(whole.given(2).get('tokens') ?? [])]);
  });

  it('[B-8] commits to zeros for a block that no path visits', async () => {
    const engine = await createWasmEngine({ threads: 1 });
    const skipping = tinySpec({ start, work: { ...work, paths: [[1], [1]] }, steps: 1 });
    const run = await commitRun({ engine, spec: skipping, start });
    const trace = await run.trace(0);
    const slot = run.slotNames.indexOf('zero.model.layers.1.mlp.up_proj.weight');
    expect(run.program[slot]?.kind).toBe(2);
    expect((await trace.tensor(slot)).every((byte) => byte === 0)).toBe(true);
    run.dispose();
    await engine.stop();
  });

  it('is priced by its rows and its two forward passes a microbatch', () => {
    const alike = tinySpec({ start, steps: 3, work: { ...SUPERVISED, rows: 4, length: 24 } });
    const [blocks, whole] = [costOfRun(spec), costOfRun(alike)];
    expect(blocks.computeMs).toBe(whole.computeMs);
    expect(blocks.planMs).toBeGreaterThan(whole.planMs);
  });
});
