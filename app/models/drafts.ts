/** Reads what a person has typed: the settings to compute with, or the first thing that is wrong. Pure. */
import type {
  AskModel,
  LoadedModel,
  ModelSummary,
  TrainingSizes,
  TrainModel,
} from '../../workers/model-api.ts';

export interface Problem {
  readonly problem: string;
}

export interface AskDraft {
  readonly prompt: string;
  readonly chat: boolean;
  readonly sample: boolean;
  readonly temperature: string;
  readonly topK: string;
  readonly topP: string;
  readonly seed: string;
  readonly tokens: string;
}

/** The settings that the model's makers recommend. */
export function firstAsk({ chat, generation }: ModelSummary): AskDraft {
  return {
    prompt: '',
    chat,
    sample: generation.sample,
    temperature: String(generation.temperature),
    topK: String(generation.topK),
    topP: String(generation.topP),
    seed: '1',
    tokens: '128',
  };
}

/**
 * Keeps the number of tokens where it fits the loaded positions. Otherwise half of the positions are for the
 * prompt and half for the answer.
 */
export function fittingAsk(draft: AskDraft, positions: number): AskDraft {
  return whole(draft.tokens, 1, positions - 1) === null
    ? { ...draft, tokens: String(Math.max(1, Math.floor(positions / 2))) }
    : draft;
}

export function readAsk(
  draft: AskDraft,
  options: { readonly summary: ModelSummary; readonly loaded: LoadedModel; readonly bare: boolean },
): Problem | { readonly ask: Omit<AskModel, 'run'> } {
  const positions = Math.min(options.loaded.positions, options.summary.context);
  const tokens = whole(draft.tokens, 1, positions - 1);
  if (tokens === null) return { problem: `Tokens: a whole number from 1 to ${positions - 1}.` };
  const seed = whole(draft.seed, 0, MAX_SEED);
  if (seed === null) return { problem: `Seed: a whole number from 0 to ${MAX_SEED}.` };
  const temperature = decimal(draft.temperature);
  if (temperature === null || temperature <= 0 || temperature > 100) {
    return { problem: 'Temperature: above 0, to 100 at most.' };
  }
  const topK = whole(draft.topK, 0, options.summary.vocabulary);
  if (topK === null)
    return { problem: `Top k: a whole number, 0 for all of the ${options.summary.vocabulary}.` };
  const topP = decimal(draft.topP);
  if (topP === null || topP <= 0 || topP > 1) return { problem: 'Top p: above 0, to 1 at most.' };
  if (draft.prompt.trim() === '') return { problem: 'Write a prompt first.' };
  const { prompt, chat, sample } = draft;
  return {
    ask: {
      prompt,
      chat,
      greedy: !sample,
      temperature,
      topK,
      topP,
      seed,
      maxNewTokens: tokens,
      bare: options.bare,
    },
  };
}

export interface TrainDraft {
  readonly text: string;
  /** Name of the file that the text came from. Its ending decides how the text is read. */
  readonly file: string | null;
  readonly rank: string;
  readonly alpha: string;
  readonly rate: string;
  readonly steps: string;
  readonly rows: string;
  readonly length: string;
  readonly recompute: boolean;
}

export const FIRST_TRAIN: TrainDraft = {
  text: '',
  file: null,
  rank: '8',
  alpha: '16',
  rate: '0.0002',
  steps: '20',
  rows: '1',
  length: '64',
  recompute: false,
};

/** The settings of a training that its memory depends on. `most` is the longest window, in tokens. */
export function readSizes(draft: TrainDraft, most: number): Problem | { readonly training: TrainingSizes } {
  const rank = whole(draft.rank, 1, 256);
  if (rank === null) return { problem: 'Rank: a whole number from 1 to 256.' };
  const alpha = decimal(draft.alpha);
  if (alpha === null || alpha < 0.001 || alpha > 1e5) return { problem: 'Alpha: from 0.001 to 100,000.' };
  const length = whole(draft.length, 2, most);
  if (length === null) {
    return { problem: `Tokens in a window: from 2 to the ${most} positions that were made ready.` };
  }
  const rows = whole(draft.rows, 1, 256);
  if (rows === null) return { problem: 'Windows in a step: a whole number from 1 to 256.' };
  return { training: { rank, alpha, rows, length, recompute: draft.recompute } };
}

export function readTrain(
  draft: TrainDraft,
  options: { readonly most: number; readonly fresh: boolean },
): Problem | { readonly train: Omit<TrainModel, 'run'> } {
  const sizes = readSizes(draft, options.most);
  if ('problem' in sizes) return sizes;
  const rate = decimal(draft.rate);
  if (rate === null || rate <= 0 || rate > 1)
    return { problem: 'Rate: above 0, to 1 at most; 0.0002 is usual.' };
  const steps = whole(draft.steps, 1, 100_000);
  if (steps === null) return { problem: 'Steps: a whole number from 1 to 100,000.' };
  if (draft.text.trim() === '') return { problem: 'Paste a text, or choose a file.' };
  const format = draft.file?.toLowerCase().endsWith('.jsonl') === true ? 'jsonl' : 'text';
  const source = { format, text: draft.text } as const;
  return { train: { ...sizes.training, source, fresh: options.fresh, rate, steps, seed: 1 } };
}

/** Positions to load: prompt and answer together. `context` is the model's limit. */
export function readPositions(text: string, context: number): Problem | { readonly positions: number } {
  const positions = whole(text, 2, context);
  return positions === null
    ? { problem: `Positions: a whole number from 2 to the model’s ${context}.` }
    : { positions };
}

const MAX_SEED = 2 ** 32 - 1;

function whole(text: string, least: number, most: number): number | null {
  const value = /^\d{1,10}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : null;
}

function decimal(text: string): number | null {
  return /^\d{0,9}(\.\d{0,12})?(e-?\d{1,2})?$/i.test(text.trim()) && /\d/.test(text) ? Number(text) : null;
}
