import { type Address, type Hex, keccak256, parseEther, toHex } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Terms } from '../../protocol/evidence.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { collectPledge, handOver, pledgeTo, refundPledge, startCampaign } from '../crowdfund/actions.ts';
import { listCampaigns, listPledges, readCampaign, readPledge } from '../crowdfund/campaign.ts';
import { digestOfDescription } from '../descriptions.ts';
import { NO_ANVIL } from '../devnet/anvil.ts';
import { claimTree } from '../disputes/trees.ts';
import { disputesAbi, ownershipAbi } from '../generated/abi.ts';
import {
  collectEarnings,
  listModelsOfRoot,
  payModel,
  readHolding,
  readModel,
  transferShares,
} from '../model-registry/ownership.ts';
import {
  countClaim,
  openRun,
  readCheckpoint,
  readDescent,
  readTally,
  recordCheckpoint,
} from '../model-registry/training-record.ts';
import { COIN, readCredit, withdrawCredit } from '../payments.ts';
import { DESCRIPTION, lookAtJob } from '../testing/doable-job.ts';
import { type LocalChain, startLocalChain } from '../testing/local-chain.ts';
import { coinAmount } from '../token-amount.ts';
import { acceptJob, expireJob, reopenJob } from './anyone.ts';
import { DeliveredClaims } from './delivered.ts';
import { listJobs, readJob } from './job.ts';
import { type Order, TOTAL_SHARES } from './order.ts';
import { cancelJob, postJob } from './requester.ts';
import { claimJob, deliverJob } from './worker.ts';

const hash = (text: string): Hex => keccak256(toHex(text));
const PRICE = parseEther('1');
const BOND = parseEther('0.1');

/**
 * What a worker would have computed: the roots after three steps. What stands behind them matters to
 * Disputes, not here.
 */
function work(name: string) {
  const roots = [0, 1, 2].map((step) => hash(`${name} ${step}`));
  const terms: Terms = {
    program: hash('program'),
    data: hash(`data ${name}`),
    initial: hash('initial'),
    steps: 3,
    slots: 9,
    dataSlots: 2,
  };
  const tree = claimTree(roots);
  const [, , last] = roots;
  if (last === undefined) throw new Error('three roots');
  return { terms, roots, root: tree.root, last, proof: (step: number) => tree.proof(step) };
}

function orderFor(terms: Terms): Order {
  return {
    terms: termsHash(terms),
    descriptionHash: digestOfDescription(DESCRIPTION),
    token: COIN,
    price: PRICE,
    bond: BOND,
    claimSeconds: 1000,
    workSeconds: 500,
    workerShares: 300_000,
    steps: terms.steps,
  };
}

