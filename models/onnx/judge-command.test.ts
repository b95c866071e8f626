import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportToFile } from './export-command.ts';
import {
  describePin,
  JudgeCommandError,
  type JudgeFlags,
  judgeAnswers,
  parseJudgeFlags,
  replayVerdict,
} from './judge-command.ts';

const NANO = fileURLToPath(new URL('../../public/models/nano', import.meta.url));
let folder = '';
let onnx = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'judge-'));
  onnx = join(folder, 'nano.onnx');
  await exportToFile({ source: { model: NANO }, out: onnx, arithmetic: 'f32', json: false });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function judgeFlags(...answers: string[]) {
  const args = ['--onnx', onnx, '--model', NANO, '--prompt', '12+7='];
  const flags = parseJudgeFlags('judge', [...args, ...answers.flatMap((answer) => ['--answer', answer])]);
  if (flags === 'help' || flags.kind !== 'judge') throw new Error('These flags ask for a judgement.');
  return flags;
}

test('the trained model scores the right answer above another, and names itself', async () => {
  const [right, wrong] = await judgeAnswers(judgeFlags('19', '71'));
  expect(right?.score).toBeGreaterThan(wrong?.score ?? 0);
  // Start token and the five characters of the prompt; two digits and the end token.
  expect(right?.prompt).toHaveLength(6);
  expect(right?.answer).toHaveLength(3);
  expect(right && describePin(right.pin)).toMatch(/^onnxruntime-web \S+, build 0x[0-9a-f]{64}, 1 thread/);
});

test('a verdict replays to the same bits, and a changed one does not', async () => {
  const [verdict] = await judgeAnswers(judgeFlags('19'));
  const file = join(folder, 'verdict.json');
  const flags: Extract<JudgeFlags, { kind: 'replay' }> = { kind: 'replay', onnx, verdict: file };
  await writeFile(file, JSON.stringify(verdict));
  expect(await replayVerdict(flags)).toEqual({ same: true });
  await writeFile(file, JSON.stringify({ ...verdict, score: Math.fround(-0.5) }));
  expect(await replayVerdict(flags)).toMatchObject({ same: false });
  await writeFile(file, 'not a verdict');
  await expect(replayVerdict(flags)).rejects.toThrow('write one verdict of judge --json to it');
});

test.each<readonly [string, JudgeFlags['kind'], readonly string[], RegExp]>([
  ['no judge', 'judge', ['--model', 'a', '--prompt', 'b', '--answer', 'c'], /--onnx is missing/],
  ['no folder', 'judge', ['--onnx', 'a', '--prompt', 'b', '--answer', 'c'], /--model is missing/],
  ['no prompt', 'judge', ['--onnx', 'a', '--model', 'b', '--answer', 'c'], /--prompt is missing/],
  ['no answer', 'judge', ['--onnx', 'a', '--model', 'b', '--prompt', 'c'], /--answer is missing/],
  ['no verdict', 'replay', ['--onnx', 'a'], /--verdict is missing/],
  ['an unknown flag', 'replay', ['--question', 'a'], /--question/],
])('%s: a sentence', (_, kind, args, sentence) => {
  expect(() => parseJudgeFlags(kind, args)).toThrow(JudgeCommandError);
  expect(() => parseJudgeFlags(kind, args)).toThrow(sentence);
});

test('a judge that cannot be read: a sentence', async () => {
  const flags = { ...judgeFlags('19'), onnx: join(folder, 'none.onnx') };
  await expect(judgeAnswers(flags)).rejects.toThrow(/none\.onnx cannot be read .*check --onnx/);
});
