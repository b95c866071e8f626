/** How what happens becomes what is shown. Pure. */

import type { StoredModel } from '../../models/loading/library.ts';
import type { Hex } from '../../protocol/hex.ts';
import type {
  Adapter,
  Answer,
  AskModel,
  LoadedModel,
  ModelEvent,
  ModelFrom,
  ModelSummary,
  Trained,
} from '../../workers/model-api.ts';
import { FIRST_TRAIN, firstAsk, fittingAsk } from './drafts.ts';
import { type ChosenModel, type Drafts, type ModelsView, NO_TRAINING, type Place } from './models-view.ts';
import { measured, NO_PACE } from './pace.ts';

export type ModelsHappening =
  | { readonly type: 'stored'; readonly stored: readonly StoredModel[] }
  | { readonly type: 'download-began'; readonly url: string }
  | { readonly type: 'download-ended' }
  | { readonly type: 'looking'; readonly name: string | null }
  | {
      readonly type: 'chosen';
      readonly turn: number;
      readonly name: string;
      readonly from: ModelFrom;
      readonly root: Hex | null;
      readonly summary: ModelSummary;
    }
  | { readonly type: 'closed' }
  | { readonly type: 'drafted'; readonly drafts: Partial<Drafts> }
  | { readonly type: 'load-began' }
  | { readonly type: 'loaded'; readonly loaded: LoadedModel }
  /** The engine is gone, and with it the weights and what was not saved. */
  | { readonly type: 'unloaded' }
  | { readonly type: 'asked'; readonly ask: AskModel }
  | { readonly type: 'answered'; readonly run: number; readonly answer: Answer | null }
  | {
      readonly type: 'train-began';
      readonly run: number;
      readonly steps: number;
      readonly fresh: boolean;
    }
  | { readonly type: 'train-pausing' }
  /** Null: the call failed, and the adapter is as it was before. */
  | { readonly type: 'train-ended'; readonly trained: Trained | null }
  | { readonly type: 'handling'; readonly what: string | null }
  | { readonly type: 'adopted'; readonly adapter: Adapter }
  | { readonly type: 'saved'; readonly root: Hex }
  | { readonly type: 'failed'; readonly place: Place; readonly cause: string }
  | { readonly type: 'tried'; readonly place: Place }
  /** From the worker, at a time in milliseconds. */
  | { readonly type: 'told'; readonly at: number; readonly event: ModelEvent };

export function reduceModels(view: ModelsView, happening: ModelsHappening): ModelsView {
  switch (happening.type) {
    case 'stored':
      return { ...view, stored: happening.stored };
    case 'download-began':
      return {
        ...view,
        download: { url: happening.url, file: '', bytes: 0, total: null, pace: NO_PACE },
      };
    case 'download-ended':
      return { ...view, download: null };
    case 'looking':
      return { ...view, looking: happening.name };
    case 'chosen': {
      const { turn, name, from, root, summary } = happening;
      const model: ChosenModel = {
        ...{ turn, name, from, root, summary },
        load: { kind: 'not' },
        answer: null,
        training: NO_TRAINING,
        drafts: {
          ask: firstAsk(summary),
          bare: false,
          // A text is about what is to be learned, whichever model learns it.
          train: view.model?.drafts.train ?? FIRST_TRAIN,
        },
        adapter: null,
        handling: null,
      };
      const { stored, download } = view.failures;
      const failures = { ...(stored && { stored }), ...(download && { download }) };
      return { ...view, looking: null, model, failures };
    }
    case 'closed':
      return { ...view, model: null };
    case 'failed':
      return { ...view, failures: { ...view.failures, [happening.place]: happening.cause } };
    case 'tried': {
      const { [happening.place]: _gone, ...failures } = view.failures;
      return { ...view, failures };
    }
    case 'told':
      return told(view, happening.event, happening.at);
    default:
      return view.model === null ? view : { ...view, model: ofModel(view.model, happening) };
  }
}

type OfModel = Extract<
  ModelsHappening,
  {
    readonly type:
      | 'drafted'
      | 'load-began'
      | 'loaded'
      | 'unloaded'
      | 'asked'
      | 'answered'
      | 'train-began'
      | 'train-pausing'
      | 'train-ended'
      | 'handling'
      | 'adopted'
      | 'saved';
  }
>;

