/** How each action changes what the models screen shows. Pure. */

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

export type ModelsAction =
  | { readonly kind: 'stored'; readonly stored: readonly StoredModel[] }
  | { readonly kind: 'download-began'; readonly url: string }
  | { readonly kind: 'download-ended' }
  | { readonly kind: 'looking'; readonly name: string | null }
  | {
      readonly kind: 'chosen';
      readonly turn: number;
      readonly name: string;
      readonly from: ModelFrom;
      readonly root: Hex | null;
      readonly summary: ModelSummary;
    }
  | { readonly kind: 'closed' }
  | { readonly kind: 'drafted'; readonly drafts: Partial<Drafts> }
  | { readonly kind: 'load-began' }
  | { readonly kind: 'loaded'; readonly loaded: LoadedModel }
  /** The engine is gone, with the weights and with an adapter that was not saved. */
  | { readonly kind: 'unloaded' }
  | { readonly kind: 'asked'; readonly ask: AskModel }
  | { readonly kind: 'answered'; readonly run: number; readonly answer: Answer | null }
  | {
      readonly kind: 'train-began';
      readonly run: number;
      readonly steps: number;
      readonly fresh: boolean;
    }
  | { readonly kind: 'train-pausing' }
  /** `trained` is null where the call failed: the adapter is as it was before. */
  | { readonly kind: 'train-ended'; readonly trained: Trained | null }
  | { readonly kind: 'handling'; readonly what: string | null }
  | { readonly kind: 'adopted'; readonly adapter: Adapter }
  | { readonly kind: 'saved'; readonly root: Hex }
  | { readonly kind: 'failed'; readonly place: Place; readonly cause: string }
  | { readonly kind: 'tried'; readonly place: Place }
  /** An event of the worker, at a time in Unix milliseconds. */
  | { readonly kind: 'worker'; readonly at: number; readonly event: ModelEvent };

export function reduceModels(view: ModelsView, action: ModelsAction): ModelsView {
  switch (action.kind) {
    case 'stored':
      return { ...view, stored: action.stored };
    case 'download-began':
      return {
        ...view,
        download: { url: action.url, file: '', bytes: 0, total: null, pace: NO_PACE },
      };
    case 'download-ended':
      return { ...view, download: null };
    case 'looking':
      return { ...view, looking: action.name };
    case 'chosen': {
      const { turn, name, from, root, summary } = action;
      const model: ChosenModel = {
        turn,
        name,
        from,
        root,
        summary,
        load: { kind: 'not' },
        answer: null,
        training: NO_TRAINING,
        drafts: {
          ask: firstAsk(summary),
          bare: false,
          // The text to learn is the same, whichever model learns it.
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
      return { ...view, failures: { ...view.failures, [action.place]: action.cause } };
    case 'tried': {
      const { [action.place]: _gone, ...failures } = view.failures;
      return { ...view, failures };
    }
    case 'worker':
      return reduceWorkerEvent(view, action.event, action.at);
    default:
      return view.model === null ? view : { ...view, model: reduceModel(view.model, action) };
  }
}

/** The actions that concern the chosen model alone. */
type ModelAction = Exclude<
  ModelsAction,
  {
    readonly kind:
      | 'stored'
      | 'download-began'
      | 'download-ended'
      | 'looking'
      | 'chosen'
      | 'closed'
      | 'failed'
      | 'tried'
      | 'worker';
  }
>;

function reduceModel(model: ChosenModel, action: ModelAction): ChosenModel {
  const { training } = model;
  switch (action.kind) {
    case 'drafted':
      return { ...model, drafts: { ...model.drafts, ...action.drafts } };
    case 'load-began':
      return { ...unloaded(model), load: { kind: 'loading', tensors: 0, of: 0 } };
    case 'loaded': {
      const { loaded } = action;
      const ask = fittingAsk(model.drafts.ask, Math.min(loaded.positions, model.summary.context));
      return { ...model, load: { kind: 'loaded', loaded }, drafts: { ...model.drafts, ask } };
    }
    case 'unloaded':
      return unloaded(model);
    case 'asked':
      return {
        ...model,
        answer: { ask: action.ask, text: '', tokens: 0, seconds: 0, state: { kind: 'running' } },
      };
    case 'answered': {
      const { answer } = model;
      if (answer === null || answer.ask.run !== action.run) return model;
      const done = action.answer;
      if (done === null) return { ...model, answer: { ...answer, state: { kind: 'stopped' } } };
      return {
        ...model,
        answer: {
          ...answer,
          text: done.text,
          tokens: done.tokens.length,
          // The last piece of text may arrive after this.
          seconds: done.drawingSeconds,
          state: { kind: 'done', answer: done },
        },
      };
    }
    case 'train-began': {
      const steps = action.fresh ? [] : training.steps;
      const begun = action.fresh ? 0 : (model.adapter?.steps ?? 0);
      return {
        ...model,
        training: {
          steps,
          running: {
            run: action.run,
            until: begun + action.steps,
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
      const { trained } = action;
      if (trained === null) {
        return { ...model, training: { steps: training.running?.before ?? [], running: null } };
      }
      // The last step events may arrive after this; without a running call they change nothing.
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
      return { ...model, handling: action.what };
    case 'adopted':
      return {
        ...model,
        adapter: { ...action.adapter, unsaved: false, root: null },
        training: NO_TRAINING,
      };
    case 'saved':
      if (model.adapter === null) return model;
      return { ...model, adapter: { ...model.adapter, unsaved: false, root: action.root } };
  }
}

function unloaded(model: ChosenModel): ChosenModel {
  return { ...model, load: { kind: 'not' }, training: NO_TRAINING, adapter: null, handling: null };
}

/** An event that arrives after the end of its call changes nothing. */
function reduceWorkerEvent(view: ModelsView, event: ModelEvent, at: number): ModelsView {
  if (event.kind === 'describe' || event.kind === 'obtain') return view;
  if (event.kind === 'download') {
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
  switch (event.kind) {
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
