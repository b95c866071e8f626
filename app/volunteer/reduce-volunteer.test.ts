import { describe, expect, it } from 'vitest';
import { FEED_ROUNDS } from './reduce-feed.ts';
import { HISTORY_ROUNDS } from './reduce-records.ts';
import { REFUSAL_REASONS, reduceVolunteer } from './reduce-volunteer.ts';
import { scene } from './testing/scenes.ts';
import type { RoundRecord, VolunteerEvent } from './volunteer-events.ts';
import { EMPTY_VIEW, type VolunteerView } from './volunteer-view.ts';

const ME = '0x01';
const PEER = '0x02';

function play(events: readonly VolunteerEvent[], from: VolunteerView = EMPTY_VIEW): VolunteerView {
  return events.reduce(reduceVolunteer, from);
}

function record(round: number): RoundRecord {
  return {
    round,
    reward: 0.5,
    heldOutAccuracy: 0.4,
    loss: 0.1,
    checkpointRoot: `0x${'ab'.repeat(32)}`,
    computedAt: 0,
    sent: false,
    acceptedBy: 0,
  };
}

const trained = (round: number): VolunteerEvent => ({
  kind: 'trained',
  round,
  foreign: 0,
  optimizerSteps: 1,
  meanReward: 0.5,
  heldOutAccuracy: 0.4,
  loss: 0.1,
  checkpointRoot: `0x${'ab'.repeat(32)}`,
  trainedAt: 0,
});

const items = (round: number): VolunteerEvent => ({
  kind: 'prompts',
  round,
  prompts: [
    { task: 'sums', prompt: '1+1=', answer: '2' },
    { task: 'sums', prompt: '2+2=', answer: '4' },
  ],
});

const answers = (author: `0x${string}`, text: string): VolunteerEvent => ({
  kind: 'answers',
  round: 7,
  author,
  own: author === ME,
  set: { author, modelRoot: '0x', groups: [{ item: 0, completions: [{ text, tokens: [], logprobs: [] }] }] },
});

describe('the four counts', () => {
  it('counts each round once in each column, in whatever order and however often it is reported', () => {
    const onChain: VolunteerEvent = {
      kind: 'on-chain',
      round: 1,
      block: 9,
      gas: 16_000,
      transaction: '0xaa',
    };
    const view = play([
      trained(1),
      onChain,
      { kind: 'sent', round: 1 },
      { kind: 'sent', round: 1 },
      { kind: 'accepted', round: 1, peers: 2, strangers: 0 },
      { kind: 'accepted', round: 1, peers: 2, strangers: 40 },
      onChain,
      trained(2),
    ]);
    expect(view.totals).toEqual({ computed: 2, sent: 1, accepted: 1, onChain: 1 });
    expect(view.history[0]).toMatchObject({ sent: true, acceptedBy: 3, chain: { block: 9, gas: 16_000 } });
  });

  it('goes on from stored totals, beyond the rounds that are kept', () => {
    const view = play([
      {
        kind: 'history',
        records: [record(900)],
        totals: { computed: 900, sent: 899, accepted: 800, onChain: 700 },
      },
      trained(901),
    ]);
    expect(view.totals).toEqual({ computed: 901, sent: 899, accepted: 800, onChain: 700 });
  });

  it('ignores news about rounds that were never computed here', () => {
    expect(play([{ kind: 'sent', round: 5 }]).totals.sent).toBe(0);
  });

  it('keeps a bounded history', () => {
    const many = Array.from({ length: HISTORY_ROUNDS + 5 }, (_, round) => trained(round));
    const view = play(many);
    expect(view.history).toHaveLength(HISTORY_ROUNDS);
    expect(view.history.at(-1)?.round).toBe(HISTORY_ROUNDS + 4);
    expect(view.totals.computed).toBe(HISTORY_ROUNDS + 5);
  });
});

describe('the feed', () => {
  it('gathers answers, critiques, votes and corrections under their task', () => {
    const view = play([
      items(7),
      answers(ME, '2'),
      answers(PEER, '3'),
      {
        kind: 'critiques',
        round: 7,
        critic: PEER,
        own: false,
        judgements: [{ item: 0, author: ME, sample: 0, text: 'y', right: true }],
      },
      {
        kind: 'votes',
        round: 7,
        voter: PEER,
        own: false,
        ballots: [{ item: 0, author: ME, sample: 0 }],
        corrections: [],
      },
      { kind: 'votes', round: 7, voter: ME, own: true, ballots: [], corrections: [{ item: 1, text: '4' }] },
    ]);
    const [first, second] = view.feed[0]?.items ?? [];
    expect(first?.answers).toEqual([
      {
        author: ME,
        own: true,
        sample: 0,
        text: '2',
        graded: null,
        critiques: [{ critic: PEER, text: 'y', right: true }],
        votes: 1,
      },
      { author: PEER, own: false, sample: 0, text: '3', graded: null, critiques: [], votes: 0 },
    ]);
    expect(second?.correction).toBe('4');
  });

  it('takes one answer set and one critique per device', () => {
    const critique: VolunteerEvent = {
      kind: 'critiques',
      round: 7,
      critic: PEER,
      own: false,
      judgements: [{ item: 0, author: ME, sample: 0, text: 'y', right: true }],
    };
    const view = play([items(7), answers(ME, '2'), answers(ME, '9'), critique, critique]);
    expect(view.feed[0]?.items[0]?.answers).toHaveLength(1);
    expect(view.feed[0]?.items[0]?.answers[0]?.critiques).toHaveLength(1);
  });

  it('keeps the latest rounds, and shortens what a stranger wrote at length', () => {
    const view = play([items(7), items(8), items(9), items(6), items(10)]);
    expect(view.feed.map((round) => round.round)).toEqual([10, 9, 8].slice(0, FEED_ROUNDS));
    const long = play([items(7), answers(PEER, 'x'.repeat(50_000))]);
    expect(long.feed[0]?.items[0]?.answers[0]?.text).toHaveLength(8_001);
  });
});

describe('the rest', () => {
  it('counts refusals by reason and lumps what is beyond the limit', () => {
    const reasons = Array.from({ length: REFUSAL_REASONS + 3 }, (_, index) => `reason ${index}`);
    const view = play([...reasons, 'reason 0'].map((reason) => ({ kind: 'refused', reason, count: 1 })));
    expect(view.refused[0]).toEqual({ reason: 'reason 0', count: 2 });
    expect(view.refused.at(-1)).toEqual({ reason: 'other reasons', count: 3 });
    expect(view.refused).toHaveLength(REFUSAL_REASONS + 1);
  });

  it('shows nothing as live once the device has left', () => {
    const running = play(scene('contributing', 1_000));
    expect(running.peers).toHaveLength(3);
    const stopped = reduceVolunteer(running, { kind: 'phase', phase: { kind: 'stopped', finished: false } });
    expect(stopped).toMatchObject({ peers: [], clock: null, status: null });
    expect(stopped.totals).toEqual(running.totals);
  });
});
