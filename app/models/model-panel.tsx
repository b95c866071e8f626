import { useId, useState } from 'react';
import type { ModelSummary } from '../../workers/model-api.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { formatBytes, formatCount, plural } from '../ui/format.ts';
import { Fact, HexText, Section } from '../ui/section.tsx';
import { Select } from '../ui/select.tsx';
import { type EngineChoice, engineOptions } from '../volunteer/engine-choice.ts';
import { readPositions } from './drafts.ts';
import { FitLine } from './fit-line.tsx';
import { modelThreads } from './model-threads.ts';
import { Failure, useModels, useModelsController } from './models-context.tsx';
import { useFit } from './use-fit.ts';

/** Enough for a page of text, and little memory beside the weights. */
const USUAL_POSITIONS = 1024;
const ENGINES = engineOptions(['auto', 'wasm', 'webgpu'], { webgpu: 'WebGPU, if exact here' });
const FAMILY = { qwen2: 'Qwen2', llama: 'Llama' } as const;

/** What the chosen model is, whether it fits into memory, and a button that loads it. */
export function ModelPanel({ engine }: { readonly engine: EngineChoice }) {
  const controller = useModelsController();
  const model = useModels((view) => view.model);
  const [choice, setChoice] = useState<EngineChoice>(engine);
  const [text, setText] = useState(String(Math.min(USUAL_POSITIONS, model?.summary.context ?? 1)));
  const [sure, setSure] = useState(false);
  const select = useId();
  const read = readPositions(text, model?.summary.context ?? 1);
  const positions = 'positions' in read ? read.positions : null;
  const fit = useFit(positions === null ? null : { engine: choice, positions, training: null });
  if (model === null) return null;
  const { name, summary, load, root, adapter } = model;
  const busy = load.kind !== 'not';
  return (
    <Section
      title={name}
      testId="model"
      action={
        <Button
          look="text"
          data-testid="model-close"
          onBlur={() => setSure(false)}
          onClick={() => (adapter?.unsaved === true && !sure ? setSure(true) : void controller.close())}
        >
          {sure ? 'Really, with the adapter that is not saved?' : 'Put away'}
        </Button>
      }
    >
      <div className="grid gap-x-10 gap-y-6 lg:grid-cols-2">
        <Facts summary={summary} root={root} />
        <div>
          {load.kind === 'loaded' ? (
            <>
              <p className="text-body" role="status" data-testid="loaded" data-engine={load.loaded.engine}>
                Loaded in {load.loaded.seconds.toFixed(1)} s, ready for {formatCount(load.loaded.positions)}{' '}
                positions.
              </p>
              <p className="mt-1 text-note text-quiet text-pretty">
                {load.loaded.description}. {load.loaded.reason}
              </p>
            </>
          ) : (
            <div className="grid gap-4 sm:grid-cols-2">
              <Field
                label="Prompt and answer, at most"
                unit="tokens"
                testId="model-positions"
                value={text}
                disabled={busy}
                onChange={setText}
              />
              <div>
                <label htmlFor={select} className="text-note font-medium">
                  Compute with
                </label>
                <Select
                  id={select}
                  testId="model-engine"
                  value={choice}
                  options={ENGINES}
                  disabled={busy}
                  onChange={setChoice}
                  className="mt-1 min-h-11 w-full text-body"
                />
              </div>
            </div>
          )}
          <div className="mt-4">
            {'problem' in read ? (
              <p className="text-note text-warn">{read.problem}</p>
            ) : (
              <FitLine fit={fit} />
            )}
          </div>
          <div className="mt-4">
            {load.kind === 'not' ? (
              <Button
                look="main"
                data-testid="model-load"
                disabled={positions === null || fit.kind !== 'known' || fit.fit.level === 'stop'}
                onClick={() => {
                  if (positions !== null)
                    void controller.load({ engine: choice, positions, threads: modelThreads() });
                }}
              >
                Load it
              </Button>
            ) : null}
            {load.kind === 'loading' ? <Loading {...load} /> : null}
          </div>
          <Failure place="load" />
        </div>
      </div>
    </Section>
  );
}

function Loading({ tensors, of }: { readonly tensors: number; readonly of: number }) {
  const controller = useModelsController();
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <progress
        className="start-progress flex-1 basis-40"
        aria-label="Loading the model"
        value={of === 0 ? undefined : tensors}
        max={of === 0 ? undefined : of}
      />
      <p className="figure text-note text-quiet" role="status">
        {of === 0 ? 'Trying the engine…' : `${tensors} of ${of} tensors`}
      </p>
      <Button look="small" data-testid="load-cancel" onClick={() => controller.cancel('load')}>
        Cancel
      </Button>
    </div>
  );
}

function Facts({ summary, root }: { readonly summary: ModelSummary; readonly root: string | null }) {
  const { family, parameters, layers, hiddenSize, heads, kvHeads, vocabulary, context, chat } = summary;
  const { notApplied } = summary.generation;
  return (
    <div>
      <dl className="divide-y divide-line">
        <Fact name="Architecture" testId="model-family">
          {FAMILY[family]}, <span className="figure">{plural(layers, 'layer')}</span>
        </Fact>
        <Fact name="Parameters" testId="model-parameters">
          <span className="figure">{shortCount(parameters)}</span>
        </Fact>
        <Fact name="Weights" testId="model-weights">
          {summary.dtypes.join(' and ')}, <span className="figure">{formatBytes(summary.bytes)}</span> in{' '}
          {plural(summary.files, 'file')}
        </Fact>
        <Fact name="Width and heads">
          <span className="figure">
            {formatCount(hiddenSize)}, {plural(heads, 'head')} on {kvHeads}
          </span>
        </Fact>
        <Fact name="Vocabulary and context">
          <span className="figure">
            {formatCount(vocabulary)}, {formatCount(context)} positions
          </span>
        </Fact>
        <Fact name="Made for">{chat ? 'conversation, by its chat template' : 'continuing a text'}</Fact>
        {root === null ? null : (
          <Fact name="Root of its files">
            <HexText value={root} testId="model-root" />
          </Fact>
        )}
      </dl>
      {notApplied.length === 0 ? null : (
        <p className="mt-2 text-note text-warn text-pretty">
          Its makers also set {notApplied.join(', ')}, which is not applied here.
        </p>
      )}
    </div>
  );
}

/** A large count in words: 494,032,768 becomes "494 million". */
function shortCount(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} billion`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} million`;
  return formatCount(count);
}
