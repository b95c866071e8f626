import type { ReactNode } from 'react';
import type { GameView } from '../../chain/disputes/port.ts';
import {
  type DescribedRun,
  type TranscriptSection,
  transcriptOf,
  type Verdict,
  type Word,
} from '../../chain/disputes/transcript/transcript.ts';
import { formatSpan } from '../ui/format.ts';
import { HexText } from '../ui/section.tsx';

const WHO = { claimant: 'the claimant', challenger: 'the challenger' } as const;

const SOUGHT = {
  steps: 'the first step that differs',
  slots: 'the first result of the step that differs',
  leaves: 'the part of that result that differs',
} as const;

interface DisputeTranscriptProps {
  readonly view: GameView;
  /** Undefined while this page does not know what the run is made of. */
  readonly known: DescribedRun | undefined;
}

/**
 * One dispute, level by level. Each line narrows what the two sides disagree about, down to the number that
 * the contract computes.
 */
export function DisputeTranscript({ view, known }: DisputeTranscriptProps) {
  const { game, now } = view;
  return (
    <section
      className="mt-5 rounded-xl bg-sunken p-4 sm:p-5"
      data-testid={`game-${game.game}`}
      data-phase={game.phase}
      aria-label={`Dispute ${game.game}`}
    >
      <h4 className="flex flex-wrap items-baseline justify-between gap-x-4 text-body font-medium">
        Dispute {game.game}
        <span className="text-note font-normal text-quiet">
          challenged by <HexText value={game.challenger} />
        </span>
      </h4>
      {known === undefined ? (
        <p className="mt-2 text-note text-quiet">
          What this run is made of is not known here, so its dispute cannot be told step by step.
        </p>
      ) : (
        <Levels view={view} known={known} now={now} />
      )}
    </section>
  );
}

function Levels({
  view,
  known,
  now,
}: {
  readonly view: GameView;
  readonly known: DescribedRun;
  readonly now: number;
}) {
  const { sections, searching, turn, verdict } = transcriptOf(view, known);
  return (
    <>
      <ol className="mt-3">
        {sections.map((section, depth) => (
          <li
            key={section.kind}
            className="border-l-2 border-accent/40 pb-3 pl-4"
            style={{ marginInlineStart: `${depth * 0.75}rem` }}
            data-level={section.kind}
          >
            <SectionLines section={section} />
          </li>
        ))}
      </ol>
      {turn === undefined ? null : (
        <p className="text-note" data-testid="game-now">
          {searching === undefined
            ? ''
            : `Looking for ${SOUGHT[searching.what]}: one of ${searching.size}, from number ${searching.first + 1} on. `}
          <span className="text-quiet">
            The move is {WHO[turn.side]}’s, for {formatSpan(turn.until - now)} more.
          </span>
        </p>
      )}
      {verdict === undefined ? null : <VerdictLines verdict={verdict} />}
    </>
  );
}

function Lines({ title, children }: { readonly title: ReactNode; readonly children: ReactNode }) {
  return (
    <>
      <p className="text-body font-medium break-words">{title}</p>
      <p className="text-note text-quiet">{children}</p>
    </>
  );
}

function SectionLines({ section }: { readonly section: TranscriptSection }) {
  switch (section.kind) {
    case 'step':
      return (
        <Lines title={`Step ${section.step + 1} of ${section.of}`}>
          Both sides have the same weights before it; they differ after it.
        </Lines>
      );
    case 'slot':
      return (
        <Lines
          title={section.operator === undefined ? section.name : `${section.name}, by ${section.operator}`}
        >
          The first of the step’s {section.of} results that differs; all before it are agreed.
        </Lines>
      );
    case 'leaf':
      return (
        <Lines title={`Part ${section.leaf + 1} of ${section.of}`}>
          1,024 numbers of that result at a time.
        </Lines>
      );
    case 'element':
      return (
        <Lines title={`Number ${section.element + 1} of ${section.of}`}>
          Claimed to be {inFigures(section.claimed)}.
        </Lines>
      );
    case 'chunk':
      return (
        <Lines title={`Part ${section.chunk + 1} of ${section.of} of its sum`}>
          Claimed to lead from {inFigures(section.before)} to {inFigures(section.after)}.
        </Lines>
      );
  }
}

function VerdictLines({ verdict }: { readonly verdict: Verdict }) {
  const { winner, computed, claimed } = verdict;
  const right = winner === 'claimant';
  return (
    <div data-testid="verdict" data-winner={winner} data-by={verdict.by}>
      {computed === undefined || claimed === undefined ? null : (
        <dl className="mb-2 grid max-w-md gap-x-6 gap-y-2 sm:grid-cols-2">
          <Value name="Claimed" word={claimed} bad={!right} />
          <Value name="Computed by the contract" word={computed} bad={false} />
        </dl>
      )}
      <p className={`text-body font-medium ${right ? 'text-accent' : 'text-bad'}`}>{sentence(verdict)}</p>
    </div>
  );
}

function sentence({ winner, by, computed }: Verdict): string {
  const side = winner === 'claimant' ? 'The claim was right' : 'The claim was wrong';
  switch (by) {
    case 'judge':
      if (winner === 'claimant') return `${side}: the contract computed the same number.`;
      return computed === undefined
        ? `${side}: the sum has another number of parts.`
        : `${side}: the contract computed another number.`;
    case 'shown':
      return winner === 'claimant'
        ? `${side}: what was challenged is what everybody was given.`
        : `${side}: what the claimant showed does not fit together.`;
    case 'unanswered':
      return winner === 'claimant'
        ? `${side}: the challenger said nothing more in time.`
        : `${side}: its author did not answer, or another dispute had beaten it.`;
  }
}

function Value({ name, word, bad }: { readonly name: string; readonly word: Word; readonly bad: boolean }) {
  return (
    <div>
      <dt className="text-note text-quiet">{name}</dt>
      <dd className={`figure text-title font-semibold break-all ${bad ? 'text-bad' : ''}`}>{shown(word)}</dd>
      <dd className="font-mono text-note break-all text-quiet">{bitsOf(word)}</dd>
    </div>
  );
}

/** Nine digits distinguish any two f32. */
function shown({ value }: Word): string {
  return String(Number(value.toPrecision(9)));
}

function bitsOf({ bits }: Word): string {
  return `0x${bits.toString(16).padStart(8, '0')}`;
}

function inFigures(word: Word): string {
  return `${shown(word)} (${bitsOf(word)})`;
}
