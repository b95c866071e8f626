import { type Address, getAbiItem, type Hex, type PublicClient, zeroAddress } from 'viem';
import { toChainError } from '../errors.ts';
import { ownershipAbi } from '../generated/abi.ts';
import { blockRanges } from '../logs.ts';
import { allow, COIN } from '../payments.ts';
import type { IncludedTransaction, TransactionQueue } from '../transaction-queue.ts';

/** A model as it is on the chain. Addresses are lower case. */
export interface Model {
  readonly id: bigint;
  /**
   * The contract that created it. Of a model that Jobs created, `key` is the job: its requester, price and
   * terms say what the model is. Requesters can pay themselves, so the source alone says nothing.
   */
  readonly source: Address;
  /** The token that it earns; COIN for the chain's coin. */
  readonly token: Address;
  /** The source's number for it: a job's number for Jobs. */
  readonly key: bigint;
  /** Checkpoint root. Other models may have the same root. */
  readonly root: Hex;
}

/** A model; undefined when there is none of that id. Throws ChainError. */
export async function readModel(
  client: PublicClient,
  ownership: Address,
  id: bigint,
): Promise<Model | undefined> {
  try {
    const raw = await client.readContract({
      address: ownership,
      abi: ownershipAbi,
      functionName: 'modelOf',
      args: [id],
    });
    if (raw.source === zeroAddress) return undefined;
    return {
      id,
      source: raw.source.toLowerCase() as Address,
      token: raw.token.toLowerCase() as Address,
      key: BigInt(raw.key),
      root: raw.root,
    };
  } catch (error) {
    throw toChainError(error);
  }
}

export interface ModelsOfRoot {
  /** Their ids, oldest first, 64 at most. */
  readonly ids: readonly bigint[];
  /** Whether there are more. */
  readonly hasMore: boolean;
}

/** The most models of one root that are listed. */
const MOST_MODELS = 64;

const CREATED = getAbiItem({ abi: ownershipAbi, name: 'Created' });

/**
 * Models with a checkpoint root. Anybody can create one, and where there are several, only their jobs tell
 * them apart. Throws ChainError.
 */
export async function listModelsOfRoot(options: {
  readonly client: PublicClient;
  readonly ownership: Address;
  readonly root: Hex;
  /** Defaults to the first block. */
  readonly fromBlock?: bigint;
}): Promise<ModelsOfRoot> {
  const { client, ownership, root, fromBlock = 0n } = options;
  const ids: bigint[] = [];
  try {
    for (const range of blockRanges(fromBlock, await client.getBlockNumber())) {
      const logs = await client.getLogs({
        ...{ ...range, address: ownership, event: CREATED, args: { root }, strict: true },
      });
      ids.push(...logs.map(({ args }) => args.model));
      if (ids.length > MOST_MODELS) break;
    }
  } catch (error) {
    throw toChainError(error);
  }
  return { ids: ids.slice(0, MOST_MODELS), hasMore: ids.length > MOST_MODELS };
}

/** An account's part of a model. */
export interface Holding {
  /** Of TOTAL_SHARES. */
  readonly shares: number;
  /** What the shares have earned and nobody has collected, in the smallest unit of the model's token. */
  readonly earned: bigint;
}

/** An account's shares of a model and what they have earned. Throws ChainError. */
export async function readHolding(
  client: PublicClient,
  ownership: Address,
  model: bigint,
  holder: Address,
): Promise<Holding> {
  const contract = { address: ownership, abi: ownershipAbi } as const;
  try {
    const [shares, earned] = await Promise.all([
      client.readContract({ ...contract, functionName: 'balanceOf', args: [holder, model] }),
      client.readContract({ ...contract, functionName: 'earnedBy', args: [model, holder] }),
    ]);
    return { shares: Number(shares), earned };
  } catch (error) {
    throw toChainError(error);
  }
}

interface ModelOptions {
  /** Of the account that acts and pays. */
  readonly queue: TransactionQueue;
  readonly ownership: Address;
  readonly model: bigint;
}

/**
 * Transfers shares with what they have earned and nobody has collected. A receiving contract is not called.
 * Throws ChainError.
 */
export function transferShares(
  options: ModelOptions & { readonly to: Address; readonly shares: number },
): Promise<IncludedTransaction> {
  const { queue, ownership, model, to, shares } = options;
  return queue.call({
    address: ownership,
    abi: ownershipAbi,
    functionName: 'transfer',
    args: [to, model, BigInt(shares)],
  });
}

/** Pays a model for its use. Approves the token before where that is needed. Throws ChainError. */
export async function payModel(
  options: ModelOptions & { readonly token: Address; readonly amount: bigint },
): Promise<IncludedTransaction> {
  const { queue, ownership, model, token, amount } = options;
  await allow(queue, token, ownership, amount);
  return queue.call({
    address: ownership,
    abi: ownershipAbi,
    functionName: 'earn',
    args: [model, amount],
    value: token === COIN ? amount : 0n,
  });
}

/** Turns what a holder's shares have earned into credit in Payments. Anybody may. Throws ChainError. */
export function collectEarnings(
  options: ModelOptions & { readonly holder: Address },
): Promise<IncludedTransaction> {
  const { queue, ownership, model, holder } = options;
  return queue.call({
    address: ownership,
    abi: ownershipAbi,
    functionName: 'collect',
    args: [model, holder],
  });
}
