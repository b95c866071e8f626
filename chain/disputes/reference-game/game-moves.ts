/** The moves of one game, level by level. Each takes the game before and gives the game after, or throws Refusal. */
import { concat, type Hex, hexToBytes, keccak256, size as sizeOf } from 'viem';
import { SLOT_KIND, type Slot, type Terms } from '../../../protocol/evidence.ts';
import {
  type GameEvent,
  type GameMove,
  type InputOpening,
  LEVELS_A_MOVE,
  type Phase,
  type Settings,
  WORDS_A_LEAF,
} from '../port.ts';
import { hashOfList, hashOfTerms, slotBytes } from './abi-words.ts';
import { MAX_LEAVES } from './bonds.ts';
import { isOver, pressed } from './clocks.ts';
import type { ModelJudge, OpenedCall } from './judge.ts';
import { listed, must, Refusal } from './revert.ts';
import { type Claim, type Game, NOTHING } from './state.ts';
import { hashLeaf, isIn, placesOf, rootOfNodes, rootOver } from './trees.ts';

export interface GameMoveRules {
  readonly sender: Hex;
  readonly now: number;
  readonly claim: Claim;
  readonly settings: Settings;
  readonly judge: ModelJudge;
}

/** The game after a move. */
export interface Moved {
  readonly game: Game;
  /** Whether it was one of the challenger's. */
  readonly counts: boolean;
  /** Set when it ended the game. */
  readonly claimantWon?: boolean;
}

type InGame = Exclude<GameMove, { kind: 'timeout' | 'release' }>;

/** Makes a player's move in a game, or has it judged. Throws Refusal. */
export function moveOf(game: Game, move: InGame, rules: GameMoveRules): Moved {
  switch (move.kind) {
    case 'reveal':
      return reveal(game, move.nodes, rules);
    case 'pick':
      return pick(game, move, rules);
    case 'openStep':
      return openStep(game, move, rules);
    case 'openSlot':
      return openSlot(game, move, rules);
    case 'openLeaf':
      return openLeaf(game, move.data, rules);
    case 'pickElement':
      return pickElement(game, move, rules);
    case 'postFold':
      return postFold(game, move, rules);
    case 'pickChunk':
      return pickChunk(game, move, rules);
    case 'judge':
      return judged(game, move, rules);
  }
}

type Of<K extends InGame['kind']> = Extract<InGame, { kind: K }>;

/** The game at the root of a tree; at its leaf when it has only one. */
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

function claimantIn(game: Game, phases: readonly Phase[], { sender, claim }: GameMoveRules): void {
  must(phases.includes(game.phase), 'NotYourMove');
  must(
    !claim.lost && game.clock.claimantToMove && sender.toLowerCase() === claim.claimant.toLowerCase(),
    'NotYourMove',
  );
}

function challengerIn(game: Game, phases: readonly Phase[], { sender, claim }: GameMoveRules): void {
  must(phases.includes(game.phase), 'NotYourMove');
  must(
    !claim.lost && !game.clock.claimantToMove && sender.toLowerCase() === game.challenger.toLowerCase(),
    'NotYourMove',
  );
}

function byClaimant(game: Game, event: GameEvent, toChallenger: boolean, rules: GameMoveRules): Moved {
  const clock = pressed(game.clock, rules.now, !toChallenger, rules.settings.extension);
  return { game: { ...game, clock, events: [...game.events, event] }, counts: false };
}

function byChallenger(game: Game, event: GameEvent, { now, settings }: GameMoveRules): Moved {
  const clock = pressed(game.clock, now, true, settings.extension);
  const moves = game.moves + 1;
  return { game: { ...game, clock, moves, events: [...game.events, event] }, counts: true };
}

function theTerms(terms: Terms, { claim }: GameMoveRules): void {
  must(hashOfTerms(terms) === claim.terms, 'NotAsCommitted');
}

function theSlot(game: Game, slot: Slot): void {
  must(keccak256(slotBytes(slot)) === game.slotHash, 'NotAsCommitted');
}

function reveal(game: Game, nodes: readonly Hex[], rules: GameMoveRules): Moved {
  must(game.revealed === NOTHING, 'NotYourMove');
  claimantIn(game, DESCENTS, rules);
  must(rootOfNodes(nodes, game.size, LEVELS_A_MOVE) === game.node, 'DoesNotHash');
  return byClaimant({ ...game, revealed: hashOfList(nodes) }, { kind: 'revealed', nodes }, true, rules);
}

