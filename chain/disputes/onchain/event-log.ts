import {
  type Address,
  formatLog,
  getAbiItem,
  getAddress,
  type Log,
  numberToHex,
  type PublicClient,
  parseEventLogs,
  toEventSelector,
} from 'viem';
import { SerialQueue } from '../../../protocol/serial-queue.ts';
import { firstBlockSince } from '../../attestations.ts';
import { disputesAbi } from '../../generated/abi.ts';
import { blockRanges } from '../../logs.ts';
import { type ClaimMade, type GameEvent, type GameMade, type LoggedGameEvent, PHASES } from '../port.ts';

/** Events that say which claims and games there are: a few words each, whoever plays. */
const LISTED = [
  getAbiItem({ abi: disputesAbi, name: 'Claimed' }),
  getAbiItem({ abi: disputesAbi, name: 'Challenged' }),
  getAbiItem({ abi: disputesAbi, name: 'GameOver' }),
] as const;

/** Events of the moves of a game, up to 4 KiB each. The number of the game is their first topic. */
const MOVES = [
  'Revealed',
  'Picked',
  'StepOpened',
  'SlotOpened',
  'LeafOpened',
  'ElementPicked',
  'FoldPosted',
  'ChunkPicked',
  'Judged',
] as const;
const MOVE_SELECTORS = MOVES.map((name) => toEventSelector(getAbiItem({ abi: disputesAbi, name })));

/** Games whose moves are kept. A game that was pushed out is read again when it is asked for. */
const KEPT_GAMES = 64;

type ListedLog = Log<bigint, number, false, undefined, true, typeof LISTED>;

export interface Tip {
  readonly number: bigint;
  /** Unix seconds. */
  readonly timestamp: number;
}

interface ListedGame extends GameMade {
  readonly block: bigint;
  over?: LoggedGameEvent;
}

/** The moves of a game, as far as they were read. */
interface KeptMoves {
  readonly events: LoggedGameEvent[];
  /** The next block to read. */
  next: bigint;
}

/**
 * The log of the Disputes contract, decoded. It lists all claims and games, and reads the moves of a game
 * only when that game is asked for, so strangers' games cost no more than their number. It is kept until a
 * reorganisation, and then read again.
 */
export class DisputeEventLog {
  readonly #client: PublicClient;
  readonly #address: Address;
  readonly #syncs = new SerialQueue();
  /** The time from which on the log was read, Unix seconds. */
  #since = Number.POSITIVE_INFINITY;
  /** The first block that was read, and the next one to read. */
  #first = 0n;
  #next = 0n;
  /** Hash of the last block that was read. Undefined after a reading that was interrupted. */
  #tipHash: string | undefined;
  #claims: ClaimMade[] = [];
  #games: ListedGame[] = [];
  #byNumber = new Map<number, ListedGame>();
  #moves = new Map<number, KeptMoves>();

  constructor(client: PublicClient, address: Address) {
    this.#client = client;
    this.#address = address;
  }

  /** Claims in the blocks read so far, oldest first. */
  get claims(): readonly ClaimMade[] {
    return this.#claims;
  }

  /** Games in the blocks read so far, oldest first. */
  get games(): readonly GameMade[] {
    return this.#games;
  }

  /** Whether a game is in the blocks read so far. */
  has(game: number): boolean {
    return this.#byNumber.has(game);
  }

  /** Games whose moves are kept. */
  get keptGames(): number {
    return this.#moves.size;
  }

  /**
   * Reads the log from `since` (Unix seconds) or earlier to the newest block, and resolves with that block.
   * If the block last read is no longer part of the chain, everything is read again. Rejects as the client
   * does, and keeps then what was read before.
   */
  sync(since: number): Promise<Tip> {
    return this.#syncs.run(() => this.#sync(since));
  }

  /** A game's events up to a block that `sync` resolved with, oldest first. Rejects as the client does. */
  eventsOf(game: number, tip: Tip): Promise<readonly LoggedGameEvent[]> {
    return this.#syncs.run(() => this.#eventsOf(game, tip));
  }

