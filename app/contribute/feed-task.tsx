import { Check, Vote, X } from 'lucide-react';
import { FoldedText } from '../ui/folded-text.tsx';
import { plural } from '../ui/format.ts';
import type { FeedAnswer, FeedItem } from '../volunteer/feed-round.ts';
import { answersToShow } from '../volunteer/reduce-feed.ts';

/** Names for people of the short tasks. A task that is missing here shows its own name. */
const TASK_NAME: Readonly<Record<string, string>> = {
  sums: 'Addition',
  sorting: 'Sorting',
  gcd: 'Greatest common divisor',
  reversing: 'Reversing',
};

const SHOWN_ANSWERS = 4;
const SHOWN_CRITIQUES = 3;

/** One task of a round, with the answers worth reading. */
export function FeedTask({ item }: { readonly item: FeedItem }) {
  const shown = answersToShow(item, SHOWN_ANSWERS);
  return (
    <li className="py-4" data-testid="feed-item">
      <p className="text-note text-quiet">
        {TASK_NAME[item.task] ?? item.task.replaceAll('-', ' ')}, expected{' '}
        <code className="font-mono text-ink">{item.answer}</code>
      </p>
      <p className="mt-0.5 font-mono text-body font-medium text-pretty">
        <FoldedText text={item.prompt} what="task" shown={400} />
      </p>
      {shown.length === 0 ? (
        <p className="mt-1 text-note text-quiet">
          No answers yet: they are sealed, or no device drew this task.
        </p>
      ) : (
        <ul className="mt-3 space-y-3">
          {shown.map((answer) => (
            <Answer key={`${answer.author} ${answer.sample}`} answer={answer} expected={item.answer} />
          ))}
        </ul>
      )}
      {item.correction === null ? null : (
        <p className="mt-3 text-note text-quiet" data-testid="feed-correction">
          Your model’s answer after reading the critiques:{' '}
          <span className="font-mono text-ink">
            <FoldedText text={item.correction} what="answer" />
          </span>
        </p>
      )}
    </li>
  );
}

function Answer({ answer, expected }: { readonly answer: FeedAnswer; readonly expected: string }) {
  const { graded, text } = answer;
  const right = graded === null ? text === expected : graded.reward === 1;
  const final = graded?.answer ?? text;
  const reasons = text.trim() !== final.trim();
  return (
    <li className="grid gap-x-3 text-note sm:grid-cols-[5.5rem_1fr]" data-testid="feed-answer">
      <span className={answer.own ? 'font-semibold text-accent' : 'text-quiet'} title={answer.author}>
        {answer.own ? 'You' : answer.author.slice(0, 8)}
      </span>
      <div className="min-w-0 space-y-0.5">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <span className="inline-flex min-w-0 items-baseline gap-1.5">
            {right ? (
              <Check size={15} className="shrink-0 self-center text-accent" aria-label="right:" />
            ) : (
              <X size={15} className="shrink-0 self-center text-quiet" aria-label="not right:" />
            )}
            <span className="min-w-0 font-mono text-ink">
              {final === '' ? '(nothing)' : <FoldedText text={final} what="answer" />}
            </span>
          </span>
          {answer.votes === 0 ? null : (
            <span className="inline-flex items-center gap-1 text-quiet" data-testid="feed-votes">
              <Vote size={14} aria-hidden="true" />
              {plural(answer.votes, 'vote')}
            </span>
          )}
        </div>
        {reasons ? (
          <p className="text-quiet">
            <FoldedText text={text} what="reasoning" testId="feed-reasoning" />
          </p>
        ) : null}
        {graded === null || graded.reward === 1 ? null : (
          <p className="text-quiet" data-testid="feed-reward">
            Reward {Number(graded.reward.toFixed(2))}: {graded.sentence}
          </p>
        )}
        {answer.critiques.slice(0, SHOWN_CRITIQUES).map((critique) => (
          <p key={critique.critic} className="text-quiet" data-testid="feed-critique">
            {critique.critic.slice(0, 8)} judges it {critique.right ? 'right' : 'wrong'}:{' '}
            <q>
              <FoldedText text={critique.text.trim()} what="critique" />
            </q>
          </p>
        ))}
        {answer.critiques.length <= SHOWN_CRITIQUES ? null : (
          <p className="text-quiet">
            and {plural(answer.critiques.length - SHOWN_CRITIQUES, 'more critique')}
          </p>
        )}
      </div>
    </li>
  );
}
