import { describe, expect, it } from 'vitest';
import {
  type CostRecord,
  compareCosts,
  comparisonInWords,
  formatCostRecord,
  KEPT_ROUNDS,
  parseCostRecord,
  withRound,
} from './cost-record.ts';

const predicted = { seconds: 6, memory: 210e6 };

function recordOf(seconds: readonly number[]): CostRecord {
  let record: CostRecord | null = null;
  for (const [round, each] of seconds.entries())
    record = withRound(record, predicted, { round, seconds: each, memory: 200e6 + round * 1e6 });
  if (record === null) throw new Error('No round was given.');
  return record;
}

describe('what rounds took', () => {
  it('is compared with what was predicted, by the median', () => {
    expect(compareCosts(null)).toBeNull();
    expect(compareCosts({ predicted, rounds: [] })).toBeNull();
    const unpredicted = withRound(null, null, { round: 1, seconds: 2, memory: null });
    expect(compareCosts(unpredicted)).toBeNull();
    expect(parseCostRecord(formatCostRecord(unpredicted))).toEqual(unpredicted);
    expect(compareCosts(recordOf([9, 5, 7]))).toEqual({
      rounds: 3,
      seconds: { predicted: 6, median: 7, least: 5, most: 9 },
      memory: { predicted: 210e6, most: 202e6 },
    });
    expect(compareCosts(recordOf([9, 5, 7, 8]))?.seconds.median).toBe(7.5);
  });

  it('is no record with -0, which would come back as another number', () => {
    expect(parseCostRecord('{"predicted":{"seconds":0,"memory":0},"rounds":[]}')).not.toBeNull();
    expect(parseCostRecord('{"predicted":{"seconds":-0,"memory":0},"rounds":[]}')).toBeNull();
  });

  it('is said in one sentence', () => {
    const words = (seconds: readonly number[]) => {
      const comparison = compareCosts(recordOf(seconds));
      return comparison && comparisonInWords(comparison);
    };
    expect(words([7.12, 5, 61])).toBe(
      'Predicted: about 6.0 s and about 210 MB of memory a round. The last 3 rounds here took 7.1 s (5.0 s to 61 s) of computing and at most 202 MB of memory.',
    );
    expect(words([12])).toMatch(/The one round here took 12 s of computing and at most 200 MB/);
    const unmeasured = withRound(
      null,
      { seconds: null, memory: 5e6 },
      { round: 1, seconds: 2, memory: null },
    );
    const comparison = compareCosts(unmeasured);
    expect(comparison && comparisonInWords(comparison)).toBe(
      'Predicted: about 5 MB of memory a round. The one round here took 2.0 s of computing.',
    );
  });

  it('is remembered for the latest rounds, each once', () => {
    const record = recordOf(Array.from({ length: KEPT_ROUNDS + 7 }, (_, round) => round));
    expect(record.rounds.map(({ round }) => round)).toEqual(
      Array.from({ length: KEPT_ROUNDS }, (_, index) => index + 7),
    );
    const again = withRound(record, predicted, { round: 10, seconds: 99, memory: null });
    expect(again.rounds).toHaveLength(KEPT_ROUNDS);
    expect(again.rounds.find(({ round }) => round === 10)?.seconds).toBe(99);
    expect(parseCostRecord(formatCostRecord(again))).toEqual(again);
  });

  it('is nothing where the text is something else', () => {
    const record = recordOf([1]);
    for (const text of [
      null,
      '',
      '{',
      '[]',
      '{"predicted":{"seconds":1,"memory":1}}',
      JSON.stringify({ ...record, predicted: { seconds: -1, memory: 1 } }),
      JSON.stringify({ ...record, rounds: [{ round: 1, seconds: '2', memory: null }] }),
      JSON.stringify({ ...record, rounds: [{ round: 1, seconds: 2 }] }),
      JSON.stringify({ ...record, rounds: Array.from({ length: 21 }, () => record.rounds[0]) }),
    ])
      expect(parseCostRecord(text)).toBeNull();
  });
});
