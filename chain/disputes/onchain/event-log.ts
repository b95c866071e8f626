import { type Address, getAddress, type Log, type PublicClient } from 'viem';
import { SerialQueue } from '../../../protocol/serial-queue.ts';
import { firstBlockSince } from '../../attestations.ts';
import { disputesAbi } from '../../generated/abi.ts';
import { blockRanges } from '../../logs.ts';
import { type ClaimMade, type GameEvent, type GameMade, type LoggedGameEvent, PHASES } from '../port.ts';

const EVENTS = disputesAbi.filter((item) => item.type === 'event');

type DisputesLog = Log<bigint, number, false, undefined, true, typeof EVENTS>;

export interface Tip {
  readonly number: bigint;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** The log of the Disputes contract, decoded. It is kept until a reorganisation, and then read again. */
export class DisputeEventLog {
  readonly #client: PublicClient;
  readonly #address: Address;
  readonly #syncs = new SerialQueue();
  /** The time from which on the log was read, Unix seconds. */
  #since = Number.POSITIVE_INFINITY;
  /** The next block to read. */
  #next = 0n;
  /** Hash of the last block that was read. Undefined after a reading that was interrupted. */
  #tipHash: string | undefined;
  #claims: ClaimMade[] = [];
  #games: GameMade[] = [];
  #events = new Map<number, LoggedGameEvent[]>();

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

  /** A game's events in the blocks read so far, oldest first. */
  of(game: number): readonly LoggedGameEvent[] {
    return this.#events.get(game) ?? [];
  }

  /**
   * Reads the log from `since` (Unix seconds) or earlier to the newest block, and resolves with that block.
   * If the block last read is no longer part of the chain, everything is read again. Rejects as the client
   * does, and keeps then what was read before.
   */
  sync(since: number): Promise<Tip> {
    return this.#syncs.run(() => this.#sync(since));
  }

  async #sync(since: number): Promise<Tip> {
    const tip = await this.#client.getBlock({ blockTag: 'latest' });
    if (since < this.#since || !(await this.#stillHolds(tip.number))) await this.#restart(since);
    for (const range of blockRanges(this.#next, tip.number)) {
      const logs = await this.#client.getLogs({
        ...range,
        address: this.#address,
        events: EVENTS,
        strict: true,
      });
      for (const log of logs) this.#take(log);
      this.#next = range.toBlock + 1n;
      // If the chain changes between two requests, it no longer has the block with this hash.
      this.#tipHash = range.toBlock === tip.number ? tip.hash : undefined;
    }
    return { number: tip.number, timestamp: Number(tip.timestamp) };
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
    this.#next = first;
    this.#tipHash = undefined;
    this.#claims = [];
    this.#games = [];
    this.#events = new Map();
  }

  #take(log: DisputesLog): void {
    if (log.eventName === 'Claimed') {
      const { claim, claimant, terms, root, windowEnd } = log.args;
      this.#claims.push({
        claim: Number(claim),
        claimant: getAddress(claimant),
        terms,
        root,
        windowEnd: Number(windowEnd),
      });
    } else if (log.eventName === 'Challenged') {
      const { claim, game, challenger } = log.args;
      this.#games.push({
        claim: Number(claim),
        game: Number(game),
        challenger: getAddress(challenger),
      });
    } else if (log.eventName !== 'Settled') {
      const game = Number(log.args.game);
      const list = this.#events.get(game) ?? [];
      list.push({
        ...decodeGameEvent(log),
        block: Number(log.blockNumber),
        transaction: log.transactionHash,
      });
      this.#events.set(game, list);
    }
  }
}

type GameLog = Exclude<DisputesLog, { eventName: 'Claimed' | 'Challenged' | 'Settled' }>;

function decodeGameEvent(log: GameLog): GameEvent {
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
    case 'GameOver':
      return { kind: 'over', claimantWon: log.args.claimantWon };
  }
}
