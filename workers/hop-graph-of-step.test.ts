import { describe, expect, it } from 'vitest';
import { encodeProgram } from '../audit/encode-program.ts';
import { slotsOfHop } from '../audit/hop-slots.ts';
import { blockPlan } from '../models/blocks/block-plan.ts';
import { blockStep } from '../models/blocks/block-step.ts';
import { blockRoot, blocksOf } from '../models/blocks/block-version.ts';
import { tensorRoot } from '../models/checkpoint/root.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { initialParameters } from '../models/decoder/initialize.ts';
import { DEFAULT_LORA } from '../models/decoder/lora/adapters.ts';
import { freshState } from '../models/decoder/state.ts';
import { StepPlan } from '../pipeline/runtime/step-plan.ts';
import { toHex } from '../protocol/hex.ts';
import { hopGraphOf, versionRootOf } from './hop-graph-of-step.ts';

const plan = blockPlan({ config: NANO_CONFIG, layers: [1, 1] });
const step = blockStep({
  plan,
  microbatches: { count: 2, batch: 1, length: 8 },
  paths: [[1, 2], [2]],
});
const graph = hopGraphOf(step);

describe('the graph of a step over blocks', () => {
  it('has the step’s hops in their order, each with what it reads and gives', () => {
    expect(graph.nodes).toHaveLength(step.hops.length);
    for (const { index, kind, block, inputs, outputs } of step.hops)
      expect(graph.node(index)).toMatchObject({ kind, block, inputs, outputs });
    expect(hopGraphOf(step)).toBe(graph);
  });

  it('[P-141] has the slots that a claim has, and the sizes of the tensors', () => {
    const encoded = encodeProgram(step.recipe);
    for (const { index, block } of step.hops) {
      const slots = slotsOfHop(step, encoded, index);
      for (const { tensor, slot } of [...slots.inputs, ...slots.outputs])
        expect(graph.placeOf(tensor)).toEqual({ slot, bytes: step.bytesOf(tensor) });
      for (const { tensor, slot } of slots.state)
        expect(graph.stateOf(block).get(tensor)).toEqual({ slot, bytes: step.bytesOf(tensor) });
    }
  });

  it('lets every keeper compute the updates, and nothing else', () => {
    for (const { index, kind } of step.hops) expect(graph.isForEveryKeeper(index)).toBe(kind === 'update');
  });

  it('[B-17] has an update for every keeper also where nothing of a block is trained', () => {
    const lora = { ...DEFAULT_LORA, rank: 2 };
    const frozen = blockPlan({ config: NANO_CONFIG, layers: [1, 1], weights: { frozen: true, lora } });
    const beside = blockStep({
      plan: frozen,
      microbatches: { count: 2, batch: 1, length: 8 },
      paths: 'full',
    });
    const made = hopGraphOf(beside);
    expect(made.stateOf('embedding').size).toBe(0);
    const updates = made.nodes.filter(({ index }) => made.isForEveryKeeper(index));
    expect(updates.map(({ block, kind }) => [block, kind])).toEqual(
      frozen.blocks.map(({ id }) => [id, 'update']),
    );
  });

  it('can be planned', () => {
    const device = `0x${'11'.repeat(20)}` as const;
    const keepers = new Map(plan.blocks.map(({ id }) => [id, [device]]));
    const planned = new StepPlan(0, graph, keepers);
    expect(step.hops.every(({ index }) => planned.order(index)[0] === device)).toBe(true);
  });

  it('[P-141] names a version by the root of its block', () => {
    const state = freshState(
      NANO_CONFIG,
      initialParameters({ config: NANO_CONFIG, draw: (tensor, element, part) => tensor + element + part }),
    );
    for (const version of blocksOf(plan, state)) {
      const roots = new Map([...version.tensors].map(([name, bytes]) => [name, toHex(tensorRoot(bytes))]));
      expect([...roots.keys()]).toEqual([...graph.stateOf(version.block).keys()]);
      expect(versionRootOf(plan, version.block, version.step, roots)).toBe(blockRoot(plan, version));
    }
  });
});
