/** The hops of the sample run of disputes: the sum with its norm, and the weights after the step. */

import type { DeviceKey } from '../../../protocol/device-key.ts';
import type { Evidence } from '../../../protocol/evidence.ts';
import { type HandoffDomain, handoffRun, signHandoff, slotRootsRoot } from '../../../protocol/handoff.ts';
import { type HopShape, hopEvidence, hopReads, hopTrace } from '../../../protocol/hop-program.ts';
import { SLOT } from '../../disputes/testing/sample-run.ts';
import type { SignedHop } from '../device-bonds.ts';

/** Outputs of each hop. */
const HANDED_ON = [[SLOT.sum, SLOT.norm], [SLOT.next]] as const;

/** The slots of a hop: 0 or 1. */
export function sampleHop({ program }: Pick<Evidence, 'program'>, hop: 0 | 1): HopShape {
  const outputs = HANDED_ON[hop];
  const range = { first: outputs[0], count: outputs.length };
  return { ...range, ...hopReads(program, range), outputs };
}

export interface SampleHandoffOptions {
  readonly run: Evidence;
  readonly key: DeviceKey;
  readonly domain: HandoffDomain;
  readonly step: number;
  readonly hop: 0 | 1;
}

/** The handoff of a device that computed a hop as `run` says. */
export async function sampleHandoff(options: SampleHandoffOptions): Promise<SignedHop> {
  const { run, key, domain, step, hop } = options;
  const shape = sampleHop(run, hop);
  const { roots } = await run.trace(step);
  const tensors = (slots: readonly number[]) =>
    slots.map((slot) => ({ slot, root: roots[slot] ?? ('0x' as const) }));
  const inputs = tensors(shape.inputs);
  const handoff = signHandoff(key, domain, {
    ...{ run: handoffRun(run.terms), step, hop, version: `0x${'00'.repeat(32)}` as const },
    inputs: slotRootsRoot(inputs),
    outputs: tensors(shape.outputs).map((each) => ({ ...each, tensor: run.slotNames[each.slot] ?? '' })),
  });
  return { handoff, shape, inputs };
}

/** The evidence of whoever computed a hop as `run` says. */
export async function sampleHopEvidence(run: Evidence, step: number, hop: 0 | 1): Promise<Evidence> {
  const shape = sampleHop(run, hop);
  const trace = hopTrace(shape, await run.trace(step));
  return hopEvidence({ program: run.program, slotNames: run.slotNames, shape, trace });
}
