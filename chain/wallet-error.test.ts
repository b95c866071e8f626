import {
  BaseError,
  ChainMismatchError,
  InsufficientFundsError,
  InternalRpcError,
  NonceTooHighError,
  NonceTooLowError,
  UnknownRpcError,
  UserRejectedRequestError,
} from 'viem';
import { anvil } from 'viem/chains';
import { describe, expect, it } from 'vitest';
import { toWalletError, type WalletFailure, walletFailureOf } from './wallet-error.ts';

/** A JSON-RPC error as wallets throw it. */
const rpc = (code: number, message: string): Error & { code: number } =>
  Object.assign(new Error(message), { code });
/** As viem wraps what a wallet throws under a code that says nothing. */
const internal = (message: string): InternalRpcError => new InternalRpcError(rpc(-32603, message));

const told: readonly [WalletFailure, string, unknown][] = [
  ['declined', 'nothing was changed', new UserRejectedRequestError(rpc(4001, 'User rejected the request.'))],
  ['declined', 'nothing was changed', internal('Ledger device: Condition of use not satisfied (0x6985)')],
  ['busy', 'already asking', rpc(-32002, 'Request already pending.')],
  ['unauthorized', 'Unlock it', rpc(4100, 'The requested account has not been authorized by the user.')],
  ['unsupported', 'another wallet', rpc(4200, 'Unsupported method.')],
  ['disconnected', 'connect it again', rpc(4900, 'The provider is disconnected.')],
  ['wrong-chain', 'Switch it', rpc(4901, 'Not connected to the requested chain.')],
  ['wrong-chain', 'Switch it', new ChainMismatchError({ chain: anvil, currentChainId: 1 })],
  ['wrong-chain', 'Switch it', internal('Provided chainId must match the active chainId 1')],
  ['wrong-chain', 'Switch it', internal('The wallet is on another chain.')],
  ['unknown-chain', 'Add it there', rpc(4902, 'Unrecognized chain ID.')],
  ['locked', 'Unlock it', internal('Ledger device: Locked device (0x5515)')],
  ['app-closed', 'Open the Ethereum app', new UnknownRpcError(rpc(-1, 'Ledger device: (0x6511)'))],
  ['blind-signing', 'Allow blind signing', internal('Please enable Blind signing or Contract data')],
  ['nonce', 'activity data', new NonceTooLowError({ nonce: 3 })],
  ['nonce', 'activity data', new NonceTooHighError({ nonce: 30 })],
  ['nonce', 'activity data', internal('[ethjs-query] nonce too low')],
  ['nonce', 'activity data', rpc(-32000, 'Nonce too high. Expected nonce to be 0 but got 7.')],
  ['no-node', 'network’s address', internal('Failed to fetch')],
  ['timeout', 'no answer in time', new Error('Request timed out')],
];

describe('what a wallet could not do', () => {
  it.each(told)('is told apart: %s, "%s"', (failure, remedy, error) => {
    for (const each of [error, new BaseError('The request failed.', { cause: error as Error })]) {
      expect(walletFailureOf(each)).toBe(failure);
      expect(toWalletError(each)).toMatchObject({ code: 'wallet', failure });
      expect(toWalletError(each).message).toContain(remedy);
      expect(toWalletError(each).message).not.toContain('node gave no usable answer');
    }
  });

  it('is told in the wallet’s own words where these are all there is, cut short', () => {
    const error = toWalletError(internal(`Internal surprise. ${'x'.repeat(5000)}`));
    expect(error).toMatchObject({ code: 'wallet', failure: undefined });
    expect(error.message).toContain('Internal surprise');
    expect(error.message.length).toBeLessThan(400);
    expect(toWalletError(internal('')).message).toContain('try again');
    expect(toWalletError(undefined).message).toContain('gave no reason');
  });

  it('stays missing coin where the wallet passes that on', () => {
    expect(toWalletError(new InsufficientFundsError())).toMatchObject({ code: 'no-funds' });
  });

  it('ends with causes in a circle', () => {
    const circular: { cause?: unknown } = {};
    circular.cause = circular;
    expect(walletFailureOf(circular)).toBeUndefined();
  });
});
