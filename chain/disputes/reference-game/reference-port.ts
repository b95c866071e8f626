import type { Address } from 'viem';
import type { Terms } from '../../../protocol/evidence.ts';
import type {
  ClaimMade,
  ClaimState,
  DisputesPort,
  GameMade,
  GameView,
  Move,
  Played,
  Settings,
} from '../port.ts';
import { challengeBond, claimBond } from './bonds.ts';
import { viewOf } from './game-view.ts';
import type { DisputesModel } from './reference-disputes.ts';

export interface ModelPortOptions {
  readonly model: DisputesModel;
  readonly me: Address;
  /** Unix seconds of the model's world. */
  readonly clock: () => number;
}

/** The model as one party sees and moves it: whoever plays on a chain can play here, without one. */
export class ModelPort implements DisputesPort {
  readonly me: Address;
  readonly #model: DisputesModel;
  readonly #clock: () => number;

  constructor({ model, me, clock }: ModelPortOptions) {
    this.me = me;
    this.#model = model;
    this.#clock = clock;
  }

  settings(): Promise<Settings> {
    return Promise.resolve(this.#model.settings);
  }

  now(): Promise<number> {
    return Promise.resolve(this.#clock());
  }

  claims(since: number): Promise<readonly ClaimMade[]> {
    const made = this.#model.claims.map((each, claim) => ({ claim, ...each }));
    return Promise.resolve(made.filter(({ madeAt }) => madeAt >= since));
  }

  async claim(id: number): Promise<ClaimState> {
    return { claim: id, ...this.#model.claimAt(id) };
  }

  games(since: number): Promise<readonly GameMade[]> {
    const made = this.#model.games.map(({ claim, challenger, madeAt }, game) => ({
      claim,
      game,
      challenger,
      madeAt,
    }));
    return Promise.resolve(made.filter(({ madeAt }) => madeAt >= since));
  }

  async look(game: number): Promise<GameView> {
    return viewOf(this.#model, game, this.#clock());
  }

  bonds(terms: Terms): Promise<{ readonly claim: bigint; readonly challenge: bigint }> {
    const { settings } = this.#model;
    return Promise.resolve({ claim: claimBond(terms, settings), challenge: challengeBond(terms, settings) });
  }

  credit(): Promise<bigint> {
    return Promise.resolve(this.#model.creditOf(this.me));
  }

  play(move: Move): Promise<Played> {
    return Promise.resolve(this.#model.play({ sender: this.me, now: this.#clock(), move }));
  }
}
