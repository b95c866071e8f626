/** What a person types to start a swarm, and the specification that it makes. Pure. */

import { PROJECTIONS } from '../../models/decoder/lora/adapters.ts';
import type { Hex } from '../../protocol/hex.ts';
import type {
  BaseModel,
  Checker,
  DataSetEntry,
  GeneratorEntry,
  SwarmSpec,
} from '../../protocol/swarm-spec.ts';
import { type ModelClass, presetNumbers, SETTINGS, type SettingName } from './swarm-presets.ts';

/** A file of questions that was read without a mistake. */
export interface DraftFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sha256: Hex;
}

export interface SwarmDraft {
  readonly name: string;
  readonly description: string;
  readonly language: string;
  /** Null until one is chosen. */
  readonly base: BaseModel | null;
  readonly trained: 'full' | 'adapters';
  readonly rank: string;
  readonly alpha: string;
  readonly anyModel: boolean;
  /** Chosen difficulties of each chosen task. */
  readonly generators: Readonly<Record<string, readonly number[]>>;
  readonly file: DraftFile | null;
  readonly promptField: string;
  readonly answerField: string;
  readonly heldOutOneIn: string;
  readonly checker: Checker['kind'];
  readonly ignoreCase: boolean;
  /** Separated by commas. */
  readonly choices: string;
  readonly separator: string;
  readonly numbers: Readonly<Record<SettingName, string>>;
}

/** A task of the catalogue, as far as a person chooses it. */
export interface CatalogueTask {
  readonly id: string;
  readonly version: number;
  /** For people. */
  readonly title: string;
  /** A description of each difficulty, easiest first. */
  readonly difficulties: readonly string[];
  /** Whether it has a few characters without words, as the nano model was taught. Other models read words. */
  readonly short: boolean;
}

function numberTexts(model: ModelClass): SwarmDraft['numbers'] {
  const preset = presetNumbers(model);
  return Object.fromEntries(
    SETTINGS.map(({ name }) => [name, String(preset[name])]),
  ) as SwarmDraft['numbers'];
}

export const FIRST_DRAFT: SwarmDraft = {
  name: '',
  description: '',
  language: 'en',
  base: null,
  trained: 'full',
  rank: '8',
  alpha: '16',
  anyModel: false,
  generators: {},
  file: null,
  promptField: 'prompt',
  answerField: 'answer',
  heldOutOneIn: '5',
  checker: 'exact',
  ignoreCase: true,
  choices: 'A, B, C, D',
  separator: ',',
  numbers: numberTexts('nano'),
};

/** The class of a model, which decides the first settings. */
function classOf(base: BaseModel | null): ModelClass {
  if (base?.kind === 'files') return 'published';
  return base?.name === 'micro' ? 'micro' : 'nano';
}

/** The catalogue with the tasks first that a model can read, otherwise in its own order. */
export function tasksFor(
  base: BaseModel | null,
  catalogue: readonly CatalogueTask[],
): readonly CatalogueTask[] {
  const suits = ({ short }: CatalogueTask) => short === (classOf(base) === 'nano');
  return [...catalogue.filter(suits), ...catalogue.filter((task) => !suits(task))];
}

/** The draft with another model, and with the settings that suit it. */
export function withBase(draft: SwarmDraft, base: BaseModel): SwarmDraft {
  const trained = base.kind === 'files' ? 'adapters' : 'full';
  if (classOf(base) === classOf(draft.base) && draft.base !== null) return { ...draft, base };
  return { ...draft, base, trained, numbers: numberTexts(classOf(base)) };
}

export type ReadDraft =
  | { readonly kind: 'problem'; readonly problem: string }
  | { readonly kind: 'spec'; readonly spec: SwarmSpec };

export interface ReadDraftOptions {
  readonly catalogue: readonly CatalogueTask[];
  /** The account that opens the swarm. */
  readonly account: Hex;
  /** Unix seconds. */
  readonly now: number;
}

class DraftProblem extends Error {
  override readonly name = 'DraftProblem';
}

/** The specification that a draft makes, or the first thing that is missing. */
export function readSwarmDraft(draft: SwarmDraft, options: ReadDraftOptions): ReadDraft {
  try {
    return { kind: 'spec', spec: specOf(draft, options) };
  } catch (error) {
    if (!(error instanceof DraftProblem)) throw error;
    return { kind: 'problem', problem: error.message };
  }
}

