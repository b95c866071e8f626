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

  it('[P-145] adds gradients up where most of them are', () => {
    const plan = new StepPlan(0, graph, keepers);
    for (const { index, block, microbatch, inputs } of graph.nodes) {
      if (microbatch !== undefined) continue;
      const bytesAt = (device: string | undefined) =>
        inputs
          .filter((name) => plan.order(graph.producerOf(name) ?? 0)[0] === device)
          .reduce((sum, name) => sum + graph.placeOf(name).bytes, 0);
      const most = Math.max(...plan.keepers(block).map(bytesAt));
      expect(bytesAt(plan.order(index)[0])).toBe(most);
    }
  });

  it('[P-145] sends few gradients, and gives no device much more than its share', () => {
    const path = [1, 2, 3, 4, 5, 6, 7];
    const large = hashedGraph({ layers: 7, paths: Array.from({ length: 4 }, () => path) });
    for (let devices = 2; devices <= 12; devices++) {
      const kept = simulatedKeepers(large, devices);
      const plan = new StepPlan(0, large, kept);
      const places = new Map(
        large.nodes
          .filter(({ microbatch }) => microbatch !== undefined)
          .map(({ index, block, microbatch }) => [`${block} ${microbatch}`, plan.order(index)[0]]),
      );
      const loads = [...plan.members].map((each) => [...places.values()].filter((at) => at === each).length);
      expect(Math.max(...loads)).toBeLessThanOrEqual(Math.ceil(places.size / plan.members.size) + 2);
      if (devices > 4) continue;
      // A block's four microbatches are at one device, or at two where the first one has its share.
      for (const block of large.state.keys()) {
        const at = new Set([0, 1, 2, 3].map((microbatch) => places.get(`${block} ${microbatch}`)));
        expect(at.size).toBeLessThanOrEqual(2);
      }
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
