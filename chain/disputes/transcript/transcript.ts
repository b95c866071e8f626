/**
 * A game as a person can follow it: from the claim to the step, the operator, the number, the sum and the
 * verdict.
 */
import type { Address, Hex } from 'viem';
import { type Evidence, SLOT_KIND, type Slot } from '../../../protocol/evidence.ts';
import { hasIntegerWords, operatorName } from '../operator-names.ts';
import { deadlineOf, type GameEvent, type GameView, type Phase, WORDS_A_LEAF } from '../port.ts';

/** A word of a tensor: its bits, and the number that they stand for. */
export interface Word {
  readonly bits: number;
  readonly value: number;
}

/** One level that the game went through. Numbers are 0-based; `of` is how many there are. */
export type TranscriptSection =
  /** The first step whose checkpoint differs. The roots are known once the claimant has opened the step. */
  | {
      readonly kind: 'step';
      readonly step: number;
      readonly of: number;
      readonly before?: Hex;
      readonly after?: Hex;
    }
  /** The first entry of the step's trace that differs. */
  | {
      readonly kind: 'slot';
      readonly slot: number;
      readonly of: number;
      readonly name: string;
      readonly what: 'state' | 'data' | 'fixed' | 'output' | 'checkpoint root';
      /** The operator that computes it. Set for an output. */
      readonly operator?: string;
    }
  | { readonly kind: 'leaf'; readonly leaf: number; readonly of: number }
  | { readonly kind: 'element'; readonly element: number; readonly of: number; readonly claimed: Word }
  /** A part of the element's sum, and the accumulators before and after it as the claimant posted them. */
  | {
      readonly kind: 'chunk';
      readonly chunk: number;
      readonly of: number;
      readonly before: Word;
      readonly after: Word;
    };

export interface Verdict {
  readonly winner: 'claimant' | 'challenger';
  /**
   * How the game ended. `judge`: the contract computed the number. `shown`: the claimant showed that the slot
   * is what was given, or showed one that does not fit. `unanswered`: a side did not answer in time, or not
   * before another game had beaten the claim.
   */
  readonly by: 'judge' | 'shown' | 'unanswered';
  /**
   * What the judge computed, and what was claimed. Left out where the sum has another number of chunks than
   * claimed.
   */
  readonly computed?: Word;
  readonly claimed?: Word;
}

export interface GameTranscript {
  readonly claim: number;
  readonly game: number;
  readonly claimant: Address;
  readonly challenger: Address;
  readonly sections: readonly TranscriptSection[];
  /** What is being searched now: the first number and how many are left. */
  readonly searching?: {
    readonly what: 'steps' | 'slots' | 'leaves';
    readonly first: number;
    readonly size: number;
  };
  /** Who is to move, and until when (Unix seconds). */
  readonly turn?: { readonly side: 'claimant' | 'challenger'; readonly until: number };
  readonly verdict?: Verdict;
  /** Moves made so far. */
  readonly moves: number;
}

/** What a transcript needs to know of the run. */
export type DescribedRun = Pick<Evidence, 'terms' | 'program' | 'slotNames'>;

/** The phases in the order of a game. A level has a section once the game has passed it. */
const ORDER: readonly Phase[] = [
  'steps',
  'step',
  'slots',
  'slot',
  'leaves',
  'leaf',
  'element',
  'fold',
  'chunk',
  'judge',
];

const WHAT: Readonly<Record<Slot['kind'], 'state' | 'data' | 'fixed' | 'output' | 'checkpoint root'>> = {
  [SLOT_KIND.state]: 'state',
  [SLOT_KIND.data]: 'data',
  [SLOT_KIND.fixed]: 'fixed',
  [SLOT_KIND.output]: 'output',
  [SLOT_KIND.compose]: 'checkpoint root',
};

