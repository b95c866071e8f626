import type { PeerRollouts, RoundContext } from '../../protocol/trainer.ts';
import { LIMITS } from '../messages/limits.ts';
import { digestInCid, encodeRollouts } from '../messages/rollouts.ts';
import type { RoundDependencies } from './dependencies.ts';
import { otherPeers } from './other-peers.ts';
import { truncate } from './truncate.ts';

/**
 * Trains on own and others' answers. Then publishes the signed attestation of the new checkpoint, with the
 * record that lets anyone recompute it.
 */
export async function trainStage(
  dependencies: RoundDependencies,
  context: RoundContext,
  own: PeerRollouts,
  signal: AbortSignal,
): Promise<void> {
  const { trainer, ledger, publishCheckpoint, records, outbox, emit, status } = dependencies;
  const { round } = context;
  const foreign = records.select('train', context);
  status(
    foreign.length === 0
      ? 'Training on own answers; nobody else’s arrived in this round.'
      : `Training on own answers and those of ${otherPeers(foreign.length)}.`,
  );
  // Once the checkpoint is stored the round counts: a pause after that does not keep it from being attested.
  const outcome = await trainer.train(context, own, foreign, signal);
  const { previousRoot, checkpointRoot, optimizerSteps, meanReward, heldOutAccuracy, loss } = outcome;
  emit({
    kind: 'trained',
    round,
    previousRoot,
    checkpointRoot,
    foreign: foreign.length,
    optimizerSteps,
    meanReward,
    heldOutAccuracy,
    loss,
    computeMs: dependencies.computeMsOf(round),
  });
  // The attestation names the rollouts that the trainer used, which may be less than it was given.
  const [rollouts = own.cid, ...others] = outcome.trainedOn;
  const checkpoint = await publishCheckpoint({ root: checkpointRoot, file: outcome.checkpoint });
  const rolloutDigest = digestInCid(rollouts);
  const { signature } = await ledger.signAttestation({ round, checkpointRoot, rolloutDigest });
  const body = {
    checkpointRoot,
    rolloutDigest,
    signature,
    previousRoot,
    checkpoint,
    rollouts,
    foreign: others,
    engine: truncate(dependencies.engine, LIMITS.engine),
    conformance: dependencies.conformance(),
    optimizerSteps,
    meanReward,
    heldOutAccuracy,
  };
  // Other devices acknowledge what names a set that they can have.
  await outbox.send(round, body, rollouts === own.cid ? encodeRollouts(own.set).bytes : undefined);
  emit({ kind: 'sent', round, checkpointRoot, body });
}
