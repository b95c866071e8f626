/**
 * Which device lied: handoffs of a step are compared with the roots of an own trace, and the first hop whose
 * inputs are right and whose outputs are not is computed again. docs/verde.md, [V-83] and [V-84].
 */
import type { Engine } from '../compute/engines/engine.ts';
import { tensorRoot } from '../models/checkpoint/root.ts';
import type { Evidence } from '../protocol/evidence.ts';
import {
  type Handoff,
  type HandoffDomain,
  handoffRun,
  isSigned,
  type SlotRoot,
  slotRootsRoot,
} from '../protocol/handoff.ts';
import { type Hex, toHex } from '../protocol/hex.ts';
import { type HopShape, hopEvidence } from '../protocol/hop-program.ts';
import { hopShapeOf, hopTraceOf, recomputeHop } from './recompute-hop.ts';
import type { RunPlan } from './run-plan.ts';

/** An output of a hop that is not what the device signed. */
export interface FalseOutput {
  readonly slot: number;
  readonly tensor: string;
  readonly signed: Hex;
  readonly computed: Hex;
}

/** A handoff that is false, with what convicts it on the chain. */
export interface FalseHandoff {
  readonly handoff: Handoff;
  readonly shape: HopShape;
  /** The leaves of the handoff's `inputs`, in its order. */
  readonly inputs: readonly SlotRoot[];
  readonly outputs: readonly FalseOutput[];
  /** For a claim about the hop. */
  readonly evidence: Evidence;
}

export type HandoffVerdict =
  | { readonly kind: 'right' }
  /** The device that it names did not sign it. It says nothing of anybody. */
  | { readonly kind: 'unsigned' }
  /** It is of another run, has no such hop, or does not name the hop's outputs. */
  | { readonly kind: 'unfit'; readonly why: string }
  /**
   * The tensors are not those that the device signed as inputs. Get them again, or audit whoever sent them.
   */
  | { readonly kind: 'other-inputs' }
  | ({ readonly kind: 'false' } & FalseHandoff);

export interface AuditHandoffOptions {
  readonly engine: Engine;
  readonly plan: RunPlan;
  readonly domain: HandoffDomain;
  readonly handoff: Handoff;
  /** The little-endian bytes of an input of the hop, by slot. */
  readonly tensor: (slot: number) => Promise<Uint8Array>;
  readonly signal?: AbortSignal;
}

/**
 * Computes the hop of a handoff again from the inputs that the device signed. Rejects with HopAuditError for
 * a tensor of another size, and as `tensor` and the engine do.
 */
export async function auditHandoff(options: AuditHandoffOptions): Promise<HandoffVerdict> {
  const { engine, plan, domain, handoff, tensor, signal } = options;
  if (!isSigned(domain, handoff)) return { kind: 'unsigned' };
  const shape = fittingShape(plan, handoff);
  if (typeof shape === 'string') return { kind: 'unfit', why: shape };
  const bytes = new Map<number, Uint8Array>();
  for (const slot of shape.inputs) bytes.set(slot, await tensor(slot));
  const inputs = [...bytes].map(([slot, data]) => ({ slot, root: toHex(tensorRoot(data)) }));
  if (slotRootsRoot(inputs) !== handoff.inputs) return { kind: 'other-inputs' };
  const { hop } = handoff;
  const computed = await recomputeHop({ engine, plan, hop, inputs: bytes, ...(signal ? { signal } : {}) });
  const outputs = handoff.outputs.flatMap(({ slot, tensor: name, root }) => {
    const data = computed.get(slot);
    const own = data === undefined ? root : toHex(tensorRoot(data));
    return own === root ? [] : [{ slot, tensor: name, signed: root, computed: own }];
  });
  if (outputs.length === 0) return { kind: 'right' };
  const trace = hopTraceOf(plan, shape, bytes, computed);
  const evidence = hopEvidence({ program: plan.program, slotNames: plan.slotNames, shape, trace });
  return { kind: 'false', handoff, shape, inputs, outputs, evidence };
}

/** The slots of the hop that a handoff names, or a sentence that says why it names none. */
function fittingShape(plan: RunPlan, handoff: Handoff): HopShape | string {
  if (handoff.run !== handoffRun(plan.terms)) return 'It is of another run.';
  if (handoff.step >= plan.terms.steps) return `The run has no step ${handoff.step}.`;
  if (handoff.hop >= (plan.blocks?.hops.length ?? 0)) return `The step has no hop ${handoff.hop}.`;
  const shape = hopShapeOf(plan, handoff.hop);
  const named = handoff.outputs.map(({ slot }) => slot);
  const same = named.length === shape.outputs.length && named.every((slot, i) => slot === shape.outputs[i]);
  return same ? shape : `It does not name the outputs of hop ${handoff.hop}.`;
}

export interface AuditStepOptions extends Omit<AuditHandoffOptions, 'handoff'> {
  readonly step: number;
  /**
   * The handoffs of the step, in any order. Those of other steps are passed over, and those that do not fit
   * or that nobody signed.
   */
  readonly handoffs: readonly Handoff[];
  /** The root of each slot of the step, by an own computation or by devices that agree. */
  readonly roots: readonly Hex[];
}

export type StepVerdict =
  /** Each handoff whose inputs are right has the right outputs. */
  | { readonly kind: 'right' }
  /** The one hop that was computed again. */
  | { readonly kind: 'audited'; readonly hop: number; readonly verdict: HandoffVerdict };

/**
 * Names the device that lied in a step after computing one hop again: the first whose inputs have the right
 * roots and whose outputs have not. What follows from a lie is not a lie of its own. Rejects as
 * `auditHandoff` does.
 */
export async function auditStep(options: AuditStepOptions): Promise<StepVerdict> {
  const { plan, step, handoffs, roots } = options;
  const ordered = handoffs.filter((each) => each.step === step).toSorted((a, b) => a.hop - b.hop);
  for (const handoff of ordered) {
    const shape = fittingShape(plan, handoff);
    if (typeof shape === 'string') continue;
    if (handoff.outputs.every(({ slot, root }) => roots[slot] === root)) continue;
    const inputs = shape.inputs.flatMap((slot) => {
      const root = roots[slot];
      return root === undefined ? [] : [{ slot, root }];
    });
    if (slotRootsRoot(inputs) !== handoff.inputs || !isSigned(options.domain, handoff)) continue;
    return { kind: 'audited', hop: handoff.hop, verdict: await auditHandoff({ ...options, handoff }) };
  }
  return { kind: 'right' };
}
