import { describe, expect, it } from 'vitest';
import { countRounds } from './missed-rounds.ts';

describe('countRounds', () => {
  it('counts from the first round in which everybody was there', () => {
    const attested = [
      [3, 4, 5, 6, 7],
      [5, 6, 7, 8],
    ];
    expect(countRounds(attested, 7)).toEqual({ rounds: 3, missed: 0 });
  });

  it('counts each member that misses a round', () => {
    const attested = [
      [1, 2, 4],
      [1, 2, 3],
      [1, 4],
    ];
    expect(countRounds(attested, 4)).toEqual({ rounds: 4, missed: 4 });
  });

  it('counts all rounds of a member that never came', () => {
    expect(countRounds([[1, 2], []], 2)).toEqual({ rounds: 2, missed: 2 });
  });

  it('counts nothing before everybody is there', () => {
    expect(countRounds([[1, 2], [4]], 3)).toEqual({ rounds: 0, missed: 0 });
    expect(countRounds([], 3)).toEqual({ rounds: 0, missed: 0 });
  });
});
