/** How much of the browser's storage a swarm's files may take on this device. Pure. */

/** Most bytes in any case. */
const MOST_BYTES = 2 ** 30;
/** Share of the storage that is left. */
const SHARE = 0.5;
/** Where the browser does not say what is left. */
const USUAL_BYTES = 256 * 2 ** 20;

/** Most bytes of blocks on this device: half of what the browser still allows, and at most 1 GiB. */
export function blockQuota(storage: StorageEstimate | undefined): number {
  return quotaOf(storage, 0);
}

/**
 * Most bytes of checkpoints that are kept for others: half of what the browser would allow without those that
 * are there, of `kept` bytes, and at most 1 GiB.
 */
export function checkpointQuota(storage: StorageEstimate | undefined, kept: number): number {
  return quotaOf(storage, kept);
}

function quotaOf(storage: StorageEstimate | undefined, held: number): number {
  if (storage?.quota === undefined) return USUAL_BYTES;
  const left = Math.max(0, storage.quota - (storage.usage ?? 0));
  return Math.min(MOST_BYTES, Math.floor(SHARE * (left + held)));
}
