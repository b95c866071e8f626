import { describe, expect, it } from 'vitest';
import { Judge } from './judge.ts';
import type { ChaosReport } from './settings.ts';

const [A, B, C, THIEF] = ['0xa', '0xb', '0xc', '0xd'] as const;
const BUDGET = { heapMiB: 100, messagesARound: 50 };

/** Two honest members, 0 and 1, and a hostile one. */
function setUp(): Judge {
  const judge = new Judge({ threshold: -160, roundSeconds: 20 });
  judge.addHonest(0, A);
  judge.addHonest(1, B);
  judge.addHostile('peer of d', THIEF, 'copy');
  return judge;
}

const stored = (round: number, previousRoot: string, root: string): ChaosReport =>
  ({ kind: 'stored', round, previousRoot, root }) as ChaosReport;
const finished = (round: number, root: string, foreign: readonly string[] = []): ChaosReport =>
  ({ kind: 'finished', round, root, foreign }) as ChaosReport;
const ack = (by: string, round: number, author: string, value: string): ChaosReport =>
  ({ kind: 'ack', by, statement: { round, author, value } }) as ChaosReport;
const vote = (author: string, value: string): ChaosReport =>
  ({ kind: 'vote', statement: { round: 1, author, value } }) as ChaosReport;
const state = (score: number, more: object = {}): ChaosReport =>
  ({
    kind: 'state',
    heapMiB: 1,
    rssMiB: 1,
    heard: 0,
    scores: [['peer of d', score]],
    ...more,
  }) as ChaosReport;

