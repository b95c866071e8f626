import { zeroHash } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hex } from '../../protocol/hex.ts';
import { termsHash } from '../../protocol/slot-encoding.ts';
import { verifyRun } from '../../protocol/verified-run.ts';
import { NO_ANVIL } from '../devnet/anvil.ts';
import { claimOnce } from '../disputes/agents/claim-once.ts';
import { Defender } from '../disputes/agents/defender.ts';
import type { DisputeEvent } from '../disputes/agents/dispute-event.ts';
import { RunCache } from '../disputes/agents/run-cache.ts';
import { OnchainDisputes } from '../disputes/onchain/port.ts';
import { windowOf } from '../disputes/port.ts';
import { sampleRun } from '../disputes/testing/sample-run.ts';
import { claimTree } from '../disputes/trees.ts';
import { trainingRecordAbi } from '../generated/abi.ts';
import { type LocalChain, startLocalChain } from '../testing/local-chain.ts';
import { commitmentTo, TrainingClaimRecorder } from './claim-recorder.ts';
import { openRun, readCheckpoint, readDescent, readOrigins, recordCheckpoint } from './training-record.ts';

const WORK = sampleRun();
const { terms } = WORK;
const RUN = termsHash(terms);

describe.skipIf(NO_ANVIL !== undefined)(
  `TrainingClaimRecorder${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`,
  () => {
    let local: LocalChain;
    beforeAll(async () => {
      local = await startLocalChain();
    });
    afterAll(() => local?.stop());

    const trainingRecord = () => local.network.rollup.trainingRecord;
    const portOf = (n: number) =>
      new OnchainDisputes({ queue: local.queue(n), address: local.network.rollup.disputes });
    const recorderOf = (n: number) =>
      new TrainingClaimRecorder({ queue: local.queue(n), trainingRecord: trainingRecord() });
    const contributor = async (run: Hex, step: number) =>
      (await readCheckpoint(local.client, trainingRecord(), run, step))?.contributor;

    async function passWindow(): Promise<void> {
      const window = windowOf(await portOf(0).settings(), terms.steps);
      await local.controls.increaseTime({ seconds: window + 1 });
      await local.controls.mine({ blocks: 1 });
    }

    it('commits to what the contract commits to, once', async () => {
      const recorder = recorderOf(3);
      const asked = [local.queue(3).address, RUN, zeroHash] as const;
      const contract = { address: trainingRecord(), abi: trainingRecordAbi } as const;
      const args = [commitmentTo(...asked)] as const;
      expect(
        await local.client.readContract({ ...contract, functionName: 'commitmentTo', args: asked }),
      ).toBe(args[0]);
      for (let i = 0; i < 2; i++) await recorder.commit(RUN, zeroHash);
      expect(await local.client.readContract({ ...contract, functionName: 'isCommitted', args })).toBe(true);
    });

    it('is named although somebody copied the claim before it was in a block, and recorded first', async () => {
      const roots = await WORK.stepRoots();
      const tree = claimTree(roots);
      const [worker, copier] = [portOf(1), portOf(2)];
      const last = terms.steps - 1;
      const root = roots[last] ?? zeroHash;
      const proof = tree.proof(last);
      let copied = 0;
      // The copier sees the worker's claim on its way and has its own included first.
      const commit = async (run: Hex, claimRoot: Hex): Promise<void> => {
        await recorderOf(1).commit(run, claimRoot);
        await recorderOf(2).commit(run, claimRoot);
        const { claim: bond } = await copier.bonds(terms);
        const played = await copier.play({ kind: 'claim', terms, root: claimRoot, bond });
        copied = played.kind === 'done' ? (played.id ?? -1) : -1;
      };
      const made = await claimOnce(worker, WORK, { commit });
      expect(made).toEqual(expect.objectContaining({ kind: 'done', id: copied + 1 }));
      await passWindow();
      await copier.play({ kind: 'settle', claim: copied });
      const { client } = local;
      await openRun({ queue: local.queue(2), trainingRecord: trainingRecord(), terms });
      const entry = { trainingRecord: trainingRecord(), run: RUN, step: last, root, proof };
      await recordCheckpoint({ queue: local.queue(2), ...entry, claim: BigInt(copied) });
      expect(await contributor(RUN, last)).toBe(copier.me.toLowerCase());

      // The worker's software does the rest, also after a restart, and does it once.
      const events: DisputeEvent[] = [];
      const defender = () =>
        new Defender({
          port: portOf(1),
          runs: new RunCache(async (run) => verifyRun(WORK, run)),
          recorder: recorderOf(1),
          onEvent: (event) => events.push(event),
        });
      const first = defender();
      for (let looks = 0; looks < 3; looks++) await first.tick();
      expect(await contributor(RUN, last)).toBe(worker.me.toLowerCase());
      await defender().tick();
      expect(events.map(({ kind }) => kind)).toEqual(['settled', 'withdrew', 'recorded']);

      // And the copier cannot take it back.
      await recordCheckpoint({ queue: local.queue(2), ...entry, claim: BigInt(copied) });
      expect(await contributor(RUN, last)).toBe(worker.me.toLowerCase());
      const from = { client, trainingRecord: trainingRecord() };
      expect(await readOrigins(root, from)).toMatchObject({
        found: [{ run: RUN, step: last }],
        hasMore: false,
      });
    });

    it('finds every run of a root, and leads back only through those that the reader knows', async () => {
      const root = (await WORK.stepRoots())[terms.steps - 1] ?? zeroHash;
      const thief = portOf(3);
      // Terms of the thief's own under which "the checkpoint after the step has this root".
      const own = { ...terms, data: zeroHash, steps: 1 };
      const tree = claimTree([root]);
      const { claim: bond } = await thief.bonds(own);
      const played = await thief.play({ kind: 'claim', terms: own, root: tree.root, bond });
      const claim = played.kind === 'done' ? (played.id ?? -1) : -1;
      await passWindow();
      await thief.play({ kind: 'settle', claim });
      await recorderOf(3).record(
        { claim, terms: termsHash(own) },
        { terms: own, root, proof: tree.proof(0) },
      );
      const from = { client: local.client, trainingRecord: trainingRecord() };
      const { found } = await readOrigins(root, from);
      expect(found.map(({ run }) => run)).toEqual([RUN, termsHash(own)]);
      const known = await readDescent(root, { ...from, knows: (run) => verifyRun(WORK, run) !== undefined });
      expect(known).toMatchObject([{ run: RUN, contributor: portOf(1).me.toLowerCase() }]);
    });
  },
);
