import type { Terms } from '../../../protocol/evidence.ts';
import type { Hex } from '../../../protocol/hex.ts';
import type { ClaimMade } from '../port.ts';
import { claimTree } from '../trees.ts';
import { DisputeAgent, type DisputeAgentOptions } from './dispute-agent.ts';

/** The last checkpoint of a claim, with its path in the claim's tree. */
export interface LastCheckpoint {
  readonly terms: Terms;
  readonly root: Hex;
  readonly proof: readonly Hex[];
}

/** Where claims that stand are recorded with their author, as `model-registry/claim-recorder.ts` does. */
export interface ClaimRecorder {
  /** Whether the record still has to name the author of this claim, which stands. */
  isDue(made: Pick<ClaimMade, 'claim' | 'terms'>): Promise<boolean>;
  record(made: Pick<ClaimMade, 'claim' | 'terms'>, last: LastCheckpoint): Promise<void>;
}

export interface DefenderOptions extends DisputeAgentOptions {
  /** Defaults to none: claims are not recorded. */
  readonly recorder?: ClaimRecorder | undefined;
}

/** Looks at the chain between two attempts to record a claim, after the first one failed. */
const MOST_PASSES = 256;

/**
 * Plays for a claim's author: answers every challenge, ends games whose challenger ran out of time, settles
 * the claim once its window is over, records its last checkpoint, and withdraws the bonds.
 */
export class Defender extends DisputeAgent {
  readonly #recorder: ClaimRecorder | undefined;
  /** Claims that are recorded, and the looks to wait where recording failed. */
  readonly #recorded = new Map<number, 'done' | { readonly passes: number; readonly left: number }>();

  constructor(options: DefenderOptions) {
    super(options);
    this.#recorder = options.recorder;
  }

  protected override async look(signal: AbortSignal): Promise<void> {
    const { since, now } = await this.horizon({ signal });
    const claims = (await this.port.claims(since, { signal })).filter(({ claimant }) => this.isOwn(claimant));
    const games = await this.port.games(since, { signal });
    for (const made of claims) {
      const { claim } = made;
      for (const game of games.filter((each) => each.claim === claim)) {
        this.emitOnce(`attack ${game.game} ${claim}`, { kind: 'under-attack', claim, game: game.game });
        this.task(`game ${game.game}`, signal, () => this.play(game, 'claimant', signal));
      }
      if (this.#recorded.get(claim) === 'done') continue;
      this.task(`settle ${claim}`, signal, () => this.#settle(made, now, signal));
    }
    this.task('withdraw', signal, () => this.withdraw(signal));
  }

  async #settle(made: ClaimMade, now: number, signal: AbortSignal): Promise<void> {
    const { claim, windowEnd } = made;
    const state = await this.port.claim(claim, { signal });
    if (state.lost) this.emitOnce(`lost ${claim}`, { kind: 'settled', claim, upheld: false });
    if (state.settled) await this.#record(made, signal);
    if (state.lost || state.settled || state.liveGames > 0 || now <= windowEnd) return;
    const played = await this.port.play({ kind: 'settle', claim }, { signal });
    if (played.kind === 'done') this.emit({ kind: 'settled', claim, upheld: true });
  }

  /** Records a claim that stands: whoever copied it must not be the only one to have done so. */
  async #record(made: ClaimMade, signal: AbortSignal): Promise<void> {
    const { claim, terms } = made;
    const known = this.#recorded.get(claim) ?? { passes: 0, left: 0 };
    if (this.#recorder === undefined || known === 'done') return;
    if (known.left > 0) {
      this.#recorded.set(claim, { ...known, left: known.left - 1 });
      return;
    }
    try {
      if (await this.#recorder.isDue(made)) {
        const evidence = await this.runs.get(terms, { signal });
        if (evidence === undefined) return;
        const roots = await evidence.stepRoots({ signal });
        const last = roots.length - 1;
        const tree = claimTree(roots);
        const root = roots[last];
        // What is computed here now may differ from what the account once claimed.
        if (root === undefined || tree.root !== made.root) return;
        await this.#recorder.record(made, { terms: evidence.terms, root, proof: tree.proof(last) });
        this.emit({ kind: 'recorded', claim });
      }
      this.#recorded.set(claim, 'done');
    } catch (error) {
      const passes = Math.min(MOST_PASSES, 2 * known.passes + 1);
      this.#recorded.set(claim, { passes, left: passes });
      throw error;
    }
  }
}
