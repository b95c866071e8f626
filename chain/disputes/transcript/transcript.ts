/** A game as a person can follow it: from the claim to the step, the operator, the number, the sum, and the verdict. */
import type { Address, Hex } from 'viem';
import { type Evidence, SLOT_KIND, type Slot } from '../../../protocol/evidence.ts';
import { deadlineOf } from '../agents/decision.ts';
import type { GameEvent, GameView, Phase } from '../port.ts';
import { isIntegers, operatorName } from './operator-names.ts';

/** A word of a tensor: its bits, and what they mean. */
export interface Word {
  readonly bits: number;
  readonly value: number;
}

/** What is known of a part of the run that the game went through. */
export type Chapter =
  /** The first step whose checkpoint differs. The roots are known once the claimant opened it. */
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
      /** For an output. */
      readonly operator?: string;
    }
  | { readonly kind: 'leaf'; readonly leaf: number; readonly of: number }
  | { readonly kind: 'element'; readonly element: number; readonly of: number; readonly claimed: Word }
  /** A part of the element's sum, and the accumulators before and after it as claimed. */
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
   * How it ended: the judge computed the number; the claimant showed what was given, or a slot that does not fit; or a side did not
   * answer, in time or before another game had beaten the claim.
   */
  readonly by: 'judge' | 'shown' | 'unanswered';
  /** By the judge: what it computed, and what was claimed. No word where the sum has another number of parts than claimed. */
  readonly computed?: Word;
  readonly claimed?: Word;
}

export interface GameStory {
  readonly claim: number;
  readonly game: number;
  readonly claimant: Address;
  readonly challenger: Address;
  readonly chapters: readonly Chapter[];
  /** What is being searched now, and how much of it is left. */
  readonly searching?: {
    readonly what: 'steps' | 'slots' | 'leaves';
    readonly first: number;
    readonly size: number;
  };
  /** Who is to move, until when (Unix seconds). */
  readonly turn?: { readonly side: 'claimant' | 'challenger'; readonly until: number };
  readonly verdict?: Verdict;
  /** Moves made so far. */
  readonly moves: number;
}

/** What the telling needs to know of the run; without it names are left out. */
export type Known = Pick<Evidence, 'terms' | 'program' | 'slotNames'>;

/** How far a game has gone, by phase: only what was passed has a chapter. */
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

/** The story so far. Pure; `known` is the run's evidence or what a page knows of it. */
export function explain(view: GameView, known: Known): GameStory {
  const { game, claim, events } = view;
  const chapters = chaptersOf(view, known);
  const over = events.find((event) => event.kind === 'over');
  const story = {
    claim: game.claim,
    game: game.game,
    claimant: claim.claimant,
    challenger: game.challenger,
    chapters,
    moves: events.filter(({ kind }) => kind !== 'over').length,
  };
  if (over !== undefined) return { ...story, verdict: verdictOf(view, over.claimantWon, known) };
  const turn = {
    side: game.clock.claimantToMove ? 'claimant' : 'challenger',
    until: deadlineOf(view),
  } as const;
  const { phase, first, size } = game;
  if (phase !== 'steps' && phase !== 'slots' && phase !== 'leaves') return { ...story, turn };
  return { ...story, turn, searching: { what: phase, first, size } };
}

function chaptersOf({ game, events }: GameView, { terms, program, slotNames }: Known): Chapter[] {
  const reached = reachedBy(events, terms.steps);
  const past = (phase: Phase): boolean => reached >= ORDER.indexOf(phase);
  const chapters: Chapter[] = [];
  const slot = program[game.slot];
  if (past('step')) {
    const opened = events.find((event) => event.kind === 'step-opened');
    const roots = opened === undefined ? {} : { before: opened.before, after: opened.after };
    chapters.push({ kind: 'step', step: game.step, of: terms.steps, ...roots });
  }
  if (past('slot') && slot !== undefined) {
    chapters.push({
      kind: 'slot',
      slot: game.slot,
      of: terms.slots,
      name: slotNames[game.slot] ?? `slot ${game.slot}`,
      what: WHAT[slot.kind],
      ...(slot.kind === SLOT_KIND.output ? { operator: operatorName(slot.node.op) } : {}),
    });
  }
  if (past('leaf')) {
    chapters.push({ kind: 'leaf', leaf: game.first, of: Math.ceil(game.length / 1024) });
  }
  const element = events.find((event) => event.kind === 'element-picked');
  if (element !== undefined && slot !== undefined) {
    const claimed = wordOf(element.value, isIntegers(slot.node));
    chapters.push({ kind: 'element', element: element.element, of: game.length, claimed });
  }
  const chunk = events.find((event) => event.kind === 'chunk-picked');
  if (chunk !== undefined) {
    const before = wordOf(game.accumulatorBefore, false);
    const after = wordOf(game.accumulatorAfter, false);
    chapters.push({ kind: 'chunk', chunk: chunk.chunk, of: game.chunks, before, after });
  }
  return chapters;
}

/** Place in ORDER of the phase that the events have led to; the game itself says only "over" at the end. */
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

function verdictOf({ game, events }: GameView, claimantWon: boolean, { program }: Known): Verdict {
  const winner = claimantWon ? 'claimant' : 'challenger';
  const judged = events.find((event) => event.kind === 'judged');
  const slot = program[game.slot];
  if (judged !== undefined) {
    const folds = events.some(({ kind }) => kind === 'fold-posted');
    const integers = !folds && slot !== undefined && isIntegers(slot.node);
    if (judged.claimed > 0xffffffffn) return { winner, by: 'judge' };
    const [computed, claimed] = [
      wordOf(Number(judged.got), integers),
      wordOf(Number(judged.claimed), integers),
    ];
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
