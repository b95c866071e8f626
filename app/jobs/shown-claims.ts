import type { ClaimState } from '../../chain/disputes/port.ts';
import {
  type DisputesPort,
  type GameMade,
  type GameView,
  longestDispute,
  type Settings,
} from '../../chain/disputes/port.ts';

export interface ClaimView extends ClaimState {
  readonly games: readonly GameView[];
}

/** Newest claims that are read at each look. An older one can be looked up by its number. */
const NEWEST_CLAIMS = 32;
/** Most of one's own claims and games that are read. */
const MOST_OWN = 32;
/** Most disputes of strangers that are shown, and how many of them a look reads again. */
const MOST_FOREIGN = 16;
const FOREIGN_A_LOOK = 4;
/** How many of one's own disputes a look reads again. */
const OWN_A_LOOK = 12;

/**
 * Claims and disputes for the screens: the newest, one's own, and those behind jobs that are shown. However
 * many there are, a look reads a few disputes, by turns, so one of many shows a little later.
 */
export class ShownClaims {
  readonly #disputes: DisputesPort;
  /** Views of games, those read longest ago first. */
  readonly #views = new Map<number, GameView>();

  constructor(disputes: DisputesPort) {
    this.#disputes = disputes;
  }

  /** One look, newest first. `wanted` are numbers of further claims. Throws ChainError. */
  async read(settings: Settings, now: number, wanted: readonly bigint[]): Promise<readonly ClaimView[]> {
    const port = this.#disputes;
    const since = Math.max(0, now - longestDispute(settings));
    const [count, made, games] = await Promise.all([
      port.claimCount(),
      port.claims(since),
      port.games(since),
    ]);
    const isOwn = (address: string): boolean => address.toLowerCase() === port.me.toLowerCase();
    const shown = new Set<number>();
    for (let claim = Math.max(0, count - NEWEST_CLAIMS); claim < count; claim++) shown.add(claim);
    const ownClaims = made.filter(({ claimant }) => isOwn(claimant)).slice(-MOST_OWN);
    for (const { claim } of ownClaims) shown.add(claim);
    const ownGames = games.filter(({ challenger }) => isOwn(challenger)).slice(-MOST_OWN);
    for (const { claim } of ownGames) shown.add(claim);
    for (const claim of wanted) if (claim < BigInt(count)) shown.add(Number(claim));
    const claims = await port.claimStates([...shown].toSorted((a, b) => b - a));
    const mine = new Set(ownClaims.map(({ claim }) => claim));
    const against = games.filter(({ claim }) => mine.has(claim)).slice(-MOST_OWN);
    const own = new Set([...ownGames, ...against].map(({ game }) => game));
    const foreign = games.filter(({ claim, game }) => shown.has(claim) && !own.has(game));
    await this.#look([...own], foreign.slice(-MOST_FOREIGN));
    return claims.map((claim) => ({
      ...claim,
      games: games.flatMap(({ claim: of, game }) =>
        of === claim.claim ? (this.#views.get(game) ?? []) : [],
      ),
    }));
  }

  /** Reads games that may have changed, by turns. */
  async #look(own: readonly number[], foreign: readonly GameMade[]): Promise<void> {
    const known = new Set([...own, ...foreign.map(({ game }) => game)]);
    for (const game of this.#views.keys()) if (!known.has(game)) this.#views.delete(game);
    const isLive = (game: number): boolean => this.#views.get(game)?.game.phase !== 'over';
    const turns = [...this.#views.keys()];
    const waiting = (games: readonly number[]): readonly number[] =>
      games.filter(isLive).toSorted((a, b) => turns.indexOf(a) - turns.indexOf(b));
    const due = [
      ...waiting(own).slice(0, OWN_A_LOOK),
      ...waiting(foreign.map(({ game }) => game)).slice(0, FOREIGN_A_LOOK),
    ];
    const views = await Promise.all(
      due.map(async (game) => [game, await this.#disputes.look(game)] as const),
    );
    for (const [game, view] of views) {
      this.#views.delete(game);
      this.#views.set(game, view);
    }
  }
}
