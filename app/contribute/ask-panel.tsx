import { useState } from 'react';
import { messageOf } from '../../protocol/message-of.ts';
import { Button } from '../ui/button.tsx';
import { FoldedText } from '../ui/folded-text.tsx';
import { Section } from '../ui/section.tsx';
import { TextArea } from '../ui/text-area.tsx';
import { isLive } from '../volunteer/phase.ts';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';

type Asked =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'failed'; readonly cause: string }
  | {
      readonly kind: 'answered';
      readonly question: string;
      readonly before: string;
      readonly now: string;
      readonly round: number | null;
    };

const LONGEST_QUESTION = 2_000;

/** A question of one's own, answered by the model before its first round and as it is now. */
export function AskPanel() {
  const volunteer = useVolunteer();
  const live = useView((view) => isLive(view.phase));
  const round = useView((view) => view.history.at(-1)?.round ?? null);
  const [question, setQuestion] = useState('');
  const [asked, setAsked] = useState<Asked>({ kind: 'nothing' });
  const ask = async () => {
    setAsked({ kind: 'asking' });
    try {
      const answers = await volunteer.ask(question.trim());
      setAsked({ kind: 'answered', question: question.trim(), round, ...answers });
    } catch (error) {
      setAsked({ kind: 'failed', cause: messageOf(error) });
    }
  };
  return (
    <Section
      title="Ask your model"
      about="Your question goes to the model as it began and as it is now, on this device. Nobody else sees it."
    >
      <form
        className="space-y-3"
        onSubmit={(event) => {
          event.preventDefault();
          void ask();
        }}
      >
        <TextArea
          label="Your question"
          testId="own-question"
          rows={2}
          maxLength={LONGEST_QUESTION}
          value={question}
          onChange={setQuestion}
        />
        <Button
          look="small"
          type="submit"
          data-testid="own-ask"
          disabled={!live || asked.kind === 'asking' || question.trim() === ''}
        >
          Ask
        </Button>
      </form>
      <div role="status" className="mt-3 text-note">
        {live ? null : <p className="text-quiet">The model is loaded while this device contributes.</p>}
        {asked.kind === 'asking' ? (
          <p className="text-quiet">It answers between two steps of the round…</p>
        ) : null}
        {asked.kind === 'failed' ? (
          <p className="text-bad" data-testid="own-failure">
            {asked.cause}
          </p>
        ) : null}
        {asked.kind === 'answered' ? (
          <>
            <p className="text-quiet">
              To “<FoldedText text={asked.question} what="question" />”
            </p>
            <dl className="mt-2 grid gap-4 sm:grid-cols-2">
              <Side name="Before the first round" text={asked.before} testId="own-before" />
              <Side
                name={asked.round === null ? 'Now' : `After round ${asked.round}`}
                text={asked.now}
                testId="own-now"
              />
            </dl>
            {asked.before === asked.now ? (
              <p className="mt-2 text-quiet">The answers are the same so far.</p>
            ) : null}
          </>
        ) : null}
      </div>
    </Section>
  );
}

interface SideProps {
  readonly name: string;
  readonly text: string;
  readonly testId: string;
}

function Side({ name, text, testId }: SideProps) {
  return (
    <div className="rounded-xl bg-sunken px-4 py-3">
      <dt className="text-quiet">{name}</dt>
      <dd className="mt-1 font-mono text-body" data-testid={testId}>
        {text === '' ? '(nothing)' : <FoldedText text={text} what="answer" shown={400} />}
      </dd>
    </div>
  );
}
