import type { BlockVersion, VersionPlace } from '../messages/block-announcement.ts';

/** Versions of a block that are kept whatever is claimed: the newest two that the run has noted. */
const LAST_VERSIONS = 2;
/** Steps ahead of the newest confirmed version that a device keeps: one being agreed on, and the next. */
const UNCONFIRMED = 2;

/** Versions of a block that a keeper has room for: the last two, the first of a claim, one being written. */
const ROOM = 4;

/** What a block takes on a device that keeps it, in bytes. */
export interface BlockRoom {
  /** Most that the file of one version has. */
  readonly versionBytes: number;
  /** Weights that no step changes. */
  readonly frozenBytes: number;
}

/** Bytes that a keeper of a block sets aside. */
export function roomFor({ versionBytes, frozenBytes }: BlockRoom): number {
  return ROOM * versionBytes + frozenBytes;
}

/** What a run has agreed on: which versions there are, and which of them a dispute may still ask for. */
export interface RunRecord {
  /** Confirmed versions of all blocks. The content id is not part of it: the root decides. */
  readonly confirmed: readonly ConfirmedVersion[];
  /** First steps of the claims whose window is open. */
  readonly claims: readonly number[];
}

export type ConfirmedVersion = Pick<BlockVersion, 'block' | 'step' | 'root'>;

/**
 * The versions that must not be lost: the last two of each block, and of each claim whose window is open the
 * version that its first step read. Newest first, because a step waits for the newest.
 */
export function neededVersions({ confirmed, claims }: RunRecord): readonly ConfirmedVersion[] {
  const steps = stepsOf(confirmed);
  const isLast = ({ block, step }: ConfirmedVersion) => {
    const last = (steps.get(block) ?? []).slice(0, LAST_VERSIONS);
    return last.includes(step);
  };
  return confirmed
    .filter((version) => claims.includes(version.step) || isLast(version))
    .sort((a, b) => b.step - a.step);
}

/**
 * Whether a device drops a version that it holds: nothing needs it any more, or it is not the version that
 * the run agreed on. A version that is newer than all confirmed ones waits, at most two steps ahead.
 */
export function isObsolete(version: VersionPlace & { readonly root: string }, record: RunRecord): boolean {
  const { block, step, root } = version;
  const newest = stepsOf(record.confirmed).get(block)?.[0];
  // A device that has just come knows nothing of the run yet, and drops nothing.
  if (newest === undefined) return false;
  if (step > newest) return step > newest + UNCONFIRMED;
  return !neededVersions(record).some(
    (each) => each.block === block && each.step === step && each.root === root,
  );
}

/** The steps of each block, the newest one first. */
function stepsOf(confirmed: readonly ConfirmedVersion[]): ReadonlyMap<string, readonly number[]> {
  const steps = new Map<string, Set<number>>();
  for (const { block, step } of confirmed) steps.set(block, (steps.get(block) ?? new Set()).add(step));
  return new Map([...steps].map(([block, all]) => [block, [...all].sort((a, b) => b - a)]));
}
