import {
  type Address,
  createPublicClient,
  createWalletClient,
  type Hex,
  keccak256,
  type PublicClient,
  parseEther,
  type Transport,
  toHex,
  zeroAddress,
  zeroHash,
} from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Terms } from '../protocol/evidence.ts';
import { termsHash } from '../protocol/slot-encoding.ts';
import { digestOfDescription, publishDescription } from './descriptions.ts';
import { anvilWallet, NO_ANVIL } from './devnet/anvil.ts';
import { OnchainDisputes } from './disputes/onchain/port.ts';
import { ContractRevertError, GasLimitError, UnconfirmedTransactionError } from './errors.ts';
import { acceptJob } from './jobs/anyone.ts';
import { TOTAL_SHARES } from './jobs/order.ts';
import { cancelJob, postJob } from './jobs/requester.ts';
import { claimJob } from './jobs/worker.ts';
import { chainOf, transportOf } from './network.ts';
import { COIN, readCredit, withdrawCredit } from './payments.ts';
import { DESCRIPTION, lookAtJob } from './testing/doable-job.ts';
import { type LocalChain, startLocalChain } from './testing/local-chain.ts';
import { TransactionQueue, type TransactionQueueOptions, TransactionQueues } from './transaction-queue.ts';

const hash = (text: string): Hex => keccak256(toHex(text));
const SOMEBODY: Address = `0x${'5e'.repeat(20)}`;

