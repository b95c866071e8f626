import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditStep } from '../../audit/audit-handoffs.ts';
import { hopShapeOf } from '../../audit/recompute-hop.ts';
import type { RunPlan } from '../../audit/run-plan.ts';
import { outputOf, signStep } from '../../audit/testing/block-lies.ts';
import { anvilWallet, NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { Auditor } from '../../chain/disputes/agents/auditor.ts';
import { claimOnce } from '../../chain/disputes/agents/claim-once.ts';
import type { DisputeEvent } from '../../chain/disputes/agents/dispute-event.ts';
import { RunCache } from '../../chain/disputes/agents/run-cache.ts';
import { OnchainDisputes } from '../../chain/disputes/onchain/port.ts';
import { handoffsAbi } from '../../chain/generated/abi.ts';
import { Blamer } from '../../chain/handoffs/blamer.ts';
import {
  depositBond,
  hopOf,
  lockUntil,
  readPaidFor,
  type SignedHop,
} from '../../chain/handoffs/device-bonds.ts';
import { type LocalChain, secretOf, startLocalChain } from '../../chain/testing/local-chain.ts';
import { TransactionQueue } from '../../chain/transaction-queue.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import type { HopKind } from '../../models/blocks/hop.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import type { Evidence } from '../../protocol/evidence.ts';
import { type Handoff, handoffRun } from '../../protocol/handoff.ts';
import { toHex } from '../../protocol/hex.ts';
import { hopEvidence, hopTrace } from '../../protocol/hop-program.ts';
import { must } from '../../protocol/must.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { verifyRun } from '../../protocol/verified-run.ts';
import { blockFixture, blockPlanOfGames } from './block-fixture.ts';
import type { ClaimantFixture } from './claimant-fixture.ts';

const KINDS = ['embed', 'forward', 'loss', 'backward', 'sum', 'norm', 'clip', 'update'] as const;

describe.skipIf(NO_ANVIL !== undefined)(
  `Blame over a model in blocks${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    let engine: Engine;
    let plan: RunPlan;
    let truth: ClaimantFixture;
    beforeAll(async () => {
      local = await startLocalChain();
      engine = createReferenceEngine();
      plan = blockPlanOfGames();
      truth = await blockFixture(plan, engine);
    });
    afterAll(async () => {
      await local?.stop();
      await engine?.stop();
    });

    const handoffs = () => local.network.rollup.handoffs;
    const domain = () => ({ chainId: local.network.chainId, verifyingContract: handoffs() });
    const keyOf = (hop: number) => deviceKey(secretOf(100 + hop));

    async function queueOf(secret: number): Promise<TransactionQueue> {
      const key = deviceKey(secretOf(secret));
      await local.controls.setBalance({ address: key.address, value: 10n ** 20n });
      const wallet = anvilWallet(local.anvil, toHex(key.secret));
      return new TransactionQueue({ client: local.client, wallet, pollMs: 20 });
    }

    /** The tensors of a step as a claimant has them, whose last slot has none. */
    async function tensorsOf(claimed: Evidence, step: number): Promise<readonly Uint8Array[]> {
      const trace = await claimed.trace(step);
      const last = plan.program.length - 1;
      return await Promise.all(
        plan.program.map((_, slot) => (slot === last ? new Uint8Array() : trace.tensor(slot))),
      );
    }

    let signed: readonly Handoff[];
    beforeAll(async () => {
      const tensors = await tensorsOf(truth, 0);
      signed = signStep({ plan, step: 0, domain: domain(), tensors, keyOf });
    });

    it.each(KINDS)('[V-73] the contract makes the terms of a hop of kind %s', async (kind: HopKind) => {
      const { hop } = outputOf(plan, kind);
      const shape = hopShapeOf(plan, hop);
      const trace = await truth.trace(0);
      const { terms, program, slotNames } = plan;
      const evidence = hopEvidence({ program, slotNames, shape, trace: hopTrace(shape, trace) });
      const shown: SignedHop = {
        handoff: must(signed, hop),
        shape,
        inputs: shape.inputs.map((slot) => ({ slot, root: must(trace.roots, slot) })),
      };
      const made = await local.client.readContract({
        ...{ address: handoffs(), abi: handoffsAbi, functionName: 'hopTerms' },
        args: [terms, hopOf(shown, program)],
      });
      expect(made).toEqual(evidence.terms);
    });

    it('[V-76] [V-83] the device that an audit names pays for the claim that was lost over it', async () => {
      const at = outputOf(plan, 'backward');
      const lie = { ...at, step: 1, element: 0, mask: 1 << 20 };
      const claimed = await blockFixture(plan, engine, lie);
      const told = await tensorsOf(claimed, 1);
      const step = 1;
      const lying = signStep({ plan, step, domain: domain(), tensors: told, keyOf });
      const verdict = await auditStep({
        ...{ engine, plan, domain: domain(), step, handoffs: lying },
        roots: (await truth.trace(1)).roots,
        tensor: async (slot) => must(told, slot),
      });
      if (verdict.kind !== 'audited' || verdict.verdict.kind !== 'false') throw new Error('not named');
      const found = verdict.verdict;
      const { address } = keyOf(at.hop);
      expect(found.handoff.device).toBe(address);

      const [own, other, device] = [await queueOf(90), await queueOf(91), await queueOf(100 + at.hop)];
      const ports = [own, other].map(
        (queue) => new OnchainDisputes({ queue, address: local.network.rollup.disputes }),
      );
      const [claimant, challenger] = [must(ports, 0), must(ports, 1)];
      const now = Number((await local.client.getBlock()).timestamp);
      await depositBond({
        ...{ queue: device, handoffs: handoffs(), run: handoffRun(plan.terms), claimant: own.address },
        ...{ until: lockUntil(await claimant.settings(), now, 3600), amount: 10n ** 18n },
      });
      const made = await claimOnce(claimant, claimed);
      const claim = made.kind === 'done' ? (made.id ?? -1) : -1;
      const events: DisputeEvent[] = [];
      const onEvent = (event: DisputeEvent): void => void events.push(event);
      const runsOf = (evidence: Evidence) => {
        const isKnown = (terms: string) => termsHash(evidence.terms) === terms;
        return new RunCache(
          async (terms) => (isKnown(terms) ? verifyRun(evidence, terms) : undefined),
          // Nobody has a description of other runs, so there is nothing to look at.
          async (terms) => (isKnown(terms) ? 0 : undefined),
        );
      };
      const agents = [
        new Auditor({ port: challenger, runs: runsOf(truth), onEvent }),
        new Blamer({
          ...{ port: claimant, runs: runsOf(claimed), onEvent, queue: own, domain: domain() },
          handoffs: {
            find: async ({ slot }) => (slot === at.slot ? found : undefined),
            recompute: async () => found.evidence,
          },
        }),
      ];
      for (let idle = 0; idle < 3; ) {
        const before = events.length;
        for (const agent of agents) await agent.tick();
        if (events.length > before) idle = 0;
        else {
          idle++;
          await local.controls.increaseTime({ seconds: 3 * 3600 });
          await local.controls.mine({ blocks: 1 });
        }
      }
      const { lost, bond } = await claimant.claim(claim);
      expect(lost).toBe(true);
      expect(events).toContainEqual({ kind: 'blamed', claim, device: address });
      expect(await readPaidFor({ client: local.client, handoffs: handoffs(), claim })).toBe(bond);
    }, 120_000);
  },
);
