import type { PeerJudgements, RoundContext } from '../../protocol/trainer.ts';
import { LIMITS } from '../messages/limits.ts';
import type { RoundDependencies } from './dependencies.ts';
import { otherPeers } from './other-peers.ts';
import { hasReached, waitFor, waitForStage } from './stage-clock.ts';
import { truncate, withinOneMessage } from './truncate.ts';

/** The critique stage: judges the answers of a few others with the own model and publishes the judgements. */
export async function critiqueStage(
  dependencies: RoundDependencies,
  context: RoundContext,
  signal: AbortSignal,
): Promise<PeerJudgements | null> {
  const { trainer, ledger, gossip, settings, records, emit, status } = dependencies;
  const { round, device } = context;
  await waitForStage(dependencies, round, 'critique', signal);
  // Reveals may still be under way.
  await waitFor(
    dependencies,
    (now) => hasReached(now, round, 'vote') || now.sinceStageStart >= settings.settle,
    signal,
  );
  const others = records.select('critique', context);
  // Judgements of these may arrive from now on.
  records.select('train', context);
  if (others.length === 0) {
    status('Nobody else has answered yet, so there is nothing to judge.');
    return null;
  }
  status(`Judging the answers of ${otherPeers(others.length)}.`);
  const made = await trainer.critique(context, others, signal);
  signal.throwIfAborted();
  const judgements = withinOneMessage(
    made
      .slice(0, LIMITS.judgements)
      .map((judgement) => ({ ...judgement, text: truncate(judgement.text, LIMITS.judgementText) })),
  );
  emit({ kind: 'critiques', round, critic: device, own: true, judgements });
  if (judgements.length > 0 && ledger.clock.read().round === round) {
    await gossip.publish({ type: 'critique', round, body: { judgements } });
  }
  // A device trusts itself, whatever the chain says.
  return { critic: device, standing: { kind: 'known' }, judgements };
}
