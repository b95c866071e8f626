import {
  type Account,
  type Address,
  type Hex,
  type PublicClient,
  type ReplacementReason,
  type TransactionReceipt,
  WaitForTransactionReceiptTimeoutError,
  type WalletClient,
} from 'viem';
import { ReplacedTransactionError, UnconfirmedTransactionError } from './errors.ts';
import { toWalletError } from './wallet-error.ts';

/**
 * How long a wallet's transaction may wait for a block, in ms. The wallet, not the page, decides about its
 * fees.
 */
const WALLET_PATIENCE_MS = 60_000;

export interface WalletTransaction {
  readonly client: PublicClient;
  /** Holds the key and chooses nonce and fees (EIP-1193). */
  readonly wallet: WalletClient;
  readonly account: Account;
  readonly to: Address;
  readonly data: Hex;
  /** In wei. */
  readonly value: bigint;
  readonly signal: AbortSignal;
  /** How long the transaction may wait for a block, in ms. Defaults to 60,000. */
  readonly patienceMs?: number;
}

/**
 * Hands a transaction to a wallet and resolves with its receipt, which may carry another hash where the
 * person only raised the fees there. Rejects with
 * - WalletError: the wallet did not send it;
 * - ReplacedTransactionError: the person cancelled it there or put another one in its place;
 * - UnconfirmedTransactionError: it was sent and is not known to count;
 * - the signal's reason once that fires.
 */
export async function sendThroughWallet(transaction: WalletTransaction): Promise<TransactionReceipt> {
  const { client, wallet, account, to, data, value, signal, patienceMs = WALLET_PATIENCE_MS } = transaction;
  const sending = wallet.sendTransaction({ account, chain: wallet.chain, to, data, value });
  const hash = await untilAborted(sending, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw toWalletError(error);
  });
  let reason: ReplacementReason | undefined;
  const waiting = client.waitForTransactionReceipt({
    hash,
    timeout: patienceMs,
    onReplaced: (replacement) => {
      reason = replacement.reason;
    },
  });
  const receipt = await untilAborted(waiting, signal).catch(async (error: unknown) => {
    signal.throwIfAborted();
    // The wallet has sent it, so whatever ends the waiting, it may come to count.
    throw await unconfirmed(client, account.address, hash, error);
  });
  // "repriced" is the same transaction with other fees. Another hash without a reason is not taken for it.
  const { transactionHash } = receipt;
  const same = transactionHash.toLowerCase() === hash.toLowerCase();
  if (reason === 'repriced' || (reason === undefined && same)) return receipt;
  throw new ReplacedTransactionError(reason === 'cancelled' ? 'cancelled' : 'replaced', {
    transaction: hash,
    replacement: transactionHash,
  });
}

/** Why a transaction found no block in time, as far as the account's nonces tell. */
async function unconfirmed(
  client: PublicClient,
  address: Address,
  hash: Hex,
  cause: unknown,
): Promise<UnconfirmedTransactionError> {
  if (!(cause instanceof WaitForTransactionReceiptTimeoutError))
    return new UnconfirmedTransactionError([hash], { cause });
  const numbers = await Promise.all([
    client.getTransaction({ hash }),
    client.getTransactionCount({ address, blockTag: 'latest' }),
  ]).catch(() => undefined);
  if (numbers === undefined || numbers[0].nonce <= numbers[1])
    return new UnconfirmedTransactionError([hash], { cause });
  const sentence =
    'The transaction waits for earlier ones of this account. Where there are none, the wallet counts from an ' +
    'earlier start of this chain: clear its activity data there, look at the chain, and repeat it.';
  return new UnconfirmedTransactionError([hash], { cause, sentence });
}

/** Settles as the promise does, or rejects with the signal's reason once that fires. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
