/** What a device hears that comes into a step, and what of it it does not have to believe. */
import { type Handoff, MOST_STEPS } from '../../protocol/handoff.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { StageOrder } from '../path-plan.ts';
import type { Refusal } from './handoffs.ts';
import type { PipelineMessage } from './messages.ts';

export interface WelcomeRules {
  /** The paths of a step, which every device works out for itself. */
  readonly paths: (step: number) => readonly StageOrder[];
  /** Whether a handoff is signed by its device. */
  readonly isSigned: (handoff: Handoff) => boolean;
  readonly run: Hex;
  /** Defaults to the most steps that there can be. */
  readonly end?: number;
}

/**
 * Why a welcome is refused; undefined when nothing speaks against it. Its paths have to be the step's, so
 * that nobody is led to skip what may not be skipped, and the updates it speaks of have to be signed.
 */
export function welcomeRefusal(
  welcome: Extract<PipelineMessage, { kind: 'welcome' }>,
  { paths, isSigned, run, end = MOST_STEPS }: WelcomeRules,
): Refusal | undefined {
  const { step, updates } = welcome;
  if (step >= end) return 'step';
  if (JSON.stringify(welcome.paths) !== JSON.stringify(paths(step))) return 'plan';
  for (const update of updates) {
    if (update.run !== run) return 'run';
    if (update.step !== step - 1) return 'step';
    if (!isSigned(update)) return 'signature';
  }
  return undefined;
}

/**
 * The roots of the blocks' tensors at a welcome's step: those of the run's beginning, and what updates gave.
 */
export function stateOfWelcome(
  welcome: Extract<PipelineMessage, { kind: 'welcome' }>,
  first: ReadonlyMap<string, Hex>,
): ReadonlyMap<string, Hex> {
  const state = new Map(first);
  for (const { outputs } of welcome.updates) for (const { tensor, root } of outputs) state.set(tensor, root);
  return state;
}
