import type { PublicClient } from 'viem';
import {
  type Campaign,
  listCampaigns,
  listPledges,
  type Pledge,
  readCampaign,
  readPledge,
} from '../../chain/crowdfund/campaign.ts';
import { type Job, listJobs, readJob } from '../../chain/jobs/job.ts';
import type { Order } from '../../chain/jobs/order.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';

/** A job, with the digest of the description that it was posted with. */
export interface PostedWork extends Job {
  readonly descriptionHash: Order['descriptionHash'];
}

/** A campaign, its pledges, and the job it became. */
export interface Funding extends Campaign {
  readonly pledges: readonly Pledge[];
}

/** Everything about paid training as of one look. Newest first. */
export interface Market {
  readonly fundings: readonly Funding[];
  readonly jobs: readonly PostedWork[];
}

/**
 * Reads campaigns, pledges and jobs again and again. A job that is over is read once, because it cannot
 * change any more. Logs are read from new blocks only, and from a few before them, since a node may replace
 * the newest.
 */
export class MarketReader {
  readonly #client: PublicClient;
  readonly #contracts: RollupContracts;
  readonly #campaigns = new Set<bigint>();
  readonly #pledges = new Map<bigint, Pledge>();
  readonly #posted = new Map<bigint, Order['descriptionHash']>();
  readonly #over = new Map<bigint, PostedWork>();
  #next = 0n;

  constructor(client: PublicClient, contracts: RollupContracts) {
    this.#client = client;
    this.#contracts = contracts;
  }

  /** One look at everything. Throws ChainError. */
  async read(): Promise<Market> {
    const client = this.#client;
    const { crowdfund, jobs } = this.#contracts;
    const toBlock = await client.getBlockNumber();
    const range = { client, fromBlock: this.#next, toBlock };
    const [campaigns, pledges, posted] = await Promise.all([
      listCampaigns({ ...range, crowdfund }),
      listPledges({ ...range, crowdfund }),
      listJobs({ ...range, jobs }),
    ]);
    for (const id of campaigns) this.#campaigns.add(id);
    for (const { id, order } of posted) this.#posted.set(id, order.descriptionHash);
    const unsettled = [...this.#pledges.values()].filter(({ settled }) => !settled).map(({ id }) => id);
    for (const id of new Set([...pledges, ...unsettled])) {
      this.#pledges.set(id, await readPledge(client, crowdfund, id));
    }
    const fundings = await Promise.all([...this.#campaigns].map((id) => readCampaign(client, crowdfund, id)));
    const work = await Promise.all(
      [...this.#posted].map(([id, descriptionHash]) => this.#job(id, descriptionHash)),
    );
    this.#next = toBlock > REPLACEABLE ? toBlock - REPLACEABLE : 0n;
    return {
      fundings: fundings
        .map((each) => ({
          ...each,
          pledges: [...this.#pledges.values()].filter(({ campaign }) => campaign === each.id),
        }))
        .toReversed(),
      jobs: work.toReversed(),
    };
  }

  async #job(id: bigint, descriptionHash: Order['descriptionHash']): Promise<PostedWork> {
    const over = this.#over.get(id);
    if (over !== undefined) return over;
    const job = { ...(await readJob(this.#client, this.#contracts.jobs, id)), descriptionHash };
    if (job.state === 'accepted' || job.state === 'expired' || job.state === 'cancelled')
      this.#over.set(id, job);
    return job;
  }
}

/** Newest blocks that a rollup's node may still replace. */
const REPLACEABLE = 16n;
