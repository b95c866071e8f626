import { bytesToHex } from 'viem';
import {
  type Evidence,
  type EvidenceOptions,
  SLOT_KIND,
  type Slot,
  type StepTrace,
} from '../../../protocol/evidence.ts';
import { frontier, HashTree } from '../../../protocol/hash-tree.ts';
import { type GameMove, type GameState, type GameView, type InputOpening, LEVELS_A_MOVE } from '../port.ts';
import { claimTree, programTree, tensorLeaf, tensorTree } from '../trees.ts';
import { type Decision, forcedMove } from './decision.ts';
import { inputOpenings, judgeMove, slotAt } from './judge-move.ts';

/**
 * The claimant's next move: it shows what the game asks for. The decision depends on the chain and the
 * evidence only, so a player can be stopped and started at any point. Rejects as the evidence does.
 */
export async function claimantDecision(
  view: GameView,
  evidence: Evidence,
  options: EvidenceOptions = {},
): Promise<Decision> {
  return forcedMove(view, 'claimant') ?? { kind: 'move', move: await answer(view, evidence, options) };
}

async function answer(view: GameView, evidence: Evidence, options: EvidenceOptions): Promise<GameMove> {
  const { game, events } = view;
  const id = { game: game.game };
  if (game.phase === 'steps') {
    const { subtree } = claimTree(await evidence.stepRoots(options));
    return { kind: 'reveal', ...id, nodes: frontier(game, LEVELS_A_MOVE, subtree) };
  }
  const trace = await evidence.trace(game.step, options);
  const slots = HashTree.over(trace.roots);
  if (game.phase === 'step') return openStep(game, evidence, trace, slots, options);
  if (game.phase === 'slots') {
    return { kind: 'reveal', ...id, nodes: frontier(game, LEVELS_A_MOVE, slots.subtree) };
  }
  const slot = slotAt(evidence, game.slot);
  switch (game.phase) {
    case 'slot':
      return openSlot(game, evidence, trace, slots, slot);
    case 'leaves': {
      const { subtree } = tensorTree(await trace.tensor(game.slot));
      return { kind: 'reveal', ...id, nodes: frontier(game, LEVELS_A_MOVE, subtree) };
    }
    case 'leaf': {
      const data = await trace.tensor(game.slot);
      return { kind: 'openLeaf', ...id, data: bytesToHex(tensorLeaf(data, game.first)) };
    }
    case 'fold': {
      const accumulators = await trace.accumulators(game.slot, game.element);
      return { kind: 'postFold', ...id, slot, accumulators };
    }
    case 'judge':
      return judgeMove({ evidence, trace, game, events, slot, subtree: slots.subtree });
    default:
      throw new RangeError(`A claimant has no move in the phase “${game.phase}”.`);
  }
}

async function openStep(
  game: GameState,
  evidence: Evidence,
  trace: StepTrace,
  slots: HashTree,
  options: EvidenceOptions,
): Promise<GameMove> {
  const roots = claimTree(await evidence.stepRoots(options));
  return {
    kind: 'openStep',
    game: game.game,
    terms: evidence.terms,
    after: trace.after,
    before: trace.before,
    beforeProof: game.step === 0 ? [] : roots.proof(game.step - 1),
    trace: slots.root,
    lastProof: slots.proof(slots.size - 1),
  };
}

function openSlot(
  game: GameState,
  evidence: Evidence,
  trace: StepTrace,
  slots: HashTree,
  slot: Slot,
): GameMove {
  const { terms, program, dataRoots } = evidence;
  const tensor = trace.roots[game.slot];
  if (tensor === undefined) throw new RangeError(`The trace has no slot ${game.slot}.`);
  const given = (tree: HashTree, place: number): readonly InputOpening[] => [
    { root: tensor, proof: tree.proof(place) },
  ];
  let inputs: readonly InputOpening[] = [];
  if (slot.kind === SLOT_KIND.state) inputs = given(new HashTree(trace.checkpointLeaves), slot.place);
  else if (slot.kind === SLOT_KIND.data) {
    inputs = given(HashTree.over(dataRoots), game.step * terms.dataSlots + slot.place);
  } else if (slot.kind === SLOT_KIND.compose) inputs = inputOpenings(slot, trace, terms.slots, slots.subtree);
  const slotProof = programTree(program).proof(game.slot);
  return { kind: 'openSlot', game: game.game, terms, slot, slotProof, tensor, inputs };
}