describe('Judge', () => {
  it('counts a finished round as lost unless another honest member acknowledged it', () => {
    const judge = setUp();
    judge.hear(0, stored(1, '0x0', '0x1'), 0);
    judge.hear(0, finished(1, '0x1'), 0);
    for (const by of [A, THIEF, C]) judge.hear(1, ack(by, 1, A, '0x1'), 1);
    judge.hear(1, ack(B, 1, A, '0x2'), 1);
    expect(judge.lost(1)).toEqual([{ member: 0, round: 1, why: 'nobody acknowledged it' }]);
    expect(judge.lost(0)).toEqual([]);
    judge.hear(0, ack(B, 1, A, '0x1'), 2);
    expect(judge.lost(1)).toEqual([]);
  });

  it('tells how many neighbours a member had after a round that it lost', () => {
    const judge = setUp();
    judge.hear(0, stored(1, '0x0', '0x1'), 100);
    judge.hear(0, state(0), 99);
    judge.hear(0, finished(1, '0x1'), 100);
    expect(judge.findings(1)).toEqual([
      'Member 0 lost round 1: nobody acknowledged it. It did not run after that.',
    ]);
    judge.hear(0, state(0, { scores: [] }), 110);
    judge.hear(0, state(0), 120);
    expect(judge.findings(1)).toEqual([
      'Member 0 lost round 1: nobody acknowledged it. It had 0 to 1 neighbours in the two rounds after that.',
    ]);
  });

  it('hears of a stored round once more from a member that begins again, and of one that it had lost', () => {
    const judge = setUp();
    for (const round of [1, 2, 3]) judge.hear(1, ack(B, round, A, `0x${round}`), 1);
    for (const round of [1, 2, 3]) judge.hear(0, finished(round, `0x${round}`), 0);
    judge.hear(0, stored(1, '0x0', '0x1'), 0);
    judge.hear(0, stored(1, '0x0', '0x1'), 0);
    // The report of round 2 came too late to be heard from the process that was killed.
    judge.hear(0, stored(2, '0x1', '0x2'), 0);
    judge.hear(0, stored(3, '0x2', '0x3'), 0);
    expect(judge.lost(3)).toEqual([]);
    // Its disk had forgotten round 3.
    judge.hear(0, stored(2, '0x1', '0x2'), 0);
    expect(judge.lost(3)).toEqual([{ member: 0, round: 3, why: 'the next round went on from another' }]);
  });

  it('counts a round as lost that the next one did not go on from, or that was not stored', () => {
    const judge = setUp();
    for (const round of [1, 2, 3]) judge.hear(1, ack(B, round, A, `0x${round}`), 1);
    judge.hear(0, stored(1, '0x0', '0x1'), 0);
    judge.hear(0, finished(1, '0x1'), 0);
    judge.hear(0, stored(2, '0x0', '0x2'), 0);
    judge.hear(0, finished(2, '0x2'), 0);
    judge.hear(0, finished(3, '0x3'), 0);
    expect(judge.lost(3).map(({ round, why }) => [round, why])).toEqual([
      [1, 'the next round went on from another'],
      [3, 'its checkpoint was not stored'],
    ]);
  });

  it('tells votes that were heard differently, of honest members and of others', () => {
    const judge = setUp();
    for (const [member, author, value] of [
      [0, A, 'x'],
      [1, A, 'x'],
      [0, THIEF, 'x'],
      [1, THIEF, 'y'],
    ] as const)
      judge.hear(member, vote(author, value), 0);
    const options = { last: 1, hostile: 1, budget: BUDGET };
    expect(judge.verdict(options)).toMatchObject({
      honestVotesSplit: 0,
      hostileVotesSplit: 1,
      votesCompared: 2,
    });
    judge.hear(1, vote(A, 'y'), 0);
    expect(judge.verdict(options)).toMatchObject({ honestVotesSplit: 1, hostileVotesSplit: 1 });
  });

  it('counts a cheat as cut when every neighbour that saw it long enough has a score below the threshold', () => {
    const judge = setUp();
    const cut = (): number => judge.verdict({ last: 1, hostile: 1, budget: BUDGET }).cheatsCut;
    judge.hear(0, state(0), 0);
    judge.hear(0, state(-161), 5);
    expect(cut()).toBe(1);
    const see = (score: number, from: number, to: number): void => {
      for (let at = from; at <= to; at++) judge.hear(1, state(score), at);
    };
    see(0, 0, 30);
    // The network was split, and the member has it again for a short time.
    see(-160, 50, 60);
    expect([cut(), judge.uncut()]).toEqual([1, []]);
    see(-160, 61, 66);
    expect(cut()).toBe(0);
    const late = { kind: 'copy', peerId: 'peer of d', member: 1, lowest: -160 };
    expect(judge.uncut()).toEqual([{ ...late, had: 46 }]);
    // A process that begins again knows no scores.
    judge.killed(1);
    see(-160, 70, 110);
    expect([cut(), judge.uncut()]).toEqual([1, []]);
    see(-160, 111, 115);
    expect(cut()).toBe(0);
    judge.hear(1, state(-200), 130);
    expect(
      judge.verdict({ last: 1, hostile: 1, budget: BUDGET }).kinds.find(({ tried }) => tried > 0),
    ).toEqual({
      ...{ kind: 'copy', tried: 1, cut: 1, neighbours: 2, cutBy: 2, medianSeconds: 60, lowestScore: -200 },
    });
  });

  it('finds stolen sets that were trained on, acknowledged cheats, and members over their budget', () => {
    const judge = setUp();
    judge.hearHostile({ kind: 'stolen', cid: 'stolen', of: 'original', from: B });
    judge.hearHostile({ kind: 'stolen', cid: 'stolen again', of: 'stolen', from: THIEF });
    judge.hearHostile({ kind: 'stolen', cid: 'thief of thief', of: 'of a thief', from: THIEF });
    judge.hear(0, finished(1, '0x1', ['own', 'stolen', 'stolen again', 'thief of thief']), 0);
    judge.hear(0, ack(B, 1, THIEF, '0x9'), 0);
    judge.hear(0, ack(C, 1, THIEF, '0x8'), 0);
    judge.hear(0, state(0, { heard: 0 }), 0);
    judge.hear(0, state(0, { heard: 60 }), 20);
    judge.hear(1, state(0, { heapMiB: 101 }), 20);
    expect(judge.verdict({ last: 1, hostile: 1, budget: BUDGET })).toMatchObject({
      ...{ stolenSetsUsed: 2, cheatsAcknowledged: 1, overBudget: 2, messagesARound: 60, heapMiB: 101 },
    });
  });
});