/** The transcript of a game so far. Pure. `run` is the run's evidence, or what a page knows of it. */
export function transcriptOf(view: GameView, run: DescribedRun): GameTranscript {
  const { game, claim, events } = view;
  const over = events.find((event) => event.kind === 'over');
  const transcript = {
    claim: game.claim,
    game: game.game,
    claimant: claim.claimant,
    challenger: game.challenger,
    sections: sectionsOf(view, run),
    moves: events.filter(({ kind }) => kind !== 'over').length,
  };
  if (over !== undefined) return { ...transcript, verdict: verdictOf(view, over.claimantWon, run) };
  const side = game.clock.claimantToMove ? 'claimant' : 'challenger';
  const turn = { side, until: deadlineOf(game.clock) } as const;
  const { phase, first, size } = game;
  if (phase !== 'steps' && phase !== 'slots' && phase !== 'leaves') return { ...transcript, turn };
  return { ...transcript, turn, searching: { what: phase, first, size } };
}

function sectionsOf(
  { game, events }: GameView,
  { terms, program, slotNames }: DescribedRun,
): TranscriptSection[] {
  const reached = reachedBy(events, terms.steps);
  const past = (phase: Phase): boolean => reached >= ORDER.indexOf(phase);
  const sections: TranscriptSection[] = [];
  const slot = program[game.slot];
  if (past('step')) {
    const opened = events.find((event) => event.kind === 'step-opened');
    const roots = opened === undefined ? {} : { before: opened.before, after: opened.after };
    sections.push({ kind: 'step', step: game.step, of: terms.steps, ...roots });
  }
  if (past('slot') && slot !== undefined) {
    sections.push({
      kind: 'slot',
      slot: game.slot,
      of: terms.slots,
      name: slotNames[game.slot] ?? `slot ${game.slot}`,
      what: WHAT[slot.kind],
      ...(slot.kind === SLOT_KIND.output ? { operator: operatorName(slot.node.op) } : {}),
    });
  }
  if (past('leaf')) {
    sections.push({ kind: 'leaf', leaf: game.first, of: Math.ceil(game.length / WORDS_A_LEAF) });
  }
  const element = events.find((event) => event.kind === 'element-picked');
  if (element !== undefined && slot !== undefined) {
    const claimed = wordOf(element.value, hasIntegerWords(slot.node));
    sections.push({ kind: 'element', element: element.element, of: game.length, claimed });
  }
  const chunk = events.find((event) => event.kind === 'chunk-picked');
  if (chunk !== undefined) {
    const before = wordOf(game.accumulatorBefore, false);
    const after = wordOf(game.accumulatorAfter, false);
    sections.push({ kind: 'chunk', chunk: chunk.chunk, of: game.chunks, before, after });
  }
  return sections;
}

/** The place in ORDER that the events have led to. The game itself says only "over" at the end. */
function reachedBy(events: readonly GameEvent[], steps: number): number {
  let reached = steps === 1 ? ORDER.indexOf('step') : 0;
  const reach = (phase: Phase): void => {
    reached = Math.max(reached, ORDER.indexOf(phase));
  };
  for (const event of events) {
    if (event.kind === 'picked') reach(event.phase);
    if (event.kind === 'step-opened') reach('slots');
    if (event.kind === 'leaf-opened') reach('element');
    if (event.kind === 'element-picked') reach('fold');
  }
  return reached;
}

function verdictOf({ game, events }: GameView, claimantWon: boolean, { program }: DescribedRun): Verdict {
  const winner = claimantWon ? 'claimant' : 'challenger';
  const judged = events.find((event) => event.kind === 'judged');
  const slot = program[game.slot];
  if (judged !== undefined) {
    const folds = events.some(({ kind }) => kind === 'fold-posted');
    const integers = !folds && slot !== undefined && hasIntegerWords(slot.node);
    if (judged.claimed > 0xffffffffn) return { winner, by: 'judge' };
    const computed = wordOf(Number(judged.got), integers);
    const claimed = wordOf(Number(judged.claimed), integers);
    return { winner, by: 'judge', computed, claimed };
  }
  const shown = events.at(-2)?.kind === 'slot-opened' && slot?.kind !== SLOT_KIND.output;
  return { winner, by: shown ? 'shown' : 'unanswered' };
}

function wordOf(bits: number, integer: boolean): Word {
  const word = bits >>> 0;
  if (integer) return { bits: word, value: word };
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, word);
  return { bits: word, value: view.getFloat32(0) };
}