  async #sync(since: number): Promise<Tip> {
    const tip = await this.#client.getBlock({ blockTag: 'latest' });
    if (since < this.#since || !(await this.#stillHolds(tip.number))) await this.#restart(since);
    for (const range of blockRanges(this.#next, tip.number)) {
      const logs = await this.#client.getLogs({
        ...range,
        address: this.#address,
        events: LISTED,
        strict: true,
      });
      for (const log of logs) this.#take(log);
      this.#next = range.toBlock + 1n;
      // If the chain changes between two requests, it no longer has the block with this hash.
      this.#tipHash = range.toBlock === tip.number ? tip.hash : undefined;
    }
    return { number: tip.number, timestamp: Number(tip.timestamp) };
  }

  async #eventsOf(game: number, tip: Tip): Promise<readonly LoggedGameEvent[]> {
    const listed = this.#byNumber.get(game);
    const kept = this.#moves.get(game) ?? { events: [], next: listed?.block ?? this.#first };
    for (const range of blockRanges(kept.next, tip.number)) {
      kept.events.push(...(await this.#movesIn(game, range)));
      kept.next = range.toBlock + 1n;
    }
    // The game asked for last is kept longest.
    this.#moves.delete(game);
    this.#moves.set(game, kept);
    for (const oldest of this.#moves.keys()) {
      if (this.#moves.size <= KEPT_GAMES) break;
      this.#moves.delete(oldest);
    }
    // Another look may have read later blocks meanwhile.
    const all = listed?.over === undefined ? kept.events : [...kept.events, listed.over];
    return all.filter(({ block = 0 }) => BigInt(block) <= tip.number);
  }

  async #movesIn(
    game: number,
    { fromBlock, toBlock }: { readonly fromBlock: bigint; readonly toBlock: bigint },
  ): Promise<LoggedGameEvent[]> {
    const raw = await this.#client.request({
      method: 'eth_getLogs',
      params: [
        {
          address: this.#address,
          fromBlock: numberToHex(fromBlock),
          toBlock: numberToHex(toBlock),
          topics: [MOVE_SELECTORS, numberToHex(game, { size: 32 })],
        },
      ],
    });
    const logs = raw.map((log) => formatLog(log) as Log<bigint, number, false>);
    return parseEventLogs({ abi: disputesAbi, eventName: [...MOVES], logs }).map((log) => ({
      ...decodeMove(log),
      block: Number(log.blockNumber),
      transaction: log.transactionHash,
    }));
  }

  /** Whether the block last read is still part of the chain. */
  async #stillHolds(newest: bigint): Promise<boolean> {
    if (this.#tipHash === undefined || this.#next - 1n > newest) return false;
    const block = await this.#client.getBlock({ blockNumber: this.#next - 1n });
    return block.hash === this.#tipHash;
  }

  async #restart(since: number): Promise<void> {
    const from = Math.min(since, this.#since);
    const first = await firstBlockSince(this.#client, from);
    this.#since = from;
    this.#first = first;
    this.#next = first;
    this.#tipHash = undefined;
    this.#claims = [];
    this.#games = [];
    this.#byNumber = new Map();
    this.#moves = new Map();
  }

  #take(log: ListedLog): void {
    if (log.eventName === 'Claimed') {
      const { claim, claimant, terms, root, windowEnd } = log.args;
      this.#claims.push({
        claim: Number(claim),
        claimant: getAddress(claimant),
        terms,
        root,
        windowEnd: Number(windowEnd),
      });
      return;
    }
    const game = Number(log.args.game);
    if (log.eventName === 'Challenged') {
      const { claim, challenger } = log.args;
      const listed = {
        claim: Number(claim),
        game,
        challenger: getAddress(challenger),
        block: log.blockNumber,
      };
      this.#games.push(listed);
      this.#byNumber.set(game, listed);
      return;
    }
    const listed = this.#byNumber.get(game);
    if (listed === undefined) return;
    const { blockNumber, transactionHash } = log;
    listed.over = {
      kind: 'over',
      claimantWon: log.args.claimantWon,
      block: Number(blockNumber),
      transaction: transactionHash,
    };
  }
}

type MoveLog = ReturnType<typeof parseEventLogs<typeof disputesAbi, true, (typeof MOVES)[number][]>>[number];

function decodeMove(log: MoveLog): GameEvent {
  switch (log.eventName) {
    case 'Revealed':
      return { kind: 'revealed', nodes: log.args.nodes };
    case 'Picked': {
      const { phase, first, size } = log.args;
      return { kind: 'picked', phase: PHASES[phase] ?? 'none', first: Number(first), size: Number(size) };
    }
    case 'StepOpened': {
      const { before, afterwards, trace } = log.args;
      return { kind: 'step-opened', before, after: afterwards, trace };
    }
    case 'SlotOpened':
      return { kind: 'slot-opened', slot: log.args.slot, tensor: log.args.tensor };
    case 'LeafOpened':
      return { kind: 'leaf-opened', data: log.args.data };
    case 'ElementPicked':
      return { kind: 'element-picked', element: log.args.element, value: log.args.value };
    case 'FoldPosted':
      return { kind: 'fold-posted', accumulators: log.args.accumulators };
    case 'ChunkPicked':
      return { kind: 'chunk-picked', chunk: log.args.chunk };
    case 'Judged':
      return { kind: 'judged', got: log.args.got, claimed: log.args.claimed };
  }
}
