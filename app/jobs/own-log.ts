import type { Address, PublicClient } from 'viem';
import { listCampaigns, listPledges } from '../../chain/crowdfund/campaign.ts';
import { listWork } from '../../chain/jobs/job.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';

export interface OwnLogOptions {
  readonly client: PublicClient;
  readonly contracts: Pick<RollupContracts, 'crowdfund' | 'jobs'>;
}

/** Numbers of what some accounts have begun, as far back as was read. */
export interface OwnIds {
  readonly campaigns: ReadonlySet<bigint>;
  readonly pledges: ReadonlySet<bigint>;
  readonly jobs: ReadonlySet<bigint>;
}

/** The most blocks that public nodes search for logs in one request. */
const PIECE = 2000n;
/** Pieces of older blocks that one look reads: the whole log comes in over some looks, the newest first. */
const OLDER_PIECES = 8;
/** Newest blocks that a rollup's node may still replace. */
const REPLACEABLE = 16n;

/**
 * What accounts have begun, from the contracts' logs: only they can add to it. New blocks are read at each
 * look, and some of the older ones, until all are read.
 */
export class OwnLog {
  readonly #options: OwnLogOptions;
  #accounts: readonly Address[] = [];
  #campaigns = new Set<bigint>();
  #pledges = new Set<bigint>();
  #jobs = new Set<bigint>();
  /** The first block above those that were read. */
  #newer = 0n;
  /** The block below those that were read; -1 where all are. */
  #older = -1n;

  constructor(options: OwnLogOptions) {
    this.#options = options;
  }

  /** One look. `accounts` other than those of the last look begin anew. Throws ChainError. */
  async read(accounts: readonly Address[], newest: bigint): Promise<OwnIds> {
    if (accounts.join() !== this.#accounts.join()) this.#begin(accounts, newest);
    for (let from = this.#newer; from <= newest; from += PIECE) {
      const to = from + PIECE - 1n < newest ? from + PIECE - 1n : newest;
      await this.#take(from, to);
      this.#newer = to - REPLACEABLE > from ? to - REPLACEABLE : from;
      if (to === newest) break;
    }
    for (let piece = 0; piece < OLDER_PIECES && this.#older >= 0n; piece++) {
      const from = this.#older >= PIECE ? this.#older - PIECE + 1n : 0n;
      await this.#take(from, this.#older);
      this.#older = from - 1n;
    }
    return { campaigns: this.#campaigns, pledges: this.#pledges, jobs: this.#jobs };
  }

  #begin(accounts: readonly Address[], newest: bigint): void {
    this.#accounts = [...accounts];
    [this.#campaigns, this.#pledges, this.#jobs] = [new Set(), new Set(), new Set()];
    this.#newer = newest >= PIECE ? newest - PIECE + 1n : 0n;
    this.#older = this.#newer - 1n;
  }

  async #take(fromBlock: bigint, toBlock: bigint): Promise<void> {
    const { client, contracts } = this.#options;
    const { crowdfund, jobs } = contracts;
    const range = { client, fromBlock, toBlock };
    const accounts = this.#accounts;
    if (accounts.length === 0) return;
    const [campaigns, pledges, work] = await Promise.all([
      listCampaigns({ ...range, crowdfund, creators: accounts }),
      listPledges({ ...range, crowdfund, pledgers: accounts }),
      listWork({ ...range, jobs, workers: accounts }),
    ]);
    for (const id of campaigns) this.#campaigns.add(id);
    for (const id of pledges) this.#pledges.add(id);
    for (const id of work) this.#jobs.add(id);
  }
}
