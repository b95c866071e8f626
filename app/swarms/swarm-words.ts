/** A specification in words for people. Pure. */
import type { BaseModel, Checker, SwarmSpec, TaskSelection } from '../../protocol/swarm-spec.ts';
import { formatBytes, plural } from '../ui/format.ts';

const LANGUAGES = new Intl.DisplayNames(['en'], { type: 'language' });

/** The model's name for people, such as `micro, which comes with this page`. */
export function baseInWords(base: BaseModel): string {
  if (base.kind === 'builtin') return `${base.name}, which comes with this page`;
  return `${base.name}, ${formatBytes(base.files.reduce((sum, { size }) => sum + size, 0))}`;
}

/** What of the model is trained. */
export function trainedInWords({ trained }: Pick<SwarmSpec, 'trained'>): string {
  if (trained.kind === 'full') return 'all weights';
  return `adapters of rank ${trained.rank} beside frozen weights`;
}

/** Name of a task for people: `chain-sum` becomes `Chain sum`. */
export function taskName(id: string): string {
  const words = id.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The tasks in one line: their names, at most `most`, and how many more there are. */
export function tasksInWords({ generators, dataSets }: TaskSelection, most = 4): string {
  const names = [
    ...dataSets.map(({ id }) => `questions “${id}”`),
    ...generators.map(({ id }) => taskName(id)),
  ];
  const more = names.length - most;
  return more > 0 ? `${names.slice(0, most).join(', ')} and ${more} more` : names.join(', ');
}

/** What the members train, in one sentence. */
export function trainsInWords(spec: SwarmSpec): string {
  const model = spec.base.kind === 'builtin' ? spec.base.name : spec.base.name;
  const what = spec.trained.kind === 'full' ? `All weights of ${model}` : `Adapters for ${model}`;
  const any = spec.models === 'any' ? '; members may bring models of their own' : '';
  return `${what}, on ${tasksInWords(spec.tasks)}${any}.`;
}

/** For whom a swarm is: the language of its tasks, and who may join. */
export function audienceInWords({ language, models }: SwarmSpec): string {
  const name = languageName(language);
  return models === 'one'
    ? `Tasks in ${name}. Anybody with a browser can join; every member starts from the same model.`
    : `Tasks in ${name}. Anybody with a browser can join, with this model or another one.`;
}

function languageName(tag: string): string {
  try {
    return LANGUAGES.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

const CHECKERS: Readonly<Record<Checker['kind'], string>> = {
  exact: 'the same text',
  number: 'the same number',
  choice: 'the right one of the choices',
  set: 'the same elements in any order',
  pattern: 'text that matches the pattern',
  json: 'equal JSON',
};

/** What a checker takes for right. */
export function checkerInWords(checker: Checker): string {
  return CHECKERS[checker.kind];
}

/** Seconds of a whole round. */
export function roundSeconds({ schedule }: Pick<SwarmSpec, 'schedule'>): number {
  return schedule.answerSeconds + schedule.critiqueSeconds + schedule.voteSeconds;
}

/** How many questions a data set holds back, in words. */
export function heldOutInWords(oneIn: number): string {
  return `one question in ${oneIn} is never trained on`;
}

/** Members now, in words. */
export function membersInWords(members: number): string {
  return members === 0 ? 'Nobody is at work now' : `${plural(members, 'device')} at work now`;
}
