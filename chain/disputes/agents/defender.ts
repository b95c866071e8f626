import type { Evidence } from '../../../protocol/evidence.ts';
import { termsHash } from '../../../protocol/slot-encoding.ts';
import { ChainError } from '../../errors.ts';
import { unjudgeable } from '../judgeable.ts';
import type { ClaimMade, DisputesPort, Played, PortOptions } from '../port.ts';
import { claimTree } from '../trees.ts';
import { Keeper } from './dispute-agent.ts';

/** Plays for whoever claimed: answers every challenge, ends games whose challenger is silent, settles, and takes the bonds. */
export class Defender extends Keeper {
  protected override async look(signal: AbortSignal): Promise<void> {
    const { since, now } = await this.horizon({ signal });
    const claims = (await this.port.claims(since, { signal })).filter(({ claimant }) => this.is(claimant));
    const games = await this.port.games(since, { signal });
    for (const made of claims) {
      for (const game of games.filter(({ claim }) => claim === made.claim)) {
        const { claim } = made;
        this.sayOnce(`attack ${game.game} ${claim}`, { kind: 'under-attack', claim, game: game.game });
        this.task(`game ${game.game}`, () => this.play(game, 'claimant', signal));
      }
      this.task(`settle ${made.claim}`, () => this.#settle(made, now, signal));
    }
    this.task('withdraw', () => this.withdraw(signal));
  }

  async #settle({ claim, windowEnd }: ClaimMade, now: number, signal: AbortSignal): Promise<void> {
    const state = await this.port.claim(claim, { signal });
    if (state.lost) this.sayOnce(`lost ${claim}`, { kind: 'settled', claim, stands: false });
    if (state.lost || state.settled || state.liveGames > 0 || now <= windowEnd) return;
    const played = await this.port.play({ kind: 'settle', claim }, { signal });
    if (played.kind === 'done') this.say({ kind: 'settled', claim, stands: true });
  }
}

/**
 * Claims what the evidence says, unless the same claim by the same account is on the chain already: a restart claims nothing twice.
 * Rejects when the node or the evidence does, and with ChainError `invalid` for a run that the contract could not judge.
 */
export async function claimOnce(
  port: DisputesPort,
  evidence: Evidence,
  options: PortOptions = {},
): Promise<Played> {
  const { terms } = evidence;
  const flaw = unjudgeable(evidence.program);
  if (flaw !== undefined) {
    throw new ChainError('invalid', `A claim about this run could not be defended. ${flaw}`);
  }
  const { root } = claimTree(await evidence.stepRoots(options));
  const hash = termsHash(terms);
  const { window } = await port.settings(options);
  const since = Math.max(0, (await port.now(options)) - window);
  const made = (await port.claims(since, options)).find(
    (each) =>
      each.root === root && each.terms === hash && each.claimant.toLowerCase() === port.me.toLowerCase(),
  );
  if (made !== undefined) return { kind: 'done', id: made.claim };
  const { claim: bond } = await port.bonds(terms, options);
  return port.play({ kind: 'claim', terms, root, bond }, options);
}
