import { Check, Vote, X } from 'lucide-react';
import { plural } from '../ui/format.ts';
import { Disclosure, Empty, Section } from '../ui/section.tsx';
import { type FeedAnswer, type FeedItem, itemsToShow } from '../volunteer/reduce-feed.ts';
import { useView } from '../volunteer/volunteer-context.tsx';

/** Names for people of the tasks in training/tasks. A task that is missing here keeps its own name. */
const TASK_NAME: Readonly<Record<string, string>> = {
  sums: 'Addition',
  sorting: 'Sorting',
  gcd: 'Greatest common divisor',
  reversing: 'Reversing',
};

const SHOWN_ITEMS = 3;
const SHOWN_ANSWERS = 4;

/** The latest tasks and answers, with the critiques and votes of other devices. */
export function Feed() {
  const feed = useView((view) => view.feed);
  const latest = feed.find((round) => round.items.some((item) => item.answers.length > 0)) ?? feed[0];
  const items = latest === undefined ? [] : itemsToShow(latest);
  return (
    <Section
      title="Tasks and answers"
      about="What the swarm is working on. A tick means that the answer equals the expected one; it is not anyone’s opinion."
      testId="feed"
    >
      {latest === undefined ? (
        <Empty>
          Nothing yet. Once you contribute, each round’s tasks appear here with the answers, critiques and
          votes of every device.
        </Empty>
      ) : (
        <>
          <p className="text-note text-quiet">
            Round {latest.round}, {plural(latest.items.length, 'task')}
          </p>
          <ul className="mt-2 divide-y divide-line">
            {items.slice(0, SHOWN_ITEMS).map((item, index) => (
              <Item key={`${latest.round} ${index}`} item={item} />
            ))}
          </ul>
          {items.length <= SHOWN_ITEMS ? null : (
            <Disclosure summary={<>{plural(items.length - SHOWN_ITEMS, 'more task')} of this round</>}>
              <ul className="divide-y divide-line">
                {items.slice(SHOWN_ITEMS).map((item, index) => (
                  <Item key={`${latest.round} ${SHOWN_ITEMS + index}`} item={item} />
                ))}
              </ul>
            </Disclosure>
          )}
        </>
      )}
    </Section>
  );
}

function Item({ item }: { readonly item: FeedItem }) {
  const shown = pick(item.answers);
  return (
    <li className="py-4" data-testid="feed-item">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <p className="font-mono text-body font-medium">{item.prompt}</p>
        <p className="text-note text-quiet">
          {TASK_NAME[item.task] ?? item.task}, expected{' '}
          <code className="font-mono text-ink">{item.answer}</code>
        </p>
      </div>
      {shown.length === 0 ? (
        <p className="mt-1 text-note text-quiet">
          No answers yet: they are sealed, or no device drew this task.
        </p>
      ) : (
        <ul className="mt-2 space-y-1.5">
          {shown.map((answer) => (
            <Answer key={`${answer.author} ${answer.sample}`} answer={answer} expected={item.answer} />
          ))}
        </ul>
      )}
      {item.correction === null ? null : (
        <p className="mt-2 text-note text-quiet">
          Your model’s answer after reading the critiques:{' '}
          <code className="font-mono text-ink">{item.correction}</code>
        </p>
      )}
    </li>
  );
}

/** The answers worth showing: this device's own first, then those with the most critiques and votes. */
function pick(answers: readonly FeedAnswer[]): readonly FeedAnswer[] {
  const weight = (answer: FeedAnswer) =>
    (answer.own && answer.sample === 0 ? 100 : 0) +
    answer.critiques.length * 4 +
    answer.votes * 3 +
    (answer.sample === 0 ? 1 : 0);
  return [...answers].sort((a, b) => weight(b) - weight(a)).slice(0, SHOWN_ANSWERS);
}

function Answer({ answer, expected }: { readonly answer: FeedAnswer; readonly expected: string }) {
  const right = answer.text === expected;
  return (
    <li className="grid grid-cols-[5.5rem_1fr] gap-x-3 text-note" data-testid="feed-answer">
      <span className={answer.own ? 'font-semibold text-accent' : 'text-quiet'} title={answer.author}>
        {answer.own ? 'You' : answer.author.slice(0, 8)}
      </span>
      <div className="min-w-0">
        <span className="inline-flex items-center gap-1.5">
          {right ? (
            <Check size={15} className="shrink-0 text-accent" aria-label="equals the expected answer:" />
          ) : (
            <X size={15} className="shrink-0 text-quiet" aria-label="differs from the expected answer:" />
          )}
          <code className="font-mono text-ink">{answer.text === '' ? '(nothing)' : answer.text}</code>
        </span>
        {answer.votes === 0 ? null : (
          <span className="ml-3 inline-flex items-center gap-1 text-quiet" data-testid="feed-votes">
            <Vote size={14} aria-hidden="true" />
            {plural(answer.votes, 'vote')}
          </span>
        )}
        {answer.critiques.map((critique) => (
          <p key={critique.critic} className="text-quiet" data-testid="feed-critique">
            {critique.critic.slice(0, 8)} judges it {critique.right ? 'right' : 'wrong'}:{' '}
            <q className="font-mono">{critique.text.trim()}</q>
          </p>
        ))}
      </div>
    </li>
  );
}
