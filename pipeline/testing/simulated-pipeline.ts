/**
 * Members of a pipeline on a simulated clock and network. Messages between two devices keep their order. A
 * device can be killed between any two messages, and another can come in.
 */
import { type Handoff, slotRootsRoot } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { toHex } from '../../protocol/hex.ts';
import type { DrawSequence } from '../../protocol/philox.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { EventQueue } from '../event-queue.ts';
import type { HandoffRules } from '../runtime/handoffs.ts';
import type { HopGraph } from '../runtime/hop-graph.ts';
import type { ComputedTensor, MemberAction, MemberEvent, MemberOptions } from '../runtime/member-events.ts';
import type { PipelineMessage } from '../runtime/messages.ts';
import { PipelineMember } from '../runtime/pipeline-member.ts';
import { byRank, type Keepers, keepersOf, leftBy } from '../runtime/step-plan.ts';
import { hashedData, hashedHop, hashedRoot, hashedState, versionIn } from './hashed-blocks.ts';

type Tensors = ReadonlyMap<string, Uint8Array>;

/** A device that keeps some blocks. */
interface Device {
  readonly member: PipelineMember;
  /** Versions by block and step. */
  readonly versions: Map<string, Tensors>;
  isAlive: boolean;
  /** The time for which its next tick is scheduled. */
  wakeAt: number;
  /** How far its computations reach, because it has one processor. */
  busyUntil: number;
  /** What it computes. A device that comes in again does not get what it began before. */
  readonly computing: Set<ReadonlyMap<string, ComputedTensor>>;
}

type SimulatedEvent =
  | { readonly kind: 'member'; readonly device: DeviceAddress; readonly event: MemberEvent }
  | { readonly kind: 'wake'; readonly device: DeviceAddress; readonly at: number };

export interface SimulatedPipelineOptions {
  readonly graphOf: (step: number) => HopGraph;
  readonly steps: number;
  readonly keepers: Keepers;
  readonly draws: DrawSequence;
  /** One way, in milliseconds; up to a fifth more is drawn for each message. Defaults to 25. */
  readonly latency?: number;
  /** How long a hop takes, in milliseconds. Defaults to 2. */
  readonly work?: (kind: string) => number;
  /** Called before each message that a device sends, with the number of messages sent so far. */
  readonly beforeMessage?: (sent: number, from: DeviceAddress, pipeline: SimulatedPipeline) => void;
  /** May change a message on its way, or leave it out. */
  readonly carry?: (
    message: PipelineMessage,
    from: DeviceAddress,
    to: DeviceAddress,
  ) => PipelineMessage | undefined;
  /** A message that a device answers before its member sees it. */
  readonly answer?: (message: PipelineMessage, to: DeviceAddress) => PipelineMessage | undefined;
  /** What a device computes. Defaults to the truth. */
  readonly compute?: (
    device: DeviceAddress,
    hop: number,
    outputs: Map<string, ComputedTensor>,
  ) => Map<string, ComputedTensor>;
}

const RUN: Hex = `0x${'52'.repeat(32)}`;

/** A signature that only stands for one: a hash of the statement with the device's address. */
export function simulatedSignature(handoff: Omit<Handoff, 'signature'>): Hex {
  const { run, step, hop, version, inputs, outputs, device } = handoff;
  const text = [run, step, hop, version, inputs, slotRootsRoot(outputs), device].join(' ');
  return `${toHex(sha256Of(new TextEncoder().encode(text)))}${'00'.repeat(33)}`;
}

export const simulatedRules: HandoffRules = {
  run: RUN,
  versionRoot: (block, step, roots) =>
    toHex(sha256Of(new TextEncoder().encode([block, step, ...roots.values()].join(' ')))),
  isSigned: (handoff) => handoff.signature === simulatedSignature(handoff),
  rootOf: hashedRoot,
};

export function simulatedAddress(index: number): DeviceAddress {
  return `0x${(index + 1).toString(16).padStart(2, '0').repeat(20)}`;
}

/** `copies` keepers for each block among so many devices, by rendezvous hashing. */
export function simulatedKeepers(graph: HopGraph, devices: number, copies = 3): Keepers {
  const all = Array.from({ length: devices }, (_, index) => simulatedAddress(index));
  return new Map([...graph.state.keys()].map((block) => [block, byRank(block, all).slice(0, copies)]));
}

export class SimulatedPipeline {
  readonly devices = new Map<DeviceAddress, Device>();
  /** When each device had finished each step, in milliseconds. */
  readonly finishedAt: Map<DeviceAddress, number>[] = [];
  /** Roots of all blocks' tensors after the last step, as each device has them. */
  readonly finalState = new Map<DeviceAddress, ReadonlyMap<string, Hex>>();
  readonly #options: SimulatedPipelineOptions;
  readonly #events = new EventQueue<SimulatedEvent>();
  readonly #linkFree = new Map<string, number>();
  #now = 0;
  #sent = 0;

