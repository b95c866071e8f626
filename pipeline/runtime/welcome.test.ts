import { describe, expect, it } from 'vitest';
import type { Hex } from '../../protocol/hex.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { hashedGraph } from '../testing/hashed-blocks.ts';
import { SimulatedPipeline, simulatedKeepers, simulatedRules } from '../testing/simulated-pipeline.ts';
import type { PipelineMessage } from './messages.ts';
import { stateOfWelcome, welcomeRefusal } from './welcome.ts';

const PATHS = [
  [1, 2],
  [2, 1],
];
const graph = hashedGraph({ layers: 2, paths: PATHS });

/** A member's welcome when it has done one step of three. */
function welcomeAfterOneStep() {
  const draws = RandomStream.named({
    seed: new Uint8Array(32),
    round: 0,
    device: '',
    purpose: 'paths',
  }).sequence(0);
  let found: { messages: PipelineMessage[]; state: ReadonlyMap<string, Hex> } | undefined;
  const pipeline = new SimulatedPipeline({
    graphOf: () => graph,
    steps: 3,
    keepers: simulatedKeepers(graph, 2),
    draws,
    beforeMessage: (_, from, self) => {
      const { member } = self.devices.get(from)!;
      if (member.step === 1) found ??= { messages: member.welcome(PATHS), state: member.book.state };
    },
  });
  pipeline.run();
  const [welcome] = found?.messages ?? [];
  if (welcome?.kind !== 'welcome') throw new Error('A member welcomes in every step.');
  return { welcome, state: found?.state };
}
describe('a welcome', () => {
  const { welcome, state } = welcomeAfterOneStep();
  const rules = { ...simulatedRules, paths: () => PATHS, end: 3 };

  it('gives the roots of all blocks from the signed updates of the step before', () => {
    expect(welcome.step).toBe(1);
    expect(welcomeRefusal(welcome, rules)).toBeUndefined();
    const unknown = new Map([...(state ?? [])].map(([name]) => [name, simulatedRules.run]));
    expect(stateOfWelcome(welcome, unknown)).toEqual(state);
  });

  it('[P-148] is refused when its paths are not the step’s: none may skip what may not be skipped', () => {
    for (const paths of [
      [[1], [2, 1]],
      [[1, 2]],
      [
        [2, 1],
        [2, 1],
      ],
      [[], []],
    ])
      expect(welcomeRefusal({ ...welcome, paths }, rules)).toBe('plan');
  });

  it('is refused for a step after the end, of another run, or with an update that nobody signed', () => {
    const [update, ...rest] = welcome.updates;
    expect(welcomeRefusal({ ...welcome, step: 3 }, rules)).toBe('step');
    expect(welcomeRefusal({ ...welcome, step: 2 }, rules)).toBe('step');
    const other = `0x${'ee'.repeat(32)}` as const;
    expect(welcomeRefusal({ ...welcome, updates: [{ ...update!, run: other }, ...rest] }, rules)).toBe('run');
    expect(welcomeRefusal({ ...welcome, updates: [{ ...update!, inputs: other }, ...rest] }, rules)).toBe(
      'signature',
    );
  });
});
