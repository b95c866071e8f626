/**
 * What a member has to compute of a step, and what it waits for to do so. Hops that it was placed for, that
 * it takes over, that every keeper computes, and that others ask for again because their bytes are lost.
 */
import type { DeviceAddress } from '../../protocol/hex.ts';
import { NodeQueue } from '../node-queue.ts';
import type { HopGraph } from './hop-graph.ts';

/** Tensors of a hop that somebody asked another device for. */
export interface Want {
  readonly tensors: Set<string>;
  /** Devices that were asked in vain. */
  readonly tried: Set<DeviceAddress>;
  /** Who is asked now; undefined while this member computes the hop itself. */
  asked: DeviceAddress | undefined;
  /** When the next one is asked. In milliseconds. */
  until: number;
  /** Devices that said that they have it not and cannot compute it. */
  readonly lacking: Set<DeviceAddress>;
  /** How often everybody was asked. */
  rounds: number;
}

export interface StepWorkOptions {
  readonly graph: HopGraph;
  readonly slots: number;
  /** Whether this device was placed first for a hop. Takeovers need no slot, so that a step ends. */
  readonly isPlaced: (hop: number) => boolean;
}

export class StepWork {
  readonly #graph: HopGraph;
  readonly #queue: NodeQueue<number>;
  /** When bytes that are missing for a hop may be asked for, by hop. */
  readonly #todo = new Map<number, number>();
  readonly #queued = new Set<number>();
  readonly #kept = new Set<string>();
  /** Hops that this device computed. */
  readonly computed = new Set<number>();
  /** By the hop whose tensors are wanted. */
  readonly wants = new Map<number, Want>();
  /** For each hop, the devices that want its tensors. */
  readonly askers = new Map<number, Map<DeviceAddress, readonly string[]>>();

  constructor({ graph, slots, isPlaced }: StepWorkOptions) {
    this.#graph = graph;
    this.#queue = new NodeQueue({
      slots,
      slotUse: (hop) => {
        const { slot = 'none' } = graph.node(hop);
        if (slot === 'takes') return isPlaced(hop) ? 'takes' : 'none';
        return slot === 'gives' && this.#kept.has(this.#key(hop)) ? 'gives' : 'none';
      },
    });
  }

  #key(hop: number): string {
    const { block, microbatch } = this.#graph.node(hop);
    return `${block} ${microbatch ?? ''}`;
  }

  /** Hops that wait for bytes, with the time from which these may be asked for. */
  get waiting(): readonly (readonly [hop: number, askAt: number])[] {
    return [...this.#todo].filter(([hop]) => !this.#queued.has(hop));
  }

  /** Whether the hop is to be computed here. */
  has(hop: number): boolean {
    return this.#todo.has(hop);
  }

  /** Takes a hop on. What is missing for it may be asked for from `askAt` on. */
  add(hop: number, askAt: number): void {
    this.#todo.set(hop, Math.min(askAt, this.#todo.get(hop) ?? askAt));
  }

  /** All bytes for the hop are here. */
  enqueue(hop: number): void {
    if (this.#queued.has(hop)) return;
    this.#queued.add(hop);
    this.#queue.add(hop);
  }

  /** Somebody else computed the hop. One that is being computed goes on. */
  remove(hop: number): void {
    if (this.#queue.task === hop) return;
    this.#todo.delete(hop);
    this.#queued.delete(hop);
    this.#queue.remove((task) => task === hop);
  }

  /** The hop to compute next, where the device is free and one may start. */
  start(): number | undefined {
    const hop = this.#queue.start();
    if (hop !== undefined && this.#graph.node(hop).slot === 'takes') this.#kept.add(this.#key(hop));
    return hop;
  }

  /** The hop was computed, or could not be. */
  finish(hop: number): void {
    if (this.#queue.task !== hop) return;
    this.#queue.finish();
    this.#queue.release();
    if (this.#graph.node(hop).slot === 'gives') this.#kept.delete(this.#key(hop));
    this.#todo.delete(hop);
    this.#queued.delete(hop);
  }

  /** Another device computed the backward pass of a microbatch. Its slot here is free again. */
  letGo(hop: number): void {
    if (this.#kept.delete(this.#key(hop))) this.#queue.giveBack();
  }
}
