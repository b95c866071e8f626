import type { ArchiveFolder } from '../archive/archive-folder.ts';
import type { WantedState } from '../archive/state-requests.ts';

/** Time between two looks, in ms. */
const LOOK_MS = 1_000;
/** Looks until the request is taken back: two minutes. */
const LOOKS = 120;

/**
 * Asks whoever runs the archive for a checkpoint, and waits for it. Resolves with whether it is there: an
 * archive without a running network answers nothing, and members may no longer keep it. The request is gone
 * afterwards.
 */
export async function askForState(options: {
  readonly archive: ArchiveFolder;
  readonly wanted: WantedState;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}): Promise<boolean> {
  const { archive, wanted, sleep, signal } = options;
  const { device, round } = wanted;
  const record = await archive.record(device, round);
  if (record === undefined) return false;
  await archive.wanted.add(wanted);
  try {
    for (let looks = 0; looks < LOOKS; looks++) {
      if (await archive.content.isHere(record.checkpoint)) return true;
      // The archive has tried, and given it up.
      if (!(await archive.wanted.has(wanted))) return archive.content.isHere(record.checkpoint);
      await sleep(LOOK_MS, signal);
    }
    return false;
  } finally {
    await archive.wanted.remove(wanted);
  }
}
