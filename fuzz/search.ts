import type { Coverage } from './branches/counters.ts';
import type { Draws } from './draws.ts';
import type { Mutator } from './mutate/mutator.ts';
import { reasonShape } from './reason-shape.ts';
import type { OpenTarget, Outcome } from './target.ts';

/** A way in which a target did what it must not do. */
export interface Fault {
  /** Tells one fault from another: the error's class and where it came from. */
  readonly key: string;
  readonly sentence: string;
  /** The smallest input found that does it. */
  readonly input: Uint8Array;
}

export interface SearchResult {
  readonly inputs: number;
  readonly accepted: number;
  readonly faults: readonly Fault[];
  /** Inputs that reached something new, those at the beginning left out. */
  readonly found: readonly Uint8Array[];
  /** Reasons of refusals that were met. */
  readonly reasons: number;
}

export interface SearchOptions {
  readonly target: OpenTarget;
  readonly mutator: Mutator;
  readonly maxBytes: number;
  /** How many inputs are tried, those at the beginning included. */
  readonly inputs: number;
  readonly draws: Draws;
  /** Inputs to begin with, beside the target's seeds. */
  readonly corpus?: readonly Uint8Array[];
  /** Without it, only the sentences of refusals guide the search. */
  readonly coverage?: Coverage | undefined;
  /** Called before each input. */
  readonly onInput?: (input: Uint8Array) => void;
  /** Asked before each input. The search ends when it says so. */
  readonly isOver?: () => boolean;
}

/** Inputs that are kept to make others from. */
const MOST_POOL = 8192;
/** Sentences of refusals that are told apart. */
const MOST_REASONS = 512;
/** Faults after which a target is left alone. */
const MOST_FAULTS = 8;
/** Tries to make a fault's input smaller. */
const SHRINK_TRIES = 2000;

/**
 * Tries inputs on a target: the seeds, the corpus, then changed ones. An input that reaches something new
 * joins those that others are made from. The inputs follow from the draws, the seeds and the corpus; with
 * coverage also from the code.
 */
export async function search(options: SearchOptions): Promise<SearchResult> {
  const { target, mutator, maxBytes, draws, coverage } = options;
  const begin = [...target.seeds, ...(options.corpus ?? [])];
  const pool: Uint8Array[] = [];
  const found: Uint8Array[] = [];
  const reasons = new Set<string>();
  const faults = new Map<string, Fault>();
  let inputs = 0;
  let accepted = 0;
  // What the seeds' making reached says nothing.
  coverage?.isNew();
  while (inputs < options.inputs && faults.size < MOST_FAULTS && options.isOver?.() !== true) {
    const input =
      begin[inputs] ??
      mutator.mutate({ input: chosen(pool, draws), donor: draws.pick(pool), maxBytes, draws });
    options.onInput?.(input);
    let outcome: Outcome;
    try {
      const answer = target.attempt(asGiven(input));
      outcome = answer instanceof Promise ? await answer : answer;
    } catch (error) {
      const key = keyOf(error);
      if (!faults.has(key)) faults.set(key, { key, sentence: sentenceOf(error), input });
      outcome = { kind: 'refused', why: key };
    }
    if (outcome.kind === 'accepted') accepted++;
    const isNewly = isNewReason(outcome, reasons);
    const isNew = coverage?.isNew() ?? isNewly;
    if (inputs < begin.length) pool.push(input);
    else if (isNew) {
      if (pool.length < MOST_POOL) pool.push(input);
      else pool[begin.length + draws.below(MOST_POOL - begin.length)] = input;
      found.push(input);
    }
    inputs++;
  }
  const smallest: Fault[] = [];
  for (const fault of faults.values()) smallest.push(await shrunk(fault, target));
  return { inputs, accepted, faults: smallest, found, reasons: reasons.size };
}

/**
 * The input as a target gets it. One in four, by its bytes, is a Buffer that begins at an odd place of a
 * larger one, as files and frames do in Node: such a view must be read like any other.
 */
function asGiven(input: Uint8Array): Uint8Array {
  let sum = input.length;
  for (const byte of input) sum += byte;
  if (sum % 4 !== 0) return input.slice();
  const larger = Buffer.alloc(input.length + 10, 0xa5);
  larger.set(input, 7);
  return larger.subarray(7, 7 + input.length);
}

/** Half of the time one of the newest, which are the furthest. */
function chosen(pool: readonly Uint8Array[], draws: Draws): Uint8Array {
  if (draws.chance(50)) return draws.pick(pool);
  return pool[pool.length - 1 - draws.below(Math.min(pool.length, 32))] ?? draws.pick(pool);
}

/** Whether a refusal is for a reason that was not met before. */
function isNewReason(outcome: Outcome, reasons: Set<string>): boolean {
  const shape = reasonShape(outcome);
  if (reasons.size >= MOST_REASONS || reasons.has(shape)) return false;
  reasons.add(shape);
  return true;
}

/** The class of an error and the place in the house that it came from. */
export function keyOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${typeof error}`;
  const line = (error.stack ?? '')
    .split('\n')
    .find((each) => / at /.test(each) && !/node:|target\.ts/.test(each));
  const place = /([^/\s(]+\/[^/\s(]+?)(?::\d+)?\)?$/.exec(line ?? '')?.[1] ?? '';
  const what = error.name === 'OracleError' ? error.message.replace(/\d+/g, '#').slice(0, 80) : error.name;
  return `${what} at ${place}`;
}

function sentenceOf(error: unknown): string {
  return error instanceof Error
    ? `${error.name}: ${error.message}`.slice(0, 400)
    : String(error).slice(0, 400);
}

/** The fault with an input from which parts were cut, as long as it stays the same fault. */
async function shrunk(fault: Fault, target: OpenTarget): Promise<Fault> {
  let { input } = fault;
  let tries = 0;
  const fails = async (candidate: Uint8Array): Promise<boolean> => {
    tries++;
    try {
      await target.attempt(asGiven(candidate));
      return false;
    } catch (error) {
      return keyOf(error) === fault.key;
    }
  };
  for (let part = input.length >> 1; part >= 1; part >>= 1) {
    for (let at = 0; at < input.length && tries < SHRINK_TRIES; ) {
      const shorter = new Uint8Array([...input.subarray(0, at), ...input.subarray(at + part)]);
      if (await fails(shorter)) input = shorter;
      else at += part;
    }
  }
  return { ...fault, input };
}
