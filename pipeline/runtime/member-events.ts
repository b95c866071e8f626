/** What a member of a pipeline is told, what it answers, and what it is made of. */
import type { Handoff, HandoffStatement } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { HandoffRules } from './handoffs.ts';
import type { HopGraph } from './hop-graph.ts';
import type { PipelineMessage } from './messages.ts';
import type { Keepers } from './step-plan.ts';

/** A tensor that this device computed. */
export interface ComputedTensor {
  readonly bytes: Uint8Array;
  readonly root: Hex;
}

export type MemberEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'message'; readonly from: DeviceAddress; readonly message: PipelineMessage }
  | {
      readonly kind: 'computed';
      readonly step: number;
      readonly hop: number;
      readonly outputs: ReadonlyMap<string, ComputedTensor>;
    }
  /** The device could not compute a hop. */
  | { readonly kind: 'failed'; readonly step: number; readonly hop: number }
  /**
   * The device has these blocks' versions before the step in progress, and computes their hops from now on.
   * Those that it may not keep in this step are ignored.
   */
  | { readonly kind: 'keep'; readonly blocks: readonly string[] }
  /** The device computes these blocks' hops in the step in progress, and not after it. Others keep them. */
  | { readonly kind: 'release'; readonly blocks: readonly string[] }
  /** The connection to a device ended. */
  | { readonly kind: 'gone'; readonly device: DeviceAddress }
  /** The time of `nextWake` has come. */
  | { readonly kind: 'tick' };

export type MemberAction =
  | { readonly kind: 'send'; readonly to: DeviceAddress; readonly message: PipelineMessage }
  | {
      readonly kind: 'compute';
      readonly step: number;
      readonly hop: number;
      readonly inputs: ReadonlyMap<string, Uint8Array>;
    }
  /** All hops of a step are done. `state` has the roots of the blocks' tensors after it. */
  | { readonly kind: 'finished'; readonly step: number; readonly state: ReadonlyMap<string, Hex> }
  /** The others are more than a step ahead. The device has to fetch its blocks and join again. */
  | { readonly kind: 'behind'; readonly step: number };

export interface MemberOptions {
  readonly device: DeviceAddress;
  readonly rules: HandoffRules;
  readonly sign: (statement: HandoffStatement) => Handoff;
  readonly graphOf: (step: number) => HopGraph;
  /** Roots of a step's data, by tensor. */
  readonly dataOf: (step: number) => ReadonlyMap<string, Hex>;
  /** The step after which the run ends: it is not computed. */
  readonly end: number;
  readonly start: {
    readonly step: number;
    /** Roots of the blocks' tensors before the step. */
    readonly state: ReadonlyMap<string, Hex>;
    /** Who is placed for the blocks in this step. */
    readonly keepers: Keepers;
    /** Who is placed in the step after it, as far as that is known. */
    readonly next?: Keepers;
    /** The updates of the step before, where this device was not there. It passes them on. */
    readonly updates?: readonly Handoff[];
    /** Blocks with which this device comes in during the step. */
    readonly joins?: readonly string[];
    /** Blocks for which the others had placed this device before it came in again. It gives them up. */
    readonly left?: readonly string[];
  };
  /** Microbatches that a device keeps at a block at once. Defaults to as many as there are. */
  readonly slots?: number;
  /** To a device and back, in milliseconds. */
  readonly roundTrip: (device: DeviceAddress) => number;
  /** How long a device may take of which too little is known, in milliseconds. Defaults to 10,000. */
  readonly firstDeadline?: number;
  /** The least time that any device is given, in milliseconds. Defaults to 0. */
  readonly leastDeadline?: number;
}
