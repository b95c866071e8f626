import { type Address, type ContractFunctionReturnType, getContract, type PublicClient } from 'viem';
import type { Terms } from '../../../protocol/evidence.ts';
import { memoizePromise } from '../../../protocol/memoize-promise.ts';
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
  MAX_REPEAT_SECONDS,
  NO_SUCH_ID,
  PHASES,
  type Settings,
} from '../port.ts';
import { DisputeEventLog } from './event-log.ts';

export interface OnchainReaderOptions {
  readonly client: PublicClient;
  /** The Disputes contract. */
  readonly address: Address;
}

/** Disputes read over a node's RPC, for whoever only looks. It needs no key. */
export class OnchainReader implements DisputesReader {
  readonly #client: PublicClient;
  readonly #address: Address;
  readonly #log: DisputeEventLog;
  readonly #settings = memoizePromise(() => this.#readSettings());

  constructor({ client, address }: OnchainReaderOptions) {
    this.#client = client;
    this.#address = address;
    this.#log = new DisputeEventLog(client, address);
  }

  settings(): Promise<Settings> {
    return this.#settings();
  }

  now(): Promise<number> {
    return answered(async () => Number((await this.#client.getBlock({ blockTag: 'latest' })).timestamp));
  }

  claims(since: number): Promise<readonly ClaimMade[]> {
    return answered(async () => {
      await this.#log.sync(since);
      return [...this.#log.claims];
    });
  }

  games(since: number): Promise<readonly GameMade[]> {
    return answered(async () => {
      await this.#log.sync(since);
      return [...this.#log.games];
    });
  }

  claim(id: number): Promise<ClaimState> {
    return answered(() => this.#claimAt(id));
  }

  claimCount(): Promise<number> {
    return answered(async () => Number(await this.#contract().read.claimCount()));
  }

  claimStates(ids: readonly number[]): Promise<readonly ClaimState[]> {
    return answered(async () => {
      if (ids.length === 0) return [];
      const claims = await this.#contract().read.claimsOf([ids.map(BigInt)]);
      return claims.map((claim, i) => stateOf(ids[i] ?? 0, claim));
    });
  }

  look(game: number): Promise<GameView> {
    return answered(async () => {
      // State and events are read of one block: a move may be made between two.
      const tip = await this.#log.sync(await this.#beginOf(game));
      const [state, events] = await Promise.all([
        this.#gameAt(game, tip.number),
        this.#log.eventsOf(game, tip),
      ]);
      const claim = await this.#claimAt(state.claim, tip.number);
      return { now: tip.timestamp, claim, game: state, events };
    });
  }

  bonds(terms: Terms): Promise<Bonds> {
    return answered(async () => {
      const { read } = this.#contract();
      const [claim, challenge] = await Promise.all([read.claimBond([terms]), read.challengeBond([terms])]);
      return { claim, challenge };
    });
  }

  /** Unix seconds before which the claim of a game was not made: no event of the game is older. */
  async #beginOf(game: number): Promise<number> {
    if (this.#log.has(game)) return Number.POSITIVE_INFINITY;
    const { claim } = await this.#gameAt(game);
    const { windowEnd } = await this.#claimAt(claim);
    return windowEnd - (await this.settings()).window - MAX_REPEAT_SECONDS;
  }

  #readSettings(): Promise<Settings> {
    return answered(async () => {
      const { read } = this.#contract();
      const [window, stepSeconds, budget, extension, moveBond] = await Promise.all([
        read.WINDOW(),
        read.STEP_SECONDS(),
        read.BUDGET(),
        read.EXTENSION(),
        read.MOVE_BOND(),
      ]);
      return { window, stepSeconds, budget, extension, moveBond };
    });
  }

  async #claimAt(id: number, blockNumber?: bigint): Promise<ClaimState> {
    return stateOf(id, await this.#contract().read.claimOf([BigInt(id)], { blockNumber }));
  }

  async #gameAt(id: number, blockNumber?: bigint): Promise<GameState> {
    const game = await this.#contract().read.gameOf([BigInt(id)], { blockNumber });
    const { challenger, bond, step, slot, node, before, trace, length, element, value } = game;
    const { chunk, chunks, accumulatorBefore, accumulatorAfter } = game;
    return {
      claim: Number(game.claim),
      game: id,
      challenger,
      bond,
      clock: { ...game.clock, since: Number(game.clock.since) },
      phase: PHASES[game.phase] ?? 'none',
      step,
      slot,
      first: Number(game.first),
      size: Number(game.size),
      node,
      revealed: BigInt(game.revealed) !== 0n,
      before,
      trace,
      length,
      element,
      value,
      chunk,
      chunks,
      accumulatorBefore,
      accumulatorAfter,
    };
  }

  #contract() {
    return getContract({ address: this.#address, abi: disputesAbi, client: this.#client });
  }
}

type RawClaim = ContractFunctionReturnType<typeof disputesAbi, 'view', 'claimOf'>;

function stateOf(id: number, claim: RawClaim): ClaimState {
  const { claimant, terms, root, liveGames, lost, settled, bond } = claim;
  const windowEnd = Number(claim.windowEnd);
  return { claim: id, claimant, terms, root, windowEnd, liveGames, lost, settled, bond };
}

/** The answer of a read. Rejects with ChainError. */
async function answered<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ChainError) throw error;
    // Solidity panics for an index past the end of an array.
    if (revertOf(error)?.name !== 'Panic') throw toChainError(error);
    throw new ChainError('refused', NO_SUCH_ID, { cause: error });
  }
}
