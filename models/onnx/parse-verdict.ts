/** Reads verdicts that came as JSON from an untrusted source. */
import type { Hex } from '../../protocol/hex.ts';
import type { JudgePin, Verdict } from './frozen-judge.ts';

/** Most tokens of a prompt or an answer. */
const MAX_VERDICT_TOKENS = 1 << 15;
const MAX_NAME = 100;

/** A verdict is malformed. */
export class VerdictError extends Error {
  override readonly name = 'VerdictError';
}

function fail(problem: string): never {
  throw new VerdictError(`Not a usable verdict: ${problem}. Ask for it again.`);
}

function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(`${what} must be an object`);
  return value as Readonly<Record<string, unknown>>;
}

function hash(value: unknown, what: string): Hex {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{64}$/.test(value))
    fail(`${what} must be a SHA-256 in 0x hex`);
  return value as Hex;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_VERDICT_TOKENS) {
    fail(`${what} must be a list of 1 to ${MAX_VERDICT_TOKENS}`);
  }
  return value;
}

function ids(value: unknown, what: string): readonly number[] {
  return list(value, what).map((id) => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > 0xffffffff) {
      fail(`${what} must be token ids`);
    }
    return id;
  });
}

function float(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Object.is(Math.fround(value), value) || !Number.isFinite(value)) {
    fail(`${what} must be f32`);
  }
  return value;
}

function pinOf(value: unknown): JudgePin {
  const pin = object(value, 'pin');
  const runtime = pin.runtime;
  if (typeof runtime !== 'string' || runtime.length > MAX_NAME) fail('pin.runtime must be a short name');
  if (pin.threads !== 1) fail('pin.threads must be 1');
  return { runtime, wasm: hash(pin.wasm, 'pin.wasm'), threads: 1, model: hash(pin.model, 'pin.model') };
}

/** A verdict from parsed JSON. Unknown fields are ignored. Throws VerdictError for a malformed one. */
export function parseVerdict(value: unknown): Verdict {
  const json = object(value, 'it');
  const answer = ids(json.answer, 'answer');
  const logprobs = list(json.logprobs, 'logprobs').map((item) => float(item, 'logprobs'));
  if (logprobs.length !== answer.length) fail('logprobs must be one for each answer token');
  return {
    pin: pinOf(json.pin),
    prompt: ids(json.prompt, 'prompt'),
    answer,
    logprobs,
    score: float(json.score, 'score'),
    logits: hash(json.logits, 'logits'),
  };
}
