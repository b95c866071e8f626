import { erc20Abi, keccak256, toHex } from 'viem';
import { describe, expect, it } from 'vitest';
import { crowdfundAbi } from '../generated/abi.ts';
import { COIN } from '../payments.ts';
import { type ScriptedNode, scriptedNode } from '../testing/scripted-node.ts';
import { coinAmount, UnexpectedTokenError } from '../token-amount.ts';
import { pledgeTo } from './actions.ts';

const CROWDFUND = `0x${'c0'.repeat(20)}` as const;
const DOLLARS = `0x${'d0'.repeat(20)}` as const;
const SOMEBODY = `0x${'11'.repeat(20)}` as const;
const PRICE = 5_000_000_000n;
const MISSING = 1_000_000_000n;

/** A campaign in a token, four fifths of it raised. */
function campaignIn(token: `0x${string}`): ScriptedNode {
  const hash = keccak256(toHex('anything'));
  const order = {
    ...{ terms: hash, about: hash, token, price: PRICE, bond: 0n },
    ...{ claimSeconds: 60, workSeconds: 60, workerShares: 0, steps: 1 },
  };
  const campaignOf = {
    ...{ creator: SOMEBODY, deadline: 2_000, handedOver: false, job: 0n },
    ...{ raised: PRICE - MISSING, pledges: 4, reachedAt: 0, escrow: 0n, order },
  };
  return scriptedNode({
    contracts: [
      { address: CROWDFUND, abi: crowdfundAbi, returns: { campaignOf, stateOf: 0 } },
      { address: DOLLARS, abi: erc20Abi, returns: { allowance: 0n } },
    ],
  });
}

describe('pledgeTo', () => {
  const asked = { crowdfund: CROWDFUND, campaign: 0n };

  it('approves and pays nothing where the campaign is in another token than the person saw', async () => {
    const { queue, attempted } = campaignIn(DOLLARS);
    const pledge = pledgeTo({ queue, ...asked, amount: coinAmount(PRICE) });
    await expect(pledge).rejects.toBeInstanceOf(UnexpectedTokenError);
    expect(attempted).toEqual([]);
  });

  it('approves no more than is missing', async () => {
    const { queue, attempted } = campaignIn(DOLLARS);
    const token = { address: DOLLARS, symbol: 'USD', decimals: 6 };
    await expect(pledgeTo({ queue, ...asked, amount: { token, units: PRICE } })).rejects.toThrow();
    expect(attempted).toMatchObject([
      { to: DOLLARS, functionName: 'approve', args: [expect.anything(), MISSING] },
    ]);
  });

  it('pays no more coin than is missing, and less where less was typed', async () => {
    for (const [units, paid] of [
      [PRICE, MISSING],
      [7n, 7n],
    ] as const) {
      const { queue, attempted } = campaignIn(COIN);
      await expect(pledgeTo({ queue, ...asked, amount: coinAmount(units) })).rejects.toThrow();
      expect(attempted).toMatchObject([{ functionName: 'pledge', args: [0n, paid], value: paid }]);
    }
  });
});
