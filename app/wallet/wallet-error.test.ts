import {
  ContractFunctionExecutionError,
  ContractFunctionRevertedError,
  encodeErrorResult,
  InternalRpcError,
  TimeoutError,
  UserRejectedRequestError,
} from 'viem';
import { describe, expect, it } from 'vitest';
import { toChainError } from '../../chain/errors.ts';
import { walletSentence } from './wallet-error.ts';

const abi = [
  {
    type: 'error',
    name: 'Taken',
    inputs: [
      { name: 'device', type: 'address' },
      { name: 'owner', type: 'address' },
    ],
  },
] as const;

describe('wallet failures in words', () => {
  it('knows a refusal, however deep it sits', () => {
    const rejected = new UserRejectedRequestError(new Error('User rejected the request.'));
    for (const error of [rejected, { code: 4001 }, { cause: { cause: { code: 4001 } } }]) {
      expect(walletSentence(error)).toMatch(/^You declined in the wallet/);
    }
  });

  it('knows a wallet that is still asking', () => {
    expect(walletSentence({ code: -32002 })).toMatch(/already asking/);
  });

  it('says why the contract refused', () => {
    const address = '0x5FbDB2315678afecb367f032d93F642f64180aa3';
    const data = encodeErrorResult({ abi, errorName: 'Taken', args: [address, address] });
    const cause = new ContractFunctionRevertedError({ abi, data, functionName: 'bind' });
    const error = new ContractFunctionExecutionError(cause, { abi, functionName: 'bind' });
    expect(walletSentence(error)).toMatch(/belongs to another owner/);
  });

  it('blames the node for what the node does, and the wallet for what the wallet does', () => {
    const timeout = new TimeoutError({ body: {}, url: 'http://node.test' });
    expect(walletSentence(timeout)).toMatch(/^The chain’s node gave no usable answer/);
    const ofNode = toChainError(new InternalRpcError(new Error('Failed to fetch')));
    expect(walletSentence(ofNode)).toBe(ofNode.message);
    const locked = Object.assign(new Error('Ledger device: Locked device (0x5515)'), { code: -32603 });
    expect(walletSentence(new InternalRpcError(locked))).toMatch(/^The wallet is locked/);
    expect(walletSentence({ code: 4900 })).toMatch(/lost its connection/);
  });

  it('falls back to the error’s own words, and to some words at all', () => {
    expect(walletSentence(new Error('The node is down.'))).toBe('The node is down.');
    expect(walletSentence(undefined)).toMatch(/no reason/);
    const circular: { cause?: unknown } = {};
    circular.cause = circular;
    expect(walletSentence(circular)).toMatch(/no reason/);
  });
});
