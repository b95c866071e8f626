/**
 * npm run train:base: makes a built-in model from its seed and reports how well it does on held-out
 * questions. --verify: makes it and compares it with the committed files instead of writing them.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { messageOf } from '../protocol/message-of.ts';
import { must } from '../protocol/must.ts';
import { RandomStream } from '../protocol/philox.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { evaluate } from './evaluation.ts';
import { DEFAULT_SETTINGS } from './learning-settings.ts';
import { MODEL_FILES, modelFiles } from './nano-files.ts';
import type { Policy } from './policy-model.ts';
import { trainMicro } from './pretrain-micro.ts';
import { NANO_RECIPE, pretrain } from './pretraining.ts';
import { sample, sampleGreedy } from './sampling.ts';
import { shortFormat } from './short-format.ts';
import { chosenGenerators, NANO_SELECTION } from './tasks/catalogue.ts';
import { openTasks } from './tasks/task-source.ts';

const HELP = `Usage: npm run train:base [-- nano | micro] [--verify]
Makes public/models/nano (the default) or public/models/micro from its seed and reports its accuracy on
held-out questions. micro takes 20 minutes or more. It saves its state below .starling, and after a kill the same
command goes on from there, with the same bits.
  --verify         compare the result with the committed files instead of writing them
  --steps N        micro: steps of the recipe
  --stop-after N   micro: stop after that step, save the state, and write no model
  --threads N      micro: threads that compute (default 1); the bits do not depend on it
  --restart        micro: forget the saved state
  --help           print this text`;

const FOLDER = new URL('../public/models/nano/', import.meta.url);
const TRIES = 8;
const QUESTIONS = 48;

/**
 * Prints greedy, sampled and best-of-8 accuracy per task on held-out questions, then judging and correcting.
 */
async function report(policy: Policy): Promise<void> {
  const seed = new TextEncoder().encode('starling pretraining report');
  const stream = RandomStream.named({ seed, round: 0, device: '', purpose: 'sampling' });
  const maxTokens = policy.format.maxTokens.answer;
  const percent = (value: number) => `${(100 * value).toFixed(0).padStart(4)} %`;
  console.log('held-out     greedy sampled  pass@8   mixed');
  for (const [index, { task, difficulties }] of chosenGenerators(NANO_SELECTION.generators).entries()) {
    const items = Array.from({ length: QUESTIONS }, (_, at) =>
      task.sample({
        seed,
        index: at,
        difficulty: must(difficulties, at % difficulties.length),
        share: 'held-out',
      }),
    );
    const prompts = items.map((item) => policy.format.answer(item));
    const best = await sampleGreedy(policy, prompts, { maxTokens });
    const greedy = items.filter((item, at) => item.check(must(best, at)) === 1).length / QUESTIONS;
    const requests = prompts.flatMap((prompt, at) =>
      Array.from({ length: TRIES }, (_, sample) => ({ prompt, item: index * QUESTIONS + at, sample })),
    );
    const completions = await sample(policy, requests, stream, { temperature: 1, maxTokens });
    const right = items.map(
      (item, at) =>
        completions.slice(at * TRIES, (at + 1) * TRIES).filter(({ text }) => item.check(text) === 1).length,
    );
    const sampled = right.reduce((sum, count) => sum + count, 0) / (QUESTIONS * TRIES);
    const passed = right.filter((count) => count > 0).length / QUESTIONS;
    const mixed = right.filter((count) => count > 0 && count < TRIES).length / QUESTIONS;
    console.log(`${task.id.padEnd(12)} ${[greedy, sampled, passed, mixed].map(percent).join('  ')}`);
  }
  const metrics = await evaluate(
    policy,
    DEFAULT_SETTINGS,
    await openTasks(DEFAULT_SETTINGS.tasks, new Map()),
  );
  console.log(
    `evaluation: answering ${percent(metrics.answering)}, judging ${percent(metrics.judging)}, ` +
      `correcting ${percent(metrics.correcting)}`,
  );
}

async function trainNano(verify: boolean): Promise<void> {
  const engine = await createWasmEngine();
  const tokenizer = completionTokenizer(new Tokenizer(characterTokenizerJson()));
  const begun = performance.now();
  let lossSum = 0;
  const session = await pretrain({
    engine,
    tokenizer,
    recipe: NANO_RECIPE,
    onStep: (step, loss) => {
      lossSum += loss;
      if ((step + 1) % 100 !== 0) return;
      const seconds = ((performance.now() - begun) / 1000).toFixed(0);
      console.log(
        `step ${step + 1} of ${NANO_RECIPE.steps}: loss ${(lossSum / 100).toFixed(3)}, ${seconds} s`,
      );
      lossSum = 0;
    },
  });
  const files = modelFiles(NANO_CONFIG, (await session.snapshot()).parameters);
  if (verify) {
    for (const name of MODEL_FILES) {
      const committed = await readFile(new URL(name, FOLDER));
      const same = Buffer.compare(committed, files[name]) === 0;
      console.log(`${name}: ${same ? 'same bits' : 'differs from the committed file'}`);
      if (!same) process.exitCode = 1;
    }
  } else {
    await mkdir(FOLDER, { recursive: true });
    for (const name of MODEL_FILES) await writeFile(new URL(name, FOLDER), files[name]);
    console.log(`wrote ${MODEL_FILES.join(', ')} to public/models/nano`);
  }
  await report({ model: session, format: shortFormat(tokenizer) });
  await session.dispose();
  await engine.stop();
}

/** A whole number of at least 1 from the command line. Throws RangeError for another text. */
function count(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new RangeError(`--${name} must be 1 or more, got ${text}.`);
  return value;
}

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        verify: { type: 'boolean', default: false },
        restart: { type: 'boolean', default: false },
        steps: { type: 'string' },
        'stop-after': { type: 'string' },
        threads: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${HELP}`);
    process.exit(2);
  }
})();
const [model = 'nano'] = positionals;
if (values.help) console.log(HELP);
else if (model === 'nano') await trainNano(values.verify);
else if (model === 'micro') {
  const made = await trainMicro({
    verify: values.verify,
    restart: values.restart,
    steps: count(values.steps, 'steps'),
    stopAfter: count(values['stop-after'], 'stop-after'),
    threads: count(values.threads, 'threads'),
  });
  if (made?.same === false) process.exitCode = 1;
} else {
  console.error(`There is no built-in model ${model}. Use nano or micro.`);
  process.exitCode = 2;
}