function pick(game: Game, { index, nodes }: Of<'pick'>, rules: GameMoveRules): Moved {
  must(game.revealed !== NOTHING, 'NotYourMove');
  challengerIn(game, DESCENTS, rules);
  must(hashOfList(nodes) === game.revealed, 'NotAsCommitted');
  const place = placesOf(game.size, LEVELS_A_MOVE)[index];
  const node = nodes[index];
  if (place === undefined || node === undefined) throw new Refusal('WrongFrontier');
  const next = atLeaf({
    ...game,
    first: game.first + place.first,
    size: place.size,
    node,
    revealed: NOTHING,
  });
  return byChallenger(next, { kind: 'picked', phase: next.phase, first: next.first, size: next.size }, rules);
}

function openStep(game: Game, move: Of<'openStep'>, rules: GameMoveRules): Moved {
  claimantIn(game, ['step'], rules);
  const { terms, after, before, beforeProof, trace, lastProof } = move;
  theTerms(terms, rules);
  must(hashLeaf(after) === game.node, 'DoesNotHash');
  if (game.step === 0) must(before === terms.initial, 'DoesNotHash');
  else {
    const place = { leaf: hashLeaf(before), index: game.step - 1, size: terms.steps };
    must(isIn({ ...place, proof: beforeProof, root: rules.claim.root }), 'DoesNotHash');
  }
  const last = { leaf: hashLeaf(after), index: terms.slots - 1, size: terms.slots };
  must(isIn({ ...last, proof: lastProof, root: trace }), 'DoesNotHash');
  const next = descend({ ...game, before, trace }, 'slots', terms.slots, trace);
  return byClaimant(next, { kind: 'step-opened', before, after, trace }, false, rules);
}

function openSlot(game: Game, move: Of<'openSlot'>, rules: GameMoveRules): Moved {
  claimantIn(game, ['slot'], rules);
  const { terms, slot, slotProof, tensor, inputs } = move;
  theTerms(terms, rules);
  must(hashLeaf(tensor) === game.node, 'DoesNotHash');
  const encoded = slotBytes(slot);
  const entry = { leaf: hashLeaf(encoded), index: game.slot, size: terms.slots };
  must(isIn({ ...entry, proof: slotProof, root: terms.program }), 'NotAsCommitted');
  const event: GameEvent = { kind: 'slot-opened', slot: game.slot, tensor };
  if (slot.kind === SLOT_KIND.output) {
    const leaves = Math.ceil(slot.node.length / WORDS_A_LEAF);
    must(leaves > 0 && leaves <= MAX_LEAVES, 'BadTerms');
    const opened = { ...game, slotHash: keccak256(encoded), length: slot.node.length };
    return byClaimant(descend(opened, 'leaves', leaves, tensor), event, false, rules);
  }
  must(!isOver(game.clock, rules.now), 'OutOfTime');
  return {
    game: { ...game, events: [...game.events, event] },
    counts: false,
    claimantWon: isWhatWasGiven(game, move, inputs),
  };
}

/** Whether a tensor that no operator computes is the one it has to be. Throws Refusal where that was not shown. */
function isWhatWasGiven(game: Game, move: Of<'openSlot'>, inputs: readonly InputOpening[]): boolean {
  const { terms, slot, tensor } = move;
  switch (slot.kind) {
    case SLOT_KIND.compose:
      return composed(game, terms, slot, inputs) === tensor;
    case SLOT_KIND.fixed:
      return slot.name === tensor;
    case SLOT_KIND.state: {
      const leaf = hashLeaf(concat([slot.name, tensor]));
      const { proof } = listed(inputs, 0);
      must(isIn({ leaf, index: slot.place, size: slot.count, proof, root: game.before }), 'DoesNotHash');
      return true;
    }
    default: {
      const index = game.step * terms.dataSlots + slot.place;
      const { proof } = listed(inputs, 0);
      const size = terms.steps * terms.dataSlots;
      must(isIn({ leaf: hashLeaf(tensor), index, size, proof, root: terms.data }), 'DoesNotHash');
      return true;
    }
  }
}

function composed(game: Game, terms: Terms, slot: Slot, inputs: readonly InputOpening[]): Hex {
  const last = slot.inputs.length - 1;
  const leaves = slot.inputs.map((place, i) => {
    const input = listed(inputs, i);
    isConceded(game, terms, place, input);
    return i === last ? input.root : hashLeaf(concat([listed(slot.names, i), input.root]));
  });
  return rootOver(leaves);
}

/** An input lies before the disputed slot, in the trace that the claimant opened. */
function isConceded(game: Game, terms: Terms, place: number, { root, proof }: InputOpening): void {
  must(place < game.slot, 'BadTerms');
  const leaf = hashLeaf(root);
  must(isIn({ leaf, index: place, size: terms.slots, proof, root: game.trace }), 'DoesNotHash');
}

