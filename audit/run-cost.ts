/**
 * What a run costs whoever repeats it, from the fields of its specification alone. Anybody can publish a
 * specification, so it is priced before anything is done about it. The estimates are for a fast machine: a
 * run is refused only where no machine of this kind could repeat it in time.
 */
import { parameterSpecs } from '../models/decoder/config.ts';
import { questionsOf, type RunSpec, type Work } from './run-spec.ts';

export interface RunCost {
  /** To make the data of all steps and encode the program, in ms. */
  readonly planMs: number;
  /** To compute all steps, in ms. */
  readonly computeMs: number;
}

/** One row of supervised text, drawn and tokenized, in ms. */
const ROW_MS = 0.1;
/** One question of a policy step, in ms. Its lengths fit one question in dozens, or in thousands. */
const ITEM_MS = 10;
/** Hashes of one step's data, in ms. */
const STEP_MS = 0.2;
/** One layer at one place of the program, encoded as slots, in ms. */
const LAYER_MS = 1;
/** Floating-point operations a ms: 20 GFLOP/s, above what one thread of the wasm engine reaches. */
const FLOPS_A_MS = 20e6;
/** Operations for each weight and token, forward and backward (Kaplan et al., arXiv 2001.08361). */
const FLOPS_A_WEIGHT = 6;

/** The cost of a run. Takes microseconds, whatever the specification says. */
export function costOfRun({ config, steps, work }: RunSpec): RunCost {
  const weights = parameterSpecs(config).reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
  const questions = questionsOf(work);
  const length = work.kind === 'policy' ? work.promptLength + work.answerLength : work.length;
  const rows = work.kind === 'policy' ? work.items * work.samples : questions;
  const places = placesOf(work, length);
  const stepMs = STEP_MS + questions * (work.kind === 'policy' ? ITEM_MS : ROW_MS);
  return {
    planMs: steps * stepMs + places * config.layers * LAYER_MS,
    computeMs: (steps * rows * length * weights * FLOPS_A_WEIGHT) / FLOPS_A_MS,
  };
}

/** How often the decoder is in the program: a policy step runs it for each place of its answers. */
function placesOf(work: Work, length: number): number {
  if (work.kind === 'policy') return length;
  // Each microbatch has it once, and its backward pass computes the forward pass again.
  return work.kind === 'blocks' ? 2 * work.paths.length : 1;
}
