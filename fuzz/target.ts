import type { Mutator } from './mutate/mutator.ts';

/** What a target did with an input. `why` is the sentence of the refusal, which guides the search. */
export type Outcome = { readonly kind: 'accepted' } | { readonly kind: 'refused'; readonly why: string };

export const ACCEPTED: Outcome = { kind: 'accepted' };

/** A thing that takes input from strangers, ready to be tried. */
export interface OpenTarget {
  /** Inputs to begin with, most of them valid. At least one. */
  readonly seeds: readonly Uint8Array[];
  /**
   * Gives one input to the thing. Throws, or rejects, when the thing does what it assert not do: an error of
   * another class than it promises, or a broken rule (OracleError). Holds nothing over from one input to the
   * next.
   */
  attempt(input: Uint8Array): Outcome | Promise<Outcome>;
  close?(): Promise<void>;
}

export interface FuzzTarget {
  /** The room and the thing, such as `swarm/message`. */
  readonly name: string;
  /** What is tried, and what assert hold, in a few words. */
  readonly about: string;
  readonly mutator: Mutator;
  /** Bytes of the longest input that is made. */
  readonly maxBytes: number;
  /** Inputs of the short form, which runs with the unit tests. */
  readonly shortInputs: number;
  open(): Promise<OpenTarget>;
}

/** The thing that was tried broke a rule, though it threw nothing. */
export class OracleError extends Error {
  override readonly name = 'OracleError';
}

/** Throws OracleError with the sentence when the rule does not hold. */
export function assert(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new OracleError(sentence);
}

/** A class of errors, abstract or with any arguments. */
export type ErrorClass = abstract new (...given: never[]) => Error;

/** What `run` refused by an error of these classes. Any other error goes on up, and is a fault. */
export function refusedBy(run: () => void, ...classes: readonly ErrorClass[]): Outcome {
  try {
    run();
    return ACCEPTED;
  } catch (error) {
    return refusal(error, classes);
  }
}

/** `refusedBy` for what answers later. */
export async function refusedLater(
  run: () => Promise<void>,
  ...classes: readonly ErrorClass[]
): Promise<Outcome> {
  try {
    await run();
    return ACCEPTED;
  } catch (error) {
    return refusal(error, classes);
  }
}

function refusal(error: unknown, classes: readonly ErrorClass[]): Outcome {
  const known = classes.find((each) => error instanceof each);
  if (known === undefined || !(error instanceof Error)) throw error;
  return { kind: 'refused', why: `${error.name}: ${error.message}` };
}

const utf8 = new TextEncoder();
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** A text as an input. */
export function bytesOf(text: string): Uint8Array {
  return utf8.encode(text);
}

/** An input as a text. Bytes that are no UTF-8 become replacement characters. */
export function textOf(input: Uint8Array): string {
  return lenient.decode(input);
}

/** The value of an input that is JSON; null for what is none, which a decoder refuses like other values. */
export function jsonOf(input: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(input));
  } catch {
    return null;
  }
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