function leafBytes(length: number, leaf: number): number {
  return 4 * Math.max(0, Math.min(WORDS_A_LEAF, length - leaf * WORDS_A_LEAF));
}

function openLeaf(game: Game, data: Hex, rules: GameMoveRules): Moved {
  claimantIn(game, ['leaf'], rules);
  must(sizeOf(data) === leafBytes(game.length, game.first), 'DoesNotHash');
  must(hashLeaf(data) === game.node, 'DoesNotHash');
  return byClaimant({ ...game, phase: 'element' }, { kind: 'leaf-opened', data }, true, rules);
}

function pickElement(game: Game, move: Of<'pickElement'>, rules: GameMoveRules): Moved {
  challengerIn(game, ['element'], rules);
  const { slot, offset, data } = move;
  theSlot(game, slot);
  must(hashLeaf(data) === game.node && offset * 4 < sizeOf(data), 'DoesNotHash');
  const bytes = hexToBytes(data);
  const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4 * offset, true);
  const element = game.first * WORDS_A_LEAF + offset;
  const phase = rules.judge.folds(slot.node.op) ? 'fold' : 'judge';
  return byChallenger({ ...game, phase, element, value }, { kind: 'element-picked', element, value }, rules);
}

function postFold(game: Game, { slot, accumulators }: Of<'postFold'>, rules: GameMoveRules): Moved {
  claimantIn(game, ['fold'], rules);
  theSlot(game, slot);
  must(accumulators.length <= rules.judge.chunkLimit(slot.node), 'DoesNotHash');
  const total = accumulators.length === 0 ? 0 : rules.judge.total(slot.node.op, accumulators);
  must(total === game.value, 'DoesNotHash');
  const chunks = accumulators.length;
  const next: Game = { ...game, phase: 'chunk', accumulators: hashOfList(accumulators), chunks };
  return byClaimant(next, { kind: 'fold-posted', accumulators }, true, rules);
}

function pickChunk(game: Game, { chunk, accumulators }: Of<'pickChunk'>, rules: GameMoveRules): Moved {
  challengerIn(game, ['chunk'], rules);
  must(hashOfList(accumulators) === game.accumulators, 'NotAsCommitted');
  must(chunk < game.chunks || chunk === 0, 'NotAsCommitted');
  const next: Game = {
    ...game,
    phase: 'judge',
    chunk,
    accumulatorAfter: accumulators[chunk] ?? 0,
    accumulatorBefore: chunk > 0 ? listed(accumulators, chunk - 1) : 0,
  };
  return byChallenger(next, { kind: 'chunk-picked', chunk }, rules);
}

const LARGEST = 2n ** 256n - 1n;

function judged(game: Game, move: Of<'judge'>, rules: GameMoveRules): Moved {
  must(game.phase === 'judge' && !rules.claim.lost, 'NotYourMove');
  must(!isOver(game.clock, rules.now), 'OutOfTime');
  const { terms, slot, inputs, openings } = move;
  theTerms(terms, rules);
  theSlot(game, slot);
  for (const [i, place] of slot.inputs.entries()) isConceded(game, terms, place, listed(inputs, i));
  for (const { input, leaf, data, proof } of openings) {
    const size = Math.ceil(listed(slot.node.lengths, input) / WORDS_A_LEAF);
    const { root } = listed(inputs, input);
    must(isIn({ leaf: hashLeaf(data), index: leaf, size, proof, root }), 'DoesNotHash');
  }
  const { got, claimed } = verdict(game, { node: slot.node, openings }, rules.judge);
  const events: GameEvent[] = [...game.events, { kind: 'judged', got, claimed }];
  return { game: { ...game, events }, counts: false, claimantWon: got === claimed };
}

function verdict(
  game: Game,
  call: OpenedCall,
  judge: ModelJudge,
): { readonly got: bigint; readonly claimed: bigint } {
  if (game.accumulators === NOTHING) {
    const element = judge.element(call, game.element);
    if (element === undefined) throw new Refusal('NotOpened');
    return { got: BigInt(element), claimed: BigInt(game.value) };
  }
  const sum = judge.chunkOf(call, game.element, game.chunk, game.accumulatorBefore);
  if (sum === undefined) throw new Refusal('NotOpened');
  if (sum.chunks !== game.chunks) return { got: BigInt(sum.chunks), claimed: LARGEST };
  return { got: BigInt(sum.accumulator), claimed: BigInt(game.accumulatorAfter) };
}
