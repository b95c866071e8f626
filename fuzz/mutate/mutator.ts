import type { Draws } from '../draws.ts';

/** Makes an input from another one. */
export interface Mutator {
  /** Never changes `input` or `donor`. The result has at most `maxBytes` bytes. */
  mutate(options: MutateOptions): Uint8Array;
}

export interface MutateOptions {
  readonly input: Uint8Array;
  /** Another input, of which parts may be taken. */
  readonly donor: Uint8Array;
  readonly maxBytes: number;
  readonly draws: Draws;
}
