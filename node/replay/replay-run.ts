/**
 * Checks what members of a run in blocks attested. The run follows from the swarm's specification and the
 * model's files, so nothing that members published is needed: their roots on the chain are enough.
 */
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';

/** What a device attested, as the chain has it. */
export interface AttestedRoot {
  readonly device: DeviceAddress;
  readonly round: number;
  readonly checkpointRoot: Hex;
}

/** The root of the whole model's checkpoint after so many steps. */
export interface RootOfStep {
  readonly steps: number;
  readonly root: Hex;
}

export type RunFinding =
  | { readonly kind: 'same'; readonly attested: AttestedRoot; readonly steps: number }
  /** Of none of the steps that were computed: it is false, or of a later one. */
  | { readonly kind: 'absent'; readonly attested: AttestedRoot; readonly computed: number };

export interface ReplayRunOptions {
  readonly attested: readonly AttestedRoot[];
  /** The run, step after step. */
  readonly roots: AsyncIterable<RootOfStep>;
  /** Most steps that are computed. */
  readonly steps: number;
  /** Called after each step. */
  readonly onStep?: (step: RootOfStep, found: readonly AttestedRoot[]) => void;
}

/**
 * Computes the run until each attested root was found, or until the limit. Findings are in the order of
 * `attested`. Nothing follows from roots of other rounds: members that do not reach one another compute the
 * same run at different rates, and one that returns goes on from the last step on its medium.
 */
export async function replayRun(options: ReplayRunOptions): Promise<readonly RunFinding[]> {
  const { attested, roots, steps, onStep } = options;
  if (attested.length === 0) return [];
  const byRoot = new Map<Hex, readonly AttestedRoot[]>();
  for (const each of attested)
    byRoot.set(each.checkpointRoot, [...(byRoot.get(each.checkpointRoot) ?? []), each]);
  const found = new Map<Hex, number>();
  let computed = 0;
  for await (const step of roots) {
    computed = step.steps;
    const here = byRoot.get(step.root) ?? [];
    if (here.length > 0) found.set(step.root, step.steps);
    onStep?.(step, here);
    if (found.size === byRoot.size || computed >= steps) break;
  }
  return attested.map((each) => {
    const at = found.get(each.checkpointRoot);
    return at === undefined
      ? { kind: 'absent', attested: each, computed }
      : { kind: 'same', attested: each, steps: at };
  });
}
