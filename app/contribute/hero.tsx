import { CircleCheck, CircleStop, Feather, Pause, Play, TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import { Button } from '../ui/button.tsx';
import { formatBytes } from '../ui/format.ts';
import type { EngineChoice } from '../volunteer/engine-choice.ts';
import { fetchPlanOf } from '../volunteer/fetch-plan.ts';
import { type Command, commandsIn, isLive } from '../volunteer/phase.ts';
import { findingsOf } from '../volunteer/preflight.ts';
import { statusSentence } from '../volunteer/status-sentence.ts';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';
import { FlockPicture } from './flock-picture.tsx';
import { Murmuration } from './murmuration.tsx';

/** The top of the page: what happens, why, and the buttons that change it. */
export function Hero({ engine }: { readonly engine: EngineChoice }) {
  const phase = useView((view) => view.phase);
  const alone = !isLive(phase);
  return (
    <section
      aria-label="Status"
      className={`grid items-center gap-x-12 gap-y-6 lg:grid-cols-[1fr_26rem] ${alone ? 'pt-4 pb-12 lg:pt-8' : 'pt-2 pb-8'}`}
    >
      <div>
        <Status />
        <Commands engine={engine} />
        {phase.kind === 'idle' || phase.kind === 'stopped' || phase.kind === 'failed' ? (
          <PreflightLines />
        ) : null}
      </div>
      <div className={`mx-auto w-full ${alone ? 'hidden max-w-md sm:block' : 'max-w-56 sm:max-w-xs'}`}>
        {alone ? <Murmuration /> : <FlockPicture />}
      </div>
    </section>
  );
}

function Status() {
  const kind = useView((view) => view.phase.kind);
  const headline = useView((view) => statusSentence(view).headline);
  const detail = useView((view) => statusSentence(view).detail);
  const notice = useView((view) => view.notice);
  return (
    <>
      <div role="status" aria-live="polite" aria-atomic="true">
        <h1
          className={`font-semibold tracking-tight text-balance ${kind === 'idle' ? 'max-w-[24ch] text-display' : 'text-headline'}`}
          data-testid="status"
          data-phase={kind}
        >
          {headline}
        </h1>
        <StartProgress />
        <p className="mt-4 max-w-[56ch] text-lead text-quiet text-pretty" data-testid="status-detail">
          {detail}
        </p>
      </div>
      {notice === null ? null : (
        <p
          className="mt-3 flex max-w-prose items-start gap-2 rounded-xl bg-warn-soft px-4 py-3 text-note"
          data-testid="notice"
        >
          <TriangleAlert size={16} className="mt-0.5 shrink-0 text-warn" aria-hidden="true" />
          {notice}
        </p>
      )}
    </>
  );
}

/** How far the start is. The bar is indeterminate where that is not known. */
function StartProgress() {
  const phase = useView((view) => view.phase);
  if (phase.kind !== 'starting') return null;
  return <progress className="start-progress mt-5" aria-label="Starting" value={phase.progress} max={1} />;
}

function Commands({ engine }: { readonly engine: EngineChoice }) {
  const volunteer = useVolunteer();
  const phase = useView((view) => view.phase);
  const blocked = useView(
    (view) =>
      view.preflight !== null &&
      findingsOf(view.preflight, fetchPlanOf(view.spec), formatBytes).some(
        (finding) => finding.level === 'stop',
      ),
  );
  const resumed = useView((view) => view.totals.computed > 0);
  const [pending, setPending] = useState<Command | null>(null);
  const act = (command: Command) => {
    const run: Readonly<Record<Command, () => Promise<void>>> = {
      contribute: () => volunteer.contribute(engine),
      pause: () => volunteer.pause(),
      resume: () => volunteer.resume(),
      finish: () => volunteer.finish(),
      stop: () => volunteer.stop(),
      'take-over': () => volunteer.takeOver(),
    };
    setPending(command);
    // A failure arrives as a phase with its cause. Here it only ends the waiting.
    run[command]()
      .catch(() => undefined)
      .finally(() => setPending(null));
  };
  return (
    <div className="mt-7 flex flex-wrap items-center gap-3">
      {commandsIn(phase).map((command) => {
        const { label, icon: Icon } = LABEL[command];
        const primary = command === 'contribute' || command === 'resume' || command === 'take-over';
        return (
          <Button
            key={command}
            look={primary ? 'primary' : 'plain'}
            data-testid={command}
            disabled={pending === command || (command === 'contribute' && blocked)}
            onClick={() => act(command)}
          >
            <Icon size={primary ? 20 : 17} aria-hidden="true" />
            {command === 'contribute' && resumed ? 'Contribute GPU again' : label}
          </Button>
        );
      })}
    </div>
  );
}

const LABEL: Readonly<Record<Command, { readonly label: string; readonly icon: typeof Play }>> = {
  contribute: { label: 'Contribute GPU', icon: Feather },
  pause: { label: 'Pause', icon: Pause },
  resume: { label: 'Resume', icon: Play },
  finish: { label: 'Finish then stop', icon: CircleCheck },
  stop: { label: 'Stop', icon: CircleStop },
  'take-over': { label: 'Use this tab', icon: Feather },
};

function PreflightLines() {
  const preflight = useView((view) => view.preflight);
  const spec = useView((view) => view.spec);
  if (preflight === null)
    return <p className="mt-8 text-note text-quiet">Looking at what this device can do…</p>;
  const plan = fetchPlanOf(spec);
  const findings = findingsOf(preflight, plan, formatBytes);
  return (
    <div className="mt-9 max-w-[56ch]" data-testid="preflight">
      <h2 className="text-note font-semibold">Before you begin</h2>
      <ul className="mt-2 space-y-1.5 text-note text-quiet">
        <li className="flex gap-2">
          <Dot level="good" />
          {plan.fetches === 'all'
            ? `Fetches ${formatBytes(plan.modelBytes)} of model`
            : `Fetches what its blocks need of a model of ${formatBytes(plan.modelBytes)},`}{' '}
          and about {formatBytes(plan.codeBytes)} of program, once.
        </li>
        <li className="flex gap-2">
          <Dot level="good" />
          {plan.memoryBytes === null
            ? 'Uses memory for the blocks that it keeps'
            : `Uses about ${formatBytes(plan.memoryBytes)} of memory`}
          , and power like a video call. Stop at any time.
        </li>
        {findings.map((finding) => (
          <li
            key={finding.id}
            className={`flex gap-2 ${finding.level === 'stop' ? 'text-bad' : ''}`}
            data-level={finding.level}
          >
            <Dot level={finding.level} />
            {finding.text}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Dot({ level }: { readonly level: 'good' | 'fair' | 'stop' }) {
  const name = { good: 'Fine: ', fair: 'Limited: ', stop: 'Not possible: ' }[level];
  const colour = { good: 'bg-accent', fair: 'bg-warn', stop: 'bg-bad' }[level];
  return (
    <>
      <span aria-hidden="true" className={`mt-[0.45rem] size-1.5 shrink-0 rounded-full ${colour}`} />
      <span className="sr-only">{name}</span>
    </>
  );
}