describe.skipIf(NO_ANVIL !== undefined)(
  `the life of a job on anvil${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    beforeAll(async () => {
      local = await startLocalChain();
    });
    afterAll(() => local?.stop());

    const at = () => local.network.rollup;
    const by = (n: number) => ({ queue: local.queue(n) });
    const account = (n: number): Address => local.queue(n).address;
    const pass = async (seconds: number) => {
      await local.controls.increaseTime({ seconds });
      await local.controls.mine({ blocks: 1 });
    };
    const credit = (n: number) => readCredit(local.client, at().payments, account(n));
    const now = async () => Number((await local.client.getBlock()).timestamp);
    /** Draws everything, so that each test counts from nothing. */
    async function drained(n: number): Promise<void> {
      if ((await credit(n)) > 0n) await withdrawCredit({ ...by(n), payments: at().payments });
    }

    /** Account n looks at a job and claims it. */
    async function claimed(n: number, job: bigint, terms: Terms): Promise<void> {
      const { jobs, disputes } = at();
      const looked = await lookAtJob({ ...by(n), jobs, disputes, job, terms });
      await claimJob({ ...by(n), jobs, job: looked });
    }

    /** A claim on Disputes by account n; returns its number. */
    async function claimOnDisputes(n: number, { terms, root }: ReturnType<typeof work>): Promise<bigint> {
      const address = at().disputes;
      const value = await local.client.readContract({
        address,
        abi: disputesAbi,
        functionName: 'claimBond',
        args: [terms],
      });
      const args = [terms, root];
      const { result } = await local.client.simulateContract({
        account: account(n),
        address,
        abi: disputesAbi,
        functionName: 'claim',
        args: [terms, root],
        value,
      });
      await local.queue(n).call({ address, abi: disputesAbi, functionName: 'claim', args, value });
      return result;
    }

    /** Account n challenges a claim whose author stays silent, and wins. */
    async function beat(n: number, claim: bigint, terms: Terms): Promise<void> {
      const address = at().disputes;
      const value = await local.client.readContract({
        address,
        abi: disputesAbi,
        functionName: 'challengeBond',
        args: [terms],
      });
      const { result: game } = await local.client.simulateContract({
        account: account(n),
        address,
        abi: disputesAbi,
        functionName: 'challenge',
        args: [claim, terms],
        value,
      });
      await local.queue(n).call({
        address,
        abi: disputesAbi,
        functionName: 'challenge',
        args: [claim, terms],
        value,
      });
      await pass(2000);
      await local.queue(n).call({ address, abi: disputesAbi, functionName: 'timeout', args: [game] });
    }

    it('is crowdfunded by two, claimed, delivered, accepted when the window has passed, paid and owned', async () => {
      const { jobs, crowdfund, payments, ownership, trainingRecord } = at();
      const made = work('crowd');
      const order = orderFor(made.terms);
      const fromBlock = await local.client.getBlockNumber();
      await Promise.all([drained(1), drained(2), drained(3)]);

      const { campaign } = await startCampaign({
        ...by(0),
        crowdfund,
        order,
        deadline: (await now()) + 600,
      });
      const first = await pledgeTo({ ...by(1), crowdfund, campaign, amount: coinAmount(parseEther('0.25')) });
      expect((await readCampaign(local.client, crowdfund, campaign)).state).toBe('raising');
      const second = await pledgeTo({ ...by(2), crowdfund, campaign, amount: coinAmount(parseEther('2')) });
      expect(second.taken).toBe(parseEther('0.75'));
      // No more than what was missing is paid.
      expect(await credit(2)).toBe(0n);
      const { job } = await handOver({ ...by(3), crowdfund, campaign });

      await claimed(3, job, made.terms);
      const claim = await claimOnDisputes(3, made);
      const delivery = { terms: made.terms, root: made.last, proof: made.proof(2), claim };
      await expect(deliverJob({ ...by(2), jobs, job, ...delivery })).rejects.toThrow('Another account');
      const delivered = new DeliveredClaims({ client: local.client, jobs });
      expect((await delivered.stakes()).has(Number(delivery.claim))).toBe(false);
      await deliverJob({ ...by(3), jobs, job, ...delivery });
      // An auditor that looked before the delivery learns of it, and what is paid for it.
      expect((await delivered.stakes()).get(Number(delivery.claim))).toBe(PRICE);
      await expect(acceptJob({ ...by(0), jobs, job })).rejects.toThrow('Wait until its window is over');
      await pass(124);
      await acceptJob({ ...by(0), jobs, job });

      const ended = await readJob(local.client, jobs, job);
      expect(ended).toMatchObject({ state: 'accepted', delivery: { claim, root: made.last }, failed: false });
      expect(await credit(3)).toBe(PRICE + BOND);
      await collectPledge({ ...by(0), crowdfund, pledge: first.pledge });
      await collectPledge({ ...by(0), crowdfund, pledge: second.pledge });
      const shares = async (n: number) =>
        (await readHolding(local.client, ownership, ended.model, account(n))).shares;
      expect([await shares(1), await shares(2), await shares(3)]).toEqual([175_000, 525_000, 300_000]);
      expect(await readModel(local.client, ownership, ended.model)).toEqual({
        id: ended.model,
        source: jobs.toLowerCase(),
        token: COIN,
        key: job,
        root: made.last,
      });

      const ofRoot = { client: local.client, ownership, root: made.last };
      expect(await listModelsOfRoot(ofRoot)).toEqual({ ids: [ended.model], hasMore: false });
      // Anybody can make another model of the root. Its key leads to no job of anybody.
      await local.queue(2).call({
        ...{ address: ownership, abi: ownershipAbi, functionName: 'create' },
        args: [`0x${'00'.repeat(32)}`, made.last, COIN, [account(2)], [BigInt(TOTAL_SHARES)]],
      });
      const { ids } = await listModelsOfRoot(ofRoot);
      const sources = await Promise.all(ids.map((id) => readModel(local.client, ownership, id)));
      expect(sources.map((each) => each?.source)).toEqual([jobs.toLowerCase(), account(2).toLowerCase()]);

      await openRun({ ...by(1), trainingRecord, terms: made.terms });
      const run = termsHash(made.terms);
      await recordCheckpoint({
        ...by(1),
        trainingRecord,
        run,
        claim,
        step: 2,
        root: made.last,
        proof: made.proof(2),
      });
      const from = { client: local.client, trainingRecord };
      expect(await readDescent(made.last, { ...from, knows: () => false })).toEqual([]);
      expect(await readDescent(made.last, { ...from, knows: (each) => each === run })).toMatchObject([
        { run, step: 2, contributor: account(3).toLowerCase(), initial: made.terms.initial },
      ]);
      expect(await readCheckpoint(local.client, trainingRecord, run, 1)).toBeUndefined();

      await payModel({
        ...by(0),
        ownership,
        model: ended.model,
        token: COIN,
        amount: BigInt(TOTAL_SHARES) * 10n,
      });
      await transferShares({ ...by(1), ownership, model: ended.model, to: account(2), shares: 175_000 });
      await collectEarnings({ ...by(0), ownership, model: ended.model, holder: account(2) });
      expect(await credit(2)).toBe(7_000_000n);

      await withdrawCredit({ ...by(3), payments });
      expect(await credit(3)).toBe(0n);
      const toBlock = await local.client.getBlockNumber();
      expect(await listCampaigns({ client: local.client, crowdfund, fromBlock, toBlock })).toEqual([
        campaign,
      ]);
      const pledgers = [account(2)];
      expect(await listPledges({ client: local.client, crowdfund, fromBlock, toBlock, pledgers })).toEqual([
        second.pledge,
      ]);
      const range = { client: local.client, jobs, fromBlock, toBlock, terms: order.terms };
      expect(await listJobs(range)).toMatchObject([{ id: job, order, requester: crowdfund.toLowerCase() }]);
    });

    it('gives every pledge back when the goal is missed', async () => {
      const { crowdfund } = at();
      await Promise.all([drained(1), drained(2)]);
      const order = orderFor(work('missed').terms);
      const { campaign } = await startCampaign({
        ...by(0),
        crowdfund,
        order,
        deadline: (await now()) + 60,
      });
      const pledges = [
        await pledgeTo({ ...by(1), crowdfund, campaign, amount: coinAmount(10n ** 17n) }),
        await pledgeTo({ ...by(2), crowdfund, campaign, amount: coinAmount(2n * 10n ** 17n) }),
      ];
      for (const { pledge } of pledges) {
        await expect(refundPledge({ ...by(1), crowdfund, pledge })).rejects.toThrow('moved on');
      }
      await pass(61);
      for (const { pledge } of pledges) await refundPledge({ ...by(1), crowdfund, pledge });
      expect([await credit(1), await credit(2)]).toEqual([10n ** 17n, 2n * 10n ** 17n]);
      const [first] = pledges;
      if (first === undefined) throw new Error('two pledges');
      expect((await readPledge(local.client, crowdfund, first.pledge)).settled).toBe(true);
      await expect(refundPledge({ ...by(1), crowdfund, pledge: first.pledge })).rejects.toThrow('already');
    });

    it('gives the pledges back with the bonds of those who failed when nobody delivers', async () => {
      const { jobs, crowdfund } = at();
      await Promise.all([drained(1), drained(2), drained(3)]);
      const made = work('nobody');
      const order = orderFor(made.terms);
      const { campaign } = await startCampaign({
        ...by(0),
        crowdfund,
        order,
        deadline: (await now()) + 60,
      });
      const half = { crowdfund, campaign, amount: coinAmount(PRICE / 2n) };
      const pledges = [await pledgeTo({ ...by(1), ...half }), await pledgeTo({ ...by(2), ...half })];
      const { job } = await handOver({ ...by(0), crowdfund, campaign });
      // One sleeps.
      await claimed(3, job, made.terms);
      await expect(reopenJob({ ...by(0), jobs, job })).rejects.toThrow('still has time');
      await pass(501);
      expect((await readJob(local.client, jobs, job)).failed).toBe(true);
      await reopenJob({ ...by(0), jobs, job });
      // One lies.
      await claimed(3, job, made.terms);
      const claim = await claimOnDisputes(3, made);
      const delivery = { terms: made.terms, root: made.last, proof: made.proof(2), claim };
      await deliverJob({ ...by(3), jobs, job, ...delivery });
      await beat(2, claim, made.terms);
      await expect(acceptJob({ ...by(3), jobs, job })).rejects.toThrow('decided already');
      await pass(1000);
      await expireJob({ ...by(0), jobs, job });
      for (const { pledge } of pledges) await collectPledge({ ...by(0), crowdfund, pledge });
      expect([await credit(1), await credit(2), await credit(3)]).toEqual([
        PRICE / 2n + BOND,
        PRICE / 2n + BOND,
        0n,
      ]);
      const { trainingRecord } = at();
      const before = await readTally(local.client, trainingRecord, account(3));
      await countClaim({ ...by(0), trainingRecord, claim });
      expect(await readTally(local.client, trainingRecord, account(3))).toEqual({
        ...before,
        lost: before.lost + 1,
      });
    });

    it('is taken back by its requester while nobody holds it', async () => {
      const { jobs } = at();
      await drained(1);
      const { job } = await postJob({ ...by(1), jobs, order: orderFor(work('own').terms) });
      await expect(cancelJob({ ...by(2), jobs, job })).rejects.toThrow('Another account');
      await cancelJob({ ...by(1), jobs, job });
      expect(await credit(1)).toBe(PRICE);
      expect((await readJob(local.client, jobs, job)).state).toBe('cancelled');
      await expect(readJob(local.client, jobs, job + 1n)).rejects.toThrow('no job number');
    });
  },
);
