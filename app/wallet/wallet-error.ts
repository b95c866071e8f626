/** Wallet and contract failures in one sentence each. */
import { BaseError, HttpRequestError, TimeoutError } from 'viem';
import { ChainError, toChainError } from '../../chain/errors.ts';
import { toWalletError, walletFailureOf } from '../../chain/wallet-error.ts';

/** One sentence with the cause and, where there is one, the remedy. Never empty. */
export function walletSentence(error: unknown): string {
  if (error instanceof ChainError) return error.message;
  // The page asks the node over HTTP, and wallets never do that through viem.
  const ofNode = (cause: unknown) => cause instanceof HttpRequestError || cause instanceof TimeoutError;
  if (error instanceof BaseError && error.walk(ofNode) !== null) return toChainError(error).message;
  if (error instanceof BaseError || walletFailureOf(error) !== undefined) return toWalletError(error).message;
  return error instanceof Error && error.message !== ''
    ? error.message
    : 'The wallet gave no reason. Try again.';
}
