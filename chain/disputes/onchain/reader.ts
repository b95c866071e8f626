import { type Address, getContract, type PublicClient } from 'viem';
import type { Terms } from '../../../protocol/evidence.ts';
import { ChainError, revertOf, toChainError } from '../../errors.ts';
import { disputesAbi } from '../../generated/abi.ts';
import {
  type Bonds,
  type ClaimMade,
  type ClaimState,
  type DisputesReader,
  type GameMade,
  type GameState,
  type GameView,
  PHASES,
  type Settings,
} from '../port.ts';
import { DisputeEvents } from './event-log.ts';

export interface OnchainReaderOptions {
  readonly client: PublicClient;
  /** The Disputes contract. */
  readonly address: Address;
}

/** Disputes read over a node's RPC, by whoever only looks. Needs no key. */
export class OnchainReader implements DisputesReader {
  readonly #client: PublicClient;
  readonly #address: Address;
  readonly #events: DisputeEvents;
  #settings: Promise<Settings> | undefined;

  constructor({ client, address }: OnchainReaderOptions) {
    this.#client = client;
    this.#address = address;
    this.#events = new DisputeEvents(client, address);
  }

  settings(): Promise<Settings> {
    const reading = this.#settings ?? this.#readSettings();
    this.#settings = reading;
    reading.catch(() => {
      if (this.#settings === reading) this.#settings = undefined;
    });
    return reading;
  }

  now(): Promise<number> {
    return answered(async () => Number((await this.#client.getBlock({ blockTag: 'latest' })).timestamp));
  }

  claims(since: number): Promise<readonly ClaimMade[]> {
    return answered(async () => {
      await this.#events.sync(since);
      return [...this.#events.claims];
    });
  }

  games(since: number): Promise<readonly GameMade[]> {
    return answered(async () => {
      await this.#events.sync(since);
      return [...this.#events.games];
    });
  }

  claim(id: number): Promise<ClaimState> {
    return answered(() => this.#claimAt(id));
  }

  look(game: number): Promise<GameView> {
    return answered(async () => {
      const tip = await this.#events.sync(await this.#since(game));
      // State and events of one block: between two blocks a move may have been made.
      const { number } = tip;
      const state = await this.#gameAt(game, number);
      const claim = await this.#claimAt(state.claim, number);
      return { now: tip.timestamp, claim, game: state, events: [...this.#events.of(game)] };
    });
  }

  bonds(terms: Terms): Promise<Bonds> {
    return answered(async () => {
      const { read } = this.#contract();
      const [claim, challenge] = await Promise.all([read.claimBond([terms]), read.challengeBond([terms])]);
      return { claim, challenge };
    });
  }

  /** When the claim of a game was made: nothing of the game is older. */
  async #since(game: number): Promise<number> {
    if (this.#events.games.some((each) => each.game === game)) return Number.POSITIVE_INFINITY;
    const { claim } = await this.#gameAt(game);
    const { windowEnd } = await this.#claimAt(claim);
    return windowEnd - (await this.settings()).window;
  }

  async #readSettings(): Promise<Settings> {
    return answered(async () => {
      const { read } = this.#contract();
      const [window, budget, extension, moveBond] = await Promise.all([
        read.WINDOW(),
        read.BUDGET(),
        read.EXTENSION(),
        read.MOVE_BOND(),
      ]);
      return { window, budget, extension, moveBond };
    });
  }

  async #claimAt(id: number, blockNumber?: bigint): Promise<ClaimState> {
    const at = blockNumber === undefined ? {} : { blockNumber };
    const claim = await this.#contract().read.claimOf([BigInt(id)], at);
    const { claimant, terms, root, liveGames, lost, settled, bond } = claim;
    const windowEnd = Number(claim.windowEnd);
    return { claim: id, claimant, terms, root, windowEnd, liveGames, lost, settled, bond };
  }

  async #gameAt(id: number, blockNumber?: bigint): Promise<GameState> {
    const at = blockNumber === undefined ? {} : { blockNumber };
    const game = await this.#contract().read.gameOf([BigInt(id)], at);
    const { challenger, bond, step, slot, node, before, trace, length, element, value } = game;
    const { chunk, chunks, accumulatorBefore, accumulatorAfter } = game;
    return {
      ...{ claim: Number(game.claim), game: id, challenger, bond },
      clock: { ...game.clock, since: Number(game.clock.since) },
      phase: PHASES[game.phase] ?? 'none',
      ...{ step, slot, first: Number(game.first), size: Number(game.size), node },
      revealed: BigInt(game.revealed) !== 0n,
      ...{ before, trace, length, element, value, chunk, chunks, accumulatorBefore, accumulatorAfter },
    };
  }

  #contract() {
    return getContract({ address: this.#address, abi: disputesAbi, client: this.#client });
  }
}

/** The answer of a read, or a ChainError. */
async function answered<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ChainError) throw error;
    // An index past the end of the contract's array.
    if (revertOf(error)?.name === 'Panic') {
      throw new ChainError(
        'refused',
        'There is no claim or game of this number. Check it, or wait for its block.',
        {
          cause: error,
        },
      );
    }
    throw toChainError(error);
  }
}
