/** A dispute as a person can follow it: from the run to the step, the operator, the number and the sum, with both values and the verdict. */
import type { Hex } from 'viem';
import { deadlineOf } from './decision.ts';
import { SLOT_KIND, type Slot } from './evidence.ts';
import type { GameEvent, GameView, Phase } from './port.ts';

/** What the run of a dispute is made of, for words: `Evidence` has it. */
export interface RunInWords {
  readonly steps: number;
  readonly program: readonly Slot[];
  readonly slotNames: readonly string[];
  /** Name of an operator by the judge's number. */
  readonly operatorName: (op: number) => string | undefined;
}

/** One level of a dispute that is settled: what was agreed before it and where the two sides part. */
export interface StoryLevel {
  readonly level: 'step' | 'operator' | 'number' | 'sum';
  readonly title: string;
  readonly detail: string;
  readonly transaction: Hex | undefined;
}

/** Bits of an f32 or a count, and what they say. */
export interface StoryValue {
  readonly bits: Hex;
  readonly text: string;
}

export interface StoryVerdict {
  readonly claimantWon: boolean;
  readonly sentence: string;
  /** What the contract computed; undefined where the game ended without a judgement. */
  readonly judged: { readonly claimed: StoryValue; readonly got: StoryValue } | undefined;
}

export interface Story {
  readonly levels: readonly StoryLevel[];
  /** What is looked for now and who has to move until when (Unix seconds); undefined when the game is over. */
  readonly now:
    | { readonly sentence: string; readonly toMove: 'claimant' | 'challenger'; readonly until: number }
    | undefined;
  readonly verdict: StoryVerdict | undefined;
}

/** Puts a game into words. Pure; `run` may be undefined where the run is not known here, and names are numbers then. */
export function explain(view: GameView, run?: RunInWords): Story {
  const levels = levelsOf(view, run);
  const over = last(view, 'over');
  if (over !== undefined) return { levels, now: undefined, verdict: verdictOf(view, run, over.claimantWon) };
  const toMove = view.game.clock.claimantToMove ? 'claimant' : 'challenger';
  return {
    levels,
    now: { sentence: searching(view, run), toMove, until: deadlineOf(view) },
    verdict: undefined,
  };
}

function levelsOf(view: GameView, run: RunInWords | undefined): readonly StoryLevel[] {
  const { game } = view;
  const levels: StoryLevel[] = [];
  const step = last(view, 'step-opened');
  if (step !== undefined) {
    levels.push({
      level: 'step',
      title: `Step ${game.step + 1}${run === undefined ? '' : ` of ${run.steps}`}`,
      detail: `Both sides have the same weights before it (${short(step.before)}); they differ after it.`,
      transaction: step.transaction,
    });
  }
  const slot = last(view, 'slot-opened');
  if (slot !== undefined) {
    const entry = run?.program[slot.slot];
    levels.push({
      level: 'operator',
      title: titleOf(slot.slot, entry, run),
      detail: `The first of ${run === undefined ? 'the step’s' : `the step’s ${run.program.length}`} results that differs; all before it are agreed.`,
      transaction: slot.transaction,
    });
  }
  const element = last(view, 'element-picked');
  if (element !== undefined) {
    const value = wordsAreWhole(view, run) ? whole(element.value) : f32(element.value);
    levels.push({
      level: 'number',
      title: `Number ${element.element + 1} of ${game.length}`,
      detail: `Claimed to be ${value.text} (${value.bits}).`,
      transaction: element.transaction,
    });
  }
  const chunk = last(view, 'chunk-picked');
  if (chunk !== undefined) {
    const [before, after] = [f32(game.accumulatorBefore), f32(game.accumulatorAfter)];
    levels.push({
      level: 'sum',
      title: `Part ${chunk.chunk + 1} of ${game.chunks} of its sum`,
      detail: `From ${before.text} (${before.bits}) claimed to lead to ${after.text} (${after.bits}).`,
      transaction: chunk.transaction,
    });
  }
  return levels;
}

