import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Hex } from '../protocol/hex.ts';
import { GasBudget } from './gas-budget.ts';
import { type Planned, planGas } from './gas-plan.ts';
import type { Entry, RoundStatement } from './submitter-queue.ts';

const GAS = 10;

function budgetOf(gasPerRound: number): GasBudget {
  return new GasBudget({ gasPerRound, gasPerDay: 1e9, round: () => 1, now: () => 0 });
}

function entryOf(account: string, n: number, rank = 0): Entry<RoundStatement> {
  const device: Hex = `0x${Buffer.from(`${account} ${n}`).toString('hex').padStart(40, '0')}`;
  return { signed: { value: { round: 1 }, device, signature: '0x' }, rank, account };
}

const entriesOf = (account: string, count: number, rank = 0): Entry<RoundStatement>[] =>
  Array.from({ length: count }, (_, n) => entryOf(account, n, rank));

/** The name itself, so that the order is plain. */
const placeOf = (account: string): string => account;

/** Plans and pays batch after batch, as the submitter does. */
function spendAll(
  entries: readonly Entry<RoundStatement>[],
  budget: GasBudget,
  batch = 3,
): Map<string, number> {
  const posted = new Map<string, number>();
  for (let left = entries; ; ) {
    const planned: readonly Planned<RoundStatement>[] = planGas({
      ...{ entries: left, budget, gasOf: () => GAS, placeOf, onSpent: () => {} },
    }).slice(0, batch);
    if (planned.length === 0) return posted;
    for (const { entry, gas } of planned) {
      budget.spend(entry.rank, gas, entry.account);
      posted.set(entry.account, (posted.get(entry.account) ?? 0) + 1);
    }
    left = left.filter((entry) => !planned.some((each) => each.entry === entry));
  }
}

it('gives an owner who came first with 200 devices no more than another owner, batch after batch', () => {
  const others = Array.from({ length: 9 }, (_, n) => entriesOf(`other ${n}`, 2)).flat();
  const posted = spendAll([...entriesOf('many', 200), ...others], budgetOf(20 * GAS));
  for (let n = 0; n < 9; n++) expect(posted.get(`other ${n}`)).toBe(2);
  expect(posted.get('many')).toBe(2);
});

it('leaves the gas that nobody else wants to the owner of many devices', () => {
  const posted = spendAll([...entriesOf('many', 200), ...entriesOf('one', 1)], budgetOf(20 * GAS));
  expect([posted.get('many'), posted.get('one')]).toEqual([19, 1]);
});

it('leaves a device with a record its turn beside an owner of 200 devices, and strangers what is left', () => {
  const known = Array.from({ length: 4 }, (_, n) => entriesOf(`known ${n}`, 1, 1)).flat();
  const entries = [...entriesOf('stranger', 5, 2), ...entriesOf('many', 200), ...known];
  const posted = spendAll(entries, budgetOf(20 * GAS));
  for (let n = 0; n < 4; n++) expect(posted.get(`known ${n}`)).toBe(1);
  expect([posted.get('many'), posted.get('stranger')]).toEqual([16, undefined]);
});

it('serves whoever cost least first, by a draw where that is equal, and strangers last', () => {
  const budget = budgetOf(9 * GAS);
  budget.spend(0, GAS, 'a');
  const entries = [entryOf('a stranger', 0, 2), entryOf('a', 0), entryOf('c', 0), entryOf('b', 0, 1)];
  const planned = planGas({ entries, budget, gasOf: () => GAS, placeOf, onSpent: () => {} });
  expect(planned.map(({ entry }) => entry.account)).toEqual(['b', 'c', 'a', 'a stranger']);
});

it('no account has more than one statement beyond another that still waits, for any demands and order', () => {
  const demands = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(
      demands,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 7 }),
      (wants, room, batch) => {
        const entries = wants.flatMap((count, n) => entriesOf(`${n}`, count));
        const posted = spendAll(entries, budgetOf(room * GAS), batch);
        const counts = wants.map((_, n) => posted.get(`${n}`) ?? 0);
        const most = Math.max(...counts);
        wants.forEach((want, n) => {
          if ((counts[n] ?? 0) < want) expect(most - (counts[n] ?? 0)).toBeLessThanOrEqual(1);
        });
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(
          Math.min(
            room,
            wants.reduce((sum, want) => sum + want, 0),
          ),
        );
      },
    ),
    { numRuns: 100 },
  );
});
