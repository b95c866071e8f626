import {
  type Address,
  encodeFunctionData,
  type Log,
  type PublicClient,
  parseEventLogs,
  type WalletClient,
} from 'viem';
import { ChainError, revertOf, toChainError } from '../errors.ts';
import { disputesAbi } from '../generated/abi.ts';
import { sleep as realSleep } from '../sleep.ts';
import { TransactionSender } from '../transaction-sender.ts';
import { CALL_ABI, callOf } from './move-calls.ts';
import { OnchainReader } from './onchain-reader.ts';
import type { DisputesPort, Move, Played, PortOptions } from './port.ts';

export interface OnchainDisputesOptions {
  readonly client: PublicClient;
  /** With the local account that plays and pays. It must be this player's alone: two senders would take each other's nonces. */
  readonly wallet: WalletClient;
  /** The Disputes contract. */
  readonly address: Address;
  /** The most to pay for a unit of gas, wei. Default: whatever the chain asks; a lost clock costs more. */
  readonly maxFeePerGas?: bigint;
  /** How long a transaction may take before it is sent again with higher fees, ms. Default 15,000. */
  readonly patienceMs?: number;
  /** Between two questions whether a transaction counts, ms. Default 250. */
  readonly pollMs?: number;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** No transaction may have more: the cap of EIP-7825. The most costly judge call is below 10,000,000. */
const GAS_CAP = 16_777_216n;

/**
 * Disputes over a node's RPC. Each move is tried before it is sent, and sent under the chain's own next nonce; one at a time, so
 * that at most one of two attempts at a move can count.
 */
export class OnchainDisputes extends OnchainReader implements DisputesPort {
  readonly me: Address;
  readonly #options: OnchainDisputesOptions;
  readonly #sender: TransactionSender;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: OnchainDisputesOptions) {
    super(options);
    const { client, wallet, patienceMs = 15_000, pollMs = 250, sleep = realSleep, maxFeePerGas } = options;
    if (wallet.account === undefined) {
      throw new ChainError('invalid', 'Give the wallet an account to play with.');
    }
    this.me = wallet.account.address;
    this.#options = options;
    const most = maxFeePerGas === undefined ? {} : { maxFeePerGas };
    this.#sender = new TransactionSender({ client, wallet, sleep, patienceMs, pollMs, ...most });
  }

  async credit(): Promise<bigint> {
    const { client, address } = this.#options;
    try {
      return await client.readContract({
        address,
        abi: disputesAbi,
        functionName: 'credit',
        args: [this.me],
      });
    } catch (error) {
      throw toChainError(error);
    }
  }

  play(move: Move, options: PortOptions = {}): Promise<Played> {
    const result = this.#turn.then(() => this.#play(move, options.signal ?? NEVER));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #play(move: Move, signal: AbortSignal): Promise<Played> {
    if (signal.aborted) return { kind: 'unknown' };
    const { client, address } = this.#options;
    const { functionName, args, value } = callOf(move);
    const call = { address, abi: CALL_ABI, functionName, args } as const;
    let gas: bigint;
    try {
      // Against the newest block, not against what waits: what waits may be an attempt of ours that never comes to count.
      const estimate = await client.estimateContractGas({
        ...call,
        args: args as never,
        account: this.me,
        value: value as never,
        blockTag: 'latest',
      });
      gas = (estimate * 5n) / 4n;
    } catch (error) {
      const revert = revertOf(error);
      if (revert !== undefined) return { kind: 'refused', reason: revert.name };
      throw toChainError(error);
    }
    if (gas > GAS_CAP) return { kind: 'refused', reason: 'TooMuchGas' };
    const data = encodeFunctionData({ abi: CALL_ABI, functionName, args: args as never });
    const receipt = await this.#sender.send({ to: address, data, value, gas }, signal);
    if (receipt === undefined) return { kind: 'unknown' };
    const { transactionHash: transaction, gasUsed, status, logs } = receipt;
    if (status !== 'success') return { kind: 'refused', reason: 'Reverted' };
    const id = madeBy(logs.filter((log) => log.address.toLowerCase() === address.toLowerCase()));
    return { kind: 'done', gas: gasUsed, transaction, ...(id === undefined ? {} : { id }) };
  }
}

const NEVER = new AbortController().signal;

/** Id of the claim or the game that a transaction made. */
function madeBy(logs: Log[]): number | undefined {
  const [made] = parseEventLogs({ abi: disputesAbi, logs, eventName: ['Claimed', 'Challenged'] });
  if (made === undefined) return undefined;
  return Number(made.eventName === 'Claimed' ? made.args.claim : made.args.game);
}
