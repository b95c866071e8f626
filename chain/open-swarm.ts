import { type Address, type PublicClient, parseEventLogs } from 'viem';
import { toHex } from '../protocol/hex.ts';
import { unobtainableFiles } from '../protocol/swarm-refusals.ts';
import type { SwarmSpec } from '../protocol/swarm-spec.ts';
import { encodeSwarmSpec, SwarmSpecError } from '../protocol/swarm-spec-codec.ts';
import { ChainError, toChainError } from './errors.ts';
import { swarmsAbi } from './generated/abi.ts';
import type {
  ContractCall,
  IncludedTransaction,
  SendOptions,
  TransactionQueue,
} from './transaction-queue.ts';

export interface OpeningPrice {
  /** Gas that the transaction takes on the newest block. */
  readonly gas: bigint;
  /**
   * The most that it costs at the fees of now, in wei. A rollup adds what its data costs below, which only it
   * knows.
   */
  readonly wei: bigint;
  /** Bytes of the specification. */
  readonly bytes: number;
}

export interface PriceOfOpeningOptions {
  readonly client: PublicClient;
  /** Address of the contract Swarms. */
  readonly swarms: Address;
  readonly spec: SwarmSpec;
}

/**
 * What opening a swarm would cost its starter, before anybody is asked to pay. Throws SwarmSpecError for a
 * specification that cannot be encoded or has a file that nobody could get, and ChainError.
 */
export async function priceOfOpening(options: PriceOfOpeningOptions): Promise<OpeningPrice> {
  const { client, swarms, spec } = options;
  const { call, bytes } = openingOf(swarms, spec);
  try {
    const [gas, { maxFeePerGas }] = await Promise.all([
      client.estimateContractGas({ ...call, account: spec.startedBy }),
      client.estimateFeesPerGas(),
    ]);
    return { gas, wei: gas * maxFeePerGas, bytes };
  } catch (error) {
    throw toChainError(error);
  }
}

export interface OpenSwarmOptions extends SendOptions {
  /** Of the account that starts the swarm, which must be `startedBy` of the specification. */
  readonly queue: TransactionQueue;
  /** Address of the contract Swarms. */
  readonly swarms: Address;
  readonly spec: SwarmSpec;
}

/**
 * Opens a swarm with one transaction, through a wallet or a key. Its round 0 begins with the transaction's
 * block. Throws SwarmSpecError for a specification that cannot be encoded, has a file that nobody could get
 * or names another account, and ChainError as `TransactionQueue.call` does.
 */
export async function openSwarm(
  options: OpenSwarmOptions,
): Promise<IncludedTransaction & { readonly id: number; readonly cid: string }> {
  const { queue, swarms, spec, ...send } = options;
  if (spec.startedBy.toLowerCase() !== queue.address.toLowerCase()) {
    const sentence = `The specification says that ${spec.startedBy} starts the swarm, and ${queue.address} pays.`;
    throw new SwarmSpecError('mismatch', 'startedBy', `${sentence} Name the account that pays.`);
  }
  const { call, cid } = openingOf(swarms, spec);
  const done = await queue.call(call, send);
  const [opened] = parseEventLogs({ abi: swarmsAbi, logs: [...done.logs], eventName: 'Opened' });
  if (opened === undefined) {
    throw new ChainError(
      'wrong-network',
      'The contract at this address is not Swarms. Check the network file.',
    );
  }
  return { ...done, id: Number(opened.args.swarm), cid };
}

function openingOf(swarms: Address, spec: SwarmSpec) {
  const { bytes, cid } = encodeSwarmSpec(spec);
  const [unobtainable] = unobtainableFiles(spec);
  if (unobtainable !== undefined) {
    throw new SwarmSpecError('malformed', unobtainable.field, unobtainable.sentence);
  }
  const { answerSeconds, critiqueSeconds, voteSeconds } = spec.schedule;
  const call = {
    address: swarms,
    abi: swarmsAbi,
    functionName: 'open',
    args: [toHex(bytes), answerSeconds, critiqueSeconds, voteSeconds],
  } as const satisfies ContractCall;
  return { call, cid, bytes: bytes.length };
}
