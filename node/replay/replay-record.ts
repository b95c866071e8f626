import type { Engine } from '../../compute/engines/engine.ts';
import { checkpointRoot } from '../../models/checkpoint/root.ts';
import type { ModelSource } from '../../models/loading/model-source.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';

import type { TaskSelection, TrainedPart } from '../../protocol/swarm-spec.ts';

import type { PeerRollouts } from '../../protocol/trainer.ts';
import { decodeRollouts } from '../../swarm/messages/rollouts.ts';
import {
  type LearningCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from '../../training/learning-checkpoint.ts';
import { DEFAULT_SETTINGS } from '../../training/learning-settings.ts';
import { openMemberModel } from '../../training/member-model.ts';
import { replayRound } from '../../training/replay-round.ts';
import { UnknownTaskError } from '../../training/tasks/catalogue.ts';
import { DataSetError } from '../../training/tasks/json-lines.ts';
import { type DataSetTexts, openTasks } from '../../training/tasks/task-source.ts';
import type { ArchiveFolder } from '../archive/archive-folder.ts';
import type { RoundRecord } from '../archive/round-record.ts';
import { type CheckpointDifference, compareCheckpoints } from './compare-checkpoints.ts';
import { compareRollouts, type RolloutDifference } from './compare-rollouts.ts';

/** What a replay of one round found. */
export type ReplayVerdict =
  | { readonly kind: 'same'; readonly round: number; readonly root: Hex; readonly steps: number }
  | {
      readonly kind: 'checkpoint differs';
      readonly round: number;
      readonly difference: CheckpointDifference;
      /** Whether the recomputed checkpoint is the attested one, so that only the published copy is wrong. */
      readonly attestedIsRight: boolean;
      readonly recomputedRoot: Hex;
    }
  | { readonly kind: 'own rollouts differ'; readonly round: number; readonly difference: RolloutDifference }
  | {
      readonly kind: 'foreign rollouts differ';
      readonly round: number;
      readonly cid: string;
      readonly author: DeviceAddress | null;
      readonly difference: RolloutDifference | null;
    }
  /** Published and recomputed agree with one another, and the attestation is of something else. */
  | {
      readonly kind: 'attestation differs';
      readonly round: number;
      readonly attested: Hex;
      readonly recomputed: Hex;
    }
  /** Something that the round needs was never published, or not to this archive. */
  | { readonly kind: 'impossible'; readonly round: number; readonly cause: string };

export interface ReplayRecordOptions {
  readonly record: RoundRecord;
  readonly archive: ArchiveFolder;
  /** The files of the model that the device began with. */
  readonly model: ModelSource;
  /** An engine to recompute on: any. */
  readonly engine: Engine;
  /** Finds the files of a swarm's data sets. Defaults to none. */
  readonly dataSetFiles?: (tasks: TaskSelection) => Promise<DataSetTexts>;
  readonly signal?: AbortSignal;
}

/**
 * Recomputes one round from what was published: the device's answers from the weights before the round, the
 * training from its answers and the others' that it names. Trusts nothing of the archive: what does not have
 * the root or hash it should have is traced to the place that differs, if need be in an earlier round.
 */
export async function replayRecord(options: ReplayRecordOptions): Promise<ReplayVerdict> {
  const { record, archive, model, engine, signal } = options;
  const { round, device } = record;
  const impossible = (cause: string): ReplayVerdict => ({ kind: 'impossible', round, cause });

  // The published model does not carry the settings; every checkpoint made from it does, and the root proves
  // the guess.
  const after = await archive.content.inspect(record.checkpoint);
  const known = after === undefined ? undefined : checkpointIn(after.bytes);
  const member = await openMemberModel({ source: model, trained: trainedIn(known), signal });
  const base = await member.base();
  if (known?.kind === 'adapters' && base?.root !== known.base) {
    return impossible(`its adapters were trained beside a model with root ${known.base}: give that model`);
  }

  const before = await checkpointBefore();
  if ('kind' in before) return before;
  const { settings } = readCheckpoint(before.bytes);

  const own = await archive.content.inspect(record.rollouts);
  if (own === undefined) return impossible(`the rollouts ${record.rollouts} are not in the archive`);
  const foreign: PeerRollouts[] = [];
  for (const { cid, author } of record.foreign) {
    const stored = await archive.content.inspect(cid);
    if (stored === undefined)
      return impossible(`the rollouts ${cid} of another device are not in the archive`);
    if (!stored.intact) {
      const by = author ?? (await archive.authorOf(cid, round)) ?? null;
      return {
        kind: 'foreign rollouts differ',
        round,
        cid,
        author: by,
        difference: by === null ? null : await placeInForeign(by, stored.bytes),
      };
    }
    const set = decodeRollouts(stored.bytes);
    foreign.push({ author: set.author, cid, set });
  }

  const selection = readCheckpoint(before.bytes).settings.tasks;
  const dataSets = (await options.dataSetFiles?.(selection)) ?? new Map();
  const tasks = await openTasks(selection, dataSets).catch((error: unknown) => {
    if (error instanceof DataSetError || error instanceof UnknownTaskError) return error;
    throw error;
  });
  if (tasks instanceof Error) return impossible(`its tasks cannot be opened. ${tasks.message}`);

  const context = { round, seed: record.seed, device };
  const publishedSet = own.intact ? decodeRollouts(own.bytes) : undefined;
  const replay = await replayRound({
    engine,
    base,
    format: member.format(settings),
    tasks,
    previous: before.bytes,
    context,
    // Damaged answers cannot be trained on; the resampled ones show where the damage is.
    own: {
      author: device,
      cid: record.rollouts,
      set: publishedSet ?? { author: device, modelRoot: record.previousRoot, groups: [] },
    },
    foreign,
    ...(signal === undefined ? {} : { signal }),
  });
  const rolloutDifference = compareRollouts(own.bytes, replay.rollouts);
  if (rolloutDifference !== undefined)
    return { kind: 'own rollouts differ', round, difference: rolloutDifference };
  if (!own.intact) return impossible(`the rollouts ${record.rollouts} do not have the bytes of their name`);

  const published = await archive.content.inspect(record.checkpoint);
  if (published === undefined) return impossible(`the checkpoint ${record.checkpoint} is not in the archive`);
  const difference = compareCheckpoints(published.bytes, replay.checkpoint);
  if (difference !== undefined) {
    return {
      kind: 'checkpoint differs',
      round,
      difference,
      attestedIsRight: replay.root === record.checkpointRoot,
      recomputedRoot: replay.root,
    };
  }
  if (replay.root !== record.checkpointRoot)
    return { kind: 'attestation differs', round, attested: record.checkpointRoot, recomputed: replay.root };
  return { kind: 'same', round, root: replay.root, steps: replay.training.optimizerSteps };

  /** The checkpoint before the round, with the root that the record names; else the verdict on why not. */
  async function checkpointBefore(): Promise<{ readonly bytes: Uint8Array } | ReplayVerdict> {
    for (const settings of [known?.settings, DEFAULT_SETTINGS]) {
      if (settings === undefined) continue;
      const first = writeCheckpoint(await member.first(device, settings));
      if (checkpointRoot(first) === record.previousRoot) return { bytes: first };
    }
    const earlier = await archive.byRoot(device, record.previousRoot);
    const stored = earlier === undefined ? undefined : await archive.content.inspect(earlier.checkpoint);
    if (earlier === undefined || stored === undefined)
      return impossible(
        `the checkpoint before it (root ${record.previousRoot}) is neither in the archive nor made from the published model`,
      );
    if (stored.intact && rootOf(stored.bytes) === record.previousRoot) return { bytes: stored.bytes };
    if (earlier.round >= round) return impossible('its checkpoints form no chain');
    const verdict = await replayRecord({ ...options, record: earlier });
    return verdict.kind === 'same'
      ? impossible(`the checkpoint of round ${earlier.round} changed while it was read`)
      : verdict;
  }

  /** Where another device's damaged rollouts differ, when its own round can be recomputed. */
  async function placeInForeign(author: DeviceAddress, bytes: Uint8Array): Promise<RolloutDifference | null> {
    const theirs = await archive.record(author, round);
    if (theirs === undefined) return null;
    const verdict = await replayRecord({ ...options, record: { ...theirs, foreign: [] } });
    return verdict.kind === 'own rollouts differ' ? verdict.difference : compareUnreadable(bytes);
  }
}

function compareUnreadable(bytes: Uint8Array): RolloutDifference | null {
  try {
    decodeRollouts(bytes);
    return null;
  } catch (error) {
    return { kind: 'unreadable', cause: error instanceof Error ? error.message : String(error) };
  }
}

/** Undefined for bytes that are no checkpoint. */
function checkpointIn(bytes: Uint8Array): LearningCheckpoint | undefined {
  try {
    return readCheckpoint(bytes);
  } catch {
    return undefined;
  }
}

/** What the device trains, as its checkpoint says. */
function trainedIn(checkpoint: LearningCheckpoint | undefined): TrainedPart {
  return checkpoint?.kind === 'adapters' ? { kind: 'adapters', ...checkpoint.lora } : { kind: 'full' };
}

/** Undefined for bytes that are no checkpoint. */
function rootOf(bytes: Uint8Array): Hex | undefined {
  try {
    return checkpointRoot(bytes);
  } catch {
    return undefined;
  }
}
