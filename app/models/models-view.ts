/** Everything that the models screen shows. */

import type { StoredModel } from '../../models/loading/library.ts';
import type { Hex } from '../../protocol/hex.ts';
import type {
  Adapter,
  Answer,
  AskModel,
  LoadedModel,
  ModelFrom,
  ModelSummary,
} from '../../workers/model-api.ts';
import type { AskDraft, TrainDraft } from './drafts.ts';
import type { Pace } from './pace.ts';

/** Where on the screen a failure is said. */
export type Place = 'stored' | 'choose' | 'download' | 'load' | 'ask' | 'train' | 'adapter';

export interface DownloadView {
  readonly url: string;
  readonly file: string;
  readonly bytes: number;
  readonly total: number | null;
  readonly pace: Pace;
}

export type LoadView =
  | { readonly kind: 'not' }
  /** `of` is 0 while the engine is chosen. */
  | { readonly kind: 'loading'; readonly tensors: number; readonly of: number }
  | { readonly kind: 'loaded'; readonly loaded: LoadedModel };

export interface AnswerView {
  readonly ask: AskModel;
  readonly text: string;
  readonly tokens: number;
  /** Since the first token. */
  readonly seconds: number;
  readonly state:
    | { readonly kind: 'running' }
    | { readonly kind: 'stopped' }
    | { readonly kind: 'done'; readonly answer: Answer };
}

export interface StepView {
  readonly step: number;
  readonly loss: number;
  readonly seconds: number;
}

export interface AdapterView extends Adapter {
  /** What changed since it was last downloaded or taken in: then closing the tab loses it. */
  readonly unsaved: boolean;
  /** Of the checkpoint that was downloaded last, null after more steps. */
  readonly root: Hex | null;
}

export interface TrainingView {
  /** Of the present adapter, also from earlier calls. */
  readonly steps: readonly StepView[];
  readonly running: {
    readonly run: number;
    /** Steps of the adapter when this call has ended. */
    readonly until: number;
    /** Those of the adapter from before, if this call fails. */
    readonly before: readonly StepView[];
    /** It was told to end after the step in progress. */
    readonly pausing: boolean;
  } | null;
}

/** What a person has typed: it outlasts a look at another screen. */
export interface Drafts {
  readonly ask: AskDraft;
  /** Asks without the adapter, where there is one. */
  readonly bare: boolean;
  readonly train: TrainDraft;
}

export interface ChosenModel {
  /** Another one each time that a model is chosen. */
  readonly turn: number;
  readonly name: string;
  readonly from: ModelFrom;
  /** What its files are called by, where they were downloaded. */
  readonly root: Hex | null;
  readonly summary: ModelSummary;
  readonly load: LoadView;
  readonly answer: AnswerView | null;
  readonly training: TrainingView;
  readonly drafts: Drafts;
  readonly adapter: AdapterView | null;
  /** Adapter files are made or taken in: a sentence for it. */
  readonly handling: string | null;
}

export interface ModelsView {
  /** Null until the device has said. */
  readonly stored: readonly StoredModel[] | null;
  readonly download: DownloadView | null;
  /** Name of what is being looked at. */
  readonly looking: string | null;
  readonly model: ChosenModel | null;
  readonly failures: Readonly<Partial<Record<Place, string>>>;
}

export const EMPTY_MODELS: ModelsView = {
  stored: null,
  download: null,
  looking: null,
  model: null,
  failures: {},
};

export const NO_TRAINING: TrainingView = { steps: [], running: null };