function titleOf(slot: number, entry: Slot | undefined, run: RunInWords | undefined): string {
  const name = run?.slotNames[slot];
  if (entry === undefined || name === undefined) return `Result ${slot + 1}`;
  if (entry.kind === SLOT_KIND.output) {
    const operator = run?.operatorName(entry.node.op);
    return operator === undefined ? name : `${name}, by ${operator}`;
  }
  if (entry.kind === SLOT_KIND.compose) return 'The checkpoint after the step';
  return entry.kind === SLOT_KIND.state ? `${name}, from the checkpoint` : `${name}, given to the step`;
}

const LOOKING: Readonly<Record<Exclude<Phase, 'none' | 'over'>, string>> = {
  steps: 'Looking for the first step that differs',
  step: 'The claimant has to open the step',
  slots: 'Looking for the first result of the step that differs',
  slot: 'The claimant has to show what the result is made of',
  leaves: 'Looking for the part of the result that differs',
  leaf: 'The claimant has to show that part',
  element: 'The challenger has to name the first number that differs',
  fold: 'The claimant has to show the sums on the way to the number',
  chunk: 'The challenger has to name the first sum that differs',
  judge: 'The contract can compute it now; somebody has to show it the inputs',
};

function searching({ game }: GameView, run: RunInWords | undefined): string {
  const { phase, first, size } = game;
  if (phase === 'none' || phase === 'over') return '';
  const range = size <= 1 ? '' : `, ${first + 1} to ${first + size}`;
  switch (phase) {
    case 'steps':
      return `${LOOKING.steps}${range}${run === undefined ? '' : ` of ${run.steps}`}.`;
    case 'slots':
    case 'leaves':
      return `${LOOKING[phase]}${range}.`;
    default:
      return `${LOOKING[phase]}.`;
  }
}

function verdictOf(view: GameView, run: RunInWords | undefined, claimantWon: boolean): StoryVerdict {
  const judged = last(view, 'judged');
  const side = claimantWon ? 'The claim was right' : 'The claim was wrong';
  if (judged === undefined) {
    const before = view.events.at(-2);
    // A given slot that is shown to be what was given ends the game by itself.
    const shown = claimantWon && before?.kind === 'slot-opened';
    const why = shown
      ? 'what the challenger doubted is what everybody was given'
      : claimantWon
        ? 'the challenger said nothing more in time'
        : 'the claimant showed nothing more in time, or the claim fell in another game';
    return { claimantWon, sentence: `${side}: ${why}.`, judged: undefined };
  }
  const read = (word: bigint) =>
    word >= 2n ** 32n || wordsAreWhole(view, run) ? whole(word) : f32(Number(word));
  const [claimed, got] = [read(judged.claimed), read(judged.got)];
  return {
    claimantWon,
    sentence: claimantWon
      ? `${side}: the contract computed the same number.`
      : `${side}: the contract computed another number.`,
    judged: { claimed, got },
  };
}

function last<K extends GameEvent['kind']>({ events }: GameView, kind: K) {
  type Found = Extract<GameView['events'][number], { kind: K }>;
  return events.findLast((event): event is Found => event.kind === kind);
}

/** An f32 by its bits: "-0.00129" and 0xbaa91538. */
export function f32(bits: number): StoryValue {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits >>> 0);
  return { bits: hex(BigInt(bits >>> 0)), text: String(Number(view.getFloat32(0).toPrecision(9))) };
}

/** Token ids are drawn, not computed with: the one output that is no f32. */
function wordsAreWhole({ game }: GameView, run: RunInWords | undefined): boolean {
  const entry = run?.program[game.slot];
  return entry !== undefined && run?.operatorName(entry.node.op) === 'sample' && entry.node.output === 0;
}

/** A whole number: a token, or the number of parts of a sum where one side counts others. */
function whole(word: number | bigint): StoryValue {
  return { bits: hex(BigInt(word)), text: String(word) };
}

function hex(word: bigint): Hex {
  return `0x${word.toString(16).padStart(8, '0')}`;
}

function short(root: Hex): string {
  return `${root.slice(0, 6)}…${root.slice(-4)}`;
}
