/** The moves of one game, level by level. Each takes the game before it and returns the game after it. */
import { concat, type Hex, hexToBytes, keccak256, size as sizeOf, zeroHash } from 'viem';
import { SLOT_KIND, type Slot, type Terms } from '../../../protocol/evidence.ts';
import {
  type GameEvent,
  type GameMove,
  type InputOpening,
  LEVELS_A_MOVE,
  MAX_LEAVES,
  type Phase,
  type Settings,
  WORDS_A_LEAF,
} from '../port.ts';
import { hashOfList, hashOfTerms, slotBytes } from './abi-words.ts';
import { afterMove, isOver } from './clocks.ts';
import type { OpenedCall, ReferenceJudge } from './judge.ts';
import { elementAt, MoveRevertError, requireThat } from './revert.ts';
import type { Claim, Game } from './state.ts';
import { frontierPlaces, hashLeaf, rootOfFrontier, rootOver, verifyProof } from './trees.ts';

export interface MoveContext {
  readonly sender: Hex;
  readonly now: number;
  readonly claim: Claim;
  readonly settings: Settings;
  readonly judge: ReferenceJudge;
}

/** The game after a move. */
export interface Moved {
  readonly game: Game;
  /** Whether it was a move of the challenger, which counts for its share of the reward. */
  readonly counts: boolean;
  /** Set if the move ended the game. */
  readonly claimantWon?: boolean;
}

type InGame = Exclude<GameMove, { kind: 'timeout' | 'release' }>;

/** Makes a player's move in a game, or has the game judged. Throws MoveRevertError. */
export function moveOf(game: Game, move: InGame, context: MoveContext): Moved {
  switch (move.kind) {
    case 'reveal':
      return reveal(game, move.nodes, context);
    case 'pick':
      return pick(game, move, context);
    case 'openStep':
      return openStep(game, move, context);
    case 'openSlot':
      return openSlot(game, move, context);
    case 'openLeaf':
      return openLeaf(game, move.data, context);
    case 'pickElement':
      return pickElement(game, move, context);
    case 'postFold':
      return postFold(game, move, context);
    case 'pickChunk':
      return pickChunk(game, move, context);
    case 'judge':
      return judged(game, move, context);
  }
}

type Of<K extends InGame['kind']> = Extract<InGame, { kind: K }>;

/** The game at the root of a tree, or at its leaf if the tree has only one. */
export function descend(game: Game, phase: 'steps' | 'slots' | 'leaves', size: number, node: Hex): Game {
  return atLeaf({ ...game, phase, first: 0, size, node });
}

function atLeaf(game: Game): Game {
  if (game.size > 1) return game;
  if (game.phase === 'steps') return { ...game, phase: 'step', step: game.first };
  if (game.phase === 'slots') return { ...game, phase: 'slot', slot: game.first };
  return { ...game, phase: 'leaf' };
}

const DESCENTS: readonly Phase[] = ['steps', 'slots', 'leaves'];

function requireClaimant(game: Game, phases: readonly Phase[], { sender, claim }: MoveContext): void {
  requireThat(phases.includes(game.phase), 'NotYourMove');
  requireThat(
    !claim.lost && game.clock.claimantToMove && sender.toLowerCase() === claim.claimant.toLowerCase(),
    'NotYourMove',
  );
}

function requireChallenger(game: Game, phases: readonly Phase[], { sender, claim }: MoveContext): void {
  requireThat(phases.includes(game.phase), 'NotYourMove');
  requireThat(
    !claim.lost && !game.clock.claimantToMove && sender.toLowerCase() === game.challenger.toLowerCase(),
    'NotYourMove',
  );
}

function afterClaimant(game: Game, event: GameEvent, toChallenger: boolean, context: MoveContext): Moved {
  const clock = afterMove(game.clock, context.now, !toChallenger, context.settings.extension);
  return { game: { ...game, clock, events: [...game.events, event] }, counts: false };
}

function afterChallenger(game: Game, event: GameEvent, { now, settings }: MoveContext): Moved {
  const clock = afterMove(game.clock, now, true, settings.extension);
  const moves = game.moves + 1;
  return { game: { ...game, clock, moves, events: [...game.events, event] }, counts: true };
}

function requireTerms(terms: Terms, { claim }: MoveContext): void {
  requireThat(hashOfTerms(terms) === claim.terms, 'NotAsCommitted');
}

function requireSlot(game: Game, slot: Slot): void {
  requireThat(keccak256(slotBytes(slot)) === game.slotHash, 'NotAsCommitted');
}

function reveal(game: Game, nodes: readonly Hex[], context: MoveContext): Moved {
  requireThat(game.revealed === zeroHash, 'NotYourMove');
  requireClaimant(game, DESCENTS, context);
  requireThat(rootOfFrontier(nodes, game.size, LEVELS_A_MOVE) === game.node, 'DoesNotHash');
  return afterClaimant({ ...game, revealed: hashOfList(nodes) }, { kind: 'revealed', nodes }, true, context);
}

