/** Where a trainer keeps its checkpoint. Implemented over the browser's private files or a disk by whoever hosts it. */
export interface CheckpointStore {
  /** The last checkpoint saved whole; undefined when there is none. */
  load(): Promise<Uint8Array | undefined>;
  /**
   * Stores a checkpoint durably: once it resolves, the checkpoint survives a crash, and a crash before leaves the last one.
   * `cursor` is the next round to train.
   */
  save(checkpoint: Uint8Array, cursor: number): Promise<void>;
}
