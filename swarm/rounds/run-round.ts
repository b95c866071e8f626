import type { RoundContext } from '../../protocol/trainer.ts';
import { answerStage } from './answer-stage.ts';
import { critiqueStage } from './critique-stage.ts';
import type { RoundDependencies } from './dependencies.ts';
import { RoundOverError } from './stage-clock.ts';
import { trainStage } from './train-stage.ts';
import { voteStage } from './vote-stage.ts';

/**
 * Runs one round from its answer stage to the attestation. Rejects with what the trainer throws, or with the
 * signal's reason.
 */
export async function runRound(
  dependencies: RoundDependencies,
  context: RoundContext,
  signal: AbortSignal,
): Promise<void> {
  const own = await answerStage(dependencies, context, signal);
  try {
    const critique = await critiqueStage(dependencies, context, signal);
    await voteStage(dependencies, context, own, critique, signal);
  } catch (error) {
    // The device was too slow to judge or to vote. Its answers are there, so it can still train.
    if (!(error instanceof RoundOverError)) throw error;
    dependencies.status(error.message);
  }
  await trainStage(dependencies, context, own, signal);
}
