/** `npm run pipeline`: trains a model in blocks with members in threads, and compares with one device. */
import { parseCommandLine, UsageError, wholeNumber } from '../home/command-line.ts';
import { Crew, type CrewResult } from './crew.ts';
import { openFirstModel } from './first-model.ts';
import { oracleRoot } from './oracle.ts';
import {
  LENGTH,
  microbatchesOf,
  openRun,
  type PipelineSettings,
  ROWS,
  SHAPES,
  visitedStages,
} from './settings.ts';

const HELP = `Trains a small model in blocks that lie on different members, and compares the root with one device's.

  npm run pipeline -- --members N --blocks B [options]

  --members N   members, each a thread with an engine of its own: 1 to 16
  --blocks B    the embedding and B - 1 blocks of layers: 2 to 16
  --skip S      share of the blocks of layers that each microbatch leaves out: 0 (default) to 0.9
  --steps S     optimizer steps: 1 to 10000 (default 10)
  --kills K     members that are killed on the way and replaced: 0 (default) to 1000
  --copies C    members that keep each block: 1 to 16 (default 3, or all when there are fewer)
  --seed N      everything random follows from it: 0 to 255 (default 1)
  --shape S     nano (default), or ten: ten million parameters
  --adapters    trains adapters beside frozen weights
  --vocabulary-parts P   beside adapters, cuts the vocabulary into P blocks, the embedding's included: 2 to 16
  --round-trip MS        of messages between members: 0 (default) to 1000
  --megabits N           what each member sends in a second: 1 to 10000 (default without limit)
  --json        only the last line: members, blocks, steps, kills, lost, root, oracleRoot, tokensPerSecond`;

export interface CommandOptions {
  readonly argv: readonly string[];
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Settings from a command line. Throws UsageError, in a sentence, for what makes no sense. */
export function settingsOf(argv: readonly string[]): PipelineSettings & { readonly json: boolean } {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        members: { type: 'string' },
        blocks: { type: 'string' },
        skip: { type: 'string', default: '0' },
        steps: { type: 'string', default: '10' },
        kills: { type: 'string', default: '0' },
        copies: { type: 'string' },
        seed: { type: 'string', default: '1' },
        shape: { type: 'string', default: 'nano' },
        adapters: { type: 'boolean', default: false },
        'vocabulary-parts': { type: 'string' },
        'round-trip': { type: 'string', default: '0' },
        megabits: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    },
    HELP,
  );
  if (values.members === undefined || values.blocks === undefined)
    throw new UsageError(`Say how many members and blocks there are.\n\n${HELP}`);
  const members = wholeNumber('--members', values.members, 1, 16);
  const blocks = wholeNumber('--blocks', values.blocks, 2, 16);
  const copies =
    values.copies === undefined ? Math.min(3, members) : wholeNumber('--copies', values.copies, 1, 16);
  const skip = /^0(\.\d+)?$/.test(values.skip) ? Number(values.skip) : Number.NaN;
  if (!(skip >= 0 && skip <= 0.9))
    throw new UsageError(`--skip takes a share from 0 to 0.9, not "${values.skip}".`);
  const shape = SHAPES.find((each) => each === values.shape);
  if (shape === undefined)
    throw new UsageError(`--shape takes ${SHAPES.join(' or ')}, not "${values.shape}".`);
  const parts = values['vocabulary-parts'];
  if (parts !== undefined && !values.adapters)
    throw new UsageError('A vocabulary in training is not cut: take --adapters with --vocabulary-parts.');
  const vocabularyParts = parts === undefined ? 1 : wholeNumber('--vocabulary-parts', parts, 2, 16);
  const settings = {
    members,
    blocks,
    copies,
    skip,
    shape,
    adapters: values.adapters,
    vocabularyParts,
    roundTrip: wholeNumber('--round-trip', values['round-trip'], 0, 1000),
    megabits: values.megabits === undefined ? 0 : wholeNumber('--megabits', values.megabits, 1, 10_000),
    steps: wholeNumber('--steps', values.steps, 1, 10_000),
    kills: wholeNumber('--kills', values.kills, 0, 1000),
    seed: wholeNumber('--seed', values.seed, 0, 255),
    json: values.json,
  };
  if (copies > members)
    throw new UsageError(`${members} members cannot keep ${copies} copies of a block: take fewer copies.`);
  const kept = blocks + vocabularyParts - 1;
  if (members > kept * copies)
    throw new UsageError(
      `${kept} blocks in ${copies} copies are kept by at most ${kept * copies} members: take fewer members.`,
    );
  if (settings.kills > 0 && copies < 2)
    throw new UsageError(
      'A block that only one member keeps is lost with it: take --copies 2 or no --kills.',
    );
  if (visitedStages(settings) < 2)
    throw new UsageError(`--skip ${skip} leaves no block of layers of ${blocks - 1}: skip less.`);
  return settings;
}

/** Runs it. Returns 0 when the members' root is the oracle's and nothing was lost, and 1 otherwise. */
export async function runPipelineCommand({ argv, print, signal }: CommandOptions): Promise<number> {
  const { json, ...settings } = settingsOf(argv);
  const run = await openRun(settings);
  const count = microbatchesOf(settings);
  if (!json) {
    const hops = run.step(0).hops.length;
    print(
      `${settings.members} members, ${settings.blocks} blocks, ${count} microbatches of ${ROWS} rows of ${LENGTH} tokens, ${hops} hops in a step.`,
    );
  }
  const first = await openFirstModel(run, settings.seed);
  const result = await new Crew(run, first, settings).train(signal);
  const expected = await oracleRoot(run, first, settings, signal);
  if (!json) for (const line of inWords(result)) print(line);
  const root = [...result.roots].find((each) => each !== expected) ?? expected;
  const lost = (settings.steps - result.finished) * count;
  const tokens = settings.steps * count * ROWS * LENGTH;
  const { members, blocks, steps } = settings;
  print(
    JSON.stringify({
      members,
      blocks,
      steps,
      kills: result.kills,
      lost,
      root: result.roots.size === 0 ? null : root,
      oracleRoot: expected,
      tokensPerSecond: Math.round(tokens / (result.elapsed / 1000)),
    }),
  );
  return result.roots.size > 0 && root === expected && lost === 0 ? 0 : 1;
}

function inWords({ counts, kills, elapsed }: CrewResult): string[] {
  const sum = (of: (count: (typeof counts)[number]) => number) =>
    counts.reduce((total, count) => total + of(count), 0);
  return [
    `${kills} members were killed. The training took ${(elapsed / 1000).toFixed(1)} s.`,
    `As the members at the end saw it: ${sum(({ takeovers }) => takeovers)} hops taken over, ` +
      `${sum(({ duplicates }) => duplicates)} duplicates, ${sum(({ conflicts }) => conflicts)} contradictions, ` +
      `${sum(({ refused }) => refused)} refusals.`,
  ];
}
