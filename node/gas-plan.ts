import type { Signed } from '../protocol/ledger.ts';
import type { GasBudget } from './gas-budget.ts';
import type { Entry, RoundStatement } from './submitter-queue.ts';

/**
 * Gas that an entry is expected to take at most. The receipt says what it took. Measured in
 * contracts/snapshots/Participation.json.
 */
export const ATTESTATION_GAS = 36_000;
export const VOTE_GAS = 21_000;
export const WINNER_GAS = 5_000;

/** An entry of a batch with the gas that it is expected to take. */
export interface Planned<T extends RoundStatement> {
  readonly entry: Entry<T>;
  readonly gas: number;
}

export interface GasPlanOptions<T extends RoundStatement> {
  /** What waits, in its order. */
  readonly entries: readonly Entry<T>[];
  /** Expected gas of a statement. */
  readonly gasOf: (signed: Signed<T>) => number;
  readonly budget: GasBudget;
  /** Text that nobody else can know beforehand: of accounts that cost as much, the smallest comes first. */
  readonly placeOf: (account: string) => string;
  /** Called for each entry that its rank has no gas for. */
  readonly onSpent: (rank: number) => void;
}

/**
 * The entries for which there is gas. Accounts that the chain knows, with or without an owner, come before
 * strangers. Among either the account that cost least in this round comes first, so that one owner with many
 * devices has no more than another account while there is too little for all. A draw decides between equal
 * accounts, so that nobody gains by being first. Entries of one account stay in their order.
 */
export function planGas<T extends RoundStatement>(options: GasPlanOptions<T>): readonly Planned<T>[] {
  const { budget, onSpent } = options;
  const planned: Planned<T>[] = [];
  const taken = [0, 0, 0];
  const ofAccounts = new Map<string, number>();
  for (const { entry, gas } of inTurns(options)) {
    if (gas > budget.room(entry.rank, taken)) {
      onSpent(entry.rank);
      continue;
    }
    const together = (ofAccounts.get(entry.account) ?? 0) + gas;
    // Others are posted meanwhile; what waits of this one goes on tomorrow, or is posted by somebody else.
    if (together > budget.accountRoom(entry.account)) continue;
    ofAccounts.set(entry.account, together);
    taken[entry.rank] = (taken[entry.rank] ?? 0) + gas;
    planned.push({ entry, gas });
  }
  return planned;
}

/** Rank of devices that the chain does not know. */
const STRANGER = 2;

/** Strangers last; then by what the account has cost in the round before the entry; then by the draw. */
function inTurns<T extends RoundStatement>({
  entries,
  gasOf,
  budget,
  placeOf,
}: GasPlanOptions<T>): readonly Planned<T>[] {
  const accounts = new Map<string, { cost: number; readonly place: string }>();
  return entries
    .map((entry) => {
      const gas = gasOf(entry.signed);
      const account = accounts.get(entry.account) ?? {
        cost: budget.spentInRound(entry.account),
        place: placeOf(entry.account),
      };
      accounts.set(entry.account, account);
      const before = account.cost;
      account.cost += gas;
      return { entry, gas, before, place: account.place };
    })
    .sort(
      (a, b) =>
        Number(a.entry.rank >= STRANGER) - Number(b.entry.rank >= STRANGER) ||
        a.before - b.before ||
        (a.place < b.place ? -1 : a.place > b.place ? 1 : 0),
    );
}
