/**
 * npm run experiment -- data-set --model DIR --data FILE: asks a model the held-out questions of a JSONL file
 * through the whole pipe: chat template, generation, extraction of the answer, checker.
 */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { FrozenSession } from '../../models/decoder/frozen-session.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { openModel } from '../../models/loading/open-model.ts';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { Checker, DataSetEntry } from '../../protocol/swarm-spec.ts';
import { measureQuestions } from '../data-set-accuracy.ts';
import { modelFormat } from '../model-format.ts';
import { openTasks } from '../tasks/task-source.ts';

const HELP = `Usage: npm run experiment -- data-set --model DIR --data FILE [options]
Asks a model the held-out questions of a JSONL file and reports the share that it answers right.
  --model DIR         a model's folder in Hugging Face's layout
  --data FILE         one question a line, as JSON
  --prompt-field F    default question
  --answer-field F    default answer
  --checker NAME      number or exact; default number
  --held-out-one-in N one question in N is held out; default 8
  --questions N       held-out questions to ask; default 64
  --answer-tokens N   most tokens of an answer; default 256
  --threads N         threads of the engine; default 1
  --show N            print the first N answers; default 3
  --json              last line as JSON
  --help              print this text`;

const CHECKERS: Readonly<Record<string, Checker>> = {
  number: { kind: 'number' },
  exact: { kind: 'exact', ignoreCase: false },
};

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    'prompt-field': { type: 'string', default: 'question' },
    'answer-field': { type: 'string', default: 'answer' },
    checker: { type: 'string', default: 'number' },
    'held-out-one-in': { type: 'string', default: '8' },
    questions: { type: 'string', default: '64' },
    'answer-tokens': { type: 'string', default: '256' },
    threads: { type: 'string', default: '1' },
    show: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function whole(name: 'held-out-one-in' | 'questions' | 'answer-tokens' | 'threads' | 'show', least: number) {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(`--${name} must be a whole number from ${least}.`);
  }
  return value;
}

async function main(model: string, file: string): Promise<void> {
  const checker = Object.hasOwn(CHECKERS, values.checker) ? CHECKERS[values.checker] : undefined;
  if (checker === undefined) {
    throw new RangeError(`--checker must be one of: ${Object.keys(CHECKERS).join(', ')}.`);
  }
  const data = new Uint8Array(await readFile(resolve(file)));
  const entry: DataSetEntry = {
    id: 'data-set',
    file: { path: basename(file), size: data.length, sha256: toHex(sha256Of(data)), urls: [] },
    fields: { prompt: values['prompt-field'], answer: values['answer-field'] },
    heldOutOneIn: whole('held-out-one-in', 2),
    checker,
  };
  const tasks = await openTasks({ generators: [], dataSets: [entry] }, new Map([[entry.id, data]]));
  const opened = await openModel(folderSource(resolve(model)));
  const answerTokens = whole('answer-tokens', 1);
  const format = modelFormat({
    tokenizer: opened.tokenizer,
    endTokens: opened.generation.endTokens,
    settings: { answerTokens, critiqueTokens: answerTokens },
  });
  const engine = await createWasmEngine({ threads: whole('threads', 1) });
  try {
    const session = await FrozenSession.create({
      engine,
      config: opened.config,
      weights: opened.weights,
      positions: Math.min(opened.config.context, 4096),
    });
    const begun = performance.now();
    const items = tasks.heldOutItems(whole('questions', 1));
    const { accuracy, questions } = await measureQuestions({ model: session, format }, items);
    const seconds = (performance.now() - begun) / 1000;
    for (const each of questions.slice(0, whole('show', 0))) {
      console.log(`Question: ${each.item.prompt}`);
      if (each.kind === 'skipped') console.log(`Skipped: ${each.reason}\n`);
      else {
        console.log(
          `Text: ${each.text}\nFound: ${each.found}; expected: ${each.item.answer}; right: ${each.right}\n`,
        );
      }
    }
    const skipped = questions.filter(({ kind }) => kind === 'skipped').length;
    const right = questions.filter((each) => each.kind === 'answered' && each.right).length;
    console.log(
      `${right} of ${questions.length} held-out questions right (${(100 * accuracy).toFixed(1)} %), ` +
        `${skipped} skipped, ${seconds.toFixed(0)} s`,
    );
    if (values.json) {
      console.log(JSON.stringify({ questions: questions.length, right, skipped, accuracy, seconds }));
    }
    await session.dispose();
  } finally {
    await engine.stop();
  }
}

if (values.help) console.log(HELP);
else if (values.model === undefined || values.data === undefined) {
  console.error(`Name a model and a data set.\n${HELP}`);
  process.exitCode = 1;
} else await main(values.model, values.data);
