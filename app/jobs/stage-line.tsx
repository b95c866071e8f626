import type { TaskStage } from './task-life.ts';

const MARK = {
  done: 'border-accent bg-accent',
  now: 'border-accent bg-accent-soft',
  ahead: 'border-line-strong/60 bg-paper',
  missed: 'border-bad bg-bad',
} as const;

const STATE_TEXT = { done: 'done', now: 'now', ahead: 'to come', missed: 'not reached' } as const;

/** The stages of a task, from left to right, and on a phone from top to bottom. */
export function StageLine({ stages }: { readonly stages: readonly TaskStage[] }) {
  return (
    <ol className="grid gap-x-3 gap-y-2 sm:grid-cols-5">
      {stages.map((stage) => (
        <li
          key={stage.name}
          className="flex gap-2.5 sm:block"
          data-stage={stage.name}
          data-state={stage.state}
        >
          <span aria-hidden="true" className="mt-1.5 flex items-center sm:mt-0 sm:mb-1.5">
            <span className={`size-3 shrink-0 rounded-full border-2 ${MARK[stage.state]}`} />
            <span className="ml-2 hidden h-px grow bg-line sm:block" />
          </span>
          <span>
            <span className={`block text-note font-medium ${stage.state === 'ahead' ? 'text-quiet' : ''}`}>
              {stage.name}
              <span className="sr-only">, {STATE_TEXT[stage.state]}</span>
            </span>
            <span className="block text-note text-quiet">{stage.note}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
