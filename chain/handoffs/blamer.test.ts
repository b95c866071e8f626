import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import type { Evidence } from '../../protocol/evidence.ts';
import { handoffDigest, handoffRun } from '../../protocol/handoff.ts';
import { toHex } from '../../protocol/hex.ts';
import { hopResult } from '../../protocol/hop-program.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { verifyRun } from '../../protocol/verified-run.ts';
import { anvilWallet, NO_ANVIL } from '../devnet/anvil.ts';
import { Auditor } from '../disputes/agents/auditor.ts';
import { claimOnce } from '../disputes/agents/claim-once.ts';
import type { DisputeAgent } from '../disputes/agents/dispute-agent.ts';
import type { DisputeEvent } from '../disputes/agents/dispute-event.ts';
import { RunCache } from '../disputes/agents/run-cache.ts';
import { OnchainDisputes } from '../disputes/onchain/port.ts';
import { SLOT, sampleRun } from '../disputes/testing/sample-run.ts';
import { claimTree } from '../disputes/trees.ts';
import { handoffsAbi, hopSharesAbi } from '../generated/abi.ts';
import { readCredit } from '../payments.ts';
import { type LocalChain, secretOf, startLocalChain } from '../testing/local-chain.ts';
import { TransactionQueue } from '../transaction-queue.ts';
import { Blamer, type HandoffSource } from './blamer.ts';
import {
  contradict,
  convict,
  depositBond,
  hopOf,
  isConvicted,
  isForfeited,
  lockUntil,
  readDeviceBond,
  readPaidFor,
  type SignedHop,
  withdrawBond,
} from './device-bonds.ts';
import { collectHops, fundHops, giveBack, readPotLeft, recordHops, recordTree } from './hop-shares.ts';
import { sampleHandoff, sampleHop, sampleHopEvidence } from './testing/sample-hops.ts';

const RIGHT = sampleRun();
const WRONG = sampleRun({ fault: { step: 1, slot: SLOT.next, element: 5 } });
const RUN = handoffRun(RIGHT.terms);
const ETHER = 10n ** 18n;

