import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FrozenJudge, JudgePinError, type Verdict } from './frozen-judge.ts';
import { readInstalledWasm } from './node-wasm.ts';
import { parseVerdict, VerdictError } from './parse-verdict.ts';
import { loadRuntime, type OnnxRuntime } from './runtime.ts';
import { judgeModel, QUESTIONS } from './testing/judge-case.ts';

let runtime: OnnxRuntime;
let judge: FrozenJudge;
let verdict: Verdict;
const question = { prompt: [12, 5, 9], answer: [7, 30] };
beforeAll(async () => {
  runtime = await loadRuntime(await readInstalledWasm());
  judge = await FrozenJudge.open({ runtime, model: judgeModel() });
  verdict = await judge.judge(question);
});
afterAll(() => judge.close());

test('a verdict has a log-probability for each token of the answer, and their sum', () => {
  expect(verdict).toMatchObject(question);
  expect(verdict.logprobs).toHaveLength(2);
  expect(verdict.logprobs.every((value) => value < 0)).toBe(true);
  expect(verdict.score).toBe(Math.fround((verdict.logprobs[0] ?? 0) + (verdict.logprobs[1] ?? 0)));
});

test('probabilities of all possible next tokens add up to one', async () => {
  let sum = 0;
  for (let id = 0; id < judge.vocabulary; id++) {
    sum += Math.exp((await judge.judge({ prompt: [12, 5], answer: [id] })).score);
  }
  expect(sum).toBeCloseTo(1, 5);
});

test('a verdict replays to the same bits, by another session and after a trip as JSON', async () => {
  const other = await FrozenJudge.open({ runtime, model: judgeModel(), expected: verdict.pin.model });
  expect(await other.replay(parseVerdict(JSON.parse(JSON.stringify(verdict))))).toEqual({ same: true });
  await other.close();
});

test('a fresh process gives the same bits', async () => {
  const here = await Promise.all(QUESTIONS.map(async (each) => await judge.judge(each)));
  const script = fileURLToPath(new URL('./testing/judge-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script]);
  const there: unknown = JSON.parse(stdout);
  expect(there).toEqual(here);
});

describe('a verdict that is not what the judge says is told from one that is', () => {
  test.each<readonly [string, (verdict: Verdict) => Verdict, RegExp]>([
    [
      'the last bit of a log-probability',
      (v) => ({ ...v, logprobs: [v.logprobs[0] ?? 0, nextFloat(v.logprobs[1] ?? 0)] }),
      /log-probability 1/,
    ],
    ['the score', (v) => ({ ...v, score: nextFloat(v.score) }), /score/],
    ['the hash of the logits', (v) => ({ ...v, logits: `0x${'0'.repeat(64)}` }), /logits/],
    ['the answer', (v) => ({ ...v, answer: [7, 31] }), /logits|log-probability/],
    ['a log-probability left out', (v) => ({ ...v, logprobs: v.logprobs.slice(0, 1) }), /log-probability/],
  ])('%s', async (_, change, difference) => {
    const replay = await judge.replay(change(verdict));
    expect(replay.same).toBe(false);
    expect(replay.same ? '' : replay.difference).toMatch(difference);
  });
});

describe('another judge is refused with a sentence', () => {
  test.each<readonly [string, Partial<Verdict['pin']>, RegExp]>([
    [
      'version',
      { runtime: 'onnxruntime-web 1.29.0' },
      /made with onnxruntime-web 1\.29\.0.*install that version/,
    ],
    ['build', { wasm: `0x${'1'.repeat(64)}` }, /build 0x11111111… on 1 thread.*use that build/],
    ['model', { model: `0x${'2'.repeat(64)}` }, /model 0x22222222….*open that model/],
  ])('%s', async (_, change, sentence) => {
    const replay = judge.replay({ ...verdict, pin: { ...verdict.pin, ...change } });
    await expect(replay).rejects.toThrow(JudgePinError);
    await expect(replay).rejects.toThrow(sentence);
  });

  test('a model file with one other byte', async () => {
    const model = judgeModel();
    model[model.length >> 1] = (model[model.length >> 1] ?? 0) ^ 1;
    await expect(FrozenJudge.open({ runtime, model, expected: verdict.pin.model })).rejects.toThrow(
      /was expected; fetch the model again/,
    );
  });

  test('another build in the same thread', async () => {
    const wasm = await readInstalledWasm();
    wasm[wasm.length - 1] = (wasm.at(-1) ?? 0) ^ 1;
    await expect(loadRuntime(wasm)).rejects.toThrow(/start a new worker/);
  });

  test('a file that is no model', async () => {
    await expect(FrozenJudge.open({ runtime, model: new Uint8Array(64) })).rejects.toThrow(
      /cannot open this model/,
    );
  });
});

test('questions out of range are refused', async () => {
  await expect(judge.judge({ prompt: [], answer: [1] })).rejects.toThrow(RangeError);
  await expect(judge.judge({ prompt: [1], answer: [64] })).rejects.toThrow('64 is not a token id below 64');
  const long = Array.from({ length: 70 }, () => 1);
  await expect(judge.judge({ prompt: long, answer: [1] })).rejects.toThrow('more than its context');
});

test.each<readonly [string, (json: Record<string, unknown>) => unknown]>([
  ['no object', () => [1]],
  ['no pin', ({ pin: _, ...rest }) => rest],
  ['threads', (json) => ({ ...json, pin: { ...(json.pin as object), threads: 2 } })],
  ['a hash', (json) => ({ ...json, logits: '0xabc' })],
  ['an id', (json) => ({ ...json, prompt: [1.5] })],
  ['a value that is no f32', (json) => ({ ...json, score: 0.1 })],
  ['a value that is not a number', (json) => ({ ...json, score: null })],
  ['counts that differ', (json) => ({ ...json, logprobs: [-1] })],
  ['too many tokens', (json) => ({ ...json, prompt: new Array(40_000).fill(1) })],
])('a verdict with a bad field is refused: %s', (_, change) => {
  expect(() => parseVerdict(change({ ...verdict }))).toThrow(VerdictError);
});

/** The f32 one bit further from zero. */
function nextFloat(value: number): number {
  const words = new Uint32Array(Float32Array.of(value).buffer);
  words[0] = (words[0] ?? 0) + 1;
  return new Float32Array(words.buffer)[0] ?? 0;
}
