import type { Engine } from '../../compute/engines/engine.ts';
import type { ModelSource } from '../../models/loading/model-source.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { TaskSelection, TrainedPart } from '../../protocol/swarm-spec.ts';
import { decodeRollouts } from '../../swarm/messages/rollouts.ts';
import {
  type LearningCheckpoint,
  readCheckpoint,
  writeCheckpoint,
} from '../../training/learning-checkpoint.ts';
import { DEFAULTS_OF_VERSIONS, settingsText } from '../../training/learning-settings.ts';
import { type MemberModel, openMemberModel } from '../../training/member-model.ts';
import { type ReplayStart, recomputeState, replayRound } from '../../training/replay-round.ts';
import { UnknownTaskError } from '../../training/tasks/catalogue.ts';
import { DataSetError } from '../../training/tasks/json-lines.ts';
import { type DataSetTexts, openTasks } from '../../training/tasks/task-source.ts';
import type { ArchiveFolder } from '../archive/archive-folder.ts';
import type { RoundRecord } from '../archive/round-record.ts';
import type { WantedState } from '../archive/state-requests.ts';
import { type CheckpointDifference, compareCheckpoints } from './compare-checkpoints.ts';
import { compareRollouts, type RolloutDifference } from './compare-rollouts.ts';
import { earlierState, rootOf, statesNear } from './earlier-state.ts';
import { archivedRound, foreignRollouts } from './published-round.ts';

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
  /** What was published gives another root than the attested one. */
  | {
      readonly kind: 'attestation differs';
      readonly round: number;
      readonly attested: Hex;
      readonly recomputed: Hex;
      /** The published checkpoint, which would show the place. Undefined when the archive has it. */
      readonly wanted: WantedState | undefined;
    }
  /** Something that the round needs was never published, or not to this archive. */
  | {
      readonly kind: 'impossible';
      readonly round: number;
      readonly cause: string;
      /** A checkpoint that would make it possible, and that members may keep. */
      readonly wanted?: WantedState;
    };

export interface ReplayRecordOptions {
  readonly record: RoundRecord;
  readonly archive: ArchiveFolder;
  /** The files of the model that the device began with. */
  readonly model: ModelSource;
  /** An engine to recompute on: any. */
  readonly engine: Engine;
  /** Checkpoints at hand besides the archive's. Defaults to none. */
  readonly states?: readonly Uint8Array[];
  /** Called before rounds are computed again to get to a checkpoint that the archive does not keep. */
  readonly onBetween?: (rounds: readonly number[]) => void;
  /** Finds the files of a swarm's data sets. Defaults to none. */
  readonly dataSetFiles?: (tasks: TaskSelection) => Promise<DataSetTexts>;
  readonly signal?: AbortSignal;
}

/**
 * Recomputes one round from what was published: the device's answers from the weights before the round, the
 * training from its answers and the others' that it names. Where the archive does not keep the checkpoint
 * before the round, the rounds since the nearest kept one are trained again. Trusts nothing of the archive:
 * what does not have the root or hash it should have is traced to the place that differs, if need be in an
 * earlier round.
 */
