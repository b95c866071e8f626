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

/** The part of the screen that shows a failure. */
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
  /** `of` is the number of all tensors, 0 while the engine is chosen. */
  | { readonly kind: 'loading'; readonly tensors: number; readonly of: number }
  | { readonly kind: 'loaded'; readonly loaded: LoadedModel };

export interface AnswerView {
  readonly ask: AskModel;
  readonly text: string;
  readonly tokens: number;
  /** Seconds since the first token. */
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
  /** Whether it changed since it was last downloaded or loaded. Closing the tab loses such a change. */
  readonly unsaved: boolean;
  /** Root of the checkpoint that was downloaded last. Null after more steps. */
  readonly root: Hex | null;
}

export interface TrainingView {
  /** All steps of the present adapter, those of earlier calls included. */
  readonly steps: readonly StepView[];
  readonly running: {
    readonly run: number;
    /** Steps that the adapter will have at the end of this call. */
    readonly until: number;
    /** The steps before this call, for the case that it fails. */
    readonly before: readonly StepView[];
    /** Whether the call ends after the step in progress. */
    readonly pausing: boolean;
  } | null;
}

/** What a person has typed. It is kept while another screen is shown. */
export interface Drafts {
  readonly ask: AskDraft;
  /** Whether to ask without the adapter. */
  readonly bare: boolean;
  readonly train: TrainDraft;
}

export interface ChosenModel {
  /** A new number each time that a model is chosen. */
  readonly turn: number;
  readonly name: string;
  readonly from: ModelFrom;
  /** Root of the downloaded files. Null for picked files. */
  readonly root: Hex | null;
  readonly summary: ModelSummary;
  readonly load: LoadView;
  readonly answer: AnswerView | null;
  readonly training: TrainingView;
  readonly drafts: Drafts;
  readonly adapter: AdapterView | null;
  /** A sentence while adapter files are made or loaded, otherwise null. */
  readonly handling: string | null;
}

export interface ModelsView {
  /** Null until the stored models are read. */
  readonly stored: readonly StoredModel[] | null;
  readonly download: DownloadView | null;
  /** Name of the model that is being opened, otherwise null. */
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