function specOf(draft: SwarmDraft, { catalogue, account, now }: ReadDraftOptions): SwarmSpec {
  const name = draft.name.trim();
  if (name === '') throw new DraftProblem('Give the swarm a name.');
  const description = draft.description.trim();
  if (description === '') throw new DraftProblem('Say in one line what the swarm is for.');
  if (draft.base === null) throw new DraftProblem('Choose the model to start from.');
  const generators = generatorsOf(draft, catalogue);
  const dataSets = draft.file === null ? [] : [dataSetOf(draft, draft.file)];
  if (generators.length + dataSets.length === 0) {
    throw new DraftProblem('Choose tasks of the catalogue, or a file of questions.');
  }
  const number = (setting: SettingName) => numberOf(draft, setting);
  return {
    version: 1,
    name,
    description,
    language: draft.language.trim(),
    startedBy: account,
    startedAt: now,
    base: draft.base,
    trained:
      draft.trained === 'full'
        ? { kind: 'full' }
        : {
            kind: 'adapters',
            rank: positive('The rank', draft.rank),
            alpha: positive('Alpha', draft.alpha),
            targets: PROJECTIONS,
          },
    models: draft.anyModel ? 'any' : 'one',
    tasks: { generators, dataSets },
    round: {
      itemsPerRound: number('itemsPerRound'),
      itemsAnswered: number('itemsAnswered'),
      samplesPerItem: number('samplesPerItem'),
      temperature: number('temperature'),
      answerTokens: number('answerTokens'),
      critiqueTokens: number('critiqueTokens'),
      learningRate: number('learningRate'),
      warmupSteps: number('warmupSteps'),
      stepsPerRound: number('stepsPerRound'),
      weightDecay: number('weightDecay'),
      heldOutItems: number('heldOutItems'),
    },
    schedule: {
      answerSeconds: number('answerSeconds'),
      critiqueSeconds: number('critiqueSeconds'),
      voteSeconds: number('voteSeconds'),
    },
  };
}

function generatorsOf(draft: SwarmDraft, catalogue: readonly CatalogueTask[]): readonly GeneratorEntry[] {
  return catalogue.flatMap(({ id, version }) => {
    const difficulties = draft.generators[id] ?? [];
    return difficulties.length === 0
      ? []
      : [{ id, version, difficulties: [...difficulties].sort((a, b) => a - b) }];
  });
}

/** The data set that a draft and its file make. Throws DraftProblem, as a problem of the draft. */
function dataSetOf(draft: SwarmDraft, file: DraftFile): DataSetEntry {
  const oneIn = Number(draft.heldOutOneIn);
  if (!Number.isInteger(oneIn) || oneIn < 2 || oneIn > 1000) {
    throw new DraftProblem('Held-out questions: one in 2 to 1,000.');
  }
  const [prompt, answer] = [draft.promptField.trim(), draft.answerField.trim()];
  if (prompt === '' || answer === '') throw new DraftProblem('Name the fields of question and answer.');
  return {
    id: dataSetId(file.name),
    file: { path: file.name, size: file.bytes.length, sha256: file.sha256, urls: [] },
    fields: { prompt, answer },
    heldOutOneIn: oneIn,
    checker: checkerOf(draft),
  };
}

/** The data set of the draft's file, for reading its questions; null while its settings are not usable. */
export function draftDataSet(draft: SwarmDraft, file: DraftFile): DataSetEntry | null {
  try {
    return dataSetOf(draft, file);
  } catch (error) {
    if (error instanceof DraftProblem) return null;
    throw error;
  }
}

/** A data set's id from its file's name: `My Questions.jsonl` becomes `my-questions`. */
export function dataSetId(name: string): string {
  const id = name
    .replace(/\.[A-Za-z0-9]{1,8}$/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 48);
  return id === '' ? 'questions' : id;
}

function checkerOf({ checker, ignoreCase, choices, separator }: SwarmDraft): Checker {
  switch (checker) {
    case 'exact':
      return { kind: 'exact', ignoreCase };
    case 'choice': {
      const named = [...new Set(choices.split(',').map((each) => each.trim()))].filter((each) => each !== '');
      if (named.length < 2) throw new DraftProblem('Name at least two choices, with commas between them.');
      return { kind: 'choice', choices: named };
    }
    case 'set':
      if (separator === '') throw new DraftProblem('Name what stands between the elements of an answer.');
      return { kind: 'set', separator };
    case 'number':
    case 'pattern':
    case 'json':
      return { kind: checker };
  }
}

function positive(what: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new DraftProblem(`${what}: a number above 0.`);
  }
  return value;
}

function numberOf(draft: SwarmDraft, setting: SettingName): number {
  const text = draft.numbers[setting].trim();
  const value = Number(text);
  if (text === '' || !Number.isFinite(value) || value < 0) {
    const label = SETTINGS.find(({ name }) => name === setting)?.label ?? setting;
    throw new DraftProblem(`${label}: a number of at least 0.`);
  }
  return value;
}
