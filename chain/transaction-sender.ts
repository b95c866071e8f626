import {
  type Address,
  BaseError,
  type Hex,
  NonceTooLowError,
  type PublicClient,
  type TransactionReceipt,
  type WalletClient,
} from 'viem';
import { ChainError, toChainError } from './errors.ts';

export interface TransactionSenderOptions {
  readonly client: PublicClient;
  /** With the local account that signs and pays. Nobody else may send from it meanwhile. */
  readonly wallet: WalletClient;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** How long to wait for a transaction before it is sent again with higher fees, ms. */
  readonly patienceMs: number;
  readonly pollMs: number;
  /** The most to pay for a unit of gas, wei. Default: whatever the chain asks. */
  readonly maxFeePerGas?: bigint;
}

export interface TransactionRequest {
  readonly to: Address;
  readonly data: Hex;
  /** In wei. Default 0. */
  readonly value?: bigint;
  /** Gas limit. Default: a quarter more than the node estimates. */
  readonly gas?: bigint;
}

/** How often one transaction is sent before it is given up; each time pays a quarter more. */
const ATTEMPTS = 6;

/**
 * Sends one transaction at a time and sees it into a block. The nonce is the chain's own count, so a restart continues where the
 * chain stands; a transaction that was dropped or is stuck is replaced under the same nonce, and at most one of the two can count.
 */
export class TransactionSender {
  readonly #options: TransactionSenderOptions;

  constructor(options: TransactionSenderOptions) {
    this.#options = options;
  }

  /**
   * Sends a call and resolves with its receipt, whatever its status. Resolves with undefined when the nonce was used by
   * something else, or the signal fired: the chain then has to be read again. Throws ChainError.
   */
  async send(request: TransactionRequest, signal: AbortSignal): Promise<TransactionReceipt | undefined> {
    const { client, wallet } = this.#options;
    const { account } = wallet;
    if (account === undefined) throw new ChainError('invalid', 'Give the wallet an account to pay from.');
    const { to, data, value = 0n } = request;
    try {
      const { address } = account;
      const nonce = await client.getTransactionCount({ address, blockTag: 'latest' });
      const gas =
        request.gas ?? ((await client.estimateGas({ account: address, to, data, value })) * 5n) / 4n;
      const sent: Hex[] = [];
      for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt++) {
        const fees = await this.#fees(attempt);
        const hash = await wallet
          .sendTransaction({ account, chain: wallet.chain, to, data, value, nonce, gas, ...fees })
          .catch((error: unknown) => {
            // After the first time a refusal may only mean that the earlier one is in a block by now.
            if (attempt > 0 || isTaken(error)) return undefined;
            throw error;
          });
        if (hash !== undefined) sent.push(hash);
        // Refused in favour of one that waits already, an earlier process's perhaps: a higher fee replaces it.
        else if (attempt + 1 < ATTEMPTS && sent.length === 0) continue;
        const settled = await this.#settled(address, nonce, sent, signal);
        if (settled !== 'waiting') return settled;
      }
      return undefined;
    } catch (error) {
      throw toChainError(error);
    }
  }

  async #fees(attempt: number) {
    const { client, maxFeePerGas: most } = this.#options;
    const fees = await client.estimateFeesPerGas();
    if (most !== undefined && fees.maxPriorityFeePerGas > most) {
      const gwei = most / 1_000_000_000n;
      throw new ChainError('refused', `Gas costs more than the limit of ${gwei} gwei. Raise it, or wait.`);
    }
    const raise = (fee: bigint): bigint => {
      const raised = (fee * 5n ** BigInt(attempt)) / 4n ** BigInt(attempt) + 1n;
      return most !== undefined && raised > most ? most : raised;
    };
    return {
      maxFeePerGas: raise(fees.maxFeePerGas),
      maxPriorityFeePerGas: raise(fees.maxPriorityFeePerGas),
    };
  }

  /** The receipt of whichever of the hashes counted; undefined when the nonce is used and it was none of them. */
  async #settled(
    address: Address,
    nonce: number,
    hashes: readonly Hex[],
    signal: AbortSignal,
  ): Promise<TransactionReceipt | undefined | 'waiting'> {
    const { client, sleep, patienceMs, pollMs } = this.#options;
    for (let waited = 0; waited < patienceMs && !signal.aborted; waited += pollMs) {
      // The count is read first: when it is past the nonce, a receipt of ours, if there is one, is there to be found.
      const used = (await client.getTransactionCount({ address, blockTag: 'latest' })) > nonce;
      for (const hash of hashes) {
        const receipt = await client.getTransactionReceipt({ hash }).catch(() => undefined);
        if (receipt !== undefined) return receipt;
      }
      if (used) return undefined;
      await sleep(pollMs, signal);
    }
    return 'waiting';
  }
}

/** Whether the node refused a transaction because of another one with this nonce, waiting or in a block. */
function isTaken(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false;
  if (error.walk((cause) => cause instanceof NonceTooLowError) !== null) return true;
  return /underpriced|already (known|imported)|nonce too low/i.test(`${error.details} ${error.shortMessage}`);
}
