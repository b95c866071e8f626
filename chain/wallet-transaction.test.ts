import { createPublicClient, createWalletClient, custom, type Hex, numberToHex, zeroHash } from 'viem';
import { parseAccount } from 'viem/accounts';
import { anvil } from 'viem/chains';
import { describe, expect, it } from 'vitest';
import { sendThroughWallet } from './wallet-transaction.ts';

const ME = `0x${'aa'.repeat(20)}` as const;
const TO = `0x${'bb'.repeat(20)}` as const;
const SENT: Hex = `0x${'01'.repeat(32)}`;
const OTHER: Hex = `0x${'02'.repeat(32)}`;

interface ChainState {
  /** The wallet's answer to `eth_sendTransaction`, or what it throws. */
  readonly send?: () => unknown;
  /** Nonce that the wallet gave the transaction. Defaults to 0. */
  readonly nonce?: number;
  /** The transaction in a block under the nonce. Defaults to none. */
  readonly mined?: { readonly hash: Hex; readonly to: Hex; readonly value: bigint };
  /** The node answers for the wallet's transaction with the receipt of another. */
  readonly answersForOther?: boolean;
  /** The node fails at everything once the transaction is sent. */
  readonly nodeGone?: boolean;
}

/** A wallet and a node that hold at most one block. */
function chain(state: ChainState) {
  const { mined, nonce = 0 } = state;
  const transaction = (hash: Hex, to: Hex, value: bigint, block: Hex | null) => ({
    ...{ hash, from: ME, to, value: numberToHex(value), nonce: numberToHex(nonce), input: '0x', type: '0x0' },
    ...{ gas: '0x5208', gasPrice: '0x1', blockNumber: block, blockHash: block && zeroHash },
  });
  const answers: Readonly<Record<string, (params: readonly unknown[]) => unknown>> = {
    eth_chainId: () => numberToHex(anvil.id),
    eth_sendTransaction: state.send ?? (() => SENT),
    eth_blockNumber: () => '0x1',
    eth_getTransactionCount: () => numberToHex(mined === undefined ? 0 : 1),
    eth_getTransactionByHash: () =>
      transaction(SENT, TO, 5n, mined?.hash === SENT || state.answersForOther === true ? '0x1' : null),
    eth_getBlockByNumber: () => ({
      ...{ number: '0x1', hash: zeroHash, timestamp: '0x1' },
      transactions: mined === undefined ? [] : [transaction(mined.hash, mined.to, mined.value, '0x1')],
    }),
    eth_getTransactionReceipt: ([hash]) =>
      mined !== undefined && (hash === mined.hash || state.answersForOther === true)
        ? {
            ...{ transactionHash: mined.hash, blockNumber: '0x1', blockHash: zeroHash, status: '0x1' },
            ...{ gasUsed: '0x5208', logs: [], from: ME, to: mined.to, type: '0x0', effectiveGasPrice: '0x1' },
          }
        : null,
  };
  let sent = false;
  const request = async ({ method, params }: { readonly method: string; readonly params?: unknown }) => {
    if (sent && state.nodeGone === true) throw new Error('The node is gone.');
    const answer = await answers[method]?.(params as readonly unknown[]);
    if (method === 'eth_sendTransaction') sent = true;
    return answer;
  };
  const transport = custom({ request }, { retryCount: 0 });
  return {
    client: createPublicClient({ chain: anvil, transport, pollingInterval: 10, cacheTime: 0 }),
    wallet: createWalletClient({ account: ME, chain: anvil, transport }),
    account: parseAccount(ME),
  };
}

const send = (state: ChainState, signal = new AbortController().signal) =>
  sendThroughWallet({ ...chain(state), to: TO, data: '0x', value: 5n, signal, patienceMs: 300 });

describe('a transaction through a wallet', () => {
  it('counts in a block, also with other fees', async () => {
    for (const hash of [SENT, OTHER]) {
      expect(await send({ mined: { hash, to: TO, value: 5n } })).toMatchObject({ transactionHash: hash });
    }
  });

  it('is never done when the person cancelled it there', async () => {
    const cancelled = send({ mined: { hash: OTHER, to: ME, value: 0n } });
    await expect(cancelled).rejects.toMatchObject({
      ...{ code: 'replaced', reason: 'cancelled', transaction: SENT, replacement: OTHER },
      message: expect.stringContaining('cancelled in the wallet, so nothing was changed'),
    });
  });

  it('is never done when another one took its place', async () => {
    for (const state of [
      { mined: { hash: OTHER, to: TO, value: 6n } },
      { mined: { hash: OTHER, to: OTHER.slice(0, 42) as Hex, value: 5n } },
      { mined: { hash: OTHER, to: TO, value: 5n }, answersForOther: true },
    ]) {
      await expect(send(state)).rejects.toMatchObject({ code: 'replaced', reason: 'replaced' });
    }
  });

  it('is unconfirmed, not refused by the node, once it was sent', async () => {
    for (const state of [{}, { nodeGone: true }]) {
      const waiting = send(state);
      await expect(waiting).rejects.toMatchObject({ code: 'unconfirmed', transactions: [SENT] });
      await expect(waiting).rejects.toThrow('Read the chain again');
    }
  });

  it('names the wallet’s nonce of an earlier chain as the cause of a wait', async () => {
    await expect(send({ nonce: 7 })).rejects.toMatchObject({
      ...{ code: 'unconfirmed', transactions: [SENT] },
      message: expect.stringContaining('clear its activity data'),
    });
  });

  it('blames the wallet for what the wallet does not send', async () => {
    const failing = (code: number, message: string) => ({
      send: () => Promise.reject(Object.assign(new Error(message), { code })),
    });
    const locked = send(failing(-32603, 'Locked device'));
    await expect(locked).rejects.toMatchObject({ code: 'wallet', failure: 'locked' });
    const declined = send(failing(4001, 'User rejected the request.'));
    await expect(declined).rejects.toMatchObject({ code: 'wallet', failure: 'declined' });
  });

  it('rejects with the reason of its signal', async () => {
    const closed = new AbortController();
    const waiting = send({}, closed.signal);
    closed.abort(new Error('page closed'));
    await expect(waiting).rejects.toThrow('page closed');
  });
});
