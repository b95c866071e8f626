/** What a person sees of a device in the training of a model in blocks. */
import type { PipelineMember } from '../../pipeline/runtime/pipeline-member.ts';
import type { Handoff } from '../../protocol/handoff.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';

/** A microbatch on its way: the last hop that is done of it, and where. */
export interface MicrobatchView {
  readonly microbatch: number;
  readonly kind: string;
  readonly block: string;
  readonly at: DeviceAddress;
}

export interface BlockSessionView {
  /**
   * `gathering`: some block has no keeper yet. `joining`: the others compute, and this device fetches its
   * blocks. `computing`: it takes part.
   */
  readonly state: 'gathering' | 'joining' | 'computing' | 'stopped';
  /** Optimizer steps done. */
  readonly step: number;
  readonly blocks: readonly {
    readonly id: string;
    /** One version at most, and the frozen weights. */
    readonly bytes: number;
    /** Devices that are to keep it, as this one sees it. */
    readonly keepers: readonly DeviceAddress[];
    /** Whether this device computes its hops. */
    readonly isHere: boolean;
  }[];
  readonly microbatches: readonly MicrobatchView[];
  /** Hops done of the step, and all of them. */
  readonly hops: { readonly done: number; readonly all: number };
  /** Hops that went to another keeper because the first one was late. */
  readonly takeovers: number;
  /** Messages and tensors of others that were refused. */
  readonly refused: number;
  /** What went wrong here, in words. */
  readonly problems: readonly string[];
}

/** Who computed a step, as its handoffs say. */
export interface StepShares {
  /** The handoffs of it that gave all blocks' tensors, as they were signed. */
  readonly updates: readonly Handoff[];
  /** Hops that each device did first. */
  readonly hops: ReadonlyMap<DeviceAddress, number>;
  /** Hops that went to another keeper because the first one was late, since this device came in. */
  readonly takeovers: number;
}

/** Where each microbatch of the step in progress was last, by its number. */
export function microbatchesOf(member: PipelineMember | undefined): readonly MicrobatchView[] {
  if (member === undefined) return [];
  const last = new Map<number, MicrobatchView>();
  for (const { hop, device } of member.book.handoffs()) {
    const { microbatch, kind, block } = member.plan.graph.node(hop);
    if (microbatch !== undefined) last.set(microbatch, { microbatch, kind, block, at: device });
  }
  return [...last.values()].sort((a, b) => a.microbatch - b.microbatch);
}

/** Who computed the step before the one in progress. */
export function sharesOf(member: PipelineMember): StepShares {
  const hops = new Map<DeviceAddress, number>();
  for (const { device } of member.previousBook?.handoffs() ?? [])
    hops.set(device, (hops.get(device) ?? 0) + 1);
  return { updates: member.updatesBefore, hops, takeovers: member.takeovers };
}
