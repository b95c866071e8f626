import { encodePacked, type Hex, keccak256 } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  delegationFor,
  delegationTypedData,
  postBinding,
  readNextTerms,
  signConsent,
} from '../chain/binding.ts';
import { ANVIL_KEYS, NO_ANVIL } from '../chain/devnet/anvil.ts';
import { readRecords } from '../chain/records.ts';
import { readingAt } from '../chain/schedule.ts';
import { readStandings } from '../chain/standings.ts';
import { locationOf } from '../chain/swarm-location.ts';
import { type LocalChain, startLocalChain } from '../chain/testing/local-chain.ts';
import { TransactionQueue } from '../chain/transaction-queue.ts';
import type { Attestation, Signed, Vote } from '../protocol/ledger.ts';
import { systemScheduler } from '../swarm/scheduler.ts';
import { Standings } from '../swarm/standings.ts';
import { Submitter, type SubmitterEvent, type SubmitterOptions } from './submitter.ts';

const hash = (text: string): Hex => keccak256(encodePacked(['string'], [text]));
const BOUND = 1;
const KNOWN = 2;
const STRANGERS = 100_000;

describe.skipIf(NO_ANVIL !== undefined)(
  `a submitter among strangers${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    let round = 0;
    let submitter: Submitter | undefined;
    let events: SubmitterEvent[] = [];

    beforeAll(async () => {
      local = await startLocalChain();
      await bind(BOUND);
      // Two rounds on the chain make a device known here.
      for (let i = 0; i < 2; i++) {
        const poster = await begin();
        await poster.addAttestation(await attestation(KNOWN));
        await poster.addAttestation(await attestation(BOUND));
        poster.start();
        await happened('included', 2);
        await end();
      }
    });
    afterAll(() => local?.stop());
    afterEach(() => end());

    async function end(): Promise<void> {
      await submitter?.stop();
      submitter = undefined;
      events = [];
    }

    async function bind(n: number): Promise<void> {
      const { identity } = local.network.contracts;
      const owner = privateKeyToAccount(ANVIL_KEYS[2] ?? '0x');
      const { signer } = local.device(n);
      const { chainId } = local.network;
      const delegation = delegationFor({
        owner: owner.address,
        device: signer,
        ...(await readNextTerms(local.client, identity, owner.address, signer.address)),
      });
      const binding = {
        x: signer.x,
        y: signer.y,
        delegation,
        ownerSignature: await owner.signTypedData(delegationTypedData(chainId, identity, delegation)),
        consentSignature: signConsent(signer, chainId, identity, delegation),
      };
      await postBinding({ queue: local.queue(3), identity, binding });
    }

    async function begin(options: Partial<SubmitterOptions> = {}): Promise<Submitter> {
      round += 5;
      await local.toRound(round);
      const clock = {
        read: () => readingAt(local.schedule, (local.schedule.genesis + round * 20) * 1000),
      };
      const standings = new Standings({
        read: (devices) =>
          readStandings({
            client: local.client,
            identity: local.network.contracts.identity,
            location: locationOf(local.network),
            devices,
            knownAfter: 2,
          }),
        scheduler: systemScheduler,
        random: Math.random,
        pauseMs: 0,
      });
      submitter = new Submitter({
        queue: new TransactionQueue({ client: local.client, wallet: local.wallet(1) }),
        chainId: local.network.chainId,
        location: locationOf(local.network),
        clock,
        standingOf: (device) => standings.of(device),
        onEvent: (event) => events.push(event),
        intervalMs: 20,
        ...options,
      });
      return submitter;
    }

    const attestation = (n: number): Promise<Signed<Attestation>> =>
      local.device(n).ledger.signAttestation({
        round,
        checkpointRoot: hash(`root ${n} ${round}`),
        rolloutDigest: hash(`rollouts ${n}`),
      });

    const vote = (n: number, winners: readonly number[]): Promise<Signed<Vote>> =>
      local
        .device(n)
        .ledger.signVote({ round, winners: winners.map((each) => local.device(each).signer.address) });

    const happened = (kind: SubmitterEvent['kind'], times = 1): Promise<void> =>
      vi.waitFor(
        () => expect(events.filter((event) => event.kind === kind).length).toBeGreaterThanOrEqual(times),
        { timeout: 60_000, interval: 20 },
      );

    const included = (n: number): Promise<void> =>
      expect
        .poll(
          () =>
            events.filter(
              (event) => event.kind === 'included' && event.device === local.device(n).signer.address,
            ).length,
          { timeout: 60_000, interval: 20 },
        )
        .toBeGreaterThan(0);

    const gasSince = async (block: bigint): Promise<bigint> => {
      let sum = 0n;
      const newest = await local.client.getBlockNumber();
      for (let blockNumber = block + 1n; blockNumber <= newest; blockNumber++)
        sum += (await local.client.getBlock({ blockNumber })).gasUsed;
      return sum;
    };

    it('pays no more than their share for any number of fresh keys, says so once, and posts an owner’s device', async () => {
      const poster = await begin({ gasPerRound: 4_000_000 });
      for (let n = 0; n < 160; n++) await poster.addAttestation(await attestation(STRANGERS + n));
      const block = await local.client.getBlockNumber();
      poster.start();
      await happened('spent');
      await expect(poster.addAttestation(await attestation(BOUND))).resolves.toBe('queued');
      await expect(poster.addAttestation(await attestation(KNOWN))).resolves.toBe('queued');
      await included(BOUND);
      await included(KNOWN);
      const strangers = 500_000n;
      const honest = 150_000n;
      expect(await gasSince(block)).toBeLessThan(strangers + honest);
      const spent = events.filter((event) => event.kind === 'spent');
      expect(spent).toEqual([
        {
          kind: 'spent',
          sentence:
            'The gas of this round for devices without an owner or a record is spent. What waits goes on with the next round; raise the budget to post more.',
        },
      ]);
      expect(poster.waiting.attestations).toBeGreaterThan(100);
    });

    it('pays for one identity no more than its part of a day, and goes on for others', async () => {
      const day = { gasPerAccount: 80_000 };
      const poster = await begin(day);
      // Two statements of an owner are expected to take 36,000 each, and a third waits.
      await poster.addAttestation(await attestation(BOUND));
      await poster.addVote(await vote(BOUND, [BOUND, KNOWN]));
      await poster.addAttestation(await attestation(KNOWN));
      poster.start();
      await included(KNOWN);
      await happened('included', 3);
      round += 1;
      await local.toRound(round);
      await poster.addAttestation(await attestation(BOUND));
      await poster.addAttestation(await attestation(KNOWN));
      await happened('included', 4);
      const posted = events.flatMap((event) =>
        event.kind === 'included' && event.round === round ? [event] : [],
      );
      expect(posted.map(({ device }) => device)).toEqual([local.device(KNOWN).signer.address]);
      expect(poster.waiting.attestations).toBe(1);
    });

    it('pays no more than their share for votes of 64 winners each', async () => {
      const first = await begin();
      const many = Array.from({ length: 24 }, (_, i) => STRANGERS + 1000 + i);
      for (const n of many) await first.addAttestation(await attestation(n));
      first.start();
      await happened('included', 24);
      await end();
      const poster = await begin({ gasPerRound: 2_000_000 });
      for (const n of many) await poster.addVote(await vote(n, many));
      const block = await local.client.getBlockNumber();
      poster.start();
      await happened('spent');
      expect(await gasSince(block)).toBeLessThanOrEqual(250_000n);
      expect(await poster.addVote(await vote(BOUND, [BOUND, KNOWN]))).toBe('queued');
      await included(BOUND);
    });

    it('takes an owner’s and a known device’s entries into queues full of strangers', async () => {
      const poster = await begin({ queueLimit: 32, gasPerRound: 800_000 });
      for (let n = 0; n < 32; n++) {
        await poster.addAttestation(await attestation(STRANGERS + 2000 + n));
        await poster.addVote(await vote(STRANGERS + 2000 + n, [STRANGERS + 9000 + n]));
      }
      expect(poster.waiting).toEqual({ attestations: 32, votes: 32 });
      expect(await poster.addAttestation(await attestation(STRANGERS + 3000))).toBe('full');
      for (const n of [BOUND, KNOWN]) {
        expect(await poster.addAttestation(await attestation(n))).toBe('queued');
        expect(await poster.addVote(await vote(n, [BOUND, KNOWN]))).toBe('queued');
      }
      expect(poster.waiting).toEqual({ attestations: 32, votes: 32 });
      poster.start();
      await expect
        .poll(
          async () =>
            readRecords(
              local.client,
              locationOf(local.network),
              [BOUND, KNOWN].map((n) => local.device(n).signer.address),
            ),
          { timeout: 60_000 },
        )
        .toMatchObject([
          { lastRound: round, lastVote: round },
          { lastRound: round, lastVote: round },
        ]);
    });

    it('puts a vote that cannot be posted behind those that can', async () => {
      const poster = await begin({ queueLimit: 16 });
      for (let n = 0; n < 15; n++) await poster.addVote(await vote(STRANGERS + 4000 + n, [BOUND]));
      expect(await poster.addVote(await vote(KNOWN, [STRANGERS + 9999]))).toBe('queued');
      expect(await poster.addVote(await vote(BOUND, [KNOWN]))).toBe('queued');
      expect(poster.waiting.votes).toBe(16);
      // The unpostable vote of the known device gave its place: it ranked with the strangers and came last.
      expect(await poster.addVote(await vote(KNOWN, [BOUND]))).toBe('queued');
    });

    it('waits when gas costs more than the limit', async () => {
      const queue = new TransactionQueue({ client: local.client, wallet: local.wallet(1), maxFeePerGas: 1n });
      const poster = await begin({ queue });
      await poster.addAttestation(await attestation(BOUND));
      const block = await local.client.getBlockNumber();
      poster.start();
      await happened('trouble');
      expect(events[0]).toMatchObject({ sentence: expect.stringContaining('Gas costs more than the limit') });
      expect(await local.client.getBlockNumber()).toBe(block);
      expect(poster.waiting.attestations).toBe(1);
    });
  },
);
