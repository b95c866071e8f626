import { formatCount, plural } from '../ui/format.ts';
import { HexText } from '../ui/section.tsx';
import type { AnswerView } from './models-view.ts';

interface AnswerBoxProps {
  readonly answer: AnswerView;
  readonly adapted: boolean;
}

/** The answer as it arrives, and its speed. */
export function AnswerBox({ answer, adapted }: AnswerBoxProps) {
  const { ask, text, tokens, seconds, state } = answer;
  const speed = tokens > 1 && seconds > 0 ? (tokens - 1) / seconds : null;
  return (
    <div
      className="mt-5 rounded-xl bg-sunken px-4 py-4 sm:px-5"
      data-testid="answer"
      data-state={state.kind}
      data-adapted={adapted}
    >
      <p className="max-h-96 max-w-[72ch] overflow-y-auto text-body whitespace-pre-wrap break-words">
        <span className="sr-only">Answer: </span>
        {ask.chat ? null : <span className="text-quiet">{ask.prompt}</span>}
        <span data-testid="answer-text">{text}</span>
        {state.kind === 'running' ? (
          <span
            aria-hidden="true"
            className="ml-0.5 inline-block h-[1.1em] w-[0.5ch] translate-y-[0.15em] bg-accent motion-safe:animate-pulse"
          />
        ) : null}
      </p>
      <p className="figure mt-3 text-note text-quiet" data-testid="answer-figures">
        {tokens === 0 ? 'Reading the prompt…' : plural(tokens, 'token')}
        {speed === null ? '' : `, ${speed < 10 ? speed.toFixed(1) : formatCount(speed)} tokens/s`}
        {state.kind === 'done' ? (
          <>
            {state.answer.ended ? '' : ', cut at the most that was asked for'}.{' '}
            {adapted ? 'With the adapter. ' : ''}
            Fingerprint <HexText value={state.answer.hash} testId="answer-hash" />: the same wherever the same
            is asked.
          </>
        ) : null}
      </p>
      {/* Only beginning and end are announced; a screen reader would stumble over every token. */}
      <p role="status" className="sr-only">
        {state.kind === 'running'
          ? 'Answering.'
          : state.kind === 'stopped'
            ? 'Stopped.'
            : 'The answer is complete.'}
      </p>
    </div>
  );
}
