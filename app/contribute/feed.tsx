import { useState } from 'react';
import { Button } from '../ui/button.tsx';
import { formatChange, formatShare, plural } from '../ui/format.ts';
import { Empty, Section } from '../ui/section.tsx';
import type { FeedRound } from '../volunteer/feed-round.ts';
import { itemsToShow } from '../volunteer/reduce-feed.ts';
import { useView } from '../volunteer/volunteer-context.tsx';
import { FeedTask } from './feed-task.tsx';

/** Tasks that show by themselves, and that each press of the button adds. */
const SHOWN_ITEMS = 3;
const MORE_ITEMS = 8;

/** The latest tasks and answers, with the critiques and votes of other devices, and what was learnt. */
export function Feed() {
  const feed = useView((view) => view.feed);
  const latest = feed.find((round) => round.items.some((item) => item.answers.length > 0)) ?? feed[0];
  const lesson = feed.find((round) => round.lesson !== null);
  return (
    <Section
      title="Tasks and answers"
      about="What the swarm is working on. A tick means that the task’s own checker gave the whole reward; it is not anyone’s opinion."
      testId="feed"
    >
      {lesson === undefined ? null : <Lesson round={lesson} />}
      {latest === undefined ? (
        <Empty>Each round’s tasks appear here with the answers, critiques and votes of every device.</Empty>
      ) : (
        <Tasks key={latest.round} round={latest} />
      )}
    </Section>
  );
}

function Tasks({ round }: { readonly round: FeedRound }) {
  const [shown, setShown] = useState(SHOWN_ITEMS);
  const items = itemsToShow(round);
  const left = items.length - shown;
  return (
    <>
      <p className="text-note text-quiet">
        Round {round.round}, {plural(items.length, 'task')}
      </p>
      <ul className="mt-2 divide-y divide-line">
        {items.slice(0, shown).map((item, index) => (
          <FeedTask key={`${round.round} ${index}`} item={item} />
        ))}
      </ul>
      {left <= 0 ? null : (
        <Button look="small" data-testid="feed-more" onClick={() => setShown(shown + MORE_ITEMS)}>
          Show {Math.min(left, MORE_ITEMS)} of {plural(left, 'more task')}
        </Button>
      )}
    </>
  );
}

/** What this device's model learnt from the last round that it trained. */
function Lesson({ round: { round, lesson } }: { readonly round: FeedRound }) {
  const before = useView((view) => view.history.filter((record) => record.round < round).at(-1));
  if (lesson === null) return null;
  const { foreign, optimizerSteps, meanReward, heldOutAccuracy } = lesson;
  const from = foreign === 0 ? 'its own answers' : `its own answers and those of ${plural(foreign, 'other')}`;
  return (
    <p className="mb-4 max-w-prose rounded-xl bg-sunken px-4 py-3 text-note" data-testid="feed-lesson">
      {optimizerSteps === 0
        ? `Round ${round} taught your model nothing: all answers to each task had the same reward. `
        : `In round ${round} your model learnt from ${from}, in ${plural(optimizerSteps, 'step')}. `}
      Its answers earned {formatShare(meanReward)} of the reward. On held-out tasks it is right{' '}
      {formatShare(heldOutAccuracy)} of the time
      {before === undefined ? '' : ` (${formatChange(before.heldOutAccuracy, heldOutAccuracy)})`}.
    </p>
  );
}
