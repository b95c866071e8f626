import { must } from '../../../protocol/must.ts';
import type { DrawSequence } from '../../../protocol/philox.ts';
import { extractAnswer, WORD_RULES } from '../answer-extraction.ts';
import { choiceAnswer, type ExpectedAnswer, explainWrong } from '../checkers.ts';
import { listElements } from './expected-answers.ts';
import { NAMES } from './vocabulary.ts';
import { defineWordTask, type WordQuestion } from './word-task.ts';

/** Who tells the truth, by index. */
type World = readonly boolean[];

/** What an islander says. `about` is the index of another one. */
interface Statement {
  readonly kind: 'lies' | 'honest' | 'same' | 'differ' | 'all lie' | 'one lies' | 'two lie';
  readonly about: number;
}

/** Raymond Smullyan's islanders, "What Is the Name of This Book?" (1978). */
interface Island {
  readonly statements: readonly Statement[];
}

const ABOUT_ONE = ['lies', 'honest', 'same', 'differ'] as const;
const KINDS = [...ABOUT_ONE, 'all lie', 'one lies', 'two lie'] as const;
const ISLANDERS = 3;

function holds({ kind, about }: Statement, speaker: number, world: World): boolean {
  const [self, other] = [must(world, speaker), must(world, about)];
  const liars = world.filter((honest) => !honest).length;
  switch (kind) {
    case 'lies':
      return !other;
    case 'honest':
      return other;
    case 'same':
      return self === other;
    case 'differ':
      return self !== other;
    case 'all lie':
      return liars === world.length;
    case 'one lies':
      return liars === 1;
    case 'two lie':
      return liars === 2;
  }
}

function said({ kind, about }: Statement, names: readonly string[]): string {
  const name = must(names, about);
  switch (kind) {
    case 'lies':
      return `${name} lies`;
    case 'honest':
      return `${name} is honest`;
    case 'same':
      return `${name} is like me`;
    case 'differ':
      return `${name} is not like me`;
    case 'all lie':
      return 'all of us lie';
    case 'one lies':
      return 'one of us lies';
    case 'two lie':
      return 'two of us lie';
  }
}

/** In the order in which a solution tries them. */
const WORLDS: readonly World[] = Array.from({ length: 2 ** ISLANDERS }, (_, bits) =>
  Array.from({ length: ISLANDERS }, (_, islander) => ((bits >> (ISLANDERS - 1 - islander)) & 1) === 0),
);

/** Knights say what holds, knaves what does not. */
function fits({ statements }: Island, world: World): boolean {
  return statements.every((statement, speaker) => holds(statement, speaker, world) === must(world, speaker));
}

/** Islanders of whom exactly one world fits. */
function drawIsland(draws: DrawSequence): Island {
  for (;;) {
    const statements = Array.from({ length: ISLANDERS }, (_, speaker) => ({
      kind: draws.pick(KINDS),
      about: (speaker + draws.integer(1, ISLANDERS - 1)) % ISLANDERS,
    }));
    if (WORLDS.filter((world) => fits({ statements }, world)).length === 1) return { statements };
  }
}

/** Equal for islands that differ only in names and in the order of the islanders. */
function identityOf({ statements }: Island): string {
  const orders = permutations(statements.map((_, index) => index));
  const texts = orders.map((order) =>
    order
      .map((speaker) => {
        const { kind, about } = must(statements, speaker);
        return (ABOUT_ONE as readonly string[]).includes(kind) ? `${kind} ${order.indexOf(about)}` : kind;
      })
      .join(', '),
  );
  return must(texts.sort(), 0);
}

function permutations(indices: readonly number[]): readonly (readonly number[])[] {
  if (indices.length === 0) return [[]];
  return indices.flatMap((first) =>
    permutations(indices.filter((index) => index !== first)).map((rest) => [first, ...rest]),
  );
}

const kindOf = (honest: boolean) => (honest ? 'knight' : 'knave');

function told(island: Island, names: readonly string[]): string {
  const lines = island.statements.map((statement, at) => `${must(names, at)}: ${said(statement, names)}.`);
  return `Knights are honest, knaves lie. ${lines.join(' ')}`;
}

interface Solved {
  readonly world: World;
  readonly steps: readonly string[];
}

/** Tries one world after another. */
function solve(island: Island): Solved {
  const steps: string[] = [];
  for (const world of WORLDS) {
    const right = fits(island, world);
    steps.push(`${world.map(kindOf).join(' ')}: ${right ? 'yes' : 'no'}.`);
    if (right) return { world, steps };
  }
  throw new RangeError('No world fits the statements: draw another island.');
}

/** Names in any order, with or without `and`. */
function namesAnswer(answer: string): ExpectedAnswer {
  const wanted = namesIn(answer);
  return {
    extract: (text) => namesIn(extractAnswer(text, WORD_RULES)),
    accepts: (given) => given === wanted,
    explain: (given) => explainWrong(given, answer),
  };
}

function namesIn(text: string): string {
  return listElements(text)
    .filter((element) => element !== 'and')
    .sort()
    .join(' ');
}

/** The first one's sum shows what he is, and each of the others speaks about the one before. */
function chain(draws: DrawSequence, names: readonly string[]): WordQuestion {
  const [a, b] = [draws.integer(1, 9), draws.integer(1, 9)];
  const shown = draws.uniform() < 0.5 ? a + b : a + b + draws.pick([-2, -1, 1, 2]);
  let honest = shown === a + b;
  const [first, ...others] = names;
  const lines = [`${first}: ${a} + ${b} = ${shown}.`];
  const steps = [`${a} + ${b} = ${a + b}.`, `${first} is a ${kindOf(honest)}.`];
  const claims: string[] = [];
  for (const [at, name] of others.entries()) {
    const claim = draws.pick(['lies', 'is honest']);
    honest = (claim === 'is honest') === honest;
    claims.push(claim);
    lines.push(`${name}: ${must(names, at)} ${claim}.`);
    steps.push(`${name} is a ${kindOf(honest)}.`);
  }
  return {
    prompt: `Knights are honest, knaves lie. ${lines.join(' ')} What is ${names.at(-1)}?`,
    answer: kindOf(honest),
    identity: `${Math.min(a, b)} + ${Math.max(a, b)} = ${shown}, ${claims.join(', ')}`,
    steps,
  };
}

function three(draws: DrawSequence, names: readonly string[]): WordQuestion {
  const island = drawIsland(draws);
  const { world, steps } = solve(island);
  const knights = names.filter((_, at) => world[at] === true);
  const answer = knights.length === 0 ? 'nobody' : knights.join(' ');
  return {
    prompt: `${told(island, names)} Who is a knight?`,
    answer,
    identity: identityOf(island),
    steps,
    expected: namesAnswer(answer),
  };
}

/** `Knights are honest, knaves lie. Ann: 2 + 3 = 6. Ben: Ann lies. What is Ben?` */
export const knightsAndKnaves = defineWordTask({
  id: 'knights-and-knaves',
  title: 'Knights and knaves',
  difficulties: [
    'two islanders and a sum',
    'three islanders and a sum',
    'three islanders who speak about one another',
  ],
  expect: (answer) => choiceAnswer(answer, ['knight', 'knave']),
  draw(draws, difficulty) {
    const names = draws.shuffle(NAMES);
    if (difficulty < 2) return chain(draws, names.slice(0, difficulty + 2));
    return three(draws, names.slice(0, 3));
  },
});