function ofModel(model: ChosenModel, happening: OfModel): ChosenModel {
  const { training } = model;
  switch (happening.type) {
    case 'drafted':
      return { ...model, drafts: { ...model.drafts, ...happening.drafts } };
    case 'load-began':
      return { ...unloaded(model), load: { kind: 'loading', tensors: 0, of: 0 } };
    case 'loaded': {
      const { loaded } = happening;
      const ask = fittingAsk(model.drafts.ask, Math.min(loaded.positions, model.summary.context));
      return { ...model, load: { kind: 'loaded', loaded }, drafts: { ...model.drafts, ask } };
    }
    case 'unloaded':
      return unloaded(model);
    case 'asked':
      return {
        ...model,
        answer: { ask: happening.ask, text: '', tokens: 0, seconds: 0, state: { kind: 'running' } },
      };
    case 'answered': {
      const { answer } = model;
      if (answer === null || answer.ask.run !== happening.run) return model;
      const done = happening.answer;
      if (done === null) return { ...model, answer: { ...answer, state: { kind: 'stopped' } } };
      return {
        ...model,
        answer: {
          ...answer,
          text: done.text,
          tokens: done.tokens.length,
          // Of the pieces, the last may come too late to be seen.
          seconds: done.drawingSeconds,
          state: { kind: 'done', answer: done },
        },
      };
    }
    case 'train-began': {
      const steps = happening.fresh ? [] : training.steps;
      const begun = happening.fresh ? 0 : (model.adapter?.steps ?? 0);
      return {
        ...model,
        training: {
          steps,
          running: {
            run: happening.run,
            until: begun + happening.steps,
            before: training.steps,
            pausing: false,
          },
        },
      };
    }
    case 'train-pausing':
      if (training.running === null) return model;
      return { ...model, training: { ...training, running: { ...training.running, pausing: true } } };
    case 'train-ended': {
      const { trained } = happening;
      if (trained === null) {
        return { ...model, training: { steps: training.running?.before ?? [], running: null } };
      }
      // The last events may still be on their way, and will be told apart by `running`.
      const { adapter, losses } = trained;
      const before = adapter.steps - losses.length;
      const seconds = new Map(training.steps.map((each) => [each.step, each.seconds]));
      const own = losses.map((loss, i) => ({
        step: before + i + 1,
        loss,
        seconds: seconds.get(before + i + 1) ?? 0,
      }));
      return {
        ...model,
        adapter: { ...adapter, unsaved: losses.length > 0 || (model.adapter?.unsaved ?? false), root: null },
        training: { steps: [...training.steps.filter(({ step }) => step <= before), ...own], running: null },
      };
    }
    case 'handling':
      return { ...model, handling: happening.what };
    case 'adopted':
      return {
        ...model,
        adapter: { ...happening.adapter, unsaved: false, root: null },
        training: NO_TRAINING,
      };
    case 'saved':
      if (model.adapter === null) return model;
      return { ...model, adapter: { ...model.adapter, unsaved: false, root: happening.root } };
  }
}

function unloaded(model: ChosenModel): ChosenModel {
  return { ...model, load: { kind: 'not' }, training: NO_TRAINING, adapter: null, handling: null };
}

/** What comes late, after the end of what it is about, changes nothing. */
function told(view: ModelsView, event: ModelEvent, at: number): ModelsView {
  if (event.type === 'download') {
    const { download } = view;
    if (download === null || download.url !== event.url) return view;
    const { file, bytes, total } = event;
    return {
      ...view,
      download: { ...download, file, bytes, total, pace: measured(download.pace, at, bytes) },
    };
  }
  const { model } = view;
  if (model === null) return view;
  switch (event.type) {
    case 'load':
      if (model.load.kind !== 'loading') return view;
      return {
        ...view,
        model: { ...model, load: { kind: 'loading', tensors: event.tensors, of: event.of } },
      };
    case 'text': {
      const { answer } = model;
      if (answer?.state.kind !== 'running' || answer.ask.run !== event.run) return view;
      const { tokens, seconds } = event;
      return {
        ...view,
        model: { ...model, answer: { ...answer, text: answer.text + event.text, tokens, seconds } },
      };
    }
    case 'step': {
      const { training } = model;
      if (training.running?.run !== event.run) return view;
      const { step, loss, seconds } = event;
      return {
        ...view,
        model: {
          ...model,
          training: { ...training, steps: [...training.steps, { step, loss, seconds }] },
        },
      };
    }
  }
}
