/**
 * What every Trainer must do, as tests. An implementation calls `describeTrainerContract` in a test file of
 * its own. The rules stand with their ids in ../trainer.ts.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceAddress, Hex } from '../hex.ts';
import type { PeerJudgements, PeerRollouts, RoundContext, Trainer } from '../trainer.ts';

/** One trainer under test, fresh: it has trained no round yet. */
export interface TrainerFixture {
  readonly trainer: Trainer;
  /** The device that the trainer trains for, in lower case. */
  readonly device: DeviceAddress;
  /**
   * Answers that the device `author` might publish, to the items of the round that it draws, well formed and
   * with a CID of their own.
   */
  rollouts(author: DeviceAddress, context: RoundContext): PeerRollouts | Promise<PeerRollouts>;
  /** Releases the trainer and what it uses. */
  stop(): Promise<void>;
}

const FIRST_ROUND = 5;
const NEXT_ROUND = 6;
const SEED: Hex = `0x${'12'.repeat(32)}`;
const OTHER_SEED: Hex = `0x${'34'.repeat(32)}`;
const PEERS: readonly DeviceAddress[] = ['c1', 'c2', 'c3'].map((byte): Hex => `0x${byte.repeat(20)}`);

/** Tests that a trainer keeps the rules [TR-01] to [TR-10]. `start` makes a fresh one for each test. */
export function describeTrainerContract(name: string, start: () => Promise<TrainerFixture>): void {
  describe(`${name} as a Trainer`, () => {
    let fixture: TrainerFixture;
    beforeEach(async () => {
      fixture = await start();
    });
    afterEach(() => fixture.stop());

    const live = (): AbortSignal => new AbortController().signal;
    const contextOf = (round = FIRST_ROUND, seed = SEED): RoundContext => ({
      round,
      seed,
      device: fixture.device,
    });
    const ownRollouts = async (context: RoundContext): Promise<PeerRollouts> => ({
      author: context.device,
      cid: `own-${context.round}`,
      set: await fixture.trainer.answer(context, live()),
    });
    const peerRollouts = (context: RoundContext): Promise<readonly PeerRollouts[]> =>
      Promise.all(PEERS.map(async (author) => fixture.rollouts(author, context)));

    it('[TR-01] gives every device the same prompts in a round', async () => {
      const prompts = await fixture.trainer.prompts(contextOf());
      expect(prompts.length).toBeGreaterThan(0);
      for (const { task, prompt } of prompts) {
        expect(task).not.toBe('');
        expect(prompt).not.toBe('');
      }
      const [peer = fixture.device] = PEERS;
      expect(await fixture.trainer.prompts({ ...contextOf(), device: peer })).toEqual(prompts);
    });

    it('[TR-02] answers items of the round as their author, each at most once, with f32 log-probabilities', async () => {
      const { author, groups } = await fixture.trainer.answer(contextOf(), live());
      const prompts = await fixture.trainer.prompts(contextOf());
      expect(author).toBe(fixture.device);
      expect(groups.length).toBeGreaterThan(0);
      expect(new Set(groups.map(({ item }) => item)).size).toBe(groups.length);
      for (const { item, completions } of groups) {
        expect(prompts[item]).toBeDefined();
        expect(completions.length).toBeGreaterThan(0);
        for (const { tokens, logprobs } of completions) {
          expect(tokens.length).toBeGreaterThan(0);
          expect(logprobs.length).toBe(tokens.length);
          expect(tokens.every((token) => Number.isSafeInteger(token) && token >= 0)).toBe(true);
          expect(logprobs.every((value) => Number.isFinite(value) && Math.fround(value) === value)).toBe(
            true,
          );
        }
      }
    });

    it('[TR-03] answers the same again in one context, and otherwise under another seed', async () => {
      const set = await fixture.trainer.answer(contextOf(), live());
      expect(await fixture.trainer.answer(contextOf(), live())).toEqual(set);
      const other = await fixture.trainer.answer(contextOf(FIRST_ROUND, OTHER_SEED), live());
      expect(other.modelRoot).toBe(set.modelRoot);
      expect(other.groups).not.toEqual(set.groups);
    });

    it('[TR-04] judges published answers of others only, the same ones when asked again', async () => {
      const context = contextOf();
      const others = await peerRollouts(context);
      const judgements = await fixture.trainer.critique(context, others, live());
      expect(judgements.length).toBeGreaterThan(0);
      const own = await ownRollouts(context);
      for (const judgement of await fixture.trainer.critique(context, [own, ...others], live())) {
        expect(judgement.author).not.toBe(fixture.device);
      }
      for (const { author, item, sample } of judgements) {
        expect(completionAt(others, author, item, sample)).toBeDefined();
      }
      expect(await fixture.trainer.critique(context, others, live())).toEqual(judgements);
      expect(await fixture.trainer.critique(context, [], live())).toEqual([]);
      const silent = others.map((peer) => ({ ...peer, set: { ...peer.set, groups: [] } }));
      expect(await fixture.trainer.critique(context, silent, live())).toEqual([]);
    });

    it('[TR-05] votes at most once an item, for a published answer of another', async () => {
      const context = contextOf();
      const own = await ownRollouts(context);
      const others = await peerRollouts(context);
      const { ballots } = await fixture.trainer.vote(context, [own, ...others], [], live());
      expect(ballots.length).toBeGreaterThan(0);
      expect(new Set(ballots.map(({ item }) => item)).size).toBe(ballots.length);
      for (const { author, item, sample } of ballots) {
        expect(author).not.toBe(fixture.device);
        expect(completionAt(others, author, item, sample)).toBeDefined();
      }
      expect((await fixture.trainer.vote(context, [own], [], live())).ballots).toEqual([]);
    });

    it('[TR-06] corrects own answers only, at most once an item', async () => {
      const context = contextOf();
      const own = await ownRollouts(context);
      const others = await peerRollouts(context);
      const critiques: readonly PeerJudgements[] = PEERS.map((critic) => ({
        critic,
        standing: { kind: 'known' },
        judgements: own.set.groups.map(({ item }) => ({
          item,
          author: own.author,
          sample: 0,
          text: '7',
          right: false,
        })),
      }));
      const { corrections } = await fixture.trainer.vote(context, [own, ...others], critiques, live());
      expect(new Set(corrections.map(({ item }) => item)).size).toBe(corrections.length);
      const items = new Set(own.set.groups.map(({ item }) => item));
      for (const { item } of corrections) expect(items).toContain(item);
      expect((await fixture.trainer.vote(context, others, critiques, live())).corrections).toEqual([]);
    });

    it('[TR-07] reports a round of training: roots, rollouts trained on, figures in range', async () => {
      const context = contextOf();
      const own = await ownRollouts(context);
      const foreign = await peerRollouts(context);
      const outcome = await fixture.trainer.train(context, own, foreign, live());
      const [first, ...rest] = outcome.trainedOn;
      expect(first).toBe(own.cid);
      expect(new Set(rest).size).toBe(rest.length);
      const offered = new Set(foreign.map(({ cid }) => cid));
      for (const cid of rest) expect(offered).toContain(cid);
      expect(outcome.previousRoot).toBe(own.set.modelRoot);
      for (const root of [outcome.previousRoot, outcome.checkpointRoot]) {
        expect(root).toMatch(/^0x[0-9a-f]{64}$/);
      }
      expect(outcome.checkpoint.length).toBeGreaterThan(0);
      expect(outcome.optimizerSteps).toBeGreaterThanOrEqual(0);
      expect(Number.isSafeInteger(outcome.optimizerSteps)).toBe(true);
      expect(Number.isFinite(outcome.loss)).toBe(true);
      for (const share of [outcome.meanReward, outcome.heldOutAccuracy]) {
        expect(share).toBeGreaterThanOrEqual(0);
        expect(share).toBeLessThanOrEqual(1);
      }
    });

    it('[TR-08] goes on from the checkpoint before, on own answers alone as well', async () => {
      const context = contextOf();
      const first = await fixture.trainer.train(context, await ownRollouts(context), [], live());
      expect(first.trainedOn).toHaveLength(1);
      const next = contextOf(NEXT_ROUND, OTHER_SEED);
      const own = await ownRollouts(next);
      expect(own.set.modelRoot).toBe(first.checkpointRoot);
      const second = await fixture.trainer.train(next, own, await peerRollouts(next), live());
      expect(second.previousRoot).toBe(first.checkpointRoot);
    });

    it('[TR-09] rejects when aborted, and is then as it was before', async () => {
      const context = contextOf();
      const own = await ownRollouts(context);
      const foreign = await peerRollouts(context);
      const reason = new DOMException('Paused.', 'AbortError');
      await expect(fixture.trainer.answer(context, AbortSignal.abort(reason))).rejects.toThrow('Paused.');
      await expect(fixture.trainer.train(context, own, foreign, AbortSignal.abort(reason))).rejects.toThrow(
        'Paused.',
      );
      expect(await fixture.trainer.answer(context, live())).toEqual(own.set);
      const outcome = await fixture.trainer.train(context, own, foreign, live());
      expect(outcome.previousRoot).toBe(own.set.modelRoot);
    });

    it('[TR-10] refuses to train a round a second time, and is then as it was before', async () => {
      const context = contextOf();
      const own = await ownRollouts(context);
      const { checkpointRoot } = await fixture.trainer.train(context, own, [], live());
      await expect(fixture.trainer.train(context, own, [], live())).rejects.toThrow('already trained');
      const next = await fixture.trainer.answer(contextOf(NEXT_ROUND), live());
      expect(next.modelRoot).toBe(checkpointRoot);
    });
  });
}

/** The completion that a judgement or a ballot names, if its author published it. */
function completionAt(
  peers: readonly PeerRollouts[],
  author: DeviceAddress,
  item: number,
  sample: number,
): unknown {
  const peer = peers.find((candidate) => candidate.author === author);
  return peer?.set.groups.find((group) => group.item === item)?.completions[sample];
}