function pick(game: Game, { index, nodes }: Of<'pick'>, context: MoveContext): Moved {
  requireThat(game.revealed !== zeroHash, 'NotYourMove');
  requireChallenger(game, DESCENTS, context);
  requireThat(hashOfList(nodes) === game.revealed, 'NotAsCommitted');
  const place = frontierPlaces(game.size, LEVELS_A_MOVE)[index];
  const node = nodes[index];
  if (place === undefined || node === undefined) throw new MoveRevertError('WrongFrontier');
  const next = atLeaf({
    ...game,
    first: game.first + place.first,
    size: place.size,
    node,
    revealed: zeroHash,
  });
  return afterChallenger(
    next,
    { kind: 'picked', phase: next.phase, first: next.first, size: next.size },
    context,
  );
}

function openStep(game: Game, move: Of<'openStep'>, context: MoveContext): Moved {
  requireClaimant(game, ['step'], context);
  const { terms, after, before, beforeProof, trace, lastProof } = move;
  requireTerms(terms, context);
  requireThat(hashLeaf(after) === game.node, 'DoesNotHash');
  if (game.step === 0) requireThat(before === terms.initial, 'DoesNotHash');
  else {
    const place = { leaf: hashLeaf(before), index: game.step - 1, size: terms.steps };
    requireThat(verifyProof({ ...place, proof: beforeProof, root: context.claim.root }), 'DoesNotHash');
  }
  const last = { leaf: hashLeaf(after), index: terms.slots - 1, size: terms.slots };
  requireThat(verifyProof({ ...last, proof: lastProof, root: trace }), 'DoesNotHash');
  const next = descend({ ...game, before, trace }, 'slots', terms.slots, trace);
  return afterClaimant(next, { kind: 'step-opened', before, after, trace }, false, context);
}

function openSlot(game: Game, move: Of<'openSlot'>, context: MoveContext): Moved {
  requireClaimant(game, ['slot'], context);
  const { terms, slot, slotProof, tensor, inputs } = move;
  requireTerms(terms, context);
  requireThat(hashLeaf(tensor) === game.node, 'DoesNotHash');
  const encoded = slotBytes(slot);
  const entry = { leaf: hashLeaf(encoded), index: game.slot, size: terms.slots };
  requireThat(verifyProof({ ...entry, proof: slotProof, root: terms.program }), 'NotAsCommitted');
  const event: GameEvent = { kind: 'slot-opened', slot: game.slot, tensor };
  if (slot.kind === SLOT_KIND.output) {
    const leaves = Math.ceil(slot.node.length / WORDS_A_LEAF);
    requireThat(leaves > 0 && leaves <= MAX_LEAVES, 'BadTerms');
    const opened = { ...game, slotHash: keccak256(encoded), length: slot.node.length };
    return afterClaimant(descend(opened, 'leaves', leaves, tensor), event, false, context);
  }
  requireThat(!isOver(game.clock, context.now), 'OutOfTime');
  return {
    game: { ...game, events: [...game.events, event] },
    counts: false,
    claimantWon: isWhatWasGiven(game, move, inputs),
  };
}

/**
 * Whether a tensor that no operator computes is what it has to be. Throws MoveRevertError if that was not
 * shown.
 */
function isWhatWasGiven(game: Game, move: Of<'openSlot'>, inputs: readonly InputOpening[]): boolean {
  const { terms, slot, tensor } = move;
  switch (slot.kind) {
    case SLOT_KIND.compose:
      return composed(game, terms, slot, inputs) === tensor;
    case SLOT_KIND.fixed:
      return slot.name === tensor;
    case SLOT_KIND.state: {
      const leaf = hashLeaf(concat([slot.name, tensor]));
      const { proof } = elementAt(inputs, 0);
      requireThat(
        verifyProof({ leaf, index: slot.place, size: slot.count, proof, root: game.before }),
        'DoesNotHash',
      );
      return true;
    }
    default: {
      const index = game.step * terms.dataSlots + slot.place;
      const { proof } = elementAt(inputs, 0);
      const size = terms.steps * terms.dataSlots;
      requireThat(
        verifyProof({ leaf: hashLeaf(tensor), index, size, proof, root: terms.data }),
        'DoesNotHash',
      );
      return true;
    }
  }
}

function composed(game: Game, terms: Terms, slot: Slot, inputs: readonly InputOpening[]): Hex {
  const last = slot.inputs.length - 1;
  const leaves = slot.inputs.map((place, i) => {
    const input = elementAt(inputs, i);
    requireConceded(game, terms, place, input);
    return i === last ? input.root : hashLeaf(concat([elementAt(slot.names, i), input.root]));
  });
  return rootOver(leaves);
}

/**
 * Throws MoveRevertError unless the input is in the trace that the claimant opened, before the disputed slot.
 */
