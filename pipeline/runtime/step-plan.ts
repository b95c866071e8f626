/**
 * Which device computes which hop of a step first, and who comes next when it does not answer. A function of
 * the graph and of who keeps which block: every member that knows the same keepers has the same plan.
 */
import { type DeviceAddress, toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { HopGraph, HopGraphNode } from './hop-graph.ts';

/** The devices that have each block's version. */
export type Keepers = ReadonlyMap<string, readonly DeviceAddress[]>;

/** The keepers of each block, from the blocks of each device. */
export function keepersOf(
  places: readonly { readonly device: DeviceAddress; readonly blocks: readonly string[] }[],
): Keepers {
  const keepers = new Map<string, DeviceAddress[]>();
  for (const { device, blocks } of places)
    for (const block of blocks) keepers.set(block, [...(keepers.get(block) ?? []), device]);
  return keepers;
}

/** The blocks for which a device was placed, in this step or the next one, before it came in again. */
export function leftBy(device: DeviceAddress, keepers: Keepers, next: Keepers): string[] {
  const places = [...keepers, ...next].filter(([, devices]) => devices.includes(device));
  return [...new Set(places.map(([block]) => block))];
}

/** A block of the step that nobody keeps. */
export class NoKeeperError extends Error {
  constructor(block: string) {
    super(`Nobody keeps block ${block}. Wait for a device that has it, or fetch its last version.`);
    this.name = 'NoKeeperError';
  }
}

export class StepPlan {
  readonly step: number;
  readonly graph: HopGraph;
  /** The keepers of each block that the plan was made for, without those that joined later. */
  readonly placed: Keepers;
  readonly #keepers = new Map<string, DeviceAddress[]>();
  /** Keepers that gave their places up during the step, by block. */
  readonly #left = new Map<string, Set<DeviceAddress>>();
  /** Who is asked first for each hop. */
  #first: readonly DeviceAddress[];
  readonly #orders = new Map<number, readonly DeviceAddress[]>();
  #members: ReadonlySet<DeviceAddress> | undefined;

  /** Throws NoKeeperError for a block without a keeper. */
  constructor(step: number, graph: HopGraph, keepers: Keepers) {
    this.step = step;
    this.graph = graph;
    for (const { block } of graph.nodes) {
      if (this.#keepers.has(block)) continue;
      const devices = keepers.get(block) ?? [];
      if (devices.length === 0) throw new NoKeeperError(block);
      this.#keepers.set(block, byRank(block, devices));
    }
    this.placed = new Map([...this.#keepers].map(([block, devices]) => [block, [...devices]]));
    this.#first = this.#place();
  }

  /** The block's keepers, those that joined during the step last. */
  keepers(block: string): readonly DeviceAddress[] {
    return this.#keepers.get(block) ?? [];
  }

  isKeeper(block: string, device: DeviceAddress): boolean {
    return this.keepers(block).includes(device);
  }

  /** Whether a device keeps the block or did so earlier in the step: what it handed off then counts. */
  isSigner(block: string, device: DeviceAddress): boolean {
    return this.isKeeper(block, device) || this.#left.get(block)?.has(device) === true;
  }

  /** All keepers of any block. */
  get members(): ReadonlySet<DeviceAddress> {
    this.#members ??= new Set([...this.#keepers.values()].flat());
    return this.#members;
  }

  /** The devices that can compute a hop, in the order in which they are asked. */
  order(hop: number): readonly DeviceAddress[] {
    const known = this.#orders.get(hop);
    if (known !== undefined) return known;
    const keepers = this.keepers(this.graph.node(hop).block);
    const first = keepers.indexOf(must(this.#first, hop));
    const order = [...keepers.slice(first), ...keepers.slice(0, first)];
    this.#orders.set(hop, order);
    return order;
  }

  /** A device that has these blocks' versions comes in as the last one to be asked. */
  join(device: DeviceAddress, blocks: readonly string[]): void {
    for (const block of blocks) {
      const keepers = this.#keepers.get(block);
      if (keepers !== undefined && !keepers.includes(device)) keepers.push(device);
    }
    this.#orders.clear();
    this.#members = undefined;
  }

  /**
   * A device does not compute these blocks after all. Its hops go to whoever was to be asked next. The only
   * keeper of a block stays.
   */
  leave(device: DeviceAddress, blocks: readonly string[]): void {
    const given = new Set(
      blocks.filter((block) => this.isKeeper(block, device) && this.keepers(block).length > 1),
    );
    this.#first = this.#first.map((first, hop) => {
      if (first !== device || !given.has(this.graph.node(hop).block)) return first;
      return must(this.order(hop), 1);
    });
    for (const block of given) {
      const rest = this.keepers(block).filter((keeper) => keeper !== device);
      this.#keepers.set(block, rest);
      this.#left.set(block, (this.#left.get(block) ?? new Set()).add(device));
    }
    this.#orders.clear();
    this.#members = undefined;
  }

  /**
   * All microbatches of a block go to one keeper, as far as that has no more than its share of all: otherwise
   * gradients as large as the block would travel to be added up. The next ones go to the keeper that has the
   * least to do, and where two have equally much, to the one that the microbatch comes from. Hops without a
   * microbatch go to the keeper that has most of what they read.
   */
  #place(): readonly DeviceAddress[] {
    const { nodes } = this.graph;
    const load = new Map<DeviceAddress, number>();
    const places = new Map<string, DeviceAddress>();
    /** The keeper that the last microbatch of a block went to. */
    const last = new Map<string, DeviceAddress>();
    const count = new Set(nodes.flatMap((node) => (node.microbatch === undefined ? [] : [visitOf(node)])))
      .size;
    const share = Math.ceil(count / this.members.size);
    const first: DeviceAddress[] = [];
    for (const node of nodes) {
      if (node.microbatch === undefined) {
        first.push(this.#nearest(node, first));
        continue;
      }
      const known = places.get(visitOf(node));
      const device = known ?? this.#withLeast(node, { first, load, share, last: last.get(node.block) });
      first.push(device);
      if (known !== undefined) continue;
      places.set(visitOf(node), device);
      last.set(node.block, device);
      load.set(device, (load.get(device) ?? 0) + 1);
    }
    return first;
  }

  #withLeast({ index, block }: HopGraphNode, { first, load, share, last }: Placing): DeviceAddress {
    const loadOf = (device: DeviceAddress) => load.get(device) ?? 0;
    if (last !== undefined && loadOf(last) < share) return last;
    const keepers = this.keepers(block);
    const least = Math.min(...keepers.map(loadOf));
    const idle = keepers.filter((device) => loadOf(device) === least);
    const from = this.graph.before(index).map((hop) => first[hop]);
    return idle.find((candidate) => from.includes(candidate)) ?? must(idle, 0);
  }

  /** The keeper where most bytes of a hop's inputs are made, the first by rank of several. */
  #nearest({ block, inputs }: HopGraphNode, first: readonly DeviceAddress[]): DeviceAddress {
    const bytes = new Map<DeviceAddress, number>();
    for (const name of inputs) {
      const hop = this.graph.producerOf(name);
      // What no hop makes is data, which every device has.
      const device = hop === undefined ? undefined : first[hop];
      if (device !== undefined) bytes.set(device, (bytes.get(device) ?? 0) + this.graph.placeOf(name).bytes);
    }
    const keepers = this.keepers(block);
    const most = Math.max(...keepers.map((device) => bytes.get(device) ?? 0));
    return must(
      keepers.filter((device) => (bytes.get(device) ?? 0) === most),
      0,
    );
  }
}

/** What is placed so far. */
interface Placing {
  readonly first: readonly DeviceAddress[];
  /** Microbatches of blocks, by device. */
  readonly load: ReadonlyMap<DeviceAddress, number>;
  /** How many a device has where all have equally many. */
  readonly share: number;
  /** The keeper that the block's microbatch before this one went to. */
  readonly last: DeviceAddress | undefined;
}

/** A microbatch's visit to a block, whose hops all go to one device, in one word for maps. */
function visitOf({ block, microbatch }: HopGraphNode): string {
  return `${block} ${microbatch}`;
}

/**
 * The devices in the order of sha2-256 of block and address (rendezvous hashing): one that comes or goes
 * changes the place of no other two.
 */
export function byRank(block: string, devices: readonly DeviceAddress[]): DeviceAddress[] {
  const rank = (device: DeviceAddress) => toHex(sha256Of(new TextEncoder().encode(`${block}\n${device}`)));
  return [...new Set(devices)]
    .map((device) => ({ device, rank: rank(device) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
    .map(({ device }) => device);
}
