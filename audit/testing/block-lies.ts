/** Steps over blocks in which one device lied, for tests: hop by hop, as the devices after it would go on. */
import type { Engine } from '../../compute/engines/engine.ts';
import type { HopKind } from '../../models/blocks/hop.ts';
import { tensorRoot } from '../../models/checkpoint/root.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import {
  type Handoff,
  type HandoffDomain,
  handoffRun,
  signHandoff,
  slotRootsRoot,
} from '../../protocol/handoff.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { bytesOf } from '../encode-program.ts';
import { hopShapeOf, recomputeHop } from '../recompute-hop.ts';
import type { RunPlan, StateTensors } from '../run-plan.ts';

/** One word of one slot of a hop, which the device changes after it has computed the hop. */
export interface Lie {
  readonly hop: number;
  readonly slot: number;
  readonly element: number;
  /** The bits to flip. */
  readonly mask: number;
}

export interface LyingStepOptions {
  readonly engine: Engine;
  readonly plan: RunPlan;
  readonly step: number;
  readonly before: StateTensors;
  readonly lie?: Lie;
}

/** The tensor of each slot, but for the last. What follows a lie is computed from it. */
export async function lyingStep(options: LyingStepOptions): Promise<readonly Uint8Array[]> {
  const { engine, plan, step, before, lie } = options;
  const tensors: Uint8Array[] = plan.program.map(() => new Uint8Array());
  const given = plan.given(step);
  for (const { name, slot } of plan.encoded.given) {
    const source = plan.recipe.tensors.get(name)?.source;
    const words = source?.kind === 'fixed' ? source.words : (before.get(name) ?? given.get(name));
    if (words === undefined) throw new RangeError(`The step lacks ${name}.`);
    tensors[slot] = bytesOf(words);
  }
  tensors[plan.encoded.metadataSlot] = plan.metadata(step);
  for (const hop of plan.encoded.actions.keys()) {
    const inputs = new Map(hopShapeOf(plan, hop).inputs.map((slot) => [slot, must(tensors, slot)]));
    for (const [slot, bytes] of await recomputeHop({ engine, plan, hop, inputs })) {
      const own = bytes.slice();
      if (lie?.hop === hop && lie.slot === slot) {
        const view = new DataView(own.buffer);
        const at = 4 * (lie.element % (own.length / 4));
        view.setUint32(at, view.getUint32(at, true) ^ lie.mask, true);
      }
      tensors[slot] = own;
    }
  }
  return tensors;
}

export interface SignStepOptions {
  readonly plan: RunPlan;
  readonly step: number;
  readonly domain: HandoffDomain;
  /** The tensor of each slot, as the devices handed them on. */
  readonly tensors: readonly Uint8Array[];
  /** The device of a hop. */
  readonly keyOf: (hop: number) => DeviceKey;
}

/** The handoffs of a step, one for each hop. */
export function signStep({ plan, step, domain, tensors, keyOf }: SignStepOptions): readonly Handoff[] {
  const roots = new Map<number, Hex>();
  const rootOf = (slot: number): Hex => {
    const known = roots.get(slot) ?? toHex(tensorRoot(must(tensors, slot)));
    roots.set(slot, known);
    return known;
  };
  return [...plan.encoded.actions.keys()].map((hop) => {
    const { inputs, outputs } = hopShapeOf(plan, hop);
    return signHandoff(keyOf(hop), domain, {
      ...{ run: handoffRun(plan.terms), step, hop, version: `0x${'00'.repeat(32)}` as const },
      inputs: slotRootsRoot(inputs.map((slot) => ({ slot, root: rootOf(slot) }))),
      outputs: outputs.map((slot) => ({ slot, root: rootOf(slot), tensor: plan.slotNames[slot] ?? '' })),
    });
  });
}

/** The first hop of a kind, and one of its outputs, by its place among them. */
export function outputOf(plan: RunPlan, kind: HopKind, place = 0): Pick<Lie, 'hop' | 'slot'> {
  const hop = plan.blocks?.hops.find((each) => each.kind === kind)?.index;
  if (hop === undefined) throw new RangeError(`The run has no hop ${kind}.`);
  return { hop, slot: must(hopShapeOf(plan, hop).outputs, place) };
}
