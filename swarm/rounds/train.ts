import type { Attestation, Signed } from '../../protocol/ledger.ts';
import type { PeerRollouts, RoundContext } from '../../protocol/trainer.ts';
import type { AttestBody } from '../messages/bodies.ts';
import { LIMITS } from '../messages/limits.ts';
import { digestInCid } from '../messages/rollouts.ts';
import { choose } from './choice.ts';
import type { RoundParts } from './parts.ts';
import { truncate } from './truncate.ts';

/**
 * One round of training on own and others' answers, then the signed attestation of what came out, with the record
 * that lets anyone recompute it.
 */
export async function trainStage(
  parts: RoundParts,
  context: RoundContext,
  own: PeerRollouts,
  signal: AbortSignal,
): Promise<{ readonly signed: Signed<Attestation>; readonly record: AttestBody }> {
  const { trainer, ledger, gossip, content, settings, records, acknowledgements, emit, status } = parts;
  const { round } = context;
  const count = Math.min(settings.foreign, LIMITS.foreign);
  const foreign = choose(records.rollouts(round), count, 'train', context);
  status(
    foreign.length === 0
      ? 'Training on own answers; nobody else’s arrived in this round.'
      : `Training on own answers and those of ${foreign.length === 1 ? 'one other peer' : `${foreign.length} other peers`}.`,
  );
  // Once the checkpoint is stored the round is earned: a pause that comes now does not keep it from being attested.
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
  });
  // A trainer may use fewer than it was offered; what it says it trained on is what is attested.
  const [rollouts = own.cid, ...others] = outcome.trainedOn;
  const checkpoint = await content.publishFile(outcome.checkpoint);
  const rolloutDigest = digestInCid(rollouts);
  const signed = await ledger.signAttestation({ round, checkpointRoot, rolloutDigest });
  const body = {
    checkpointRoot,
    rolloutDigest,
    signature: signed.signature,
    previousRoot,
    checkpoint,
    rollouts,
    foreign: others,
    engine: truncate(parts.engine, LIMITS.engine),
    conformance: parts.conformance(),
    optimizerSteps,
    meanReward,
    heldOutAccuracy,
  };
  acknowledgements.expect(round, checkpointRoot);
  await gossip.say({ type: 'attest', round, body });
  emit({ kind: 'sent', round, checkpointRoot, body });
  return { signed, record: body };
}
