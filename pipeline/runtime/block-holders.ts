/** Who has the versions of which blocks, and who is placed for them in the steps to come. */
import type { Handoff } from '../../protocol/handoff.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { HopGraph } from './hop-graph.ts';
import { type Keepers, StepPlan } from './step-plan.ts';

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
    for (const block of blocks) if (this.#holders.has(block)) this.#add(device, block);
  }

  /** A device is gone with all that it had. */
  remove(device: DeviceAddress): void {
    for (const devices of this.#holders.values()) devices.delete(device);
  }

  blocksOf(device: DeviceAddress): string[] {
    return [...this.#holders].filter(([, devices]) => devices.has(device)).map(([block]) => block);
  }

  /** A device handed a hop off. An update gives it the block's version after the step. */
  handedOff(device: DeviceAddress, { step, hop }: Handoff, graph: HopGraph): void {
    if (!graph.isForEveryKeeper(hop)) return;
    const { block } = graph.node(hop);
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
      [...this.#holders].map(([block, devices]) => [block, [...(known.get(block) ?? devices)]] as const),
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
    const updaters = this.updaters(step - 2);
    for (const [block, devices] of this.#holders)
      for (const device of devices)
        if (isLate(device) && updaters.get(block)?.has(device) === false) devices.delete(device);
  }
}

function setsOf(keepers: Keepers): Map<string, Set<DeviceAddress>> {
  return new Map([...keepers].map(([block, devices]) => [block, new Set(devices)]));
}
