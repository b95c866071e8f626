import { describe, expect, it } from 'vitest';
import { hashedGraph } from '../testing/hashed-blocks.ts';
import { simulatedAddress, simulatedKeepers } from '../testing/simulated-pipeline.ts';
import { byRank, NoKeeperError, StepPlan } from './step-plan.ts';

const graph = hashedGraph({
  layers: 3,
  paths: [
    [1, 2, 3],
    [1, 3],
    [2, 3],
    [1, 2],
  ],
});
const keepers = simulatedKeepers(graph, 6);

describe('the plan of a step', () => {
  it('[P-145] is the same for all that know the same keepers, in whatever order', () => {
    const turned = new Map([...keepers].map(([block, devices]) => [block, [...devices].reverse()]));
    const [one, other] = [new StepPlan(0, graph, keepers), new StepPlan(0, graph, turned)];
    for (const { index } of graph.nodes) expect(other.order(index)).toEqual(one.order(index));
  });

  it('[P-145] asks every keeper of a hop’s block, and none else', () => {
    const plan = new StepPlan(0, graph, keepers);
    for (const { index, block } of graph.nodes)
      expect([...plan.order(index)].sort()).toEqual([...(keepers.get(block) ?? [])].sort());
  });

  it('keeps a microbatch’s passes over a block at one device', () => {
    const plan = new StepPlan(0, graph, keepers);
    for (const { index, kind, block, microbatch } of graph.nodes) {
      if (kind !== 'backward' || block === 'embedding') continue;
      const forward = graph.nodes.find(
        (node) => node.kind === 'forward' && node.block === block && node.microbatch === microbatch,
      );
      expect(plan.order(index)[0]).toBe(plan.order(forward!.index)[0]);
    }
  });

  it('[P-145] asks a device last that joins during the step, and moves nothing for it', () => {
    const [plan, before] = [new StepPlan(0, graph, keepers), new StepPlan(0, graph, keepers)];
    const newcomer = simulatedAddress(30);
    plan.join(newcomer, ['layers.1', 'nothing']);
    for (const { index, block } of graph.nodes) {
      const others = plan.order(index).filter((device) => device !== newcomer);
      expect(plan.order(index)[0]).toBe(before.order(index)[0]);
      expect(others).toHaveLength(before.order(index).length);
      expect(plan.order(index).includes(newcomer)).toBe(block === 'layers.1');
    }
  });

  it('changes no rank of two when a third comes or goes', () => {
    const devices = Array.from({ length: 8 }, (_, index) => simulatedAddress(index));
    const all = byRank('layers.0', devices);
    for (const gone of devices)
      expect(
        byRank(
          'layers.0',
          devices.filter((device) => device !== gone),
        ),
      ).toEqual(all.filter((device) => device !== gone));
  });

  it('refuses a step with a block that nobody keeps', () => {
    expect(() => new StepPlan(0, graph, new Map([...keepers, ['layers.1', []]]))).toThrow(NoKeeperError);
  });
});
