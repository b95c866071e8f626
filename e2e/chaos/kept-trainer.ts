import type { Hex } from '../../protocol/hex.ts';
import type { PeerRollouts, RoundContext, RoundOutcome } from '../../protocol/trainer.ts';
import { ScriptedTrainer, type ScriptedTrainerOptions } from '../../swarm/testing/scripted-trainer.ts';

/** A round whose checkpoint is stored. */
export interface StoredRound {
  readonly round: number;
  readonly previousRoot: Hex;
  readonly root: Hex;
}

/** Keeps the last stored round where it outlives the member's process or tab. */
export interface KeptRound {
  /** Undefined before the first round. */
  read(): Promise<StoredRound | undefined>;
  write(stored: StoredRound): Promise<void>;
}

/**
 * A scripted trainer that stores its checkpoint before it says that a round is trained, as real ones do. It
 * tells of what it stored, and once more when it begins again: what it told just before it was killed may not
 * have arrived.
 */
export class KeptTrainer extends ScriptedTrainer {
  readonly #kept: KeptRound;
  readonly #onStored: (stored: StoredRound) => void;

  private constructor(
    kept: KeptRound,
    options: ScriptedTrainerOptions,
    onStored: (stored: StoredRound) => void,
  ) {
    super(options);
    this.#kept = kept;
    this.#onStored = onStored;
  }

  /** Goes on from what is kept. Rejects with what reading rejects with. */
  static async open(
    kept: KeptRound,
    options: ScriptedTrainerOptions,
    onStored: (stored: StoredRound) => void,
  ): Promise<KeptTrainer> {
    const trainer = new KeptTrainer(kept, options, onStored);
    const last = await kept.read();
    if (last !== undefined) {
      trainer.root = last.root;
      onStored(last);
    }
    return trainer;
  }

  override async train(
    context: RoundContext,
    own: PeerRollouts,
    foreign: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<RoundOutcome> {
    const outcome = await super.train(context, own, foreign, signal);
    const { previousRoot, checkpointRoot: root } = outcome;
    const stored: StoredRound = { round: context.round, previousRoot, root };
    await this.#kept.write(stored);
    this.#onStored(stored);
    return outcome;
  }
}
