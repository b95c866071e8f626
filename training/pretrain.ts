/**
 * npm run train:base: makes public/models/nano from its seed and says how well it does on held-out questions.
 * --verify: makes it and compares it with the committed files instead of writing.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import { NANO_CONFIG } from '../models/decoder/config.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import { RandomStream } from '../protocol/philox.ts';
import { codecOf } from './codec.ts';
import { measureSkill } from './measure.ts';
import { MODEL_FILES, modelFiles } from './nano-files.ts';
import { NANO_RECIPE, pretrain } from './pretraining.ts';
import { answerPrompt } from './prompts.ts';
import { type Speaker, say, sayBest } from './rollouts.ts';
import { DEFAULT_SETTINGS } from './settings.ts';
import { TASKS } from './tasks/catalogue.ts';

const FOLDER = new URL('../public/models/nano/', import.meta.url);
const TRIES = 8;
const QUESTIONS = 48;

/** Greedy, sampled and best-of-8 accuracy per task on held-out questions, then judging and correcting. */
async function report(speaker: Speaker): Promise<void> {
  const seed = new TextEncoder().encode('starling pretraining report');
  const stream = RandomStream.named({ seed, round: 0, device: '', purpose: 'sampling' });
  const percent = (value: number) => `${(100 * value).toFixed(0).padStart(4)} %`;
  console.log('held-out     greedy sampled  pass@8   mixed');
  for (const [index, task] of TASKS.entries()) {
    const difficulties = DEFAULT_SETTINGS.plan[task.name];
    const items = Array.from({ length: QUESTIONS }, (_, at) =>
      task.sample({
        seed,
        index: at,
        difficulty: difficulties[at % difficulties.length] ?? 0,
        share: 'held-out',
      }),
    );
    const prompts = items.map(({ prompt }) => answerPrompt(prompt));
    const best = await sayBest(speaker, prompts);
    const greedy = items.filter((item, at) => item.check(best[at] ?? '') === 1).length / QUESTIONS;
    const utterances = prompts.flatMap((prompt, at) =>
      Array.from({ length: TRIES }, (_, sample) => ({ prompt, item: index * QUESTIONS + at, sample })),
    );
    const said = await say(speaker, utterances, stream, { temperature: 1 });
    const right = items.map(
      (item, at) =>
        said.slice(at * TRIES, (at + 1) * TRIES).filter(({ text }) => item.check(text) === 1).length,
    );
    const sampled = right.reduce((sum, count) => sum + count, 0) / (QUESTIONS * TRIES);
    const passed = right.filter((count) => count > 0).length / QUESTIONS;
    const mixed = right.filter((count) => count > 0 && count < TRIES).length / QUESTIONS;
    console.log(`${task.name.padEnd(12)} ${[greedy, sampled, passed, mixed].map(percent).join('  ')}`);
  }
  const skill = await measureSkill(speaker, DEFAULT_SETTINGS);
  console.log(
    `the standing measure: answering ${percent(skill.answering)}, judging ${percent(skill.judging)}, ` +
      `correcting ${percent(skill.correcting)}`,
  );
}

const verify = process.argv.includes('--verify');
const engine = await createWasmEngine();
const codec = codecOf(new Tokenizer(characterTokenizerJson()));
const begun = performance.now();
let lossSum = 0;
const session = await pretrain({
  engine,
  codec,
  recipe: NANO_RECIPE,
  onStep: (step, loss) => {
    lossSum += loss;
    if ((step + 1) % 100 !== 0) return;
    const seconds = ((performance.now() - begun) / 1000).toFixed(0);
    console.log(`step ${step + 1} of ${NANO_RECIPE.steps}: loss ${(lossSum / 100).toFixed(3)}, ${seconds} s`);
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
await report({ session, codec });
await session.dispose();
await engine.stop();