describe.skipIf(NO_ANVIL !== undefined)(
  `TransactionQueue${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    beforeAll(async () => {
      local = await startLocalChain();
    });
    afterAll(() => local?.stop());
    afterEach(() => local.controls.setAutomine(true));

    /** A key with 10 ETH. */
    async function fundedKey(): Promise<Hex> {
      const key = generatePrivateKey();
      await local.controls.setBalance({ address: privateKeyToAddress(key), value: parseEther('10') });
      return key;
    }

    const queueOf = (key: Hex, options: Partial<TransactionQueueOptions> = {}): TransactionQueue =>
      new TransactionQueue({
        client: local.client,
        wallet: anvilWallet(local.anvil, key),
        pollMs: 20,
        ...options,
      });

    const termsOf = (name: string): Terms => ({
      ...{ program: hash('program'), data: hash(name), initial: hash('initial') },
      ...{ steps: 3, slots: 9, dataSlots: 2 },
    });
    const orderFor = (terms: Hex) => ({
      ...{ terms, descriptionHash: digestOfDescription(DESCRIPTION), token: COIN, price: 1000n, bond: 10n },
      ...{ claimSeconds: 1000, workSeconds: 500, workerShares: TOTAL_SHARES / 2, steps: 3 },
    });
    const post = (queue: TransactionQueue, name = 'terms') =>
      postJob({ queue, jobs: local.network.rollup.jobs, order: orderFor(termsHash(termsOf(name))) });
    const publish = (queue: TransactionQueue, text: string) => {
      const { descriptions } = local.network.rollup;
      return publishDescription({ queue, descriptions, run: zeroHash, description: Buffer.from(text) });
    };
    const balance = () => local.client.getBalance({ address: SOMEBODY });

    /** Transactions of an account that wait for a block, by nonce. */
    async function pendingOf(address: Address) {
      const { pending } = await local.controls.getTxpoolContent();
      const entry = Object.entries(pending).find(([from]) => from.toLowerCase() === address.toLowerCase());
      return Object.values(entry?.[1] ?? {});
    }
    const untilPending = (address: Address, count: number): Promise<void> =>
      expect
        .poll(async () => (await pendingOf(address)).length, { timeout: 60_000, interval: 20 })
        .toBe(count);
    /** Until the one transaction that waits pays this much. */
    const untilPays = (address: Address, value: bigint): Promise<void> =>
      expect
        .poll(async () => (await pendingOf(address)).map((each) => BigInt(each.value)), {
          timeout: 60_000,
          interval: 20,
        })
        .toEqual([value]);

    it('sends jobs, payments, descriptions and moves of one account one after the other', async () => {
      const queue = queueOf(await fundedKey());
      const { jobs, payments, disputes } = local.network.rollup;
      const { job } = await post(queue);
      const port = new OnchainDisputes({ queue, address: disputes });
      const terms = {
        ...{ program: hash('program'), data: hash('data'), initial: hash('initial') },
        ...{ steps: 3, slots: 9, dataSlots: 2 },
      };
      const { claim: bond } = await port.bonds(terms);
      const [cancelled, claimed, published] = await Promise.all([
        cancelJob({ queue, jobs, job }),
        port.play({ kind: 'claim', terms, root: hash('root'), bond }),
        publish(queue, 'a run'),
        queue.transfer({ to: SOMEBODY, value: 7n }),
      ]);
      expect(claimed).toMatchObject({ kind: 'done', transaction: expect.stringMatching(/^0x/) });
      expect(published.block).toBeGreaterThan(cancelled.block);
      expect(await balance()).toBe(7n);
      expect(await readCredit(local.client, payments, queue.address)).toBe(1000n);
      await withdrawCredit({ queue, payments });
      expect(await readCredit(local.client, payments, queue.address)).toBe(0n);
      expect(await local.client.getTransactionCount({ address: queue.address })).toBe(6);
    });

    it('sends a job’s transaction again when the node drops it, once', async () => {
      const queue = queueOf(await fundedKey(), { patienceMs: 200 });
      await local.controls.setAutomine(false);
      const posting = post(queue);
      await untilPending(queue.address, 1);
      for (const { hash } of await pendingOf(queue.address)) await local.controls.dropTransaction({ hash });
      await untilPending(queue.address, 1);
      await local.controls.setAutomine(true);
      await local.controls.mine({ blocks: 1 });
      await posting;
      expect(await local.client.getTransactionCount({ address: queue.address })).toBe(1);
    });

    it('replaces a stuck transaction by one that pays more, by the clock that it is given', async () => {
      let waited = 0;
      const sleep = (ms: number): Promise<void> => {
        waited += ms;
        return new Promise((resolve) => setTimeout(resolve, 5));
      };
      // An hour of patience passes at once on this clock.
      const queue = queueOf(await fundedKey(), { patienceMs: 3_600_000, pollMs: 60_000, sleep });
      await local.controls.setAutomine(false);
      const posting = post(queue);
      const fee = async (): Promise<bigint> => BigInt((await pendingOf(queue.address))[0]?.maxFeePerGas ?? 0);
      await expect.poll(fee, { timeout: 60_000, interval: 5 }).toBeGreaterThan(0n);
      const first = await fee();
      await expect.poll(fee, { timeout: 60_000, interval: 5 }).toBeGreaterThan((first * 6n) / 5n);
      await local.controls.mine({ blocks: 1 });
      const { transaction } = await posting;
      expect((await local.client.getTransaction({ hash: transaction })).nonce).toBe(0);
      expect(waited).toBeGreaterThanOrEqual(3_600_000);
    });

    it('closes the gap that a dropped transaction of an earlier process left', async () => {
      const key = await fundedKey();
      const wallet = anvilWallet(local.anvil, key);
      const { account = null, chain } = wallet;
      const later = await wallet.sendTransaction({ account, chain, to: SOMEBODY, value: 1n, nonce: 1 });
      const queue = queueOf(key);
      await post(queue);
      expect((await local.client.waitForTransactionReceipt({ hash: later })).status).toBe('success');
      await post(queue);
      expect(await local.client.getTransactionCount({ address: queue.address })).toBe(3);
    });

    it('outbids a pending transaction of an earlier process', async () => {
      const key = await fundedKey();
      await local.controls.setAutomine(false);
      const killed = new AbortController();
      const before = queueOf(key);
      const first = before.transfer({ to: SOMEBODY, value: 1n }, { signal: killed.signal });
      await untilPending(before.address, 1);
      killed.abort(new Error('killed'));
      await expect(first).rejects.toThrow('killed');
      const had = await balance();
      const second = queueOf(key).transfer({ to: SOMEBODY, value: 100n });
      await untilPays(before.address, 100n);
      await local.controls.mine({ blocks: 1 });
      await second;
      expect(await balance()).toBe(had + 100n);
    });

    it('says so when something else used the nonce', async () => {
      const key = await fundedKey();
      const queue = queueOf(key);
      await local.controls.setAutomine(false);
      const posting = post(queue);
      const failed = expect(posting).rejects.toBeInstanceOf(UnconfirmedTransactionError);
      await untilPending(queue.address, 1);
      const wallet = anvilWallet(local.anvil, key);
      const { account = null, chain } = wallet;
      const fees = { maxFeePerGas: parseEther('0.000001'), maxPriorityFeePerGas: parseEther('0.000001') };
      await wallet.sendTransaction({ account, chain, to: SOMEBODY, value: 1n, nonce: 0, ...fees });
      await local.controls.mine({ blocks: 1 });
      await failed;
      await expect(posting).rejects.toMatchObject({ code: 'unconfirmed', transactions: [expect.anything()] });
    });

    it('waits for the receipt of a node that counts a transaction before it has that', async () => {
      let missing = 3;
      const client = new Proxy(local.client, {
        get: (target, name, receiver): unknown =>
          name === 'getTransactionReceipt' && missing-- > 0
            ? async () => Promise.reject(new Error('not yet'))
            : Reflect.get(target, name, receiver),
      });
      await post(queueOf(await fundedKey(), { client }));
      expect(missing).toBe(-1);
    });

    it('decodes what a contract refuses, without sending anything', async () => {
      const queue = queueOf(await fundedKey());
      const { jobs } = local.network.rollup;
      const { job } = await post(queueOf(await fundedKey()));
      const refused = acceptJob({ queue, jobs, job });
      await expect(refused).rejects.toBeInstanceOf(ContractRevertError);
      await expect(refused).rejects.toMatchObject({
        ...{ code: 'refused', reason: 'WrongState', transaction: undefined },
        message: 'It has moved on since you looked. Read where it stands now.',
      });
      expect(await local.client.getTransactionCount({ address: queue.address })).toBe(0);
    });

    it('names the transaction that reverted in its block', async () => {
      const [one, other] = [queueOf(await fundedKey()), queueOf(await fundedKey())];
      const { jobs, disputes } = local.network.rollup;
      const { job } = await post(one, 'wanted by two');
      const terms = termsOf('wanted by two');
      const look = (queue: TransactionQueue) => lookAtJob({ queue, jobs, disputes, job, terms });
      const [first, second] = [await look(one), await look(other)];
      await local.controls.setAutomine(false);
      const claims = [
        claimJob({ queue: one, jobs, job: first }),
        claimJob({ queue: other, jobs, job: second }),
      ];
      const settled = Promise.allSettled(claims);
      await untilPending(one.address, 1);
      await untilPending(other.address, 1);
      await local.controls.mine({ blocks: 1 });
      const failed = (await settled).filter((each) => each.status === 'rejected');
      expect(failed).toHaveLength(1);
      expect(failed[0]?.reason).toBeInstanceOf(ContractRevertError);
      expect(failed[0]?.reason).toMatchObject({
        reason: 'Reverted',
        transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      });
    });

    it('stops waiting when its signal fires, and sends the next', async () => {
      const queue = queueOf(await fundedKey());
      const aborted = new AbortController();
      aborted.abort(new Error('not any more'));
      await expect(queue.transfer({ to: SOMEBODY, value: 1n }, { signal: aborted.signal })).rejects.toThrow(
        'not any more',
      );
      await local.controls.setAutomine(false);
      const waiting = new AbortController();
      const first = queue.transfer({ to: SOMEBODY, value: 1n }, { signal: waiting.signal });
      const second = post(queue);
      await untilPending(queue.address, 1);
      waiting.abort(new Error('enough'));
      await expect(first).rejects.toThrow('enough');
      await untilPays(queue.address, 1000n);
      await local.controls.mine({ blocks: 1 });
      await second;
    });

    it('keeps to its limits of fees and gas', async () => {
      const key = await fundedKey();
      const { maxPriorityFeePerGas } = await local.client.estimateFeesPerGas();
      await expect(post(queueOf(key, { maxFeePerGas: maxPriorityFeePerGas - 1n }))).rejects.toThrow(
        'Raise it, or wait.',
      );
      const client = new Proxy(local.client, {
        get: (target, name, receiver): unknown =>
          name === 'estimateContractGas' ? async () => 15_000_000n : Reflect.get(target, name, receiver),
      });
      await expect(post(queueOf(key, { client }))).rejects.toBeInstanceOf(GasLimitError);
      expect(await local.client.getTransactionCount({ address: privateKeyToAddress(key) })).toBe(0);
    });

    it('needs a wallet with an account, and says when that is empty', async () => {
      const { client } = local;
      const wallet = createWalletClient({ chain: chainOf(local.anvil), transport: transportOf(local.anvil) });
      expect(() => new TransactionQueue({ client, wallet })).toThrow('Connect one.');
      await expect(publish(queueOf(generatePrivateKey()), 'a run')).rejects.toMatchObject({
        code: 'no-funds',
      });
    });

    it('shares one order between everybody who opens the same account', async () => {
      const [queues, key] = [new TransactionQueues(), await fundedKey()];
      const open = (wallet = anvilWallet(local.anvil, key)) =>
        queues.open({ client: local.client, wallet, pollMs: 20 });
      await Promise.all([1, 2, 3, 4].map((n) => publish(open(), `run ${n}`)));
      expect(await local.client.getTransactionCount({ address: open().address })).toBe(4);
    });

    describe('of a wallet that signs elsewhere', () => {
      /** An account that the node itself signs for, as a browser wallet does: `eth_sendTransaction`. */
      async function elsewhere(client: PublicClient = local.client): Promise<TransactionQueue> {
        const account = privateKeyToAddress(generatePrivateKey());
        await local.controls.setBalance({ address: account, value: parseEther('10') });
        await local.controls.impersonateAccount({ address: account });
        const wallet = createWalletClient({
          account,
          chain: chainOf(local.anvil),
          transport: transportOf(local.anvil),
        });
        return new TransactionQueue({ client, wallet, pollMs: 20 });
      }

      /** A client, and a promise that resolves once it has read a transaction. */
      function watchedClient(): { readonly client: PublicClient; readonly hasRead: Promise<void> } {
        let read: () => void = () => undefined;
        const hasRead = new Promise<void>((resolve) => {
          read = resolve;
        });
        const transport: Transport = (config) => {
          const inner = transportOf(local.anvil)(config);
          const request = async (...args: Parameters<typeof inner.request>): Promise<unknown> => {
            const answer: unknown = await inner.request(...args);
            if (args[0].method === 'eth_getTransactionByHash' && answer !== null) read();
            return answer;
          };
          return { ...inner, request: request as typeof inner.request };
        };
        const { pollingInterval } = local.client;
        return {
          client: createPublicClient({ chain: chainOf(local.anvil), transport, pollingInterval }),
          hasRead,
        };
      }

      it('keeps the order and decodes what is refused', async () => {
        const queue = await elsewhere();
        const { jobs } = local.network.rollup;
        const [{ job }] = await Promise.all([post(queue), publish(queue, 'a run')]);
        await expect(acceptJob({ queue, jobs, job })).rejects.toMatchObject({ reason: 'WrongState' });
        expect(await local.client.getTransactionCount({ address: queue.address })).toBe(2);
      });

      /** The wallet replaces its pending transaction. */
      async function replaced(
        queue: TransactionQueue,
        change: { readonly to?: Address; readonly value?: bigint },
      ): Promise<void> {
        const [pending] = await pendingOf(queue.address);
        if (pending === undefined) throw new Error('Nothing waits.');
        const wallet = createWalletClient({
          account: queue.address,
          chain: chainOf(local.anvil),
          transport: transportOf(local.anvil),
        });
        const fees = { maxFeePerGas: parseEther('0.000001'), maxPriorityFeePerGas: parseEther('0.000001') };
        await wallet.sendTransaction({
          ...{ to: pending.to, value: BigInt(pending.value), nonce: 0, gas: 21_000n, ...fees, ...change },
        });
        await local.controls.mine({ blocks: 1 });
      }

      it('counts a transaction that the person made faster there, and none that became another', async () => {
        for (const how of ['repriced', 'replaced', 'cancelled'] as const) {
          const { client, hasRead } = watchedClient();
          const queue = await elsewhere(client);
          const change = {
            repriced: {},
            replaced: { to: zeroAddress },
            cancelled: { to: queue.address, value: 0n },
          }[how];
          await local.controls.setAutomine(false);
          const paying = queue.transfer({ to: SOMEBODY, value: 3n });
          const settled = Promise.allSettled([paying]);
          await untilPending(queue.address, 1);
          // viem finds the one that takes its place by the sender and nonce of the one that it waits for.
          await hasRead;
          await replaced(queue, change);
          const [result] = await settled;
          if (how === 'repriced') expect(result.status).toBe('fulfilled');
          else await expect(paying).rejects.toMatchObject({ code: 'replaced', reason: how });
          await local.controls.setAutomine(true);
        }
      });

      it('stops waiting for it when the signal fires', async () => {
        const queue = await elsewhere();
        await local.controls.setAutomine(false);
        const closed = new AbortController();
        const paying = queue.transfer({ to: SOMEBODY, value: 1n }, { signal: closed.signal });
        await untilPending(queue.address, 1);
        closed.abort(new Error('page closed'));
        await expect(paying).rejects.toThrow('page closed');
      });
    });
  },
);
