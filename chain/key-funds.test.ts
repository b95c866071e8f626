import { type Hex, keccak256, parseEther, toHex } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Terms } from '../protocol/evidence.ts';
import { termsHash } from '../protocol/slot-encoding.ts';
import { digestOfDescription } from './descriptions.ts';
import { anvilWallet, NO_ANVIL } from './devnet/anvil.ts';
import { OnchainDisputes } from './disputes/onchain/port.ts';
import { postJob } from './jobs/requester.ts';
import { claimJob } from './jobs/worker.ts';
import { KeyFundsReader, sweepKey } from './key-funds.ts';
import { COIN } from './payments.ts';
import { DESCRIPTION, lookAtJob } from './testing/doable-job.ts';
import { type LocalChain, startLocalChain } from './testing/local-chain.ts';
import { TransactionQueue } from './transaction-queue.ts';

const hash = (text: string): Hex => keccak256(toHex(text));
const TERMS: Terms = {
  ...{ program: hash('program'), data: hash('data'), initial: hash('initial') },
  ...{ steps: 3, slots: 9, dataSlots: 2 },
};
const OWNER = `0x${'0c'.repeat(20)}` as const;

describe.skipIf(NO_ANVIL !== undefined)(
  `the funds of a key on anvil${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    beforeAll(async () => {
      local = await startLocalChain();
    });
    afterAll(() => local?.stop());

    const funds = (address: Hex) =>
      new KeyFundsReader({ client: local.client, rollup: local.network.rollup }).read(address);
    /** A new key whose account has 1 ETH. */
    async function funded(byte: string) {
      const secret: Hex = `0x${byte.repeat(32)}`;
      const address = privateKeyToAddress(secret);
      await local.controls.setBalance({ address, value: parseEther('1') });
      return { secret, address };
    }

    it('are sent to the owner, all but what sending costs', async () => {
      const { secret, address } = await funded('21');
      expect(await funds(address)).toEqual({ balance: parseEther('1'), credit: 0n, bonded: 0n });
      const sent = await sweepKey({ network: local.network, secret, to: OWNER });
      expect(await local.client.getBalance({ address: OWNER })).toBe(sent);
      expect(sent).toBeGreaterThan(parseEther('0.99'));
      expect((await funds(address)).balance).toBeLessThan(parseEther('0.01'));
    });

    it('include bonds, which keep the coin with the key until they are decided, and are sent then', async () => {
      const { secret, address } = await funded('22');
      const { rollup } = local.network;
      const wallet = anvilWallet(local.anvil, secret);
      const queue = new TransactionQueue({ client: local.client, wallet, pollMs: 20 });
      const disputes = new OnchainDisputes({ queue, address: rollup.disputes });
      const { claim: bond } = await disputes.bonds(TERMS);
      await local.controls.setBalance({ address, value: bond + parseEther('1') });
      const made = await disputes.play({ kind: 'claim', terms: TERMS, root: hash('root'), bond });
      expect(made).toMatchObject({ kind: 'done' });
      const reader = new KeyFundsReader({ client: local.client, rollup });
      expect(await reader.read(address)).toMatchObject({ bonded: bond, credit: 0n });
      const before = await local.client.getBalance({ address: OWNER });
      const sweep = () => sweepKey({ network: local.network, secret, to: OWNER });
      await expect(sweep()).rejects.toThrow(/Bonds of this key are at stake/);
      expect(await local.client.getBalance({ address: OWNER })).toBe(before);

      const [claim] = (await disputes.claims(0)).filter(({ claimant }) => claimant === queue.address);
      if (claim === undefined) throw new Error('The claim is not in the log.');
      await local.controls.setNextBlockTimestamp({ timestamp: BigInt(claim.windowEnd + 1) });
      await local.controls.mine({ blocks: 1 });
      await disputes.play({ kind: 'settle', claim: claim.claim });
      expect(await reader.read(address)).toMatchObject({ bonded: 0n, credit: bond });
      const sent = await sweep();
      expect(sent).toBeGreaterThan(bond + parseEther('0.98'));
      expect((await local.client.getBalance({ address: OWNER })) - before).toBe(sent);
      expect((await funds(address)).credit).toBe(0n);
    });

    it('include the bonds of a challenge and of a job', async () => {
      const { rollup } = local.network;
      const { disputes: address, jobs } = rollup;
      const claimant = new OnchainDisputes({ queue: local.queue(1), address });
      const bonds = await claimant.bonds(TERMS);
      const made = await claimant.play({
        ...{ kind: 'claim', terms: TERMS, root: hash('challenged'), bond: bonds.claim },
      });
      if (made.kind !== 'done' || made.id === undefined) throw new Error('The claim was not made.');
      const { address: me } = await funded('25');
      await local.controls.setBalance({ address: me, value: bonds.challenge + parseEther('1') });
      const wallet = anvilWallet(local.anvil, `0x${'25'.repeat(32)}`);
      const queue = new TransactionQueue({ client: local.client, wallet, pollMs: 20 });
      const challenger = new OnchainDisputes({ queue, address });
      await challenger.play({ kind: 'challenge', claim: made.id, terms: TERMS, bond: bonds.challenge });
      expect(await funds(me)).toMatchObject({ bonded: bonds.challenge });

      const bond = parseEther('0.1');
      const terms = { ...TERMS, data: hash('data of a job') };
      const { job } = await postJob({
        ...{ queue: local.queue(2), jobs },
        order: {
          ...{ terms: termsHash(terms), descriptionHash: digestOfDescription(DESCRIPTION), token: COIN },
          ...{
            price: parseEther('1'),
            bond,
            claimSeconds: 1000,
            workSeconds: 500,
            workerShares: 300_000,
            steps: 3,
          },
        },
      });
      await claimJob({ queue, jobs, job: await lookAtJob({ queue, jobs, disputes: address, job, terms }) });
      expect(await funds(me)).toMatchObject({ bonded: bonds.challenge + bond });
    });

    it('are asked for without logs where the account has sent nothing since the last time', async () => {
      const { address } = await funded('24');
      const asked = vi.spyOn(local.client, 'getLogs');
      const reader = new KeyFundsReader({ client: local.client, rollup: local.network.rollup });
      await reader.read(address);
      expect(asked).not.toHaveBeenCalled();
      const queue = new TransactionQueue({
        ...{ client: local.client, wallet: anvilWallet(local.anvil, `0x${'24'.repeat(32)}`) },
        pollMs: 20,
      });
      await queue.transfer({ to: OWNER, value: 1n });
      await reader.read(address);
      const calls = asked.mock.calls.length;
      expect(calls).toBeGreaterThan(0);
      await reader.read(address);
      expect(asked).toHaveBeenCalledTimes(calls);
      asked.mockRestore();
    });

    it('are sent neither to nobody nor to the key itself, nor where sending costs more', async () => {
      const { secret, address } = await funded('23');
      const sweep = (to: Hex) => sweepKey({ network: local.network, secret, to });
      await expect(sweep(`0x${'00'.repeat(20)}`)).rejects.toThrow(/zero address/);
      await expect(sweep(address)).rejects.toThrow(/of this key itself/);
      await local.controls.setBalance({ address, value: 1000n });
      await expect(sweep(OWNER)).rejects.toThrow(/no more coin than sending it would cost/);
      expect((await funds(address)).balance).toBe(1000n);
    });
  },
);