  constructor(options: SimulatedPipelineOptions) {
    this.#options = options;
    const devices = new Set([...options.keepers.values()].flat());
    const graph = options.graphOf(0);
    for (const device of devices) {
      const own = [...options.keepers].filter(([, kept]) => kept.includes(device)).map(([block]) => block);
      const versions = new Map(own.map((block) => [`${block} 0`, hashedState(graph, block)]));
      this.#add(device, versions, { step: 0, state: firstRoots(graph), keepers: options.keepers });
    }
  }

  get now(): number {
    return this.#now;
  }

  /** Messages sent so far. */
  get sent(): number {
    return this.#sent;
  }

  get alive(): DeviceAddress[] {
    return [...this.devices].filter(([, { isAlive }]) => isAlive).map(([device]) => device);
  }

  /** Those that are in the latest step of all. */
  get prompt(): DeviceAddress[] {
    const step = Math.max(...this.alive.map((device) => this.#device(device).member.step));
    return this.alive.filter((device) => this.#device(device).member.step === step);
  }

  /** The device sends and does nothing more, and nobody is told. */
  kill(device: DeviceAddress): void {
    this.#device(device).isAlive = false;
  }

  /** The blocks that a device has of the step that it is in. */
  blocksOf(device: DeviceAddress): string[] {
    const { member, versions } = this.#device(device);
    return [...this.#options.keepers.keys()].filter((block) => versions.has(`${block} ${member.step}`));
  }

  /**
   * A device takes these blocks from a living keeper of each and joins: a new one, or one that was killed and
   * comes in again. Returns whether it could.
   */
  join(device: DeviceAddress, blocks: readonly string[]): boolean {
    const [first] = this.alive;
    const host = first === undefined ? undefined : this.#device(first);
    if (host === undefined || host.member.step >= this.#options.steps) return false;
    const [welcome, ...handoffs] = host.member.welcome([]);
    if (welcome?.kind !== 'welcome') return false;
    const { step } = welcome;
    const versions = new Map<string, Tensors>();
    for (const block of blocks) {
      const found = this.alive.flatMap(
        (name) => this.devices.get(name)?.versions.get(`${block} ${step}`) ?? [],
      );
      if (found[0] === undefined) return false;
      versions.set(`${block} ${step}`, found[0]);
    }
    const left = leftBy(device, keepersOf(welcome.keepers), keepersOf(welcome.next));
    this.#add(device, versions, {
      step,
      state: host.member.book.state,
      keepers: keepersOf(welcome.keepers),
      next: keepersOf(welcome.next),
      joins: blocks,
      left,
    });
    for (const message of handoffs)
      if (message.kind === 'handoff')
        this.#deliver(device, { kind: 'message', from: message.handoff.device, message });
    for (const to of this.alive.filter((each) => each !== device)) {
      if (left.length > 0)
        this.#perform(device, [{ kind: 'send', to, message: { kind: 'restart', step, blocks: left } }]);
      this.#perform(device, [{ kind: 'send', to, message: { kind: 'join', step, blocks } }]);
    }
    return true;
  }

  /** A living device takes one more block from another one. Returns whether it could. */
  keep(name: DeviceAddress, block: string): boolean {
    const { member, versions } = this.#device(name);
    const place = `${block} ${member.step}`;
    const found = this.alive.flatMap((other) => this.devices.get(other)?.versions.get(place) ?? []);
    if (found[0] === undefined || versions.has(place) || !member.canKeep(block)) return false;
    versions.set(place, found[0]);
    this.#deliver(name, { kind: 'keep', blocks: [block] });
    return true;
  }

  /** A living device gives a block up that others compute. Returns whether it could. */
  release(name: DeviceAddress, block: string): boolean {
    const { member } = this.#device(name);
    const updaters = [...member.updatersOf(block)];
    const isKept = updaters.some((other) => other !== name && this.devices.get(other)?.isAlive === true);
    if (!isKept || !updaters.includes(name)) return false;
    this.#deliver(name, { kind: 'release', blocks: [block] });
    return true;
  }

  /** A device says that it fetches a block. Whether it comes is another question. */
  arrive(name: DeviceAddress, block: string): void {
    for (const to of this.alive) {
      if (to === name) continue;
      const message = { kind: 'arriving', step: this.#device(to).member.step, block } as const;
      const event = { kind: 'message', from: name, message } as const;
      this.#events.add(this.#now, { kind: 'member', device: to, event });
    }
  }

  #device(name: DeviceAddress): Device {
    const device = this.devices.get(name);
    if (device === undefined) throw new RangeError(`There is no device ${name}.`);
    return device;
  }

  #add(device: DeviceAddress, versions: Map<string, Tensors>, start: MemberOptions['start']): void {
    const { graphOf, steps, latency = 25 } = this.#options;
    const member = new PipelineMember({
      device,
      rules: simulatedRules,
      sign: (statement) => ({
        ...statement,
        device,
        signature: simulatedSignature({ ...statement, device }),
      }),
      graphOf,
      dataOf: (at) =>
        new Map([...hashedData(graphOf(at), at)].map(([name, bytes]) => [name, hashedRoot(bytes)])),
      end: steps,
      start,
      roundTrip: () => 2 * latency,
      firstDeadline: 8 * latency,
    });
    const wakeAt = Number.POSITIVE_INFINITY;
    this.devices.set(device, { member, versions, isAlive: true, wakeAt, busyUntil: 0, computing: new Set() });
    this.#events.add(this.#now, { kind: 'member', device, event: { kind: 'start' } });
  }

  /** Runs until every living device is done, or for so many simulated milliseconds. Defaults to a minute. */
  run(limit = 60_000): void {
    for (let next = this.#events.take(); next !== undefined; next = this.#events.take()) {
      if (next.at > limit) return;
      this.#now = next.at;
      const { event } = next;
      const device = this.#device(event.device);
      if (event.kind === 'member') this.#deliver(event.device, event.event);
      else if (device.wakeAt === event.at) {
        device.wakeAt = Number.POSITIVE_INFINITY;
        this.#deliver(event.device, { kind: 'tick' });
      }
      if (this.alive.every((name) => this.finalState.has(name))) return;
    }
  }

  #deliver(name: DeviceAddress, event: MemberEvent): void {
    const device = this.#device(name);
    if (!device.isAlive || (event.kind === 'computed' && !device.computing.delete(event.outputs))) return;
    this.#perform(name, device.member.handle(event, this.#now));
    const wake = device.member.nextWake;
    if (!device.isAlive || wake === undefined || wake >= device.wakeAt) return;
    device.wakeAt = Math.max(wake, this.#now);
    this.#events.add(device.wakeAt, { kind: 'wake', device: name, at: device.wakeAt });
  }

  #perform(name: DeviceAddress, actions: readonly MemberAction[]): void {
    const device = this.#device(name);
    for (const action of actions) {
      if (!device.isAlive) return;
      switch (action.kind) {
        case 'send':
          this.#send(name, action);
          break;
        case 'compute':
          this.#compute(name, action);
          break;
        case 'finished':
          this.#finished(name, action.step, action.state);
          break;
        case 'behind':
          device.isAlive = false;
      }
    }
  }

  #send(from: DeviceAddress, { to, message }: Extract<MemberAction, { kind: 'send' }>): void {
    this.#options.beforeMessage?.(this.#sent, from, this);
    if (this.devices.get(from)?.isAlive !== true) return;
    this.#sent++;
    const { latency = 25, draws, carry, answer } = this.#options;
    const reply = answer?.(message, to);
    if (reply !== undefined) {
      const event = { kind: 'message', from: to, message: reply } as const;
      this.#events.add(this.#now + 2 * latency, { kind: 'member', device: from, event });
      return;
    }
    const carried = carry === undefined ? message : carry(message, from, to);
    if (carried === undefined || !this.devices.has(to)) return;
    const link = `${from} ${to}`;
    const at = Math.max(
      this.#linkFree.get(link) ?? 0,
      this.#now + latency + draws.integer(0, Math.floor(latency / 5)),
    );
    this.#linkFree.set(link, at);
    this.#events.add(at, {
      kind: 'member',
      device: to,
      event: { kind: 'message', from, message: carried },
    });
  }

  #compute(name: DeviceAddress, { step, hop, inputs }: Extract<MemberAction, { kind: 'compute' }>): void {
    const device = this.#device(name);
    const { graphOf, work = () => 2, compute = (_, __, outputs) => outputs } = this.#options;
    const graph = graphOf(step);
    const { block, kind } = graph.node(hop);
    const state = device.versions.get(`${block} ${step}`) ?? new Map<string, Uint8Array>();
    const outputs = compute(name, hop, hashedHop({ graph, step, hop, inputs, state }));
    if (graph.isForEveryKeeper(hop))
      device.versions.set(`${block} ${step + 1}`, versionIn(graph, graph.node(hop).block, outputs));
    if (device.busyUntil > this.#now) throw new RangeError(`${name} was to compute two hops at once.`);
    device.busyUntil = this.#now + work(kind);
    device.computing.add(outputs);
    this.#events.add(device.busyUntil, {
      kind: 'member',
      device: name,
      event: { kind: 'computed', step, hop, outputs },
    });
  }

  #finished(name: DeviceAddress, step: number, state: ReadonlyMap<string, Hex>): void {
    const times = this.finishedAt[step] ?? new Map<DeviceAddress, number>();
    this.finishedAt[step] = times.set(name, this.#now);
    if (step === this.#options.steps - 1) this.finalState.set(name, state);
  }

  /** How long each step took, from the last device's end of the one before to its own, in milliseconds. */
  get stepTimes(): number[] {
    const ends = this.finishedAt.map((times) => Math.max(...times.values()));
    return ends.map((end, step) => end - (ends[step - 1] ?? 0));
  }
}

function firstRoots(graph: HopGraph): ReadonlyMap<string, Hex> {
  return new Map(
    [...graph.state.keys()].flatMap((block) =>
      [...hashedState(graph, block)].map(([name, bytes]) => [name, hashedRoot(bytes)] as const),
    ),
  );
}
