import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GasBudget } from './gas-budget.ts';

function budgetAt(clock: { round: number; now: number }) {
  return new GasBudget({
    gasPerRound: 800,
    gasPerDay: 8000,
    round: () => clock.round,
    now: () => clock.now,
  });
}

describe('a gas budget', () => {
  it('keeps half for owners and all but an eighth from strangers', () => {
    const budget = budgetAt({ round: 1, now: 0 });
    expect([0, 1, 2].map((rank) => budget.room(rank))).toEqual([800, 400, 100]);
    budget.spend(2, 100, 'someone');
    expect([0, 1, 2].map((rank) => budget.room(rank))).toEqual([700, 300, 0]);
    budget.spend(1, 300, 'someone');
    expect([0, 1, 2].map((rank) => budget.room(rank))).toEqual([400, 0, 0]);
    budget.spend(0, 400, 'someone');
    expect([0, 1, 2].map((rank) => budget.room(rank))).toEqual([0, 0, 0]);
  });

  it('begins anew with each round until the day is spent, and then with the next day', () => {
    const clock = { round: 1, now: 5 };
    const budget = budgetAt(clock);
    for (; clock.round <= 10; clock.round++) {
      expect(budget.room(2)).toBe(100);
      budget.spend(2, 100, 'someone');
    }
    expect(budget.room(2)).toBe(0);
    expect(budget.spent(2)).toBe('day');
    expect(budget.room(0)).toBe(800);
    clock.now += 86_400_000;
    expect(budget.room(2)).toBe(100);
  });

  it('gives one account no more than its part of a day, and others theirs', () => {
    const clock = { round: 1, now: 0 };
    const budget = new GasBudget({
      ...{ gasPerRound: 800, gasPerDay: 8000, gasPerAccount: 150 },
      ...{ round: () => clock.round, now: () => clock.now },
    });
    budget.spend(0, 100, 'greedy');
    expect([budget.accountRoom('greedy'), budget.accountRoom('other')]).toEqual([50, 150]);
    expect(budget.leftToday()).toBe(7900);
    clock.round++;
    expect(budget.accountRoom('greedy')).toBe(50);
    clock.now += 86_400_000;
    expect(budget.accountRoom('greedy')).toBe(150);
    expect(budget.leftToday()).toBe(8000);
  });

  it('goes on with what an earlier process spent, while its day lasts', () => {
    const clock = { round: 1, now: 1000 };
    const first = budgetAt(clock);
    first.spend(0, 700, 'someone');
    const before = JSON.parse(JSON.stringify(first.day));
    const again = (now: number) =>
      new GasBudget({ gasPerRound: 800, gasPerDay: 8000, before, round: () => 2, now: () => now });
    expect(again(2000).leftToday()).toBe(7300);
    expect(again(1000 + 86_400_000).leftToday()).toBe(8000);
    // The clock was set back.
    expect(again(500).leftToday()).toBe(8000);
  });

  it('never lets a rank have what is kept for those before it', () => {
    const spending = fc.array(fc.tuple(fc.nat(2), fc.nat(200)), { maxLength: 40 });
    fc.assert(
      fc.property(spending, (steps) => {
        const budget = budgetAt({ round: 1, now: 0 });
        const spent = [0, 0, 0];
        for (const [rank, wish] of steps) {
          const gas = Math.min(wish, budget.room(rank));
          budget.spend(rank, gas, 'someone');
          spent[rank] = (spent[rank] ?? 0) + gas;
        }
        const [owners = 0, known = 0, strangers = 0] = spent;
        expect(strangers).toBeLessThanOrEqual(100);
        expect(known + strangers).toBeLessThanOrEqual(400);
        expect(owners + known + strangers).toBeLessThanOrEqual(800);
      }),
    );
  });
});
