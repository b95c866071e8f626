import type { Terms } from '../../../protocol/evidence.ts';
import type { Hex } from '../../../protocol/hex.ts';
import type { ClaimMade } from '../port.ts';
import { claimTree } from '../trees.ts';
import { LANES, type Lane, takeFirst, type WaitingClaim } from './claim-queue.ts';
import { DisputeAgent, type DisputeAgentOptions } from './dispute-agent.ts';

export interface AuditorOptions extends DisputeAgentOptions {
  /** The most to put up as a bond for one challenge, in wei. Defaults to whatever the contract asks. */
  readonly maxBond?: bigint;
  /** What is paid if a claim stands, in wei, by its number. Defaults to nothing for every claim. */
  readonly stakes?: () => Promise<ReadonlyMap<number, bigint>>;
}

/** Claims priced at a time. The lanes start on the first of them while the others are priced. */
const PRICED_AT_ONCE = 32;
/** Looks at the chain between two looks at a claim whose run was not found. */
const MOST_PASSES = 8;

/** A claim whose run was not found, or failed: it is passed over for some looks, for longer each time. */
interface PassedOver {
  readonly passes: number;
  readonly left: number;
}

/**
 * Recomputes every claim whose run it knows, challenges the claims that differ, and plays each game to its
 * end: until the bond is back, and the reward with it. Games under way come before claims. Claims are priced
 * first and looked at in the order of claim-queue.ts, one on each lane.
 */
export class Auditor extends DisputeAgent {
  readonly #maxBond: bigint | undefined;
  readonly #stakes: () => Promise<ReadonlyMap<number, bigint>>;
  /**
   * Whether a claim differs. Keyed by number, root and terms: a reorganisation can give a number to another
   * claim.
   */
  readonly #differs = new Map<string, boolean>();
  readonly #waiting = new Map<string, WaitingClaim>();
  /** What a lane works at, and what calls that off. */
  readonly #running = new Map<string, AbortController>();
  readonly #passedOver = new Map<string, PassedOver>();

  constructor(options: AuditorOptions) {
    super(options);
    this.#maxBond = options.maxBond;
    this.#stakes = options.stakes ?? (() => Promise.resolve(new Map()));
  }

  protected override async look(signal: AbortSignal): Promise<void> {
    const { since, now } = await this.horizon({ signal });
    const games = (await this.port.games(since, { signal })).filter(({ challenger }) =>
      this.isOwn(challenger),
    );
    for (const game of games) {
      this.task(`game ${game.game}`, signal, () => this.play(game, 'challenger', signal));
    }
    this.task('withdraw', signal, () => this.withdraw(signal));
    const claims = await this.port.claims(since, { signal });
    const challenged = new Set(games.map(({ claim }) => claim));
    // Skip our own claims: challenging them could only forfeit our own bond.
    const open = claims.filter(
      (made) =>
        made.windowEnd >= now &&
        !this.isOwn(made.claimant) &&
        !challenged.has(made.claim) &&
        this.#differs.get(keyOf(made)) !== false,
    );
    // A challenge of our own is seen on the chain before its sender knows of it: it must not be called off.
    this.#closeAllBut(new Set(claims.filter((made) => made.windowEnd >= now).map(keyOf)));
    this.task('price', signal, () => this.#price(open, now, signal));
  }

  /** Gives up claims whose window is over, or which a reorganisation took away. */
  #closeAllBut(open: ReadonlySet<string>): void {
    for (const [key, abort] of this.#running) if (!open.has(key)) abort.abort();
    for (const known of [this.#waiting, this.#passedOver]) {
      for (const key of known.keys()) if (!open.has(key)) known.delete(key);
    }
  }

  /** Lets the claims wait in line that do not yet, those first at which most is at stake. */
  async #price(open: readonly ClaimMade[], now: number, signal: AbortSignal): Promise<void> {
    const stakes = await this.#stakes().catch((error: unknown) => {
      this.trouble(error);
      return new Map<number, bigint>();
    });
    const stakeOf = ({ claim }: ClaimMade): bigint => stakes.get(claim) ?? 0n;
    for (const [key, waiting] of this.#waiting) {
      this.#waiting.set(key, { ...waiting, stake: stakeOf(waiting.made) });
    }
    const unpriced = open
      .filter((made) => !this.#waiting.has(keyOf(made)) && !this.#running.has(keyOf(made)))
      .filter((made) => !this.#isPassedOver(keyOf(made)))
      .toSorted((a, b) => Number(stakeOf(b) > stakeOf(a)) - Number(stakeOf(a) > stakeOf(b)));
    // Many claims may have the same terms. Their descriptions are read once.
    const prices = new Map<Hex, Promise<number | undefined>>();
    for (let first = 0; first < unpriced.length && !signal.aborted; first += PRICED_AT_ONCE) {
      await Promise.all(
        unpriced.slice(first, first + PRICED_AT_ONCE).map(async (made) => {
          const { terms, windowEnd } = made;
          const price = prices.get(terms) ?? this.runs.price(terms, { secondsLeft: windowEnd - now, signal });
          prices.set(terms, price);
          try {
            this.#waiting.set(keyOf(made), { made, stake: stakeOf(made), costMs: await price });
          } catch (error) {
            this.#passOver(keyOf(made));
            if (!signal.aborted) this.trouble(error);
          }
        }),
      );
      for (const lane of LANES) this.task(`lane ${lane}`, signal, () => this.#work(lane, signal));
    }
  }

  /** Looks at one waiting claim after another, until there is none for this lane. */
  async #work(lane: Lane, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const next = takeFirst(this.#waiting, lane);
      if (next === undefined) return;
      const key = keyOf(next.made);
      const abort = new AbortController();
      this.#running.set(key, abort);
      const inner = AbortSignal.any([signal, abort.signal]);
      try {
        await this.#audit(next, inner);
      } catch (error) {
        this.#passOver(key);
        if (!inner.aborted) this.trouble(error);
      } finally {
        this.#running.delete(key);
      }
    }
  }

