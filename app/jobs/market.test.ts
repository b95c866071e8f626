import { type Address, encodeEventTopics, type Hex, zeroAddress, zeroHash } from 'viem';
import { describe, expect, it } from 'vitest';
import { OnchainDisputes } from '../../chain/disputes/onchain/port.ts';
import { crowdfundAbi, disputesAbi, jobsAbi, paymentsAbi } from '../../chain/generated/abi.ts';
import { COIN } from '../../chain/payments.ts';
import { type ScriptedNode, scriptedNode } from '../../chain/testing/scripted-node.ts';
import type { RollupContracts } from '../../protocol/rollup.ts';
import { ChainWatch } from './chain-watch.ts';
import { MarketReader } from './market.ts';

const at = (digit: string): Address => `0x${digit.repeat(40)}`;
const [CROWDFUND, JOBS, DISPUTES, PAYMENTS] = [at('a'), at('b'), at('c'), at('d')];
const CONTRACTS: RollupContracts = {
  ...{ judge: at('e'), disputes: DISPUTES, payments: PAYMENTS, ownership: at('f'), jobs: JOBS },
  ...{ crowdfund: CROWDFUND, trainingRecord: at('1'), descriptions: at('2') },
};
const [STRANGER, OWN] = [at('5'), at('6')];
/** Cheap campaigns, jobs and pledges of strangers. */
const MANY = 5_000;
/** One campaign, and one pledge to another, of one's own, older than nearly all of them. */
const [OWN_CAMPAIGN, OWN_PLEDGE, PLEDGED] = [3n, 7n, 5n];

const order = {
  ...{ terms: zeroHash, about: zeroHash, token: COIN, price: 100n, bond: 1n },
  ...{ claimSeconds: 60, workSeconds: 60, workerShares: 0, steps: 1 },
};
const campaignOf = (id: bigint) => ({
  ...{ creator: id === OWN_CAMPAIGN ? OWN : STRANGER, deadline: 2_000, reachedAt: 1, handedOver: true },
  ...{ raised: 100n, pledges: 9, escrow: 0n, job: id, order },
});
const jobOf = () => ({
  ...{ requester: CROWDFUND, state: 1, claimBy: 2_000, workSeconds: 60, token: COIN, workerShares: 0 },
  ...{ steps: 1, terms: zeroHash, price: 100n, bond: 1n, worker: zeroAddress, deliverBy: 0, claimedAt: 0 },
  ...{ escrow: 0n, forfeited: 0n, claim: 0n, root: zeroHash },
});
const claimOf = () => ({
  ...{ claimant: STRANGER, windowEnd: 2_000n, liveGames: 0, lost: false, settled: false },
  ...{ bond: 1n, moves: 0, pot: 0n, terms: zeroHash, root: zeroHash },
});

const log = (address: Address, topics: readonly unknown[], data: Hex) => ({
  ...{ address, topics, data, blockNumber: '0x1', blockHash: zeroHash, removed: false },
  ...{ transactionHash: zeroHash, transactionIndex: '0x0', logIndex: '0x0' },
});

