import type { Terms } from '../../../protocol/evidence.ts';
import type { ClaimMade, GameMade } from '../port.ts';
import { claimTree } from '../trees.ts';
import { DisputeAgent, type DisputeAgentOptions } from './dispute-agent.ts';

export interface AuditorOptions extends DisputeAgentOptions {
  /** The most to put up as a bond for one challenge, in wei. Defaults to whatever the contract asks. */
  readonly maxBond?: bigint;
}

/**
 * Recomputes every claim whose run it knows, challenges the claims that differ, and plays each game to its
 * end: until the bond is back, and the reward with it.
 */
export class Auditor extends DisputeAgent {
  readonly #maxBond: bigint | undefined;
  /**
   * Whether a claim differs. Keyed by number, root and terms: a reorganisation can give a number to another
   * claim.
   */
  readonly #differs = new Map<string, boolean>();

  constructor(options: AuditorOptions) {
    super(options);
    this.#maxBond = options.maxBond;
  }

  protected override async look(signal: AbortSignal): Promise<void> {
    const { since, now } = await this.horizon({ signal });
    const claims = await this.port.claims(since, { signal });
    const games = (await this.port.games(since, { signal })).filter(({ challenger }) =>
      this.isOwn(challenger),
    );
    for (const claim of claims) {
      // Skip our own claims: challenging them could only forfeit our own bond.
      if (claim.windowEnd < now || this.isOwn(claim.claimant)) continue;
      this.task(`claim ${keyOf(claim)}`, signal, () => this.#audit(claim, games, signal));
    }
    for (const game of games) {
      this.task(`game ${game.game}`, signal, () => this.play(game, 'challenger', signal));
    }
    this.task('withdraw', signal, () => this.withdraw(signal));
  }

  async #audit(made: ClaimMade, games: readonly GameMade[], signal: AbortSignal): Promise<void> {
    const { claim, terms } = made;
    const key = keyOf(made);
    if (this.#differs.get(key) === false || games.some((game) => game.claim === claim)) return;
    // A decided claim needs no recomputation.
    const { lost, settled } = await this.port.claim(claim, { signal });
    if (lost || settled) return;
    const evidence = await this.runs.get(terms, { signal });
    if (evidence === undefined) {
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
