import { toHex } from '../../protocol/hex.ts';
import type { PeerRollouts, RoundContext } from '../../protocol/trainer.ts';
import { commitmentOf } from '../messages/commitment.ts';
import { LIMITS } from '../messages/limits.ts';
import { encodeRollouts } from '../messages/rollouts.ts';
import type { RoundDependencies } from './dependencies.ts';
import { waitFor } from './stage-clock.ts';

/**
 * The answer stage: samples own completions, commits to them, and reveals them once others can no longer
 * commit. A device that is too slow to commit keeps its answers to itself and still trains on them.
 */
export async function answerStage(
  dependencies: RoundDependencies,
  context: RoundContext,
  signal: AbortSignal,
): Promise<PeerRollouts> {
  const { trainer, ledger, gossip, content, settings, emit, status } = dependencies;
  const { round, device } = context;
  status('Answering the tasks of this round.');
  const prompts = await trainer.prompts(context);
  emit({ kind: 'prompts', round, prompts });
  const set = await trainer.answer(context, signal);
  signal.throwIfAborted();
  const { bytes, cid } = encodeRollouts(set);
  await content.publishObject(bytes);
  emit({ kind: 'answers', round, author: device, own: true, cid, set });
  const own = { author: device, cid, set };

  const now = ledger.clock.read();
  const revealTime = settings.revealAt * (now.sinceStageStart + now.untilStageEnd);
  if (now.round !== round || now.stage !== 'answer' || now.sinceStageStart > revealTime) {
    status('Answers came after the others’ were revealed, so they are not shared in this round.');
    return own;
  }
  const salt = toHex(dependencies.randomBytes(32));
  await gossip.publish({ type: 'commit', round, body: { digest: commitmentOf(salt, device, cid) } });
  status('Answers are committed; they are revealed when everyone’s are.');
  await waitFor(
    dependencies,
    (reading) =>
      reading.round !== round ||
      reading.stage !== 'answer' ||
      // Not before the grace for late commits is over, so that nobody can commit to answers that were
      // revealed here.
      reading.sinceStageStart >= revealTime + settings.commitGrace,
    signal,
  );
  const rollouts = bytes.length <= LIMITS.inlineRollouts ? set : null;
  await gossip.publish({ type: 'reveal', round, body: { salt, cid, rollouts } });
  return own;
}
