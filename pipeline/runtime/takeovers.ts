/**
 * Gives hops to the devices that compute them, and to the next ones when a device is late, with the inputs
 * that are here and with what it alone had.
 */
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { InputRequests } from './input-requests.ts';
import type { PipelineMessage } from './messages.ts';
import type { OpenStep } from './open-step.ts';
import type { OtherDevices } from './other-devices.ts';

export interface TakeoversOptions {
  readonly device: DeviceAddress;
  readonly devices: OtherDevices;
  readonly requests: InputRequests;
  /** In milliseconds. */
  readonly now: () => number;
  readonly send: (to: DeviceAddress, message: PipelineMessage) => void;
}

/** Names of tensors, by the device that they go to. */
type Parcels = Map<DeviceAddress, Set<string>>;

export class Takeovers {
  readonly #options: TakeoversOptions;
  #step: OpenStep;
  #count = 0;

  constructor(step: OpenStep, options: TakeoversOptions) {
    this.#step = step;
    this.#options = options;
  }

  /** Hops that went to another keeper because the first one was late. */
  get count(): number {
    return this.#count;
  }

  /** Another step began. */
  begin(step: OpenStep): void {
    this.#step = step;
  }

  /** A hop's inputs are known: somebody computes it now. */
  assign(hop: number): void {
    const device = this.#step.responsible(hop);
    const node = this.#step.graph.node(hop);
    this.#step.asked.set(hop, device);
    if (device !== this.#options.device)
      this.#options.devices.runner(device).assign(node, this.#options.now());
    if (this.#step.graph.isForEveryKeeper(hop))
      for (const keeper of this.#step.plan.keepers(node.block))
        if (keeper !== this.#options.device && keeper !== device)
          this.#options.devices.runner(keeper).owe(node);
    if (this.#step.isMine(hop)) this.#step.work.add(hop, this.#options.now() + this.#step.grace(hop));
  }

  /**
   * Everything that the device was to compute goes to the next keeper, with the inputs that are here. So does
   * what it computed and alone had.
   */
  takeFrom(device: DeviceAddress): void {
    const { graph } = this.#step;
    const undone = graph.nodes.filter(({ index }) => !this.#step.book.isDone(index));
    const placeOf = (hop: number) => this.#step.placeOf(hop);
    const moved = undone.filter(({ index }) => placeOf(index) === device).map(({ index }) => index);
    this.#options.devices.setLate(device, this.#options.now());
    const lost = this.#step.lostHops(undone);
    this.#pingOthers();
    const parcels: Parcels = new Map();
    for (const hop of moved) this.#move(hop, device, parcels);
    for (const [hop, readers] of lost) {
      const next = this.#step.responsible(hop);
      for (const name of graph.node(hop).outputs) this.#step.copies.get(name)?.add(next);
      if (next !== this.#options.device) this.#pack(hop, next, parcels);
      else for (const reader of readers) this.#options.requests.computeAgain(hop, placeOf(reader));
    }
    for (const [to, names] of parcels) this.#sendTensors(to, names);
    this.#options.requests.giveUp(device);
  }

  /** A device does not compute these blocks in the step: what was to be computed goes to the next keepers. */
  passOn(device: DeviceAddress, blocks: readonly string[]): void {
    const { graph, book, plan } = this.#step;
    const moved = graph.nodes
      .filter(({ index, block }) => blocks.includes(block) && !book.isDone(index))
      .map(({ index }) => index)
      .filter((hop) => this.#step.placeOf(hop) === device);
    plan.leave(device, blocks);
    const parcels: Parcels = new Map();
    for (const hop of moved) this.#move(hop, device, parcels);
    for (const [to, names] of parcels) this.#sendTensors(to, names);
  }

  /** Gives a hop that was a device's to the next keeper, with the inputs that are here. */
  #move(hop: number, from: DeviceAddress, parcels: Parcels): void {
    const isAsked = this.#step.asked.has(hop);
    if (isAsked) {
      this.#options.devices.runner(from).release(hop);
      this.assign(hop);
      this.#count++;
    }
    const next = this.#step.placeOf(hop);
    if (next === this.#options.device) return;
    this.#pack(hop, next, parcels);
    if (!isAsked) return;
    this.#options.devices.runner(next).probe(this.#options.now());
    this.#options.requests.ask(next, hop);
  }

  #pack(hop: number, to: DeviceAddress, parcels: Parcels): void {
    const parcel = parcels.get(to) ?? new Set();
    for (const name of this.#step.toSend(hop)) parcel.add(name);
    parcels.set(to, parcel);
  }

  /** Where one device is silent others may be, too. */
  #pingOthers(): void {
    for (const device of this.#step.plan.members) {
      const runner = this.#options.devices.runner(device);
      if (
        device === this.#options.device ||
        this.#options.devices.isLate(device) ||
        !runner.isSilent(this.#options.now())
      )
        continue;
      runner.probe(this.#options.now());
      this.#options.send(device, { kind: 'ping', step: this.#step.plan.step });
    }
  }

  #sendTensors(to: DeviceAddress, names: ReadonlySet<string>): void {
    const byHop = new Map<number, string[]>();
    for (const name of names) {
      const hop = this.#step.graph.producerOf(name);
      if (hop !== undefined) byHop.set(hop, [...(byHop.get(hop) ?? []), name]);
    }
    for (const [hop, tensors] of byHop) this.#options.requests.sendHandoff(to, hop, tensors);
  }
}
