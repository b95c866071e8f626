/**
 * Where a trainer keeps its checkpoint. The host implements it over the browser's private files or a disk.
 */
export interface CheckpointStore {
  /** The last checkpoint that was saved whole. Undefined when there is none. */
  load(): Promise<Uint8Array | undefined>;
  /**
   * Stores a checkpoint durably. Once it resolves, the checkpoint survives a crash. A crash before that
   * leaves the last checkpoint. `cursor` is the next round to train.
   */
  save(checkpoint: Uint8Array, cursor: number): Promise<void>;
}
