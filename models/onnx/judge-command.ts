/**
 * `npm run export -- judge` scores answers with a frozen judge, and `-- replay` checks a verdict that it
 * gave.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../../protocol/message-of.ts';
import { folderSource } from '../loading/folder-source.ts';
import { parseGeneration } from '../loading/generation-config.ts';
import { readWhole } from '../loading/model-source.ts';
import { JSON_LIMITS } from '../loading/open-model.ts';
import { parseJsonObject } from '../loading/weights-index.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { FrozenJudge, type JudgePin, type Question, type Replay, type Verdict } from './frozen-judge.ts';
import { readInstalledWasm } from './node-wasm.ts';
import { parseVerdict } from './parse-verdict.ts';
import { loadRuntime } from './runtime.ts';

export const JUDGE_HELP = `npm run export -- judge --onnx FILE --model DIR --prompt TEXT --answer TEXT... [--json]
npm run export -- replay --onnx FILE --verdict FILE

Scores answers by their log-probability under a frozen model. Whoever has the same model file and the same build of
onnxruntime-web gets the same bits (docs/onnx.md).

  --onnx FILE     the judge, as npm run export writes it
  --model DIR     the folder with the judge's config.json and tokenizer.json
  --prompt TEXT   the text that the answers continue
  --answer TEXT   an answer; may be given several times
  --json          print one verdict a line as JSON
  --verdict FILE  a verdict that judge --json printed`;

/** The command line, or a file that it names, is not usable. The message tells the remedy. */
export class JudgeCommandError extends Error {
  override readonly name = 'JudgeCommandError';
}

export type JudgeFlags =
  | {
      readonly kind: 'judge';
      readonly onnx: string;
      readonly model: string;
      readonly prompt: string;
      readonly answers: readonly string[];
      readonly json: boolean;
    }
  | { readonly kind: 'replay'; readonly onnx: string; readonly verdict: string };

/** Reads the arguments after `judge` or `replay`. Returns 'help' for --help. Throws JudgeCommandError. */
export function parseJudgeFlags(kind: JudgeFlags['kind'], args: readonly string[]): JudgeFlags | 'help' {
  const fail = (problem: string): never => {
    throw new JudgeCommandError(`${problem}\n\n${JUDGE_HELP}`);
  };
  const values = (() => {
    try {
      return parseArgs({
        args: [...args],
        options: {
          onnx: { type: 'string' },
          model: { type: 'string' },
          prompt: { type: 'string' },
          answer: { type: 'string', multiple: true },
          verdict: { type: 'string' },
          json: { type: 'boolean', default: false },
          help: { type: 'boolean', short: 'h', default: false },
        },
      }).values;
    } catch (error) {
      return fail(messageOf(error));
    }
  })();
  if (values.help) return 'help';
  const { onnx = fail('--onnx is missing.') } = values;
  if (kind === 'replay') {
    const { verdict = fail('--verdict is missing.') } = values;
    return { kind, onnx, verdict };
  }
  const { model = fail('--model is missing.'), prompt = fail('--prompt is missing.') } = values;
  const { answer: answers = fail('--answer is missing.'), json } = values;
  return { kind, onnx, model, prompt, answers, json };
}

/**
 * Opens the judge of an .onnx file on the installed runtime. Throws JudgeCommandError and what `open` throws.
 */
async function openJudge(onnx: string): Promise<FrozenJudge> {
  const runtime = await loadRuntime(await readInstalledWasm());
  return FrozenJudge.open({ runtime, model: await bytesOf(onnx, '--onnx') });
}

/**
 * The verdict on each answer. Throws JudgeCommandError, and ModelLoadError, TokenizerError and RangeError for
 * the texts.
 */
export async function judgeAnswers(
  flags: Extract<JudgeFlags, { kind: 'judge' }>,
): Promise<readonly Verdict[]> {
  const judge = await openJudge(flags.onnx);
  try {
    const questionOf = await questionReader(flags.model, judge.vocabulary);
    const verdicts: Verdict[] = [];
    for (const answer of flags.answers) verdicts.push(await judge.judge(questionOf(flags.prompt, answer)));
    return verdicts;
  } finally {
    await judge.close();
  }
}

/**
 * Judges a verdict's question again and compares. Throws JudgeCommandError, VerdictError and JudgePinError.
 */
export async function replayVerdict({
  onnx,
  verdict,
}: Extract<JudgeFlags, { kind: 'replay' }>): Promise<Replay> {
  const text = new TextDecoder().decode(await bytesOf(verdict, '--verdict'));
  const parsed = parseVerdict(jsonOf(text, verdict));
  const judge = await openJudge(onnx);
  try {
    return await judge.replay(parsed);
  } finally {
    await judge.close();
  }
}

/**
 * Makes questions of texts: the model's start token before the prompt, and its end token after the answer.
 */
async function questionReader(
  model: string,
  vocabulary: number,
): Promise<(prompt: string, answer: string) => Question> {
  const source = folderSource(model);
  const read = async (name: 'config.json' | 'tokenizer.json') =>
    parseJsonObject(await readWhole(source, name, JSON_LIMITS[name]), name);
  const tokenizer = new Tokenizer(await read('tokenizer.json'));
  const { beginToken, endTokens } = parseGeneration(await read('config.json'), undefined, vocabulary);
  const start = beginToken === undefined ? [] : [beginToken];
  return (prompt, answer) => ({
    prompt: [...start, ...tokenizer.encode(prompt)],
    answer: [...tokenizer.encode(answer), ...endTokens.slice(0, 1)],
  });
}

/** The judge's identity in words. */
export function describePin(pin: JudgePin): string {
  return `${pin.runtime}, build ${pin.wasm}, ${pin.threads} thread, model ${pin.model}`;
}

async function bytesOf(path: string, flag: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new JudgeCommandError(`${path} cannot be read (${messageOf(cause)}); check ${flag}.`, { cause });
  }
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JudgeCommandError(`${path} is not JSON; write one verdict of judge --json to it.`, { cause });
  }
}