function requireConceded(game: Game, terms: Terms, place: number, { root, proof }: InputOpening): void {
  requireThat(place < game.slot, 'BadTerms');
  const leaf = hashLeaf(root);
  requireThat(verifyProof({ leaf, index: place, size: terms.slots, proof, root: game.trace }), 'DoesNotHash');
}

function leafBytes(length: number, leaf: number): number {
  return 4 * Math.max(0, Math.min(WORDS_A_LEAF, length - leaf * WORDS_A_LEAF));
}

function openLeaf(game: Game, data: Hex, context: MoveContext): Moved {
  requireClaimant(game, ['leaf'], context);
  requireThat(sizeOf(data) === leafBytes(game.length, game.first), 'DoesNotHash');
  requireThat(hashLeaf(data) === game.node, 'DoesNotHash');
  return afterClaimant({ ...game, phase: 'element' }, { kind: 'leaf-opened', data }, true, context);
}

function pickElement(game: Game, move: Of<'pickElement'>, context: MoveContext): Moved {
  requireChallenger(game, ['element'], context);
  const { slot, offset, data } = move;
  requireSlot(game, slot);
  requireThat(hashLeaf(data) === game.node && offset * 4 < sizeOf(data), 'DoesNotHash');
  const bytes = hexToBytes(data);
  const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4 * offset, true);
  const element = game.first * WORDS_A_LEAF + offset;
  const phase = context.judge.folds(slot.node.op) ? 'fold' : 'judge';
  return afterChallenger(
    { ...game, phase, element, value },
    { kind: 'element-picked', element, value },
    context,
  );
}

function postFold(game: Game, { slot, accumulators }: Of<'postFold'>, context: MoveContext): Moved {
  requireClaimant(game, ['fold'], context);
  requireSlot(game, slot);
  requireThat(accumulators.length <= context.judge.chunkLimit(slot.node), 'DoesNotHash');
  const total = accumulators.length === 0 ? 0 : context.judge.total(slot.node.op, accumulators);
  requireThat(total === game.value, 'DoesNotHash');
  const chunks = accumulators.length;
  const next: Game = { ...game, phase: 'chunk', accumulators: hashOfList(accumulators), chunks };
  return afterClaimant(next, { kind: 'fold-posted', accumulators }, true, context);
}

function pickChunk(game: Game, { chunk, accumulators }: Of<'pickChunk'>, context: MoveContext): Moved {
  requireChallenger(game, ['chunk'], context);
  requireThat(hashOfList(accumulators) === game.accumulators, 'NotAsCommitted');
  requireThat(chunk < game.chunks || chunk === 0, 'NotAsCommitted');
  const next: Game = {
    ...game,
    phase: 'judge',
    chunk,
    accumulatorAfter: accumulators[chunk] ?? 0,
    accumulatorBefore: chunk > 0 ? elementAt(accumulators, chunk - 1) : 0,
  };
  return afterChallenger(next, { kind: 'chunk-picked', chunk }, context);
}

const LARGEST = 2n ** 256n - 1n;

function judged(game: Game, move: Of<'judge'>, context: MoveContext): Moved {
  requireThat(game.phase === 'judge' && !context.claim.lost, 'NotYourMove');
  requireThat(!isOver(game.clock, context.now), 'OutOfTime');
  const { terms, slot, inputs, openings } = move;
  requireTerms(terms, context);
  requireSlot(game, slot);
  for (const [i, place] of slot.inputs.entries()) requireConceded(game, terms, place, elementAt(inputs, i));
  for (const { input, leaf, data, proof } of openings) {
    const size = Math.ceil(elementAt(slot.node.lengths, input) / WORDS_A_LEAF);
    const { root } = elementAt(inputs, input);
    requireThat(verifyProof({ leaf: hashLeaf(data), index: leaf, size, proof, root }), 'DoesNotHash');
  }
  const { got, claimed } = verdict(game, { node: slot.node, openings }, context.judge);
  const events: GameEvent[] = [...game.events, { kind: 'judged', got, claimed }];
  return { game: { ...game, events }, counts: false, claimantWon: got === claimed };
}

function verdict(
  game: Game,
  call: OpenedCall,
  judge: ReferenceJudge,
): { readonly got: bigint; readonly claimed: bigint } {
  if (game.accumulators === zeroHash) {
    const element = judge.element(call, game.element);
    if (element === undefined) throw new MoveRevertError('NotOpened');
    return { got: BigInt(element), claimed: BigInt(game.value) };
  }
  const sum = judge.chunkOf(call, game.element, game.chunk, game.accumulatorBefore);
  if (sum === undefined) throw new MoveRevertError('NotOpened');
  if (sum.chunks !== game.chunks) return { got: BigInt(sum.chunks), claimed: LARGEST };
  return { got: BigInt(sum.accumulator), claimed: BigInt(game.accumulatorAfter) };
}
