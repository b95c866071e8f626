import type { Address, PublicClient } from 'viem';
import {
  type Campaign,
  countCampaigns,
  type Pledge,
  readCampaigns,
  readPledges,
} from '../../chain/crowdfund/campaign.ts';
import { toChainError } from '../../chain/errors.ts';
import { type Job, readJobs } from '../../chain/jobs/job.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { OwnLog } from './own-log.ts';

/** A campaign, and the pledges of one's own accounts to it. */
export interface Funding extends Campaign {
  readonly pledges: readonly Pledge[];
}

/** Paid training as of one look. Newest first. */
export interface Market {
  readonly fundings: readonly Funding[];
  /** The jobs of these campaigns, and those that one's own accounts work at. */
  readonly jobs: readonly Job[];
  /** Whether there are campaigns older than those shown. */
  readonly hasOlder: boolean;
}

/** What a look shows. */
export interface MarketFocus {
  /** Accounts whose campaigns, pledges and jobs are shown, however old they are. Lower case. */
  readonly accounts: readonly Address[];
  /** A campaign that is shown too. */
  readonly campaign?: bigint | undefined;
  /** How many of the newest campaigns are shown. */
  readonly newest: number;
}

/** Campaigns, pledges or jobs read in one request. */
const A_REQUEST = 64;
/** Most of one's own campaigns, pledges and jobs that are shown, each: the newest. */
const MOST_OWN = 64;
/** Ended campaigns, pledges and jobs that are remembered, each. */
const MOST_ENDED = 1024;

/**
 * Reads campaigns, pledges and jobs again and again: the newest and one's own, in a handful of requests,
 * however many there are. What is over is read once, because it cannot change any more.
 */
export class MarketReader {
  readonly #client: PublicClient;
  readonly #contracts: RollupContracts;
  readonly #own: OwnLog;
  readonly #campaigns = new Ended<Campaign>(({ state }) => state === 'ended' || state === 'failed');
  readonly #pledges = new Ended<Pledge>(({ settled }) => settled);
  readonly #jobs = new Ended<Job>(
    ({ state }) => state === 'accepted' || state === 'expired' || state === 'cancelled',
  );

  constructor(client: PublicClient, contracts: RollupContracts) {
    this.#client = client;
    this.#contracts = contracts;
    this.#own = new OwnLog({ client, contracts });
  }

  /** One look. Throws ChainError. */
  async read(focus: MarketFocus): Promise<Market> {
    const client = this.#client;
    const { crowdfund, jobs } = this.#contracts;
    const [count, block] = await Promise.all([
      countCampaigns(client, crowdfund),
      client.getBlockNumber().catch((error: unknown) => {
        throw toChainError(error);
      }),
    ]);
    const own = await this.#own.read(focus.accounts, block);
    const pledges = await this.#pledges.read(newestOf(own.pledges), (ids) =>
      readPledges(client, crowdfund, ids),
    );
    const first = count > BigInt(focus.newest) ? count - BigInt(focus.newest) : 0n;
    const shown = new Set<bigint>();
    for (let id = first; id < count; id++) shown.add(id);
    for (const id of newestOf(own.campaigns)) shown.add(id);
    for (const { campaign } of pledges) shown.add(campaign);
    if (focus.campaign !== undefined && focus.campaign < count) shown.add(focus.campaign);
    const campaigns = await this.#campaigns.read([...shown], (ids) => readCampaigns(client, crowdfund, ids));
    const posted = campaigns.flatMap(({ job }) => (job === undefined ? [] : [job]));
    const work = await this.#jobs.read([...new Set([...posted, ...newestOf(own.jobs)])], (ids) =>
      readJobs(client, jobs, ids),
    );
    return {
      fundings: campaigns
        .map((each) => ({ ...each, pledges: pledges.filter(({ campaign }) => campaign === each.id) }))
        .toSorted(newerFirst),
      jobs: work.toSorted(newerFirst),
      hasOlder: first > 0n,
    };
  }
}

/** Entries that were read, of which those that are over are kept. */
class Ended<Entry extends { readonly id: bigint }> {
  readonly #isOver: (entry: Entry) => boolean;
  readonly #kept = new Map<bigint, Entry>();

  constructor(isOver: (entry: Entry) => boolean) {
    this.#isOver = isOver;
  }

  /** The entries with these numbers: those that are not kept are read, so many in a request. */
  async read(
    ids: readonly bigint[],
    ask: (ids: readonly bigint[]) => Promise<readonly Entry[]>,
  ): Promise<readonly Entry[]> {
    const missing = ids.filter((id) => !this.#kept.has(id));
    const requests: Promise<readonly Entry[]>[] = [];
    for (let first = 0; first < missing.length; first += A_REQUEST) {
      requests.push(ask(missing.slice(first, first + A_REQUEST)));
    }
    const read = new Map((await Promise.all(requests)).flat().map((entry) => [entry.id, entry]));
    const found = ids.flatMap((id) => read.get(id) ?? this.#kept.get(id) ?? []);
    for (const entry of read.values()) if (this.#isOver(entry)) this.#kept.set(entry.id, entry);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_ENDED) break;
      this.#kept.delete(oldest);
    }
    return found;
  }
}

function newestOf(ids: ReadonlySet<bigint>): readonly bigint[] {
  return [...ids].toSorted((a, b) => Number(b - a)).slice(0, MOST_OWN);
}

function newerFirst(a: { readonly id: bigint }, b: { readonly id: bigint }): number {
  return Number(b.id - a.id);
}
