import { bytesToHex } from 'viem';
import type { Evidence, Slot, StepTrace } from '../../../protocol/evidence.ts';
import { type HashTree, pathOf, type Subtree } from '../../../protocol/hash-tree.ts';
import type { GameEvent, GameMove, GameState, InputOpening, LeafOpening } from '../port.ts';
import { tensorLeaf, tensorTree } from '../trees.ts';

export interface JudgeMoveOptions {
  readonly evidence: Evidence;
  /** This side's own trace of the disputed step. */
  readonly trace: StepTrace;
  readonly game: GameState;
  /** The game's events, from the first. */
  readonly events: readonly GameEvent[];
  /** The disputed entry of the program. */
  readonly slot: Slot;
  /** The claimant's trace. All paths lead to its root, whoever shows them. */
  readonly subtree: Subtree;
}

/** The call of the judge: it opens the operands of the disputed element, or of one chunk of its fold. */
export async function judgeMove(options: JudgeMoveOptions): Promise<GameMove> {
  const { evidence, trace, game, events, slot, subtree } = options;
  const inputs = inputOpenings(slot, trace, evidence.terms.slots, subtree);
  const folds = events.some(({ kind }) => kind === 'fold-posted');
  const chunk = folds ? game.chunk : undefined;
  const trees = new Map<number, HashTree>();
  const openings: LeafOpening[] = [];
  for (const { input, leaf } of await trace.needed(game.slot, game.element, chunk)) {
    const place = slot.inputs[input];
    if (place === undefined) throw new RangeError(`Operator ${slot.node.op} has no input ${input}.`);
    const data = await trace.tensor(place);
    const tree = trees.get(place) ?? tensorTree(data);
    trees.set(place, tree);
    openings.push({ input, leaf, data: bytesToHex(tensorLeaf(data, leaf)), proof: tree.proof(leaf) });
  }
  return { kind: 'judge', game: game.game, terms: evidence.terms, slot, inputs, openings };
}

/**
 * The roots of a slot's inputs with their paths in the trace. Throws RangeError for an input that is not
 * there.
 */
export function inputOpenings(
  slot: Slot,
  trace: StepTrace,
  slots: number,
  subtree: Subtree,
): readonly InputOpening[] {
  return slot.inputs.map((place) => {
    const root = trace.roots[place];
    if (root === undefined) throw new RangeError(`The trace has no slot ${place}.`);
    return { root, proof: pathOf(place, slots, subtree) };
  });
}

/** Entry of the program. Throws RangeError where there is none. */
export function slotAt(evidence: Evidence, index: number): Slot {
  const slot = evidence.program[index];
  if (slot === undefined) throw new RangeError(`The program has no slot ${index}.`);
  return slot;
}
