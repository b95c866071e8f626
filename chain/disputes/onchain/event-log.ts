/** The log of the disputes contract, decoded and kept until the chain changes its mind. */
import { type Address, getAddress, type Log, type PublicClient } from 'viem';
import { firstBlockSince } from '../../attestations.ts';
import { disputesAbi } from '../../generated/abi.ts';
import { type ClaimMade, type GameMade, type Happened, PHASES } from '../port.ts';

/** Public nodes answer a few thousand blocks of logs at a time. */
const BLOCKS_A_QUESTION = 2000n;

const EVENTS = disputesAbi.filter((item) => item.type === 'event');

export interface Tip {
  readonly number: bigint;
  readonly timestamp: number;
}

export class DisputeEvents {
  readonly #client: PublicClient;
  readonly #address: Address;
  #since = Number.POSITIVE_INFINITY;
  #next = 0n;
  #tipHash: string | undefined;
  #claims: ClaimMade[] = [];
  #games: GameMade[] = [];
  #events = new Map<number, Happened[]>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(client: PublicClient, address: Address) {
    this.#client = client;
    this.#address = address;
  }

  /** Claims among the blocks read so far, oldest first. */
  get claims(): readonly ClaimMade[] {
    return this.#claims;
  }

  get games(): readonly GameMade[] {
    return this.#games;
  }

  of(game: number): readonly Happened[] {
    return this.#events.get(game) ?? [];
  }

  /**
   * Reads on to the newest block, from `since` (Unix seconds) at the latest, and gives that block. When the block last read is no
   * longer part of the chain, all is read again. Rejects as the client does; what was read before is kept then.
   */
  sync(since: number): Promise<Tip> {
    const result = this.#turn.then(() => this.#sync(since));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #sync(since: number): Promise<Tip> {
    const tip = await this.#client.getBlock({ blockTag: 'latest' });
    if (since < this.#since || !(await this.#stillHolds(tip.number))) await this.#restart(since);
    while (this.#next <= tip.number) {
      const last = this.#next + BLOCKS_A_QUESTION - 1n;
      const toBlock = last < tip.number ? last : tip.number;
      const logs = await this.#client.getLogs({
        address: this.#address,
        events: EVENTS,
        fromBlock: this.#next,
        toBlock,
        strict: true,
      });
      for (const log of logs) this.#take(log);
      this.#next = toBlock + 1n;
      // Between two questions the chain can only have changed what this hash would show.
      this.#tipHash = toBlock === tip.number ? tip.hash : undefined;
    }
    return { number: tip.number, timestamp: Number(tip.timestamp) };
  }

  /** Whether the last block read is where it was. An interrupted reading has no hash to tell by, and begins anew. */
  async #stillHolds(newest: bigint): Promise<boolean> {
    if (this.#tipHash === undefined || this.#next - 1n > newest) return false;
    const block = await this.#client.getBlock({ blockNumber: this.#next - 1n });
    return block.hash === this.#tipHash;
  }

  async #restart(since: number): Promise<void> {
    const from = Math.min(since, this.#since);
    const first = await firstBlockSince(this.#client, from);
    [this.#since, this.#next, this.#tipHash] = [from, first, undefined];
    [this.#claims, this.#games, this.#events] = [[], [], new Map()];
  }

  #take(log: Log<bigint, number, false, undefined, true, typeof EVENTS>): void {
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
      list.push({ ...happened(log), block: Number(log.blockNumber), transaction: log.transactionHash });
      this.#events.set(game, list);
    }
  }
}

type GameLog = Exclude<
  Log<bigint, number, false, undefined, true, typeof EVENTS>,
  { eventName: 'Claimed' | 'Challenged' | 'Settled' }
>;

function happened(log: GameLog): Happened {
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
