import { type Address, type Log, parseEventLogs } from 'viem';
import {
  ContractRevertError,
  GasLimitError,
  ReplacedTransactionError,
  toChainError,
  UnconfirmedTransactionError,
} from '../../errors.ts';
import { disputesAbi } from '../../generated/abi.ts';
import type { TransactionQueue } from '../../transaction-queue.ts';
import type { DisputesPort, Move, Played, PortOptions } from '../port.ts';
import { callOf } from './calls.ts';
import { OnchainReader } from './reader.ts';

export interface OnchainDisputesOptions {
  /** Of the account that plays and pays. Jobs of the same account go through the same queue. */
  readonly queue: TransactionQueue;
  /** The Disputes contract. */
  readonly address: Address;
}

/**
 * Disputes over a node's RPC. The account's transaction queue makes one move at a time and tries each before
 * it is sent, so that at most one of two attempts at a move can count.
 */
export class OnchainDisputes extends OnchainReader implements DisputesPort {
  readonly me: Address;
  readonly #queue: TransactionQueue;
  readonly #address: Address;

  constructor({ queue, address }: OnchainDisputesOptions) {
    super({ client: queue.client, address });
    this.me = queue.address;
    this.#queue = queue;
    this.#address = address;
  }

  async credit(): Promise<bigint> {
    try {
      return await this.#queue.client.readContract({
        address: this.#address,
        abi: disputesAbi,
        functionName: 'credit',
        args: [this.me],
      });
    } catch (error) {
      throw toChainError(error);
    }
  }

  async play(move: Move, { signal }: PortOptions = {}): Promise<Played> {
    const address = this.#address;
    try {
      const sent = await this.#queue.call({ address, abi: disputesAbi, ...callOf(move) }, { signal });
      const { gas, transaction } = sent;
      const id = madeBy(sent.logs.filter((log) => log.address.toLowerCase() === address.toLowerCase()));
      return id === undefined ? { kind: 'done', gas, transaction } : { kind: 'done', gas, transaction, id };
    } catch (error) {
      if (signal?.aborted === true || error instanceof UnconfirmedTransactionError)
        return { kind: 'unknown' };
      if (error instanceof ReplacedTransactionError) return { kind: 'unknown' };
      if (error instanceof ContractRevertError) return { kind: 'refused', reason: error.reason };
      if (error instanceof GasLimitError) return { kind: 'refused', reason: 'TooMuchGas' };
      throw error;
    }
  }
}

/** Id of the claim or the game that a transaction made. */
function madeBy(logs: Log[]): number | undefined {
  const [made] = parseEventLogs({ abi: disputesAbi, logs, eventName: ['Claimed', 'Challenged'] });
  if (made === undefined) return undefined;
  return Number(made.eventName === 'Claimed' ? made.args.claim : made.args.game);
}
