/**
 * The life of a contribution: one state at a time, each with what a person must know about it. The buttons
 * that a state offers follow from the state alone (`commandsIn`).
 */
export type PauseCause = 'asked' | 'battery' | 'failures';

export type StartStep = 'key' | 'network' | 'questions' | 'files' | 'engine' | 'model';

export type Phase =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'starting';
      readonly step: StartStep;
      /** The share of the step that is done, 0 to 1. Undefined where it is not known. */
      readonly progress?: number;
    }
  | { readonly kind: 'contributing' }
  /** The step in hand is being finished and stored before the pause takes hold. */
  | { readonly kind: 'pausing'; readonly cause: PauseCause }
  | { readonly kind: 'paused'; readonly cause: PauseCause; readonly detail?: string }
  /** The round in hand is the last. */
  | { readonly kind: 'finishing' }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'stopped'; readonly finished: boolean }
  | { readonly kind: 'failed'; readonly cause: string; readonly remedy: string }
  /** Another tab of this browser profile holds the device key's lock. */
  | { readonly kind: 'elsewhere' };

export type Command = 'contribute' | 'pause' | 'resume' | 'finish' | 'stop' | 'take-over';

const COMMANDS: Readonly<Record<Phase['kind'], readonly Command[]>> = {
  idle: ['contribute'],
  starting: ['stop'],
  contributing: ['pause', 'finish', 'stop'],
  pausing: ['stop'],
  paused: ['resume', 'stop'],
  finishing: ['stop'],
  stopping: [],
  stopped: ['contribute'],
  failed: ['contribute'],
  elsewhere: ['take-over'],
};

/** The commands that make sense in a phase, in the order in which the page shows them. */
export function commandsIn(phase: Phase): readonly Command[] {
  return COMMANDS[phase.kind];
}

/** Whether the device has not left the swarm. In every other phase nothing about the swarm is current. */
export function isLive(phase: Phase): boolean {
  return (
    phase.kind !== 'idle' && phase.kind !== 'stopped' && phase.kind !== 'failed' && phase.kind !== 'elsewhere'
  );
}

/** Whether the device works or is about to: closing the tab would lose a step. */
export function isBusy(phase: Phase): boolean {
  return (
    phase.kind === 'starting' ||
    phase.kind === 'contributing' ||
    phase.kind === 'pausing' ||
    phase.kind === 'finishing' ||
    phase.kind === 'stopping'
  );
}
