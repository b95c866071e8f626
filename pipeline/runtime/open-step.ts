/**
 * A step in progress as one member sees it: the plan, what is done, what the member has to compute, and who
 * is asked for what. Tells where hops and tensors belong while devices are late.
 */
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { HopGraph } from './hop-graph.ts';
import type { OtherDevices } from './other-devices.ts';
import { StepBook } from './step-book.ts';
import type { StepPlan } from './step-plan.ts';
import { StepWork } from './step-work.ts';

export interface OpenStepOptions {
  readonly device: DeviceAddress;
  readonly plan: StepPlan;
  readonly devices: OtherDevices;
  /** Roots of the step's data and of the blocks' tensors before it, by tensor. */
  readonly data: ReadonlyMap<string, Hex>;
  readonly state: ReadonlyMap<string, Hex>;
  readonly slots: number;
  /** In milliseconds. */
  readonly roundTrip: (device: DeviceAddress) => number;
}

export class OpenStep {
  readonly plan: StepPlan;
  readonly graph: HopGraph;
  readonly book: StepBook;
  readonly work: StepWork;
  /** Hops that can be computed and are not done, and who is to compute them. */
  readonly asked = new Map<number, DeviceAddress>();
  /** Hops that this device could not compute. */
  readonly failed = new Set<number>();
  /** Devices that have a tensor or were sent it, as far as this one knows. */
  readonly copies = new Map<string, Set<DeviceAddress>>();
  readonly #me: DeviceAddress;
  readonly #devices: OtherDevices;
  readonly #roundTrip: (device: DeviceAddress) => number;

  constructor({ device, plan, devices, data, state, slots, roundTrip }: OpenStepOptions) {
    this.#me = device;
    this.#devices = devices;
    this.#roundTrip = roundTrip;
    this.plan = plan;
    this.graph = plan.graph;
    this.book = new StepBook({ graph: plan.graph, data, state });
    this.work = new StepWork({
      graph: plan.graph,
      slots,
      isPlaced: (hop) => plan.order(hop)[0] === device,
    });
  }

  /** Who computes a hop, or will when it can be computed. */
  placeOf(hop: number): DeviceAddress {
    return this.asked.get(hop) ?? this.responsible(hop);
  }

  /** The first of a hop's keepers that is not late; where all are, the one that was late longest ago. */
  responsible(hop: number): DeviceAddress {
    const order = this.plan
      .order(hop)
      .filter((device) => device !== this.#me || !this.failed.has(hop) || this.plan.order(hop).length === 1);
    return order.reduce((best, device) =>
      this.#devices.lateSince(device) < this.#devices.lateSince(best) ? device : best,
    );
  }

  isMine(hop: number): boolean {
    const { block } = this.graph.node(hop);
    const isOwn = this.graph.isForEveryKeeper(hop) && this.plan.isKeeper(block, this.#me);
    return isOwn || this.asked.get(hop) === this.#me;
  }

  /** Whoever gave the inputs may have sent them on without being asked. */
  grace(hop: number): number {
    return Math.max(
      0,
      ...this.graph.before(hop).map((from) => {
        const device = this.book.accepted(from)?.device;
        return device === undefined || device === this.#me ? 0 : this.#roundTrip(device);
      }),
    );
  }

  /** Hops whose outputs only late devices have, with the hops that wait for these outputs. */
  lostHops(undone: readonly { readonly index: number }[]): ReadonlyMap<number, readonly number[]> {
    const { graph } = this;
    const lost = new Map<number, number[]>();
    for (const { index } of undone)
      for (const name of graph.travelling(index)) {
        const producer = graph.producerOf(name);
        if (producer === undefined || !this.book.isDone(producer) || this.book.held(name) !== undefined)
          continue;
        const copies = [...(this.copies.get(name) ?? [])];
        if (copies.every((device) => this.#devices.isLate(device)))
          lost.set(producer, [...(lost.get(producer) ?? []), index]);
      }
    return lost;
  }

  /** Inputs of a hop that this device gave, or has from one that is late. */
  toSend(hop: number): string[] {
    return this.graph.travelling(hop).filter((name) => {
      const producer = this.graph.producerOf(name);
      const signer = producer === undefined ? undefined : this.book.accepted(producer)?.device;
      if (signer === undefined || this.book.held(name) === undefined) return false;
      return signer === this.#me || this.#devices.isLate(signer);
    });
  }

  /**
   * Nobody needs the bytes any more: what reads them is handed off, and what reads that. Until then the
   * outputs of the first may be at one device only.
   */
  dropConfirmed(tensor: string): void {
    if (!this.isNeeded(tensor, (hop) => this.work.has(hop))) this.book.drop(tensor);
  }

  /** Whether whoever gave the tensor has to keep it. `isOpenHere` may say so of further hops. */
  isNeeded(tensor: string, isOpenHere: (hop: number) => boolean = () => false): boolean {
    const { graph, book } = this;
    const isOpen = (hop: number) => !book.isDone(hop) || graph.isForEveryKeeper(hop) || isOpenHere(hop);
    return graph.readersOf(tensor).some((hop) => isOpen(hop) || graph.after(hop).some(isOpen));
  }

  isWanted(hop: number, tensor: string): boolean {
    const { graph } = this;
    if ([...(this.work.askers.get(hop)?.values() ?? [])].some((names) => names.includes(tensor))) return true;
    const readers = graph.readersOf(tensor);
    return readers.some(
      (reader) => !this.book.isDone(reader) || graph.isForEveryKeeper(reader) || this.work.has(reader),
    );
  }

  /** The outputs of a hop that a device reads: for hops that are its own, and for those of every keeper. */
  neededAt(device: DeviceAddress, hop: number): string[] {
    const { graph } = this;
    const reads = (reader: number) => {
      if (graph.isForEveryKeeper(reader) && this.plan.isKeeper(graph.node(reader).block, device)) return true;
      return !this.book.isDone(reader) && this.placeOf(reader) === device;
    };
    return graph.node(hop).outputs.filter((name) => graph.readersOf(name).some(reads));
  }

  /** The devices that get a tensor because they compute what reads it. */
  receiversOf(tensor: string): Set<DeviceAddress> {
    const { graph } = this;
    return new Set(
      graph
        .readersOf(tensor)
        .flatMap((hop) =>
          graph.isForEveryKeeper(hop) ? this.plan.keepers(graph.node(hop).block) : [this.placeOf(hop)],
        ),
    );
  }

  parcel(tensors: readonly string[]): { name: string; bytes: Uint8Array }[] {
    return tensors.flatMap((name) => {
      const bytes = this.book.held(name);
      return bytes === undefined ? [] : [{ name, bytes }];
    });
  }

  isOverHere(): boolean {
    if (!this.book.isComplete) return false;
    return this.graph.nodes.every(
      ({ index, block }) =>
        !this.graph.isForEveryKeeper(index) ||
        !this.plan.isKeeper(block, this.#me) ||
        this.work.computed.has(index) ||
        this.failed.has(index),
    );
  }
}