  async #audit(waiting: WaitingClaim, signal: AbortSignal): Promise<void> {
    const { made, costMs } = waiting;
    const { claim, terms, windowEnd } = made;
    const key = keyOf(made);
    // A decided claim needs no recomputation.
    const { lost, settled } = await this.port.claim(claim, { signal });
    if (lost || settled) return;
    const secondsLeft = windowEnd - (await this.port.now({ signal }));
    const evidence = await this.runs.get(terms, { secondsLeft, signal });
    if (evidence === undefined) {
      // With a price there was something to plan. The claim waits again, at the price of what is left.
      if (costMs !== undefined) {
        const left = await this.runs.price(terms, { secondsLeft, signal });
        this.#waiting.set(key, { ...waiting, costMs: left });
        return;
      }
      this.#passOver(key);
      this.emitOnce(`terms ${claim} ${terms}`, { kind: 'unknown-terms', claim, terms });
      return;
    }
    if (!this.#differs.has(key)) {
      this.emitOnce(`checking ${key}`, { kind: 'checking', claim });
      const computed = claimTree(await evidence.stepRoots({ signal })).root;
      this.#differs.set(key, computed !== made.root);
      if (computed === made.root) this.emitOnce(`agrees ${key}`, { kind: 'agrees', claim });
      else this.emitOnce(`differs ${key}`, { kind: 'differs', claim, claimed: made.root, computed });
    }
    if (this.#differs.get(key) === true) await this.#challenge(made, evidence.terms, signal);
  }

  #isPassedOver(key: string): boolean {
    const passed = this.#passedOver.get(key);
    if (passed === undefined || passed.left === 0) return false;
    this.#passedOver.set(key, { ...passed, left: passed.left - 1 });
    return true;
  }

  #passOver(key: string): void {
    const { passes = 0 } = this.#passedOver.get(key) ?? {};
    this.#passedOver.set(key, { passes: Math.min(MOST_PASSES, 2 * passes + 1), left: passes });
  }

  async #challenge(made: ClaimMade, terms: Terms, signal: AbortSignal): Promise<void> {
    const { claim } = made;
    const state = await this.port.claim(claim, { signal });
    if (state.root !== made.root || state.lost || state.settled) return;
    const { challenge: bond } = await this.port.bonds(terms, { signal });
    if (this.#maxBond !== undefined && bond > this.#maxBond) {
      const sentence = `Claim ${claim}: the bond of ${bond} wei is above your limit. Raise --max-bond to challenge it.`;
      this.emitOnce(`bond ${claim}`, { kind: 'trouble', sentence });
      return;
    }
    // Read again at the last moment: a challenge sent by an earlier process may have come to count meanwhile.
    const { since } = await this.horizon({ signal });
    const games = await this.port.games(since, { signal });
    if (games.some((game) => game.claim === claim && this.isOwn(game.challenger))) return;
    const played = await this.port.play({ kind: 'challenge', claim, terms, bond }, { signal });
    if (played.kind === 'done' && played.id !== undefined) {
      this.emit({ kind: 'challenged', claim, game: played.id });
    } else if (played.kind === 'refused') {
      const sentence = `Claim ${claim}: the challenge was refused (${played.reason}).`;
      this.emitOnce(`refused ${claim} ${played.reason}`, { kind: 'trouble', sentence });
    }
  }
}

function keyOf({ claim, root, terms }: ClaimMade): string {
  return `${claim} ${root} ${terms}`;
}
