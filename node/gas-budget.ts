export interface GasBudgetOptions {
  readonly gasPerRound: number;
  /** A day is 24 hours from the first gas spent in it. */
  readonly gasPerDay: number;
  /** Gas of a day for one owner, or one device without owner. Defaults to no limit of its own. */
  readonly gasPerAccount?: number;
  /** What an earlier process spent. Counts while its day lasts. Defaults to nothing. */
  readonly before?: SpentDay;
  /** The round now. */
  readonly round: () => number;
  /** In ms. */
  readonly now: () => number;
}

/** What was spent in a day, to be kept over a restart. */
export interface SpentDay {
  /** When the day began, on the budget's clock in ms. */
  readonly began: number;
  /** Gas by rank. */
  readonly gas: readonly number[];
}

/** Why there is no gas left. */
export type Spent = 'round' | 'day';

const DAY_MS = 86_400_000;
/**
 * The part of a budget that ranks from this one on may spend together: owners' devices all of it, devices
 * without owner half, and of that devices that the chain does not know an eighth.
 */
const SHARES: readonly number[] = [1, 1 / 2, 1 / 8];

/**
 * Gas per round and per day, with a part that is kept for each standing. Whatever strangers send, what they
 * cost is bounded, and the rest is there for others.
 */
export class GasBudget {
  readonly #options: GasBudgetOptions;
  #round = -1;
  #dayBegan = Number.NEGATIVE_INFINITY;
  readonly #inRound = SHARES.map(() => 0);
  readonly #inDay = SHARES.map(() => 0);
  /** Each has cost gas, so that the day's budget bounds their number. */
  readonly #ofAccounts = new Map<string, number>();
  readonly #ofAccountsInRound = new Map<string, number>();

  constructor(options: GasBudgetOptions) {
    this.#options = options;
    const { before, now } = options;
    // A clock that was set back would make a day without end.
    if (before === undefined || before.began > now()) return;
    this.#dayBegan = before.began;
    for (const rank of this.#inDay.keys()) this.#inDay[rank] = before.gas[rank] ?? 0;
  }

  /** Gas that a rank may still spend now beside what is planned, by rank; 0 is the first rank. */
  room(rank: number, planned: readonly number[] = []): number {
    this.#turn();
    const { gasPerRound, gasPerDay } = this.#options;
    const within = (used: readonly number[], limit: number): number =>
      roomIn(
        used.map((gas, i) => gas + (planned[i] ?? 0)),
        limit,
        rank,
      );
    return Math.min(within(this.#inRound, gasPerRound), within(this.#inDay, gasPerDay));
  }

  /** Gas that one account may still cost today. */
  accountRoom(account: string): number {
    this.#turn();
    const { gasPerAccount = Number.POSITIVE_INFINITY } = this.#options;
    return gasPerAccount - (this.#ofAccounts.get(account) ?? 0);
  }

  /** Gas that one account has cost in this round. */
  spentInRound(account: string): number {
    this.#turn();
    return this.#ofAccountsInRound.get(account) ?? 0;
  }

  get day(): SpentDay {
    this.#turn();
    return { began: this.#dayBegan, gas: [...this.#inDay] };
  }

  /** Gas of the day that is left for anybody. */
  leftToday(): number {
    this.#turn();
    return this.#options.gasPerDay - this.#inDay.reduce((sum, gas) => sum + gas, 0);
  }

  /** Which of the two ends first for a rank. */
  spent(rank: number): Spent {
    const { gasPerRound, gasPerDay } = this.#options;
    return roomIn(this.#inDay, gasPerDay, rank) < roomIn(this.#inRound, gasPerRound, rank) ? 'day' : 'round';
  }

  spend(rank: number, gas: number, account: string): void {
    this.#turn();
    for (const used of [this.#ofAccounts, this.#ofAccountsInRound])
      used.set(account, (used.get(account) ?? 0) + gas);
    for (const used of [this.#inRound, this.#inDay]) used[rank] = (used[rank] ?? 0) + gas;
  }

  #turn(): void {
    const { round, now } = this.#options;
    if (round() !== this.#round) {
      this.#round = round();
      this.#inRound.fill(0);
      this.#ofAccountsInRound.clear();
    }
    if (now() - this.#dayBegan >= DAY_MS) {
      this.#dayBegan = now();
      this.#inDay.fill(0);
      this.#ofAccounts.clear();
    }
  }
}

function roomIn(used: readonly number[], limit: number, rank: number): number {
  let room = Number.POSITIVE_INFINITY;
  for (const [from, share] of SHARES.entries()) {
    if (from > rank) break;
    const together = used.slice(from).reduce((sum, gas) => sum + gas, 0);
    room = Math.min(room, limit * share - together);
  }
  return room;
}
