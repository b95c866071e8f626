/**
 * Which blocks a device takes in and gives up while it computes, as others come and go. Whoever has given a
 * block up has it for two steps more. A device that took in at once all that it is to keep could hold the
 * whole model meanwhile. So it holds no more than its storage has room for, and one block besides, which is
 * on the move. Of two full devices with each other's blocks one takes the first block in with that place, the
 * other one gives it up then, and so on.
 */
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { BlockStore } from '../blocks/block-store.ts';
import type { BlockKeepers } from '../blocks/candidates.ts';
import { type BlockRoom, roomFor } from '../blocks/needed-versions.ts';
import type { HeldBlocks } from './held-blocks.ts';
import { ReleasedBlocks } from './released-blocks.ts';
import type { VersionRequests } from './version-requests.ts';

/** What this device computes, as far as blocks move with it. */
export interface Computing {
  readonly member: {
    readonly step: number;
    readonly plan: {
      readonly members: ReadonlySet<DeviceAddress>;
      keepers(block: string): readonly DeviceAddress[];
    };
    updatersOf(block: string): ReadonlySet<DeviceAddress>;
    canKeep(block: string): boolean;
    isAwaited(block: string): boolean;
  };
  keep(blocks: readonly string[]): void;
  release(blocks: readonly string[]): void;
}

export interface BlockMovesOptions {
  readonly device: DeviceAddress;
  /** The plan's blocks, with the most bytes that a file of one version may have. */
  readonly blocks: readonly (BlockRoom & { readonly id: string })[];
  readonly store: Pick<BlockStore, 'read'>;
  /** Bytes of storage, which memory is reckoned by. */
  readonly quotaBytes: number;
  /** Who is to keep which block. */
  readonly placement: () => ReadonlyMap<string, BlockKeepers>;
  readonly held: Pick<HeldBlocks, 'ids' | 'loading' | 'prepared' | 'stepOf' | 'drop'>;
  readonly requests: Pick<VersionRequests, 'ask'>;
  /** Computes the hops of one more block, whose file this is. */
  readonly keep: (block: string, step: number, file: Uint8Array) => Promise<void>;
}

/** A step of which nobody handed a hop off for so long, in ms, may wait for a block that nobody keeps. */
const STILL_MS = 15_000;
/** Steps without any move after which a device that lacks a block holds one more than before. */
const PATIENCE = 4;

export class BlockMoves {
  readonly #options: BlockMovesOptions;
  readonly #needs: ReadonlyMap<string, number>;
  readonly #largest: number;
  readonly #released = new ReleasedBlocks();
  /** What was held when a step began, and since which step that has been so. */
  #seen: { readonly held: string; readonly since: number } | undefined;
  #stepsStill = 0;
  /** For how long nobody has handed a hop off, in milliseconds. */
  #stillMs = 0;

  constructor(options: BlockMovesOptions) {
    this.#options = options;
    this.#needs = new Map(options.blocks.map((block) => [block.id, roomFor(block)]));
    this.#largest = Math.max(0, ...this.#needs.values());
  }

  /** Whether one more block may be held. One that the step stands still for may, whatever is held. */
  hasRoom(live: Computing, block: string): boolean {
    return this.#standsStillFor(live, block) || this.fits(block, []);
  }

  /** Whether a block fits in beside what is held and these. */
  fits(block: string, others: readonly string[]): boolean {
    const { ids, loading, prepared } = this.#options.held;
    return this.#bytesOf(new Set([...ids, ...loading, ...prepared, ...others, block])) <= this.#mostBytes();
  }

