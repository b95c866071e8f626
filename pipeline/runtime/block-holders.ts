/** Who has the versions of which blocks, and who is placed for them in the steps to come. */
import type { Handoff } from '../../protocol/handoff.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { HopGraph } from './hop-graph.ts';
import { type Keepers, StepPlan } from './step-plan.ts';

/** Steps after which nothing that a device said before it left can be on its way. */
const FORGOTTEN = 4;

export interface BlockHoldersOptions {
  readonly device: DeviceAddress;
  readonly step: number;
  /** Who is placed for the blocks in that step. */
  readonly keepers: Keepers;
  /** Who is placed in the step after it, as far as that is known. */
  readonly next?: Keepers;
  /** Blocks with which this device comes in during the step. */
  readonly joins?: readonly string[];
}

export class BlockHolders {
  readonly #holders = new Map<string, Set<DeviceAddress>>();
  /** Who handed the update of a block off, by step and block. */
  readonly #updaters = new Map<number, Map<string, Set<DeviceAddress>>>();
  /** The last step in which a device that gives a block up computes it, by block and device. */
  readonly #leaving = new Map<string, Map<DeviceAddress, number>>();

  constructor({ device, step, keepers, next = new Map(), joins = [] }: BlockHoldersOptions) {
    for (const known of [keepers, next])
      for (const [block, devices] of known) for (const each of devices) this.#add(each, block);
    for (const block of joins) this.#add(device, block);
    this.#updaters.set(step - 2, setsOf(keepers));
    if (next.size > 0) this.#updaters.set(step - 1, setsOf(next));
  }

  #add(device: DeviceAddress, block: string): void {
    this.#holders.set(block, (this.#holders.get(block) ?? new Set()).add(device));
  }

  /** A device has these blocks' versions. Blocks that the run does not have are ignored. */
  join(device: DeviceAddress, blocks: readonly string[]): void {
    for (const block of blocks) {
      if (!this.#holders.has(block)) continue;
      this.#leaving.get(block)?.delete(device);
      this.#add(device, block);
    }
  }

  /** A device computes these blocks up to that step, and not after it. */
  leave(device: DeviceAddress, blocks: readonly string[], step: number): void {
    for (const block of blocks) {
      if (this.#holders.get(block)?.has(device) !== true) continue;
      const leaving = this.#leaving.get(block) ?? new Map<DeviceAddress, number>();
      this.#leaving.set(block, leaving.set(device, step));
    }
  }

  /** A device that was there has come in again: for these blocks it counts as a new one. */
  comeAgain(device: DeviceAddress, blocks: readonly string[]): void {
    for (const block of blocks) {
      const holders = this.#holders.get(block);
      if (holders === undefined || holders.size < 2 || !holders.delete(device)) continue;
      for (const updaters of this.#updaters.values()) updaters.get(block)?.delete(device);
    }
  }

  /**
   * Takes devices out that computed a block for the last time. The only one that has it stays. Where all
   * leave, the one stays that leaves last, and of these the last one by address, whoever was heard first.
   */
  #takeOut(step: number): void {
    for (const [block, leaving] of this.#leaving) {
      for (const [device, last] of [...leaving].sort(inOrder)) {
        if (last < step - FORGOTTEN) leaving.delete(device);
        const holders = this.#holders.get(block);
        if (last >= step || holders === undefined || holders.size < 2 || !holders.delete(device)) continue;
        for (const updaters of this.#updaters.values()) updaters.get(block)?.delete(device);
      }
    }
  }

  blocksOf(device: DeviceAddress): string[] {
    return [...this.#holders].filter(([, devices]) => devices.has(device)).map(([block]) => block);
  }

  /** A device handed a hop off. An update gives it the block's version after the step. */
  handedOff(device: DeviceAddress, { step, hop }: Handoff, graph: HopGraph): void {
    if (!graph.isForEveryKeeper(hop)) return;
    const { block } = graph.node(hop);
    if (this.#leaving.get(block)?.has(device) === true) return;
    const blocks = this.#updaters.get(step) ?? new Map<string, Set<DeviceAddress>>();
    this.#updaters.set(step, blocks);
    blocks.set(block, (blocks.get(block) ?? new Set()).add(device));
    this.#add(device, block);
  }

  /** Who computed the updates of a step. */
  updaters(step: number): ReadonlyMap<string, ReadonlySet<DeviceAddress>> {
    return this.#updaters.get(step) ?? new Map<string, ReadonlySet<DeviceAddress>>();
  }

  /**
   * The plan of a step. Keepers are those whose updates of two steps before are known. By now everybody knows
   * the same ones, so that all have the same plan. Whoever came later, or was heard again, comes last.
   */
  plan(step: number, graph: HopGraph, isLate: (device: DeviceAddress) => boolean): StepPlan {
    const known = this.updaters(step - 2);
    const keepers = new Map(
      [...this.#holders].map(([block, devices]) => {
        const placed = known.get(block) ?? devices;
        return [block, [...(placed.size > 0 ? placed : devices)]] as const;
      }),
    );
    const plan = new StepPlan(step, graph, keepers);
    for (const [block, devices] of this.#holders)
      for (const device of devices) if (!isLate(device)) plan.join(device, [block]);
    return plan;
  }

  /**
   * A step begins. Devices that are late and did not compute the update of two steps before are not expected
   * to come back by themselves.
   */
  begin(step: number, isLate: (device: DeviceAddress) => boolean): void {
    this.#updaters.delete(step - 3);
    this.#takeOut(step);
    const updaters = this.updaters(step - 2);
    for (const [block, devices] of this.#holders)
      for (const device of devices)
        if (isLate(device) && updaters.get(block)?.has(device) === false) devices.delete(device);
  }
}

function setsOf(keepers: Keepers): Map<string, Set<DeviceAddress>> {
  return new Map([...keepers].map(([block, devices]) => [block, new Set(devices)]));
}

/** Earlier steps first, then lower addresses. */
function inOrder(
  [one, lastOfOne]: readonly [DeviceAddress, number],
  [other, lastOfOther]: readonly [DeviceAddress, number],
): number {
  return lastOfOne - lastOfOther || (one < other ? -1 : 1);
}
