import { CircleStop, Dices, Sparkles } from 'lucide-react';
import type { FormEvent } from 'react';
import { Button } from '../ui/button.tsx';
import { CheckBox } from '../ui/check-box.tsx';
import { type DraftField, Field, Fields } from '../ui/field.tsx';
import { Disclosure, Section } from '../ui/section.tsx';
import { TextArea } from '../ui/text-area.tsx';
import { AnswerBox } from './answer-box.tsx';
import { type AskDraft, readAsk } from './drafts.ts';
import { Failure, useModels, useModelsController } from './models-context.tsx';

const SAMPLING: readonly DraftField<'temperature' | 'topK' | 'topP' | 'seed'>[] = [
  { name: 'temperature', label: 'Temperature', testId: 'ask-temperature' },
  { name: 'topK', label: 'Top k', testId: 'ask-top-k' },
  { name: 'topP', label: 'Top p', testId: 'ask-top-p' },
  { name: 'seed', label: 'Seed', testId: 'ask-seed' },
];

/** A prompt, how tokens are sampled, and the answer as it arrives. */
export function AskPanel() {
  const controller = useModelsController();
  const model = useModels((view) => view.model);
  if (model === null || model.load.kind !== 'loaded') return null;
  const { summary, adapter, answer, training, load } = model;
  const { ask: draft, bare } = model.drafts;
  const read = readAsk(draft, { summary, loaded: load.loaded, bare: bare && adapter !== null });
  const change =
    <K extends keyof AskDraft>(name: K) =>
    (value: AskDraft[K]) =>
      controller.draft({ ask: { ...draft, [name]: value } });
  const running = answer?.state.kind === 'running';
  const taught = training.running !== null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if ('ask' in read && !running && !taught) void controller.ask(read.ask);
  };
  return (
    <Section title="Ask it" testId="ask">
      <form onSubmit={submit}>
        <TextArea
          label={draft.chat ? 'Your message' : 'Text to continue'}
          testId="prompt"
          value={draft.prompt}
          rows={3}
          placeholder={draft.chat ? 'What is a murmuration?' : 'A murmuration is'}
          onChange={change('prompt')}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit(event);
          }}
        />
        <div className="mt-2 flex flex-wrap gap-x-6">
          {summary.chat ? (
            <CheckBox testId="ask-chat" checked={draft.chat} onChange={change('chat')}>
              As a conversation, by its chat template
            </CheckBox>
          ) : null}
          {adapter === null ? null : (
            <CheckBox testId="ask-adapter" checked={!bare} onChange={(on) => controller.draft({ bare: !on })}>
              With the adapter
            </CheckBox>
          )}
        </div>
        <Disclosure summary={<>How it draws: {summaryOf(draft)}</>}>
          <p className="max-w-prose text-quiet text-pretty">
            It begins with what its makers recommend. The same prompt, settings and seed give the same answer
            on every device, bit for bit.
          </p>
          <CheckBox testId="ask-sample" checked={draft.sample} onChange={change('sample')}>
            Draw at random; otherwise the most probable token is taken
          </CheckBox>
          <div className="mt-1 grid grid-cols-2 gap-4 sm:grid-cols-5">
            <Fields
              fields={SAMPLING}
              draft={draft}
              disabled={!draft.sample}
              onChange={(name, value) => change(name)(value)}
            />
            <Field label="Tokens" testId="ask-tokens" value={draft.tokens} onChange={change('tokens')} />
          </div>
          <Button
            look="text"
            className="mt-1"
            data-testid="ask-dice"
            disabled={!draft.sample}
            onClick={() => change('seed')(String(crypto.getRandomValues(new Uint16Array(1))[0] ?? 1))}
          >
            <Dices size={15} aria-hidden="true" />
            Another seed
          </Button>
        </Disclosure>
        <div className="mt-3 flex flex-wrap items-center gap-x-4 gap-y-2">
          {running ? (
            <Button data-testid="ask-stop" onClick={() => controller.cancel('ask')}>
              <CircleStop size={17} aria-hidden="true" />
              Stop
            </Button>
          ) : (
            <Button type="submit" look="main" data-testid="ask-go" disabled={'problem' in read || taught}>
              <Sparkles size={17} aria-hidden="true" />
              Answer
            </Button>
          )}
          <p className="text-note text-quiet" data-testid="ask-problem">
            {taught ? 'Pause the training to ask.' : 'problem' in read && !running ? read.problem : ''}
          </p>
        </div>
      </form>
      <Failure place="ask" />
      {answer === null ? null : <AnswerBox answer={answer} adapted={adapter !== null && !answer.ask.bare} />}
    </Section>
  );
}

function summaryOf({ sample, temperature, topK, topP, seed, tokens }: AskDraft): string {
  const most = `${tokens} tokens at most`;
  if (!sample) return `the most probable token, ${most}`;
  return `temperature ${temperature}, top k ${topK === '0' ? 'all' : topK}, top p ${topP}, seed ${seed}, ${most}`;
}
