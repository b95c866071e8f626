import type { DeviceAddress } from '../../protocol/hex.ts';
import type { PeerRollouts } from '../../protocol/trainer.ts';
import { decodeRollouts } from '../../swarm/messages/rollouts.ts';
import type { PublishedRound as TrainingRound } from '../../training/replay-round.ts';
import type { ArchiveFolder } from '../archive/archive-folder.ts';
import type { RoundRecord } from '../archive/round-record.ts';

/** Other devices' rollout sets of a round, or the first one that is missing or damaged. */
export type ForeignRollouts =
  | { readonly kind: 'whole'; readonly sets: readonly PeerRollouts[] }
  | { readonly kind: 'missing'; readonly cid: string }
  | {
      readonly kind: 'damaged';
      readonly cid: string;
      readonly author: DeviceAddress | null;
      readonly bytes: Uint8Array;
    };

/** What a round was trained on besides its own answers, as the archive has it. */
export async function foreignRollouts(
  archive: ArchiveFolder,
  record: Pick<RoundRecord, 'round' | 'foreign'>,
): Promise<ForeignRollouts> {
  const sets: PeerRollouts[] = [];
  for (const { cid, author } of record.foreign) {
    const stored = await archive.content.inspect(cid);
    if (stored === undefined) return { kind: 'missing', cid };
    if (!stored.intact) {
      const by = author ?? (await archive.authorOf(cid, record.round)) ?? null;
      return { kind: 'damaged', cid, author: by, bytes: stored.bytes };
    }
    const set = decodeRollouts(stored.bytes);
    sets.push({ author: set.author, cid, set });
  }
  return { kind: 'whole', sets };
}

/** A whole round of the archive, for training on it again. */
export type ArchivedRound =
  | { readonly kind: 'whole'; readonly round: TrainingRound }
  | { readonly kind: 'missing'; readonly cid: string }
  | { readonly kind: 'damaged' };

/** All that a round was trained on, when the archive has it undamaged. */
export async function archivedRound(archive: ArchiveFolder, record: RoundRecord): Promise<ArchivedRound> {
  const { device, round, seed, rollouts } = record;
  const own = await archive.content.inspect(rollouts);
  if (own === undefined) return { kind: 'missing', cid: rollouts };
  const foreign = await foreignRollouts(archive, record);
  if (foreign.kind === 'missing') return foreign;
  if (!own.intact || foreign.kind === 'damaged') return { kind: 'damaged' };
  return {
    kind: 'whole',
    round: {
      context: { round, seed, device },
      own: { author: device, cid: rollouts, set: decodeRollouts(own.bytes) },
      foreign: foreign.sets,
    },
  };
}
