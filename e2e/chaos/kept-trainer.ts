import type { Hex } from '../../protocol/hex.ts';
import type { PeerRollouts, RoundContext, RoundOutcome } from '../../protocol/trainer.ts';
import { ScriptedTrainer, type ScriptedTrainerOptions } from '../../swarm/testing/scripted-trainer.ts';

/** Keeps the root of the last stored round where it outlives the member's process or tab. */
export interface KeptRoot {
  /** Undefined before the first round. */
  read(): Promise<Hex | undefined>;
  write(root: Hex): Promise<void>;
}

/** A scripted trainer that stores its checkpoint before it says that a round is trained, as real ones do. */
export class KeptTrainer extends ScriptedTrainer {
  readonly #kept: KeptRoot;
  readonly #onStored: (round: number, previousRoot: Hex, root: Hex) => void;

  private constructor(
    kept: KeptRoot,
    options: ScriptedTrainerOptions,
    onStored: (round: number, previousRoot: Hex, root: Hex) => void,
  ) {
    super(options);
    this.#kept = kept;
    this.#onStored = onStored;
  }

  /** Goes on from what is kept. Rejects with what reading rejects with. */
  static async open(
    kept: KeptRoot,
    options: ScriptedTrainerOptions,
    onStored: (round: number, previousRoot: Hex, root: Hex) => void,
  ): Promise<KeptTrainer> {
    const trainer = new KeptTrainer(kept, options, onStored);
    trainer.root = (await kept.read()) ?? trainer.root;
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
    await this.#kept.write(root);
    this.#onStored(context.round, previousRoot, root);
    return outcome;
  }
}
