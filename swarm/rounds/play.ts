import type { Attestation, Signed, Vote } from '../../protocol/ledger.ts';
import type { RoundContext } from '../../protocol/trainer.ts';
import type { AttestBody } from '../messages/bodies.ts';
import { answerStage } from './answer.ts';
import { critiqueStage } from './critique.ts';
import { RoundOver, type RoundParts } from './parts.ts';
import { trainStage } from './train.ts';
import { voteStage } from './vote.ts';

/** Plays one round from its answer stage to the attestation. Throws what the trainer throws, or the signal's reason. */
export async function playRound(
  parts: RoundParts,
  context: RoundContext,
  signal: AbortSignal,
  voted: (signed: Signed<Vote>) => void,
): Promise<{ readonly signed: Signed<Attestation>; readonly record: AttestBody }> {
  const own = await answerStage(parts, context, signal);
  try {
    const critique = await critiqueStage(parts, context, signal);
    voted(await voteStage(parts, context, own, critique, signal));
  } catch (error) {
    // Too slow to judge or to vote in time; the answers are there, so the training is still worth it.
    if (!(error instanceof RoundOver)) throw error;
    parts.status(error.message);
  }
  return trainStage(parts, context, own, signal);
}
