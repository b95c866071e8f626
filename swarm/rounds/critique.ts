import type { PeerJudgements, RoundContext } from '../../protocol/trainer.ts';
import { LIMITS } from '../messages/limits.ts';
import { choose } from './choice.ts';
import { hasReached, type RoundParts, waitFor, waitForStage } from './parts.ts';
import { truncate, withinOneMessage } from './truncate.ts';

/** The critique stage: judge the answers of a few others with the own model and publish the judgements. */
export async function critiqueStage(
  parts: RoundParts,
  context: RoundContext,
  signal: AbortSignal,
): Promise<PeerJudgements | null> {
  const { trainer, ledger, gossip, settings, records, emit, status } = parts;
  const { round, device } = context;
  await waitForStage(parts, round, 'critique', signal);
  // Reveals that are still under way.
  await waitFor(
    parts,
    (now) => hasReached(now, round, 'vote') || now.sinceStageStart >= settings.settle,
    signal,
  );
  const others = choose(records.rollouts(round), settings.critiqued, 'critique', context);
  if (others.length === 0) {
    status('Nobody else has answered yet, so there is nothing to judge.');
    return null;
  }
  status(
    `Judging the answers of ${others.length === 1 ? 'one other peer' : `${others.length} other peers`}.`,
  );
  const made = await trainer.critique(context, others, signal);
  signal.throwIfAborted();
  const judgements = withinOneMessage(
    made
      .slice(0, LIMITS.judgements)
      .map((judgement) => ({ ...judgement, text: truncate(judgement.text, LIMITS.judgementText) })),
  );
  emit({ kind: 'critiques', round, critic: device, own: true, judgements });
  if (judgements.length > 0 && ledger.clock.read().round === round) {
    await gossip.say({ type: 'critique', round, body: { judgements } });
  }
  return { critic: device, judgements };
}
