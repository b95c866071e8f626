/**
 * How a run in blocks begins while nobody computes it: devices take blocks as the run starts with them, or
 * take it up where all of them were left, until every block has a keeper.
 */
import type { Keepers } from '../../pipeline/runtime/step-plan.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { BlockKeeper, BlockKeeperOptions } from '../blocks/block-keeper.ts';
import type { Scheduler } from '../scheduler.ts';
import type { HeldBlocks } from './held-blocks.ts';
import type { Roots, RunState, RunStates } from './run-states.ts';

export interface GatheringOptions {
  readonly device: DeviceAddress;
  /** Roots of all blocks' tensors before the first step. */
  readonly first: Roots;
  readonly keeping: Pick<BlockKeeperOptions, 'blocks' | 'members' | 'store'>;
  readonly keeper: Pick<BlockKeeper, 'placement' | 'holdersOf'>;
  readonly states: RunStates;
  readonly held: HeldBlocks;
  readonly scheduler: Scheduler;
  /** Whether this device may hold a block beside what it holds and these. */
  readonly fits: (block: string, others: readonly string[]) => boolean;
  /** Asks a device whether it computes the run. */
  readonly hello: (device: DeviceAddress) => void;
  /** Whether a device has answered that it computes. Then there is nothing to begin. */
  readonly isAnswered: () => boolean;
}

/** A step that this device may begin to compute, and who has the blocks before it. */
export interface Beginning {
  readonly state: RunState;
  readonly keepers: Keepers;
  /** Those that this device has. */
  readonly blocks: readonly string[];
}

/** A hello of a member may take 10 s. Who begins to compute alone sooner would not know of it. */
const GATHER_MS = 12_000;
/** For so long a device waits for others that have the blocks of the last step, before it begins anew. */
const RETURN_MS = 600_000;
/** Hellos that nobody answers before the device takes it that nobody computes. */
const ASKED = 3;

export class Gathering {
  readonly #options: GatheringOptions;
  #since: number;
  #hellos = 0;
  #problem: string | undefined;

  constructor(options: GatheringOptions) {
    this.#options = options;
    this.#since = options.scheduler.now();
  }

  /** Which blocks nobody has that is here, in words. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Begins anew: this device has left those that compute. */
  restart(): void {
    this.#since = this.#options.scheduler.now();
    this.#hellos = 0;
    this.#problem = undefined;
  }

  /** The blocks that this device is to keep. */
  mine(): readonly string[] {
    return [...this.#options.keeper.placement()]
      .filter(([, { keepers }]) => keepers.includes(this.#options.device))
      .map(([block]) => block);
  }

  /** Does the next thing. Called once a second. Resolves with a step once this device may begin it. */
  async advance(): Promise<Beginning | undefined> {
    const { keeping, scheduler, states, hello, isAnswered } = this.#options;
    const others = keeping.members();
    for (const { device } of others) hello(device);
    if (others.length > 0 && this.#hellos++ < ASKED) return undefined;
    const waited = scheduler.now() - this.#since;
    if (states.step === 0) await this.#beginBlocks();
    // Others that came at the same time have not been heard yet.
    if (isAnswered() || waited < GATHER_MS) return undefined;
    for (const state of states.written) {
      const keepers = this.#holders(state.step);
      if (this.#missing(keepers).length > 0) continue;
      const blocks = await this.#load(state);
      if (blocks.length > 0 && !isAnswered()) return { state, keepers, blocks };
    }
    this.#look();
    if (this.#problem !== undefined && waited > RETURN_MS) states.forget();
    return undefined;
  }

  /** Notes which blocks of the last step are nowhere. At the first step any device can take them. */
  #look(): void {
    const { step } = this.#options.states;
    const missing = step === 0 ? [] : this.#missing(this.#holders(step));
    this.#problem =
      missing.length === 0
        ? undefined
        : `Nobody that is here has ${missing.join(', ')} after step ${step}. ` +
          'Training goes on when a device that has it comes back.';
  }

  #missing(keepers: Keepers): readonly string[] {
    const ids = this.#options.keeping.blocks.map(({ id }) => id);
    return ids.filter((id) => (keepers.get(id) ?? []).length === 0);
  }

  /**
   * Takes this device's blocks as the run starts with them, those first that nobody has. Other devices count
   * on the blocks of this device's medium. `#load` loads these, too, so they take room here.
   */
  async #beginBlocks(): Promise<void> {
    const { keeping, held, first, fits } = this.#options;
    const mine = this.mine();
    const isOnMedium = (block: string) => keeping.store.get({ block, step: 0 }) !== undefined;
    const onMedium = keeping.blocks.map(({ id }) => id).filter(isOnMedium);
    for (const block of [...held.ids, ...held.prepared])
      if (!mine.includes(block) && !isOnMedium(block)) await held.drop(block);
    const holders = this.#holders(0);
    const isHeld = (block: string) => (holders.get(block) ?? []).length > 0;
    for (const block of [...mine].sort((a, b) => Number(isHeld(a)) - Number(isHeld(b)))) {
      if (held.stepOf(block) === undefined && fits(block, onMedium)) await held.begin(block, first);
      if (held.stepOf(block) === 0 && !isOnMedium(block)) await held.write(block, 0);
    }
  }

  /** Loads what this device's medium has of a state. Resolves with the blocks that are here then. */
  async #load({ step, state }: RunState): Promise<readonly string[]> {
    const { keeping, held, isAnswered } = this.#options;
    for (const { id: block } of keeping.blocks) {
      if (held.stepOf(block) === step) continue;
      const file = await keeping.store.read({ block, step });
      if (file !== undefined) await held.take({ block, step }, file, state, () => !isAnswered());
    }
    return held.ids.filter((block) => held.stepOf(block) === step);
  }

  /** Who says that it holds the blocks of a step that was written. */
  #holders(step: number): Keepers {
    const { keeping, keeper, states, held, device } = this.#options;
    const keepers = new Map<string, DeviceAddress[]>();
    for (const version of states.confirmed.filter((each) => each.step === step)) {
      const isHere = held.stepOf(version.block) === step || keeping.store.get(version)?.root === version.root;
      keepers.set(version.block, [...(isHere ? [device] : []), ...keeper.holdersOf(version)]);
    }
    return keepers;
  }
}
