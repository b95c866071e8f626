/** Most bytes of blocks that a tab keeps, in any case. */
const MOST_BYTES = 2 ** 30;
/** Share of the storage that is left which blocks may take. */
const SHARE = 0.5;
/** Where the browser does not say what is left. */
const USUAL_BYTES = 256 * 2 ** 20;

/** Most bytes of blocks on this device: half of what the browser still allows, and at most 1 GiB. */
export function blockQuota(storage: StorageEstimate | undefined): number {
  if (storage?.quota === undefined) return USUAL_BYTES;
  const left = Math.max(0, storage.quota - (storage.usage ?? 0));
  return Math.min(MOST_BYTES, Math.floor(SHARE * left));
}
