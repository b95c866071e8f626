/** The status sentence: what happens and why, in words. Pure. */
import { plural } from '../ui/format.ts';
import { blocksStatus } from './blocks-words.ts';
import type { PauseCause, StartStep } from './phase.ts';
import type { VolunteerView } from './volunteer-view.ts';

export interface StatusSentence {
  /** One short sentence, shown large and read out when it changes. */
  readonly headline: string;
  /** The cause, or what comes next. */
  readonly detail: string;
}

const STARTING: Readonly<Record<StartStep, StatusSentence>> = {
  key: {
    headline: 'Starting: opening this device’s key.',
    detail: 'The key names this device in the swarm. It never leaves this browser unless you back it up.',
  },
  engine: {
    headline: 'Starting: checking that this device computes the right bits.',
    detail: 'Every engine answers the same questions; only one whose bits all match may contribute.',
  },
  model: {
    headline: 'Starting: loading the model.',
    detail: 'From this device if it has one, else from the page it came with.',
  },
  questions: {
    headline: 'Starting: fetching the swarm’s questions.',
    detail: 'Members pass them on. They are checked against the swarm’s specification.',
  },
  files: {
    headline: 'Starting: fetching the swarm’s model.',
    detail:
      'From this device, its addresses or members. Every file is checked. Stop whenever you like: the next start goes on from there.',
  },
  network: {
    headline: 'Starting: joining the swarm.',
    detail: 'A relay introduces this tab to others; after that they talk directly.',
  },
};

const PAUSED: Readonly<Record<PauseCause, string>> = {
  asked: 'Paused by you.',
  battery: 'Paused: on battery.',
  failures: 'Paused: five rounds in a row failed.',
};

/** What the volunteer does and why, for the status line. */
export function statusSentence(view: VolunteerView): StatusSentence {
  const { phase } = view;
  const last = view.history.at(-1);
  const kept =
    last === undefined
      ? 'Nothing was lost.'
      : `Nothing is lost: your model is stored as of round ${last.round}.`;
  switch (phase.kind) {
    case 'idle':
      return last === undefined
        ? {
            headline: 'Lend this device to a swarm that learns.',
            detail:
              'Your browser trains a small language model together with other volunteers. Nothing to install, no account, and no wallet needed to begin.',
          }
        : {
            headline: 'Ready to go on.',
            detail: `This device has trained ${plural(view.totals.computed, 'round')}; its model is stored as of round ${last.round}.`,
          };
    case 'starting':
      return STARTING[phase.step];
    case 'contributing':
      return contributing(view);
    case 'pausing':
      return {
        headline: 'Pausing: finishing the step in hand.',
        detail: 'Its result is stored first, so that a pause costs nothing.',
      };
    case 'paused':
      return {
        headline: PAUSED[phase.cause],
        detail: phase.detail === undefined ? kept : `${phase.detail} ${kept}`,
      };
    case 'finishing':
      if (view.blocks !== null) {
        return {
          headline: 'Finishing this step, then stopping.',
          detail: 'The hops in hand are completed and sent first.',
        };
      }
      return {
        headline:
          view.clock === null
            ? 'Finishing this round, then stopping.'
            : `Finishing round ${view.clock.round}, then stopping.`,
        detail: 'The round’s work is completed and sent first.',
      };
    case 'stopping':
      return { headline: 'Stopping.', detail: 'Leaving the swarm and freeing the engine.' };
    case 'stopped':
      return {
        headline: phase.finished ? 'Stopped after finishing the round.' : 'Stopped by you.',
        detail: `${kept} This tab uses no power now.`,
      };
    case 'failed':
      return { headline: phase.cause, detail: phase.remedy };
    case 'elsewhere':
      return {
        headline: 'Another tab of this browser is open on Starling.',
        detail:
          'One device key can be in the swarm only once, so only one tab may use it. You can move it here.',
      };
  }
}

function contributing({ spec, blocks, status, clock, history }: VolunteerView): StatusSentence {
  if (blocks !== null) return blocksStatus(blocks);
  if (spec?.blocks !== undefined) return STARTING.network;
  const detail = status?.sentence ?? 'Waiting for the round clock.';
  const round = status?.round ?? null;
  if (round !== null) return { headline: `Contributing to round ${round}.`, detail };
  const last = history.at(-1);
  if (last !== undefined && last.round === clock?.round) {
    return { headline: `Contributing: round ${last.round} is done.`, detail };
  }
  return { headline: 'Contributing from the next round on.', detail };
}