export async function replayRecord(options: ReplayRecordOptions): Promise<ReplayVerdict> {
  const { record, archive, model, engine, signal } = options;
  const { round, device } = record;
  const impossible = (cause: string, wanted?: WantedState): ReplayVerdict => ({
    ...{ kind: 'impossible', round, cause },
    ...(wanted === undefined ? {} : { wanted }),
  });

  // The published model does not carry the settings; every checkpoint made from it does, and the root proves
  // the guess.
  const near = await statesNear(record, archive);
  const [known] = near;
  const member = await openMemberModel({ source: model, trained: trainedIn(known), signal });
  const base = await member.base();
  if (known?.kind === 'adapters' && base?.root !== known.base) {
    return impossible(`its adapters were trained beside a model with root ${known.base}: give that model`);
  }

  const earlier = await earlierState({
    ...{ record, archive },
    given: byRoot(options.states ?? []),
    first: firstOf(member, device, near),
  });
  if (earlier.kind === 'no chain') return impossible('its checkpoints form no chain');
  if (earlier.kind === 'missing') {
    const last = earlier.between.at(-1);
    const after = last === undefined ? '' : ` after round ${last.round}`;
    return impossible(
      `the checkpoint before it (root ${record.previousRoot}${after}) is neither in the archive nor computable from what is: no record gives root ${earlier.root}`,
      last,
    );
  }
  if (earlier.kind === 'damaged') {
    const verdict = await replayRecord({ ...options, record: earlier.record });
    return verdict.kind === 'same'
      ? impossible(`the checkpoint of round ${earlier.record.round} changed while it was read`)
      : verdict;
  }

  const { settings } = readCheckpoint(earlier.bytes);
  const dataSets = (await options.dataSetFiles?.(settings.tasks)) ?? new Map();
  const tasks = await openTasks(settings.tasks, dataSets).catch((error: unknown) => {
    if (error instanceof DataSetError || error instanceof UnknownTaskError) return error;
    throw error;
  });
  if (tasks instanceof Error) return impossible(`its tasks cannot be opened. ${tasks.message}`);
  const start: ReplayStart = {
    ...{ engine, base, tasks, previous: earlier.bytes },
    format: member.format(settings),
    ...(signal === undefined ? {} : { signal }),
  };
  const before = await stateBefore(start, earlier.between);
  if (!(before instanceof Uint8Array)) return before;

  const own = await archive.content.inspect(record.rollouts);
  if (own === undefined) return impossible(`the rollouts ${record.rollouts} are not in the archive`);
  const foreign = await foreignRollouts(archive, record);
  if (foreign.kind === 'missing')
    return impossible(`the rollouts ${foreign.cid} of another device are not in the archive`);
  if (foreign.kind === 'damaged') {
    const { cid, author, bytes } = foreign;
    const difference = author === null ? null : await placeInForeign(author, bytes);
    return { kind: 'foreign rollouts differ', round, cid, author, difference };
  }

  const publishedSet = own.intact ? decodeRollouts(own.bytes) : undefined;
  const replay = await replayRound({
    ...start,
    previous: before,
    context: { round, seed: record.seed, device },
    // Damaged answers cannot be trained on; the resampled ones show where the damage is.
    own: {
      author: device,
      cid: record.rollouts,
      set: publishedSet ?? { author: device, modelRoot: record.previousRoot, groups: [] },
    },
    foreign: foreign.sets,
  });
  const rolloutDifference = compareRollouts(own.bytes, replay.rollouts);
  if (rolloutDifference !== undefined)
    return { kind: 'own rollouts differ', round, difference: rolloutDifference };
  if (!own.intact) return impossible(`the rollouts ${record.rollouts} do not have the bytes of their name`);

  const published = await archive.content.inspect(record.checkpoint);
  const difference = published && compareCheckpoints(published.bytes, replay.checkpoint);
  if (difference !== undefined) {
    return {
      kind: 'checkpoint differs',
      round,
      difference,
      attestedIsRight: replay.root === record.checkpointRoot,
      recomputedRoot: replay.root,
    };
  }
  if (replay.root !== record.checkpointRoot) {
    const wanted = published === undefined ? record : undefined;
    return { ...differs(record, replay.root), wanted };
  }
  return { kind: 'same', round, root: replay.root, steps: replay.training.optimizerSteps };

  /** The checkpoint before the round, after the rounds between were trained again. */
  async function stateBefore(
    from: ReplayStart,
    between: readonly RoundRecord[],
  ): Promise<Uint8Array | ReplayVerdict> {
    if (between.length === 0) return from.previous;
    const rounds = [];
    for (const step of between) {
      const archived = await archivedRound(archive, step);
      if (archived.kind === 'missing') {
        const cause = `the checkpoint before it (root ${record.previousRoot}) is not in the archive, and neither are the rollouts ${archived.cid} of round ${step.round}, from which it would be computed`;
        return impossible(cause, between.at(-1));
      }
      // A replay of that round finds the place.
      if (archived.kind === 'damaged') return replayRecord({ ...options, record: step });
      rounds.push({ ...archived.round, root: step.checkpointRoot });
    }
    options.onBetween?.(between.map((step) => step.round));
    const recomputed = await recomputeState({ ...from, rounds });
    if (recomputed.kind === 'checkpoint') return recomputed.checkpoint;
    const step = between[recomputed.index] ?? record;
    return { ...differs(step, recomputed.root), wanted: step };
  }

  /** Where another device's damaged rollouts differ, when its own round can be recomputed. */
  async function placeInForeign(author: DeviceAddress, bytes: Uint8Array): Promise<RolloutDifference | null> {
    const theirs = await archive.record(author, round);
    if (theirs === undefined) return null;
    const verdict = await replayRecord({ ...options, record: { ...theirs, foreign: [] } });
    return verdict.kind === 'own rollouts differ' ? verdict.difference : compareUnreadable(bytes);
  }
}

function differs({ round, checkpointRoot }: RoundRecord, recomputed: Hex) {
  return { kind: 'attestation differs', round, attested: checkpointRoot, recomputed } as const;
}

/** Finds the checkpoint that a device began with, when one of the likely settings gives its root. */
function firstOf(
  member: MemberModel,
  device: DeviceAddress,
  near: readonly LearningCheckpoint[],
): (root: Hex) => Promise<Uint8Array | undefined> {
  return async (root) => {
    const likely = [...near.map((each) => each.settings), ...DEFAULTS_OF_VERSIONS];
    for (const settings of new Map(likely.map((each) => [settingsText(each), each])).values()) {
      const first = writeCheckpoint(await member.first(device, settings));
      if (rootOf(first) === root) return first;
    }
    return undefined;
  };
}

function byRoot(states: readonly Uint8Array[]): ReadonlyMap<Hex, Uint8Array> {
  return new Map(
    states.flatMap((bytes) => {
      const root = rootOf(bytes);
      return root === undefined ? [] : [[root, bytes] as const];
    }),
  );
}

function compareUnreadable(bytes: Uint8Array): RolloutDifference | null {
  try {
    decodeRollouts(bytes);
    return null;
  } catch (error) {
    return { kind: 'unreadable', cause: error instanceof Error ? error.message : String(error) };
  }
}

/** What the device trains, as its checkpoint says. */
function trainedIn(checkpoint: LearningCheckpoint | undefined): TrainedPart {
  return checkpoint?.kind === 'adapters' ? { kind: 'adapters', ...checkpoint.lora } : { kind: 'full' };
}
