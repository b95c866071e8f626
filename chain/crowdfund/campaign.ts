import { type Address, type ContractFunctionReturnType, getAbiItem, type PublicClient } from 'viem';
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
  /** How many pledges were made. */
  readonly pledgeCount: number;
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
    return campaignFrom(id, raw, state);
  } catch (error) {
    throw toChainError(error);
  }
}

/** How many campaigns were started. The newest has the number before this one. Throws ChainError. */
export async function countCampaigns(client: PublicClient, crowdfund: Address): Promise<bigint> {
  try {
    return await client.readContract({ ...at(crowdfund), functionName: 'campaignCount' });
  } catch (error) {
    throw toChainError(error);
  }
}

/** Several campaigns in one request, in the order of the numbers. Throws ChainError. */
export async function readCampaigns(
  client: PublicClient,
  crowdfund: Address,
  ids: readonly bigint[],
): Promise<readonly Campaign[]> {
  if (ids.length === 0) return [];
  try {
    const [raw, states] = await client.readContract({
      ...at(crowdfund),
      functionName: 'campaignsOf',
      args: [ids],
    });
    return ids.flatMap((id, i) => {
      const [each, state] = [raw[i], states[i]];
      return each === undefined || state === undefined ? [] : [campaignFrom(id, each, state)];
    });
  } catch (error) {
    throw toChainError(error);
  }
}

type RawCampaign = ContractFunctionReturnType<typeof crowdfundAbi, 'view', 'campaignOf'>;

function campaignFrom(id: bigint, raw: RawCampaign, state: number): Campaign {
  return {
    id,
    state: STATES[state] ?? 'failed',
    creator: lower(raw.creator),
    order: fromOrderStruct(raw.order),
    deadline: raw.deadline,
    raised: raw.raised,
    pledgeCount: raw.pledges,
    job: raw.handedOver ? raw.job : undefined,
  };
}

function at(crowdfund: Address) {
  return { address: crowdfund, abi: crowdfundAbi } as const;
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
    return pledgeFrom(id, raw);
  } catch (error) {
    throw toChainError(error);
  }
}

/** Several pledges in one request, in the order of the numbers. Throws ChainError. */
export async function readPledges(
  client: PublicClient,
  crowdfund: Address,
  ids: readonly bigint[],
): Promise<readonly Pledge[]> {
  if (ids.length === 0) return [];
  try {
    const raw = await client.readContract({ ...at(crowdfund), functionName: 'pledgesOf', args: [ids] });
    return ids.flatMap((id, i) => {
      const each = raw[i];
      return each === undefined ? [] : [pledgeFrom(id, each)];
    });
  } catch (error) {
    throw toChainError(error);
  }
}

type RawPledge = ContractFunctionReturnType<typeof crowdfundAbi, 'view', 'pledgeOf'>;

function pledgeFrom(id: bigint, { campaign, pledger, amount, settled }: RawPledge): Pledge {
  return { id, campaign, pledger: lower(pledger), amount, settled };
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

export interface ListCampaignsOptions extends ListOptions {
  /** Only campaigns that one of these accounts started. */
  readonly creators?: readonly Address[];
}

/** Numbers of the campaigns started between two blocks. Throws ChainError. */
export async function listCampaigns(options: ListCampaignsOptions): Promise<readonly bigint[]> {
  const { client, crowdfund, fromBlock, toBlock, creators } = options;
  const args = creators === undefined ? {} : { creator: [...creators] };
  try {
    const logs = await logsOfBlocks(fromBlock, toBlock, (range) =>
      client.getLogs({ ...range, address: crowdfund, event: STARTED, args, strict: true }),
    );
    return logs.map(({ args }) => args.campaign);
  } catch (error) {
    throw toChainError(error);
  }
}

export interface ListPledgesOptions extends ListOptions {
  /** Only pledges of this campaign. */
  readonly campaign?: bigint;
  /** Only pledges by one of these accounts. */
  readonly pledgers?: readonly Address[];
}

/** Numbers of the pledges made between two blocks. Throws ChainError. */
export async function listPledges(options: ListPledgesOptions): Promise<readonly bigint[]> {
  const { client, crowdfund, fromBlock, toBlock, campaign, pledgers } = options;
  const args = {
    ...(campaign === undefined ? {} : { campaign }),
    ...(pledgers === undefined ? {} : { pledger: [...pledgers] }),
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
