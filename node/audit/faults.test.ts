import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommittedRun, commitRun } from '../../audit/commit-run.ts';
import type { RunSpec } from '../../audit/run-spec.ts';
import { NO_ANVIL } from '../../chain/devnet/anvil.ts';
import { type DisputesChain, startDisputesChain } from '../../chain/disputes/testing/disputes-chain.ts';
import { playMatch } from '../../chain/disputes/testing/match.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import type { Checkpoint } from '../../models/decoder/checkpoint.ts';
import { type Fault, faultyRun } from './testing/faults.ts';
import { nanoStart, policySpec, supervisedSpec } from './testing/nano.ts';

describe.skipIf(NO_ANVIL !== undefined)(
  `Faults in real training of the nano model${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let chain: DisputesChain;
    let engine: Engine;
    let start: Checkpoint;
    /**
     * Of learning from answers, and of reinforcement on sampled ones: what an auditor computes from published
     * data alone.
     */
    let learning: CommittedRun;
    let sampling: CommittedRun;

    beforeAll(async () => {
      [chain, engine, start] = await Promise.all([
        startDisputesChain(),
        createWasmEngine({ threads: 1 }),
        nanoStart(),
      ]);
      learning = await commitRun({ engine, start, spec: supervisedSpec(start) });
      sampling = await commitRun({ engine, start, spec: policySpec(start) });
    });
    afterAll(async () => {
      await engine?.stop();
      await chain?.stop();
    });

    const faulty = (spec: RunSpec, fault: Fault): Promise<CommittedRun> =>
      faultyRun({ engine, start, spec, fault });

    /**
     * The claimant defends a faulty run, and the auditor wins its bond. Resolves with the place that the game
     * led to.
     */
    async function beaten(claims: CommittedRun, computes: CommittedRun, silent = false) {
      const { claim, view, auditor, claimant } = await playMatch({ chain, claims, computes, silent });
      expect(claim).toMatchObject({ lost: true, settled: false, liveGames: 0 });
      expect(view?.events.at(-1)).toMatchObject({ kind: 'over', claimantWon: false });
      // Half the claimant's bond, less gas, which costs next to nothing on this chain.
      expect(auditor).toBeGreaterThan((claim.bond * 49n) / 100n);
      expect(claimant).toBeLessThanOrEqual(-claim.bond);
      return { step: view?.game.step, slot: view?.game.slot, events: view?.events ?? [] };
    }

    const slotOf = (run: CommittedRun, name: string): number => {
      const slot = run.slotNames.lastIndexOf(name);
      if (slot === -1) throw new RangeError(`no slot ${name}`);
      return slot;
    };

    it('one bit of one gradient in one step: the judge adds up 64 products', async () => {
      const slot = slotOf(learning, 'gradient.model.layers.1.mlp.down_proj.weight');
      const claims = await faulty(supervisedSpec(start), {
        kind: 'bit',
        step: 1,
        slot,
        element: 4321,
        bit: 22,
      });
      const { events, ...place } = await beaten(claims, learning);
      expect(place).toEqual({ step: 1, slot });
      expect(events.map(({ kind }) => kind).slice(-6)).toEqual([
        ...['leaf-opened', 'element-picked', 'fold-posted', 'chunk-picked', 'judged', 'over'],
      ]);
      expect(events).toContainEqual(expect.objectContaining({ kind: 'element-picked', element: 4321 }));
    });

    it('another optimizer state at the start of a step', async () => {
      const tensor = 'optimizer.v.model.layers.0.mlp.up_proj.weight';
      const claims = await faulty(supervisedSpec(start), {
        kind: 'state',
        step: 2,
        tensor,
        element: 7,
        bit: 24,
      });
      const { step, slot } = await beaten(claims, learning);
      expect({ step, slot }).toEqual({ step: 2, slot: slotOf(learning, tensor) });
    });

    it('a step left out', async () => {
      const claims = await faulty(supervisedSpec(start), { kind: 'skip', step: 1 });
      const { step, slot } = await beaten(claims, learning);
      expect({ step, slot }).toEqual({ step: 1, slot: learning.program.length - 1 });
    });

    it('another batch', async () => {
      const claims = await faulty(supervisedSpec(start), { kind: 'batch', step: 0, other: 2 });
      const { step, slot } = await beaten(claims, learning);
      expect(step).toBe(0);
      expect(['hyper', 'tokens']).toContain(learning.slotNames[slot ?? 0]);
    });

    it('another draw of the random numbers that choose the answer', async () => {
      const claims = await faulty(policySpec(start), { kind: 'draw', step: 0 });
      const { slot, events } = await beaten(claims, sampling);
      expect(sampling.program[slot ?? 0]?.node.op).toBe(27);
      expect(events.some(({ kind }) => kind === 'judged')).toBe(true);
    });

    it('a trace that is withheld', async () => {
      const claims = await faulty(supervisedSpec(start), { kind: 'skip', step: 2 });
      const { events } = await beaten(claims, learning, true);
      expect(events.map(({ kind }) => kind)).toEqual(['over']);
    });

    it('a false challenge loses its bond, and the honest claim stands', async () => {
      const slot = slotOf(learning, 'gradient.model.layers.0.self_attn.q_proj.weight');
      const computes = await faulty(supervisedSpec(start), {
        kind: 'bit',
        step: 0,
        slot,
        element: 99,
        bit: 22,
      });
      const { claim, view, claimant, auditor } = await playMatch({ chain, claims: learning, computes });
      expect(claim).toMatchObject({ lost: false, settled: true, liveGames: 0 });
      expect(view?.game).toMatchObject({ step: 0, slot, phase: 'over' });
      expect(view?.events.slice(-2)).toMatchObject([{ kind: 'judged' }, { kind: 'over', claimantWon: true }]);
      expect(claimant).toBeGreaterThan(0n);
      expect(auditor).toBeLessThan(0n);
    });
  },
);