describe.skipIf(NO_ANVIL !== undefined)(
  `Blamer${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    beforeAll(async () => {
      local = await startLocalChain();
    });
    afterAll(() => local?.stop());

    const handoffs = () => local.network.rollup.handoffs;
    const domain = () => ({ chainId: local.network.chainId, verifyingContract: handoffs() });
    const reads = () => ({ client: local.client, handoffs: handoffs() });
    /** Accounts of these tests, by number: device keys with coin. Each has one queue. */
    const queues = new Map<number, TransactionQueue>();
    const queueOf = (n: number): TransactionQueue => {
      const found = queues.get(n);
      if (found === undefined) throw new Error(`Account ${n} was not opened.`);
      return found;
    };
    const portOf = (n: number) =>
      new OnchainDisputes({ queue: queueOf(n), address: local.network.rollup.disputes });

    async function open(n: number): Promise<TransactionQueue> {
      const { address, secret } = deviceKey(secretOf(n));
      await local.controls.setBalance({ address, value: 10n * ETHER });
      const wallet = anvilWallet(local.anvil, toHex(secret));
      const queue = queues.get(n) ?? new TransactionQueue({ client: local.client, wallet, pollMs: 20 });
      queues.set(n, queue);
      return queue;
    }
    const now = async () => Number((await local.client.getBlock()).timestamp);

    async function pass(seconds: number): Promise<void> {
      await local.controls.increaseTime({ seconds });
      await local.controls.mine({ blocks: 1 });
    }

    /** A new device with a bond for the claims of account n, and coin for its transactions. */
    async function bondedDevice(id: number, n: number) {
      const key = deviceKey(secretOf(id));
      const queue = await open(id);
      const until = lockUntil(await portOf(id).settings(), await now(), 3600);
      await open(n);
      const claimant = queueOf(n).address;
      await depositBond({ queue, handoffs: handoffs(), run: RUN, claimant, until, amount: ETHER });
      return { key, queue, claimant };
    }

    /** Whoever computed these runs, by the hash of their terms. */
    function runsOf(...known: readonly Evidence[]): RunCache {
      return new RunCache(async (terms) => {
        const run = known.find((each) => termsHash(each.terms) === terms);
        return run === undefined ? undefined : verifyRun(run, terms);
      });
    }

    /** Lets the agents move until nothing happens any more, though time passes. */
    async function playOut(agents: readonly DisputeAgent[], events: readonly DisputeEvent[]): Promise<void> {
      for (let idle = 0; idle < 3; ) {
        const told = events.length;
        for (const agent of agents) await agent.tick();
        if (events.length > told) idle = 0;
        else {
          idle++;
          await pass(3 * 3600);
        }
      }
    }

    const sourceOf = (signed: SignedHop, recomputed: Evidence): HandoffSource => ({
      find: async ({ run, step, slot, root }) =>
        run === signed.handoff.run &&
        step === signed.handoff.step &&
        signed.handoff.outputs.some((each) => each.slot === slot && each.root === root)
          ? signed
          : undefined,
      recompute: async () => recomputed,
    });

    it.each([0, 1] as const)('[V-73] makes the terms of hop %i that the contract makes', async (hop) => {
      const { key } = await bondedDevice(40 + hop, 1);
      const signed = await sampleHandoff({ run: RIGHT, key, domain: domain(), step: 1, hop });
      const evidence = await sampleHopEvidence(RIGHT, 1, hop);
      const contract = { address: handoffs(), abi: handoffsAbi } as const;
      const made = hopOf(signed, RIGHT.program);
      expect(
        await local.client.readContract({
          ...contract,
          functionName: 'hopTerms',
          args: [RIGHT.terms, made],
        }),
      ).toEqual(evidence.terms);
      expect(
        await local.client.readContract({ ...contract, functionName: 'claimRootOf', args: [made.outputs] }),
      ).toBe(claimTree(await evidence.stepRoots()).root);
      expect(hopResult(signed.handoff.outputs)).toBe((await evidence.trace(0)).after);
    });

    it('[V-70] [V-76] has the device pay for the claim that was lost over its handoff', async () => {
      const { key, claimant } = await bondedDevice(50, 1);
      const signed = await sampleHandoff({ run: WRONG, key, domain: domain(), step: 1, hop: 1 });
      const digest = handoffDigest(domain(), signed.handoff);
      const made = await claimOnce(portOf(1), WRONG);
      const claim = made.kind === 'done' ? (made.id ?? -1) : -1;
      const events: DisputeEvent[] = [];
      const onEvent = (event: DisputeEvent): void => void events.push(event);
      await open(2);
      const auditor = new Auditor({
        port: portOf(2),
        runs: runsOf(RIGHT, await sampleHopEvidence(RIGHT, 1, 1)),
        onEvent,
      });
      const blamer = new Blamer({
        ...{ port: portOf(1), runs: runsOf(WRONG), onEvent, queue: queueOf(1), domain: domain() },
        handoffs: sourceOf(signed, await sampleHopEvidence(RIGHT, 1, 1)),
      });
      await playOut([auditor, blamer], events);
      const { lost, bond } = await portOf(1).claim(claim);
      expect(lost).toBe(true);
      expect(events.filter(({ kind }) => kind === 'convicted' || kind === 'blamed')).toEqual([
        { kind: 'convicted', claim, device: key.address },
        { kind: 'blamed', claim, device: key.address },
      ]);
      const { device } = signed.handoff;
      expect(await isConvicted({ ...reads(), device, digest })).toBe(true);
      expect(await readPaidFor({ ...reads(), claim })).toBe(bond);
      expect(await readDeviceBond({ ...reads(), device, run: RUN, claimant })).toMatchObject({ amount: 0n });
      expect(await readCredit(local.client, local.network.rollup.payments, claimant)).toBe(bond);
    });

    it('[V-74] blames nobody for a claim that was false by itself', async () => {
      const { key } = await bondedDevice(51, 3);
      // The device computed rightly from the scale that the claimant’s trace has.
      const said = sampleRun({ fault: { step: 1, slot: SLOT.norm } });
      const signed = await sampleHandoff({ run: said, key, domain: domain(), step: 1, hop: 1 });
      const events: DisputeEvent[] = [];
      const onEvent = (event: DisputeEvent): void => void events.push(event);
      await claimOnce(portOf(3), said);
      await open(4);
      const auditor = new Auditor({ port: portOf(4), runs: runsOf(RIGHT), onEvent });
      const blamer = new Blamer({
        ...{ port: portOf(3), runs: runsOf(said), onEvent, queue: queueOf(3), domain: domain() },
        handoffs: {
          // Whatever the game ended at, this is what the claimant has.
          find: async ({ slot, root }) => ({
            ...signed,
            handoff: { ...signed.handoff, outputs: [{ slot, root, tensor: '' }] },
          }),
          recompute: async () => {
            const hop = await sampleHopEvidence(said, 1, 1);
            const trace = await said.trace(1);
            return { ...hop, stepRoots: async () => [trace.roots[SLOT.norm] ?? '0x'] };
          },
        },
      });
      await playOut([auditor, blamer], events);
      expect(events.filter(({ kind }) => kind === 'convicted' || kind === 'blamed')).toEqual([]);
      expect(events.some((event) => event.kind === 'trouble' && event.sentence.includes('rightly'))).toBe(
        true,
      );
    });

    it('[V-74] convicts no honest device: it challenges a false claim about its hop, and wins', async () => {
      const { key, queue } = await bondedDevice(52, 5);
      const signed = await sampleHandoff({ run: RIGHT, key, domain: domain(), step: 1, hop: 1 });
      const framed = await sampleHopEvidence(WRONG, 1, 1);
      const made = await claimOnce(portOf(5), framed);
      const claim = made.kind === 'done' ? (made.id ?? -1) : -1;
      const events: DisputeEvent[] = [];
      const onEvent = (event: DisputeEvent): void => void events.push(event);
      const port = new OnchainDisputes({ queue, address: local.network.rollup.disputes });
      const device = new Auditor({ port, runs: runsOf(await sampleHopEvidence(RIGHT, 1, 1)), onEvent });
      const framing = new Blamer({
        ...{ port: portOf(5), runs: runsOf(framed), onEvent, queue: queueOf(5), domain: domain() },
        handoffs: sourceOf(signed, framed),
      });
      await playOut([device, framing], events);
      expect((await portOf(5).claim(claim)).lost).toBe(true);
      const call = { queue: queueOf(5), handoffs: handoffs(), signed, claim };
      await expect(convict({ ...call, terms: RIGHT.terms, program: RIGHT.program })).rejects.toMatchObject({
        reason: 'NotRefuted',
      });
      expect(await isForfeited({ ...reads(), device: key.address, run: RUN })).toBe(false);
    });

    it('[V-71] [V-75] takes the bonds of a device that signed two results', async () => {
      const { key, queue, claimant } = await bondedDevice(53, 6);
      const call = { handoffs: handoffs(), run: RUN, claimant };
      await expect(withdrawBond({ ...call, queue })).rejects.toMatchObject({ reason: 'Locked' });
      const base = { key, domain: domain(), step: 1, hop: 1 } as const;
      const first = (await sampleHandoff({ ...base, run: RIGHT })).handoff;
      const second = (await sampleHandoff({ ...base, run: WRONG })).handoff;
      await contradict({ queue: queueOf(6), handoffs: handoffs(), first, second });
      expect(await isForfeited({ ...reads(), device: key.address, run: RUN })).toBe(true);
      await expect(withdrawBond({ ...call, queue })).rejects.toMatchObject({ reason: 'Forfeited' });
    });

    it('[V-80] [V-82] shares a pot by hops done', async () => {
      const hopShares = local.network.rollup.hopShares;
      await open(7);
      const keys = [deviceKey(secretOf(60)), deviceKey(secretOf(61))] as const;
      const call = { queue: queueOf(7), hopShares };
      const until = (await now()) + 30 * 86_400;
      const claimant = queueOf(7).address;
      await fundHops({ ...call, terms: RIGHT.terms, claimant, hops: 2, until, amount: 60n });
      const pots = await local.client.getContractEvents({
        ...{ address: hopShares, abi: hopSharesAbi, eventName: 'Funded', fromBlock: 0n },
      });
      const pot = pots.length - 1;
      const signed: SignedHop[] = [];
      for (let step = 0; step < RIGHT.terms.steps; step++) {
        for (const hop of [0, 1] as const) {
          const key = keys[hop];
          signed.push(await sampleHandoff({ run: RIGHT, key, domain: domain(), step, hop }));
        }
      }
      const tree = recordTree(
        signed.map(({ handoff }) => ({
          device: handoff.device,
          digest: handoffDigest(domain(), handoff),
        })),
      );
      const made = await claimOnce(portOf(7), RIGHT);
      const claim = made.kind === 'done' ? (made.id ?? -1) : -1;
      await recordHops({ ...call, pot, claim, root: tree.root });
      await pass(7200);
      await portOf(7).play({ kind: 'settle', claim });
      const { handoff } = signed[1] ?? { handoff: undefined };
      if (handoff === undefined) throw new Error('there is no second hop');
      const entries = signed
        .map((each, i) => ({ handoff: each.handoff, proof: tree.proof(i) }))
        .filter((_, i) => i % 2 === 1);
      await collectHops({ ...call, pot, device: handoff.device, hops: entries });
      expect(await readCredit(local.client, local.network.rollup.payments, handoff.device)).toBe(30n);
      expect(await readPotLeft({ client: local.client, hopShares, pot })).toBe(30n);
      await expect(
        collectHops({ ...call, pot, device: handoff.device, hops: entries.slice(0, 1) }),
      ).rejects.toMatchObject({ reason: 'AlreadyPaid' });
      await pass(31 * 86_400);
      await giveBack({ ...call, pot });
      expect(await readPotLeft({ client: local.client, hopShares, pot })).toBe(0n);
    });

    it('[V-72] names every slot that a hop reads', () => {
      expect(sampleHop(RIGHT, 0)).toMatchObject({ inputs: [SLOT.w, SLOT.x], first: SLOT.sum, count: 2 });
      expect(sampleHop(RIGHT, 1)).toMatchObject({
        inputs: [SLOT.sum, SLOT.norm],
        tables: [SLOT.t],
      });
    });
  },
  120_000,
);