  #standsStillFor({ member }: Computing, block: string): boolean {
    return this.#stillMs >= STILL_MS && member.canKeep(block) && member.isAwaited(block);
  }

  /** A step begins: gives back what was given up before, and gives up what others keep. */
  begin(live: Computing, step: number): void {
    const { device, held } = this.#options;
    const dropped = this.#released.begin(step, (block) => live.member.plan.keepers(block).includes(device));
    for (const block of dropped) held.drop(block).catch(() => undefined);
    this.#stillMs = 0;
    const places = this.#options.placement();
    const missing = this.#missing(live, places);
    this.#countStill(step, missing.length > 0);
    this.#giveUp(live, places, missing);
  }

  /**
   * Does the next thing in a step. Called once a second, with the milliseconds for which nobody has handed a
   * hop off.
   */
  async advance(live: Computing, stillMs: number): Promise<void> {
    this.#stillMs = stillMs;
    const back = this.#released.takeBack(live.member.step, (block) => this.#standsStillFor(live, block));
    if (back.length > 0) live.keep(back);
    await this.#takeIn(live);
  }

  /** What this device holds is given back at once, or was lost. */
  clear(): void {
    this.#released.clear();
    this.#seen = undefined;
    this.#stepsStill = 0;
  }

  /**
   * Gives up blocks that this device is not to keep, where all that are to keep them compute them. For each
   * block that it is to keep and has no room for, it gives one up that one of them computes: to give up more
   * would leave more blocks with one copy than need be.
   */
  #giveUp(live: Computing, places: ReadonlyMap<string, BlockKeepers>, missing: readonly string[]): void {
    const { device, held } = this.#options;
    const unfit = missing.filter((block) => !this.hasRoom(live, block));
    let needed = unfit.length - this.#released.count;
    for (const block of held.ids) {
      const keepers = places.get(block)?.keepers ?? [];
      if (keepers.length === 0 || keepers.includes(device) || this.#released.has(block)) continue;
      const updaters = live.member.updatersOf(block);
      const computing = keepers.filter((each) => updaters.has(each)).length;
      if (computing < (needed > 0 ? 1 : keepers.length)) continue;
      needed--;
      this.#released.add(block, live.member.step);
      live.release([block]);
    }
  }

  /** Takes in blocks that this device is to keep and does not compute yet, as when another one has left. */
  async #takeIn(live: Computing): Promise<void> {
    const { store, requests, keep, placement, held, device } = this.#options;
    const { plan, step } = live.member;
    const coming: string[] = [];
    const mine = [...placement()]
      .filter(([, { keepers }]) => keepers.includes(device))
      .map(([block]) => block);
    for (const block of held.prepared) if (!mine.includes(block)) await held.drop(block);
    for (const block of this.#missing(live, placement())) {
      if (!this.#standsStillFor(live, block) && !this.fits(block, coming)) return;
      coming.push(block);
      const file = await store.read({ block, step });
      if (file !== undefined) await keep(block, step, file);
      else requests.ask(block, step, new Map([[block, plan.keepers(block)]]), plan.members);
    }
  }

  /**
   * Blocks that this device is to keep and does not hold. Those that the step stands still for come first,
   * then those that the fewest devices compute, and among them those that another device can give up then.
   */
  #missing(live: Computing, places: ReadonlyMap<string, BlockKeepers>): readonly string[] {
    const { device, held } = this.#options;
    const missing = [...places].flatMap(([block, { keepers }]) => {
      if (!keepers.includes(device) || held.stepOf(block) !== undefined) return [];
      const updaters = live.member.updatersOf(block);
      const isGivenUp = [...updaters].some((each) => !keepers.includes(each));
      const order = 2 * updaters.size + (isGivenUp ? 0 : 1);
      return [{ block, order: this.#standsStillFor(live, block) ? -1 : order }];
    });
    return missing.sort((a, b) => a.order - b.order).map(({ block }) => block);
  }

  /** Counts the steps in which nothing moved although this device lacks a block. */
  #countStill(step: number, lacksBlock: boolean): void {
    const held = [...this.#options.held.ids].sort().join(' ');
    if (!lacksBlock || this.#seen?.held !== held) this.#seen = { held, since: step };
    this.#stepsStill = step - this.#seen.since;
  }

  #mostBytes(): number {
    const besides = 1 + Math.floor(this.#stepsStill / PATIENCE);
    return this.#options.quotaBytes + besides * this.#largest;
  }

  /** Throws RangeError for a block that the plan does not have. */
  #bytesOf(blocks: Iterable<string>): number {
    let sum = 0;
    for (const block of blocks) {
      const need = this.#needs.get(block);
      if (need === undefined) throw new RangeError(`The plan has no block ${block}.`);
      sum += need;
    }
    return sum;
  }
}
