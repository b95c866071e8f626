import { describe, expect, it } from 'vitest';
import { type LearnedRound, summarize } from './learning-summary.ts';

const rounds = (rewards: readonly number[], first = 5): LearnedRound[] =>
  rewards.map((reward, index) => ({ round: first + index, reward, heldOut: reward, foreign: 3 }));

describe('summarize', () => {
  it('has the mean reward of members and rounds, and the held-out share of the last round', () => {
    const summary = summarize({
      together: [rounds([0.1, 0.3]), rounds([0.2, 0.4])],
      alone: [rounds([0.1, 0.1])],
      rounds: 2,
      failures: 0,
    });
    expect(summary).toEqual({
      ...{ members: 2, rounds: 2, missed: 0, failures: 0, together: 0.25, alone: 0.1 },
      ...{ gain: 2.5, gainAtHalf: 1.5, heldOutTogether: 0.35, heldOutAlone: 0.1, foreign: 3 },
    });
  });

  it('counts each member with as many rounds as the one with the fewest', () => {
    const summary = summarize({
      together: [rounds([0.1, 0.9, 0.9])],
      alone: [rounds([0.1])],
      rounds: 3,
      failures: 1,
    });
    expect(summary).toMatchObject({ rounds: 1, together: 0.1, alone: 0.1, gain: 1, failures: 1 });
  });

  it('counts the rounds that a member left out', () => {
    const late = [...rounds([0.1], 5), ...rounds([0.1], 8)];
    const summary = summarize({ together: [late], alone: [rounds([0, 0])], rounds: 2, failures: 0 });
    expect(summary).toMatchObject({ missed: 2, gain: null });
  });

  it('refuses a comparison with nobody', () => {
    expect(() => summarize({ together: [[]], alone: [], rounds: 1, failures: 0 })).toThrow(RangeError);
  });
});
