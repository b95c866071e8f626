import { FileText, Pause, Play, RotateCcw } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { Button } from '../ui/button.tsx';
import { ErrorBoundary } from '../ui/error-boundary.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { formatCount, plural } from '../ui/format.ts';
import { Section } from '../ui/section.tsx';
import { TextArea } from '../ui/text-area.tsx';
import { AdapterBox } from './adapter-box.tsx';
import { FIRST_TRAIN, readSizes, readTrain, type TrainDraft } from './drafts.ts';
import { FitLine } from './fit-line.tsx';
import { Failure, useModels, useModelsController } from './models-context.tsx';
import type { TrainingView } from './models-view.ts';
import { TeachFields } from './teach-fields.tsx';
import { useFit } from './use-fit.ts';

const LossChart = lazy(() => import('./loss-chart.tsx'));

/** Most bytes of a text file. The worker limits the text in it further. */
const MAX_TEXT_BYTES = 32 << 20;

/** A text area with megabytes in it makes a page crawl. */
const SHOWN_CHARACTERS = 50_000;

/** Trains a LoRA adapter on a text of the person's own. */
export function TeachPanel() {
  const controller = useModelsController();
  const model = useModels((view) => view.model);
  const loaded = model?.load.kind === 'loaded' ? model.load.loaded : null;
  const draft = model?.drafts.train ?? FIRST_TRAIN;
  const change = (part: Partial<TrainDraft>) => controller.draft({ train: { ...draft, ...part } });
  const [trouble, setTrouble] = useState<string | null>(null);
  const [sure, setSure] = useState(false);
  const most = Math.min(loaded?.positions ?? 2, model?.summary.context ?? 2);
  const sizes = readSizes(draft, most);
  const fit = useFit(
    'training' in sizes && loaded !== null
      ? { engine: loaded.engine, positions: loaded.positions, training: sizes.training }
      : null,
  );
  if (model === null || loaded === null) return null;
  const { training, adapter, answer, handling } = model;
  const running = training.running !== null;
  const busy = running || answer?.state.kind === 'running' || handling !== null;
  const read = readTrain(draft, { most, fresh: adapter === null });
  const problem = 'problem' in read ? read.problem : null;
  const blocked = busy || problem !== null || (fit.kind === 'known' && fit.fit.level === 'stop');
  const start = (fresh: boolean) => {
    setSure(false);
    if ('train' in read) void controller.train({ ...read.train, fresh });
  };
  const readFile = async (files: FileList | null) => {
    const file = files?.[0];
    if (file === undefined) return;
    if (file.size > MAX_TEXT_BYTES) {
      setTrouble(`${file.name} is larger than 32 MB; choose a part of it.`);
      return;
    }
    try {
      change({ text: await file.text(), file: file.name });
      setTrouble(null);
    } catch {
      setTrouble(`${file.name} can no longer be read; choose it again.`);
    }
  };
  return (
    <Section
      title="Teach it"
      about="Trains a small adapter (LoRA) beside the weights, which stay as they are. The adapter is yours to keep as a file."
      testId="teach"
    >
      <div className="grid gap-x-10 gap-y-6 lg:grid-cols-2">
        <div>
          <TextArea
            label="Text to learn"
            testId="train-text"
            value={draft.text.slice(0, SHOWN_CHARACTERS)}
            readOnly={draft.text.length > SHOWN_CHARACTERS}
            rows={7}
            disabled={running}
            placeholder="Paste what it should learn to write."
            onChange={(text) => change({ text })}
          />
          <div className="mt-2 flex flex-wrap items-center gap-x-3 gap-y-1">
            <FileButton
              look="small"
              single
              disabled={running}
              accept=".txt,.jsonl,text/plain,application/jsonl"
              testId="train-file"
              label="Text file to learn"
              onFiles={readFile}
            >
              <FileText size={15} aria-hidden="true" />
              Choose a .txt or .jsonl file
            </FileButton>
            {draft.file === null ? null : (
              <>
                <p className="text-note text-quiet" data-testid="train-file-name">
                  {draft.file}, {formatCount(draft.text.length)} characters
                  {draft.text.length > SHOWN_CHARACTERS ? ', the first of them shown' : ''}
                </p>
                <Button look="text" disabled={running} onClick={() => change({ text: '', file: null })}>
                  Remove
                </Button>
              </>
            )}
          </div>
          <p role="status" className="text-note text-bad">
            {trouble}
          </p>
        </div>
        <div>
          <TeachFields draft={draft} change={change} running={running} adapter={adapter} />
          <div className="mt-4">{'problem' in sizes ? null : <FitLine fit={fit} />}</div>
        </div>
      </div>
      <div className="mt-5 flex flex-wrap items-center gap-x-3 gap-y-2">
        {running ? (
          <Button
            data-testid="train-pause"
            disabled={training.running?.pausing}
            onClick={() => controller.pause()}
          >
            <Pause size={17} aria-hidden="true" />
            Pause
          </Button>
        ) : (
          <Button
            look="main"
            data-testid="train-go"
            disabled={blocked}
            onClick={() => start(adapter === null)}
          >
            <Play size={17} aria-hidden="true" />
            {adapter === null ? 'Start' : 'Take more steps'}
          </Button>
        )}
        {running || adapter === null ? null : (
          <Button
            data-testid="train-restart"
            disabled={blocked}
            onBlur={() => setSure(false)}
            onClick={() => (adapter.unsaved && !sure ? setSure(true) : start(true))}
          >
            <RotateCcw size={17} aria-hidden="true" />
            {sure ? `Really drop ${plural(adapter.steps, 'step')}?` : 'Start again'}
          </Button>
        )}
        <p className="text-note text-quiet" role="status" data-testid="train-status">
          {running ? <Running training={training} /> : (problem ?? '')}
        </p>
      </div>
      <Failure place="train" />
      {training.steps.length < 2 ? null : (
        <div className="mt-6">
          <ErrorBoundary what="The chart">
            <Suspense fallback={<div className="h-56" />}>
              <LossChart steps={training.steps} />
            </Suspense>
          </ErrorBoundary>
        </div>
      )}
      <AdapterBox busy={busy} />
    </Section>
  );
}

function Running({ training }: { readonly training: TrainingView }) {
  const { steps, running } = training;
  const last = steps.at(-1);
  if (running?.pausing === true) return 'Pausing after this step…';
  if (last === undefined) return 'Taking the first step…';
  return (
    <span className="figure">
      Step {last.step} of {running?.until}, loss {last.loss.toFixed(3)}, {last.seconds.toFixed(2)} s a step
    </span>
  );
}
