import { join } from 'node:path';
import { readIfThere, writeWhole } from '../../node/home/files.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { PeerRollouts, RoundContext, RoundOutcome } from '../../protocol/trainer.ts';
import { ScriptedTrainer, type ScriptedTrainerOptions } from '../../swarm/testing/scripted-trainer.ts';

/** What is on the disk of the last stored round. */
interface Kept {
  readonly round: number;
  readonly root: Hex;
}

/** A scripted trainer that stores its checkpoint before it says that a round is trained, as real ones do. */
export class KeptTrainer extends ScriptedTrainer {
  readonly #file: string;
  readonly #onStored: (round: number, previousRoot: Hex, root: Hex) => void;

  private constructor(
    file: string,
    options: ScriptedTrainerOptions,
    onStored: (round: number, previousRoot: Hex, root: Hex) => void,
  ) {
    super(options);
    this.#file = file;
    this.#onStored = onStored;
  }

  /** Goes on from what is in `folder`. Throws SyntaxError for a damaged file. */
  static async open(
    folder: string,
    options: ScriptedTrainerOptions,
    onStored: (round: number, previousRoot: Hex, root: Hex) => void,
  ): Promise<KeptTrainer> {
    const file = join(folder, 'checkpoint.json');
    const trainer = new KeptTrainer(file, options, onStored);
    const bytes = await readIfThere(file);
    if (bytes !== undefined) trainer.root = (JSON.parse(new TextDecoder().decode(bytes)) as Kept).root;
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
    await writeWhole(this.#file, JSON.stringify({ round: context.round, root } satisfies Kept));
    this.#onStored(context.round, previousRoot, root);
    return outcome;
  }
}
