import { type Address, getAbiItem, type PublicClient } from 'viem';
import { toChainError } from '../errors.ts';
import { crowdfundAbi } from '../generated/abi.ts';
import { fromOrderStruct, type Order } from '../jobs/order.ts';
import { logsOfBlocks } from '../logs.ts';

/** In the order of `ICrowdfund.State`. */
const STATES = ['raising', 'reached', 'failed', 'handed-over', 'ended'] as const;

/** The state of a campaign. */
export type CampaignState = (typeof STATES)[number];

/** A campaign as it is on the chain. Times are Unix seconds, addresses lower case. */
export interface Campaign {
  readonly id: bigint;
  readonly state: CampaignState;
  readonly creator: Address;
  /** The job to post. Its price is the goal. */
  readonly order: Order;
  /** Last second at which a pledge is taken. */
  readonly deadline: number;
  readonly raised: bigint;
  /** The job that was posted; undefined before. */
  readonly job: bigint | undefined;
}

/** A campaign. Throws ChainError. */
export async function readCampaign(client: PublicClient, crowdfund: Address, id: bigint): Promise<Campaign> {
  const contract = { address: crowdfund, abi: crowdfundAbi, args: [id] } as const;
  try {
    const [raw, state] = await Promise.all([
      client.readContract({ ...contract, functionName: 'campaignOf' }),
      client.readContract({ ...contract, functionName: 'stateOf' }),
    ]);
    return {
      id,
      state: STATES[state] ?? 'failed',
      creator: lower(raw.creator),
      order: fromOrderStruct(raw.order),
      deadline: raw.deadline,
      raised: raw.raised,
      job: raw.handedOver ? raw.job : undefined,
    };
  } catch (error) {
    throw toChainError(error);
  }
}

/** A pledge as it is on the chain. */
export interface Pledge {
  readonly id: bigint;
  readonly campaign: bigint;
  /** Lower case. */
  readonly pledger: Address;
  readonly amount: bigint;
  /** Whether it was refunded or collected. */
  readonly settled: boolean;
}

/** A pledge. Throws ChainError. */
export async function readPledge(client: PublicClient, crowdfund: Address, id: bigint): Promise<Pledge> {
  try {
    const raw = await client.readContract({
      address: crowdfund,
      abi: crowdfundAbi,
      functionName: 'pledgeOf',
      args: [id],
    });
    const { campaign, amount, settled } = raw;
    return { id, campaign, pledger: lower(raw.pledger), amount, settled };
  } catch (error) {
    throw toChainError(error);
  }
}

export interface ListOptions {
  readonly client: PublicClient;
  readonly crowdfund: Address;
  /** First and last block, both included. */
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
}

const STARTED = getAbiItem({ abi: crowdfundAbi, name: 'Started' });
const PLEDGED = getAbiItem({ abi: crowdfundAbi, name: 'Pledged' });

/** Numbers of the campaigns started between two blocks. Throws ChainError. */
export async function listCampaigns(options: ListOptions): Promise<readonly bigint[]> {
  const { client, crowdfund, fromBlock, toBlock } = options;
  try {
    const logs = await logsOfBlocks(fromBlock, toBlock, (range) =>
      client.getLogs({ ...range, address: crowdfund, event: STARTED, strict: true }),
    );
    return logs.map(({ args }) => args.campaign);
  } catch (error) {
    throw toChainError(error);
  }
}

export interface ListPledgesOptions extends ListOptions {
  /** Only pledges of this campaign. */
  readonly campaign?: bigint;
  /** Only pledges by this account. */
  readonly pledger?: Address;
}

/** Numbers of the pledges made between two blocks. Throws ChainError. */
export async function listPledges(options: ListPledgesOptions): Promise<readonly bigint[]> {
  const { client, crowdfund, fromBlock, toBlock, campaign, pledger } = options;
  const args = {
    ...(campaign === undefined ? {} : { campaign }),
    ...(pledger === undefined ? {} : { pledger }),
  };
  try {
    const logs = await logsOfBlocks(fromBlock, toBlock, (range) =>
      client.getLogs({ ...range, address: crowdfund, event: PLEDGED, args, strict: true }),
    );
    return logs.map((log) => log.args.pledge);
  } catch (error) {
    throw toChainError(error);
  }
}

function lower(address: Address): Address {
  return address.toLowerCase() as Address;
}
