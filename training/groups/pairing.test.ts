import { describe, expect, it } from 'vitest';
import type { Hex } from '../../protocol/hex.ts';
import { groupSteps, type OuterRecord, PairingError, parseOuterRecord, partnersOf } from './pairing.ts';

const seed = new TextEncoder().encode('pairing');
const rootOf = (group: number): Hex => `0x${group.toString(16).padStart(64, '0')}`;
const all = (groups: number): (Hex | null)[] => Array.from({ length: groups }, (_, group) => rootOf(group));

describe('partners', () => {
  it('[NL-1] pair every group once, the same on every device, and leave one of an odd number alone', () => {
    for (const groups of [1, 2, 3, 4, 7, 64, 101]) {
      for (let round = 0; round < 20; round++) {
        const partners = partnersOf({ seed, round, groups });
        const alone = partners.filter((partner, group) => partner === group);
        expect(partners.map((partner) => partners[partner])).toEqual([...partners.keys()]);
        expect(alone).toHaveLength(groups % 2);
        expect(partnersOf({ seed, round, groups })).toEqual(partners);
      }
    }
  });

  it('[NL-1] change with the round, and so does who is alone', () => {
    const rounds = Array.from({ length: 200 }, (_, round) => partnersOf({ seed, round, groups: 5 }));
    const alone = rounds.map((partners) => partners.findIndex((partner, group) => partner === group));
    const partnersOfFirst = rounds.map(([first]) => first);
    for (const group of [0, 1, 2, 3, 4]) {
      expect(alone.filter((one) => one === group).length).toBeGreaterThan(20);
      expect(partnersOfFirst.filter((one) => one === group).length).toBeGreaterThan(20);
    }
    expect(partnersOf({ seed: seed.slice(1), round: 0, groups: 64 })).not.toEqual(
      partnersOf({ seed, round: 0, groups: 64 }),
    );
  });

  it('are refused for a number of groups that cannot be', () => {
    for (const groups of [0, -1, 1.5, 4097, Number.NaN]) {
      expect(() => partnersOf({ seed, round: 0, groups })).toThrow(PairingError);
    }
  });
});

describe('the steps of a record', () => {
  it('[NL-2] are of both partners or of neither', () => {
    const groups = 8;
    const partners = partnersOf({ seed, round: 3, groups });
    const missing = 5;
    const steps = groupSteps(seed, { round: 3, roots: all(groups).with(missing, null) });
    for (const [group, step] of steps.entries()) {
      const partner = partners[group] ?? -1;
      const alone = group === missing || partner === missing;
      expect(step).toEqual(
        alone ? { kind: 'self', why: 'missing' } : { kind: 'pair', partner, root: rootOf(partner) },
      );
    }
    expect(steps.filter(({ kind }) => kind === 'self')).toHaveLength(2);
  });

  it('[NL-2] name the one of an odd number that has no partner', () => {
    const steps = groupSteps(seed, { round: 1, roots: all(3) });
    expect(steps.filter((step) => step.kind === 'self')).toEqual([{ kind: 'self', why: 'odd' }]);
  });

  it('follow from the record as it is stored', () => {
    const record: OuterRecord = { round: 7, roots: all(4).with(2, null) };
    const stored: unknown = JSON.parse(JSON.stringify(record));
    expect(groupSteps(seed, parseOuterRecord(stored))).toEqual(groupSteps(seed, record));
  });

  it.each([
    null,
    [],
    { round: 0 },
    { round: -1, roots: [null] },
    { round: 2 ** 32, roots: [null] },
    { round: 0, roots: [] },
    { round: 0, roots: ['0x12'] },
    { round: 0, roots: [`0x${'A'.repeat(64)}`] },
    { round: 0, roots: new Array(4097).fill(null) },
  ])('refuses %j as a record', (value) => {
    expect(() => parseOuterRecord(value)).toThrow(PairingError);
  });
});