/** A chain with `MANY` of everything. */
function crowded(): ScriptedNode {
  return scriptedNode({
    contracts: [
      {
        address: CROWDFUND,
        abi: crowdfundAbi,
        returns: {
          campaignCount: BigInt(MANY),
          campaignsOf: (ids: readonly bigint[]) => [ids.map(campaignOf), ids.map(() => 3)],
          pledgesOf: (ids: readonly bigint[]) =>
            ids.map(() => ({ pledger: OWN, campaign: PLEDGED, settled: false, start: 0n, amount: 1n })),
        },
      },
      {
        address: JOBS,
        abi: jobsAbi,
        returns: { jobsOf: (ids: readonly bigint[]) => [ids.map(jobOf), ids.map(() => false)] },
      },
      {
        address: DISPUTES,
        abi: disputesAbi,
        returns: {
          ...{ WINDOW: 120, STEP_SECONDS: 1, BUDGET: 600, EXTENSION: 60, MOVE_BOND: 1n },
          claimCount: BigInt(MANY),
          claimsOf: (ids: readonly bigint[]) => ids.map(claimOf),
        },
      },
      { address: PAYMENTS, abi: paymentsAbi, returns: { creditOf: 0n } },
    ],
    logs: [
      log(
        CROWDFUND,
        encodeEventTopics({
          abi: crowdfundAbi,
          eventName: 'Pledged',
          args: { campaign: PLEDGED, pledge: OWN_PLEDGE, pledger: OWN },
        }),
        `0x${'00'.repeat(64)}`,
      ),
      log(
        CROWDFUND,
        encodeEventTopics({
          abi: crowdfundAbi,
          eventName: 'Started',
          args: { campaign: OWN_CAMPAIGN, creator: OWN, terms: zeroHash },
        }),
        `0x${'00'.repeat(320)}`,
      ),
    ],
  });
}

describe('MarketReader', () => {
  const focus = { accounts: [OWN], newest: 32 };

  it('asks a handful of times among thousands of campaigns, and shows the newest and one’s own', async () => {
    const { client, requests } = crowded();
    const reader = new MarketReader(client, CONTRACTS);
    const market = await reader.read(focus);
    expect(requests.length).toBeLessThanOrEqual(12);
    expect(market.hasOlder).toBe(true);
    expect(market.fundings).toHaveLength(34);
    expect(market.fundings[0]).toMatchObject({ id: BigInt(MANY - 1), pledges: [], pledgeCount: 9 });
    expect(market.fundings.slice(-2)).toMatchObject([
      { id: PLEDGED, pledges: [{ id: OWN_PLEDGE, pledger: OWN }] },
      { id: OWN_CAMPAIGN, creator: OWN },
    ]);
    expect(market.jobs).toHaveLength(34);
    const before = requests.length;
    await reader.read(focus);
    expect(requests.length - before).toBeLessThanOrEqual(12);
  });

  it('shows one campaign by its number, and older ones on request', async () => {
    const { client } = crowded();
    const reader = new MarketReader(client, CONTRACTS);
    const one = await reader.read({ ...focus, campaign: 100n });
    expect(one.fundings.map(({ id }) => id)).toContain(100n);
    expect(await reader.read({ ...focus, campaign: BigInt(MANY) })).toMatchObject({ hasOlder: true });
    const older = await reader.read({ ...focus, newest: 64 });
    expect(older.fundings).toHaveLength(66);
    const all = await reader.read({ ...focus, newest: MANY });
    expect(all.hasOlder).toBe(false);
    expect(all.fundings).toHaveLength(MANY);
  });
});

describe('ChainWatch', () => {
  it('makes a bounded number of requests a look', async () => {
    const { client, queue, requests } = crowded();
    const looks: number[] = [];
    let seen = 0;
    let stop = (): void => undefined;
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const watch: ChainWatch = new ChainWatch({
      ...{ client, contracts: CONTRACTS, address: OWN },
      disputes: new OnchainDisputes({ queue, address: DISPUTES }),
      sleep: async () => {
        looks.push(requests.length - seen);
        seen = requests.length;
        if (looks.length === 4) stop();
        if (looks.length >= 4) await new Promise(() => undefined);
      },
    });
    watch.start();
    await stopped;
    const { chain, trouble } = watch.store.getState();
    expect(trouble).toBeNull();
    expect(chain?.claims).toHaveLength(32);
    expect(chain?.fundings).toHaveLength(34);
    // 30,000 before: two for each campaign, three for each job, one for each pledge.
    expect(Math.max(...looks)).toBeLessThanOrEqual(40);
    expect(Math.max(...looks.slice(1))).toBeLessThanOrEqual(25);
  });
});
