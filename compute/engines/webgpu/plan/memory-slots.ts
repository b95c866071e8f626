/** Gives a program's temporaries and scratch memory a small set of reusable memory slots. */
import type { OperatorName } from '../../../repops/operators.ts';
import type { Operand, Step } from './steps.ts';

/**
 * Where an operand's memory is: in a tensor that the caller binds, or in a slot of the engine's own memory.
 */
export type OperandLocation =
  | { readonly kind: 'bound'; readonly name: string }
  | { readonly kind: 'prepacked'; readonly name: string }
  | { readonly kind: 'slot'; readonly slot: number };

export interface PlannedStep {
  /** The operator whose kernel variant runs; absent for steps that are not arithmetic. */
  readonly op?: OperatorName;
  readonly step: Step;
}

interface Lifetime {
  readonly key: string;
  readonly words: number;
  /** Indices of the first and the last step that use the operand. */
  readonly first: number;
  last: number;
}

const keyOf = (operand: Operand): string =>
  operand.kind === 'scratch' ? `s:${operand.id}` : `${operand.kind}:${operand.name}`;

function operandsOf(step: Step): readonly Operand[] {
  switch (step.kind) {
    case 'dispatch':
      return Object.values(step.bindings);
    case 'copy':
      return [step.from, step.to];
    case 'clear':
      return [step.target];
  }
}

/** The steps between which each operand must keep its contents. `wordsOf` is undefined for bound tensors. */
function lifetimesOf(
  steps: readonly PlannedStep[],
  wordsOf: (operand: Operand) => number | undefined,
): readonly Lifetime[] {
  const lifetimes = new Map<string, Lifetime>();
  for (const [index, { step }] of steps.entries()) {
    for (const operand of operandsOf(step)) {
      const words = wordsOf(operand);
      if (words === undefined) continue;
      const key = keyOf(operand);
      const known = lifetimes.get(key);
      if (known === undefined) lifetimes.set(key, { key, words, first: index, last: index });
      else known.last = index;
    }
  }
  return [...lifetimes.values()];
}

/**
 * Gives every operand that is not bound a slot such that two operands share a slot only if their lifetimes do
 * not overlap. Operands are placed largest first, each in the first slot that is free throughout its lifetime
 * ("greedy by size" of arXiv 2001.03288), so no slot ever grows.
 */
export function assignSlots(
  steps: readonly PlannedStep[],
  wordsOf: (operand: Operand) => number | undefined,
): { readonly slots: readonly number[]; readonly slotOf: ReadonlyMap<string, number> } {
  const slots: { readonly words: number; readonly lifetimes: Lifetime[] }[] = [];
  const slotOf = new Map<string, number>();
  const largestFirst = [...lifetimesOf(steps, wordsOf)].sort(
    (a, b) => b.words - a.words || a.first - b.first,
  );
  for (const lifetime of largestFirst) {
    const free = slots.findIndex(({ lifetimes }) =>
      lifetimes.every((other) => other.last < lifetime.first || lifetime.last < other.first),
    );
    if (free === -1) {
      slotOf.set(lifetime.key, slots.push({ words: lifetime.words, lifetimes: [lifetime] }) - 1);
    } else {
      slots[free]?.lifetimes.push(lifetime);
      slotOf.set(lifetime.key, free);
    }
  }
  return { slots: slots.map(({ words }) => words), slotOf };
}

/** Finds an operand's location, given the slots of the operands that are not bound. */
export function locationsOf(slotOf: ReadonlyMap<string, number>): (operand: Operand) => OperandLocation {
  return (operand) => {
    const slot = slotOf.get(keyOf(operand));
    if (slot !== undefined) return { kind: 'slot', slot };
    if (operand.kind === 'scratch') throw new Error(`scratch ${operand.id} has no slot`);
    return { kind: operand.kind === 'tensor' ? 'bound' : 'prepacked', name: operand.name };
  };
}
