import type { ClaimMade } from '../port.ts';
import { DisputeAgent } from './dispute-agent.ts';

/**
 * Plays for a claim's author: answers every challenge, ends games whose challenger ran out of time, settles
 * the claim once its window is over, and withdraws the bonds.
 */
export class Defender extends DisputeAgent {
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
      this.task(`settle ${claim}`, signal, () => this.#settle(made, now, signal));
    }
    this.task('withdraw', signal, () => this.withdraw(signal));
  }

  async #settle({ claim, windowEnd }: ClaimMade, now: number, signal: AbortSignal): Promise<void> {
    const state = await this.port.claim(claim, { signal });
    if (state.lost) this.emitOnce(`lost ${claim}`, { kind: 'settled', claim, upheld: false });
    if (state.lost || state.settled || state.liveGames > 0 || now <= windowEnd) return;
    const played = await this.port.play({ kind: 'settle', claim }, { signal });
    if (played.kind === 'done') this.emit({ kind: 'settled', claim, upheld: true });
  }
}
