import { describe, expect, it } from 'vitest';
import { planTrouble } from './plan.ts';

const OPTIONS = { seed: 'one', seconds: 900, honest: 8, hostile: 4, relays: 2 };

describe('planTrouble', () => {
  it('has kills, stops of relays and splits of both halves, all over before the end', () => {
    const plan = planTrouble(OPTIONS);
    expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(['kill', 'relay', 'split']));
    for (const { at, awaySeconds } of plan) {
      expect(at).toBeGreaterThan(0);
      expect(at + awaySeconds).toBeLessThanOrEqual(OPTIONS.seconds - 30);
    }
    expect(plan.map(({ at }) => at)).toEqual(plan.map(({ at }) => at).sort((a, b) => a - b));
    for (const trouble of plan)
      if (trouble.kind === 'split') expect([trouble.members.length, trouble.relays.length]).toEqual([6, 1]);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(planTrouble(OPTIONS)).toEqual(planTrouble(OPTIONS));
    expect(planTrouble({ ...OPTIONS, seed: 'two' })).not.toEqual(planTrouble(OPTIONS));
  });

  it('stops no relay where there is none', () => {
    expect(planTrouble({ ...OPTIONS, relays: 0 }).some(({ kind }) => kind === 'relay')).toBe(false);
  });
});
