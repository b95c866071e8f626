import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planRun, type RunPlan } from '../../audit/run-plan.ts';
import { outputOf } from '../../audit/testing/block-lies.ts';
import { BLOCKS, SUPERVISED, tinySpec, tinyStart } from '../../audit/testing/tiny-run.ts';
import { NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { challengerDecision } from '../../chain/disputes/agents/challenger.ts';
import { claimantDecision } from '../../chain/disputes/agents/claimant.ts';
import { challengeBond, claimBond, maxMoves } from '../../chain/disputes/reference-game/bonds.ts';
import { ReferenceDisputes } from '../../chain/disputes/reference-game/reference-disputes.ts';
import { ReferencePort } from '../../chain/disputes/reference-game/reference-port.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import type { HopKind } from '../../models/blocks/hop.ts';
import { must } from '../../protocol/must.ts';
import { blockFixture, blockFixtures, blockPlanOfGames } from './block-fixture.ts';
import type { ClaimantFixture } from './claimant-fixture.ts';
import { type Contract, startContract } from './contract.ts';
import { ENGINE_JUDGE } from './engine-judge.ts';
import { playMatch, SETTINGS } from './match.ts';

/** Beyond those of the command's first ten thousand games. */
const FIRST = 100_000;
const CLAIMANT = '0x00000000000000000000000000000000000c1a1a';
const CHALLENGER = '0x0000000000000000000000000000000000000001';

let engine: Engine;
let plan: RunPlan;
let truth: ClaimantFixture;

beforeAll(async () => {
  engine = createReferenceEngine();
  plan = blockPlanOfGames();
  truth = await blockFixture(plan, engine);
});
afterAll(() => engine.stop());

/** The moves of a whole game between a false claim and an honest challenger, which has to win it. */
async function movesOf(claimed: ClaimantFixture, right: ClaimantFixture): Promise<number> {
  const disputes = new ReferenceDisputes({ settings: SETTINGS, judge: ENGINE_JUDGE });
  const clock = () => 1_800_000_000;
  const claimant = new ReferencePort({ disputes, me: CLAIMANT, clock });
  const challenger = new ReferencePort({ disputes, me: CHALLENGER, clock });
  const { terms, root } = claimed;
  await claimant.play({ kind: 'claim', terms, root, bond: claimBond(terms, SETTINGS) });
  await challenger.play({ kind: 'challenge', claim: 0, terms, bond: challengeBond(terms, SETTINGS) });
  for (let moves = 0; ; moves++) {
    const view = await claimant.look(0);
    if (view.game.phase === 'over') {
      expect(view.claim.lost).toBe(true);
      return moves;
    }
    const side = view.game.clock.claimantToMove ? 'claimant' : 'challenger';
    const decision =
      side === 'claimant' ? await claimantDecision(view, claimed) : await challengerDecision(view, right);
    if (decision.kind !== 'move') throw new Error(`The ${side} has no move in ${view.game.phase}.`);
    const played = await (side === 'claimant' ? claimant : challenger).play(decision.move);
    if (played.kind !== 'done') throw new Error(`${decision.move.kind} was not played: ${played.kind}`);
  }
}

describe('a dispute over a model in blocks', () => {
  it('[V-85] has at most six moves more than one over the same model in one piece', async () => {
    const whole = planRun(tinySpec({ start: tinyStart(), work: SUPERVISED, steps: 2 }));
    expect(maxMoves(plan.terms) - maxMoves(whole.terms)).toBeLessThanOrEqual(6);
    expect(plan.program.length).toBeGreaterThan(whole.program.length);
    // nano has 316 slots, and with 64 microbatches over its layers one by one fewer than 2^16.
    const [nano, many] = [
      { ...plan.terms, slots: 316 },
      { ...plan.terms, slots: 2 ** 24 },
    ];
    expect(maxMoves(many) - maxMoves(nano)).toBeLessThanOrEqual(6);
  });

  it.each<readonly [string, HopKind, number]>([
    ['activation', 'forward', 0],
    ['gradient', 'backward', 0],
    ['partial sum', 'sum', 0],
    ['norm', 'norm', 0],
    ['moment', 'update', 1],
  ])('[V-85] is won against one false %s, within its moves', async (what, kind, place) => {
    // Only the activations of tokens with a weight reach the loss.
    const weighted =
      plan
        .given(1)
        .get('weights.0')
        ?.findIndex((weight) => weight > 0) ?? 0;
    const element = what === 'activation' ? weighted * plan.spec.config.hiddenSize : 0;
    const at = outputOf(plan, kind, place);
    const claimed = await blockFixture(plan, engine, { ...at, step: 1, element, mask: 1 << 20 });
    expect(claimed.root).not.toBe(truth.root);
    expect(await movesOf(claimed, truth)).toBeLessThanOrEqual(maxMoves(plan.terms));
    const { roots } = await claimed.trace(1);
    const first = roots.findIndex((root, slot) => root !== must(truthRoots, slot));
    expect(first).toBe(at.slot);
  });

  it('[V-85] is won against one false quantised row', async () => {
    const rows = planRun(tinySpec({ start: tinyStart(), work: { ...BLOCKS, boundary: 'int8' }, steps: 2 }));
    const right = await blockFixture(rows, engine);
    const at = outputOf(rows, 'forward');
    const weighted =
      rows
        .given(1)
        .get('weights.0')
        ?.findIndex((weight) => weight > 0) ?? 0;
    // Four numbers of eight bits are one word.
    const element = (weighted * rows.spec.config.hiddenSize) / 4;
    const claimed = await blockFixture(rows, engine, { ...at, step: 1, element, mask: 1 << 6 });
    expect(claimed.root).not.toBe(right.root);
    expect(await movesOf(claimed, right)).toBeLessThanOrEqual(maxMoves(rows.terms));
    expect(maxMoves(rows.terms) - maxMoves(plan.terms)).toBeLessThanOrEqual(2);
  });

  let truthRoots: readonly string[];
  beforeAll(async () => {
    truthRoots = (await truth.trace(1)).roots;
  });
});

describe.skipIf(NO_ANVIL !== undefined)(
  `Games over blocks${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let contract: Contract;
    beforeAll(async () => {
      contract = await startContract();
    });
    afterAll(() => contract?.stop());

    it('[V-85] no honest player loses, and the contract does what the reference game does', async () => {
      const fixtures = blockFixtures(plan);
      for (let seed = FIRST; seed < FIRST + 2; seed++) {
        const match = await playMatch(seed, engine, fixtures);
        expect(match.honestLost).toEqual([]);
        expect(await contract.difference(match)).toBeUndefined();
      }
    });
  },
);
