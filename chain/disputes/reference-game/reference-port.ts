import type { Address } from 'viem';
import type { Terms } from '../../../protocol/evidence.ts';
import { ChainError } from '../../errors.ts';
import {
  type Bonds,
  type ClaimMade,
  type ClaimState,
  type DisputesPort,
  type GameMade,
  type GameView,
  type Move,
  NO_SUCH_ID,
  type Played,
  type PortOptions,
  type Settings,
} from '../port.ts';
import { challengeBond, claimBond } from './bonds.ts';
import { viewOf } from './game-view.ts';
import type { ReferenceDisputes } from './reference-disputes.ts';
import { MoveRevertError } from './revert.ts';

export interface ReferencePortOptions {
  readonly disputes: ReferenceDisputes;
  readonly me: Address;
  /** The time, Unix seconds. */
  readonly clock: () => number;
}

/**
 * The reference game as one account sees and moves it. Whatever plays on a chain can play here without one.
 */
export class ReferencePort implements DisputesPort {
  readonly me: Address;
  readonly #disputes: ReferenceDisputes;
  readonly #clock: () => number;

  constructor({ disputes, me, clock }: ReferencePortOptions) {
    this.me = me;
    this.#disputes = disputes;
    this.#clock = clock;
  }

  async settings(): Promise<Settings> {
    return this.#disputes.settings;
  }

  async now(): Promise<number> {
    return this.#clock();
  }

  async claims(since: number): Promise<readonly ClaimMade[]> {
    return this.#disputes.claims
      .map((each, claim) => ({ claim, ...each }))
      .filter(({ madeAt }) => madeAt >= since);
  }

  async claim(id: number): Promise<ClaimState> {
    return existing(() => ({ claim: id, ...this.#disputes.claimAt(id) }));
  }

  async claimCount(): Promise<number> {
    return this.#disputes.claims.length;
  }

  async claimStates(ids: readonly number[]): Promise<readonly ClaimState[]> {
    return existing(() => ids.map((id) => ({ claim: id, ...this.#disputes.claimAt(id) })));
  }

  async games(since: number): Promise<readonly GameMade[]> {
    return this.#disputes.games
      .map(({ claim, challenger, madeAt }, game) => ({ claim, game, challenger, madeAt }))
      .filter(({ madeAt }) => madeAt >= since);
  }

  async look(game: number): Promise<GameView> {
    return existing(() => viewOf(this.#disputes, game, this.#clock()));
  }

  async bonds(terms: Terms): Promise<Bonds> {
    const { settings } = this.#disputes;
    return { claim: claimBond(terms, settings), challenge: challengeBond(terms, settings) };
  }

  async credit(): Promise<bigint> {
    return this.#disputes.creditOf(this.me);
  }

  async play(move: Move, { signal }: PortOptions = {}): Promise<Played> {
    if (signal?.aborted === true) return { kind: 'unknown' };
    return this.#disputes.play({ sender: this.me, now: this.#clock(), move });
  }
}

function existing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MoveRevertError)) throw error;
    throw new ChainError('refused', NO_SUCH_ID, { cause: error });
  }
}
