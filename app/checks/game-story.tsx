import { explain, type StoryValue } from '../../chain/disputes/explain.ts';
import type { GameView } from '../../chain/disputes/port.ts';
import { inWords } from '../jobs/stage.ts';
import type { Desk } from '../rollup/desk.ts';
import { HexText } from '../screen/section.tsx';

const WHO = { claimant: 'the claimant', challenger: 'the challenger' } as const;

/** One dispute, level by level: each line narrows what the two sides disagree about, down to what the contract computes. */
export function GameStory({ view, desk }: { readonly view: GameView; readonly desk: Desk }) {
  const { game, claim, now } = view;
  const story = explain(view, desk.words(claim.terms));
  const { verdict } = story;
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
          doubted by <HexText value={game.challenger} />
        </span>
      </h4>
      <ol className="mt-3">
        {story.levels.map((level, depth) => (
          <li
            key={level.level}
            className="border-l-2 border-accent/40 pb-3 pl-4"
            style={{ marginInlineStart: `${depth * 0.75}rem` }}
            data-level={level.level}
          >
            <p className="text-body font-medium">{level.title}</p>
            <p className="text-note text-quiet">{level.detail}</p>
          </li>
        ))}
      </ol>
      {story.now === undefined ? null : (
        <p className="text-note" data-testid="game-now">
          {story.now.sentence}{' '}
          <span className="text-quiet">
            The move is {WHO[story.now.toMove]}’s, for {inWords(story.now.until - now)} more.
          </span>
        </p>
      )}
      {verdict === undefined ? null : (
        <div data-testid="verdict" data-claimant-won={verdict.claimantWon}>
          {verdict.judged === undefined ? null : (
            <dl className="mb-2 grid max-w-md grid-cols-2 gap-x-6">
              <Value name="Claimed" value={verdict.judged.claimed} bad={!verdict.claimantWon} />
              <Value name="Computed by the contract" value={verdict.judged.got} bad={false} />
            </dl>
          )}
          <p className={`text-body font-medium ${verdict.claimantWon ? 'text-accent' : 'text-bad'}`}>
            {verdict.sentence}
          </p>
        </div>
      )}
    </section>
  );
}

interface ValueProps {
  readonly name: string;
  readonly value: StoryValue;
  readonly bad: boolean;
}

function Value({ name, value, bad }: ValueProps) {
  return (
    <div>
      <dt className="text-note text-quiet">{name}</dt>
      <dd className={`figure text-title font-semibold break-all ${bad ? 'text-bad' : ''}`}>{value.text}</dd>
      <dd className="font-mono text-note break-all text-quiet">{value.bits}</dd>
    </div>
  );
}
