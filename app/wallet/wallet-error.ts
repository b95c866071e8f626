/** Wallet and contract failures in one sentence each. */
import { BaseError, UserRejectedRequestError } from 'viem';
import { revertOf, toChainError } from '../../chain/errors.ts';

/** One sentence with the cause and, where there is one, the remedy. Never empty. */
export function walletSentence(error: unknown): string {
  if (
    hasCode(error, 4001) ||
    (error instanceof BaseError && error.walk((cause) => cause instanceof UserRejectedRequestError) !== null)
  ) {
    return 'You declined in the wallet, so nothing was changed. You can try again at any time.';
  }
  if (hasCode(error, -32002)) return 'The wallet is already asking you something. Open it and answer there.';
  if (error instanceof BaseError) {
    return revertOf(error) === undefined ? error.shortMessage : toChainError(error).message;
  }
  return error instanceof Error && error.message !== ''
    ? error.message
    : 'The wallet gave no reason. Try again.';
}

/** Looks for an EIP-1193 or JSON-RPC code in an error and in what caused it. */
function hasCode(error: unknown, code: number): boolean {
  let current = error;
  for (let depth = 0; depth < 8 && typeof current === 'object' && current !== null; depth += 1) {
    if ('code' in current && current.code === code) return true;
    current = 'cause' in current ? current.cause : null;
  }
  return false;
}
