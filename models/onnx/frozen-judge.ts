/**
 * A frozen language model that scores answers so that anyone can check the score. The verdict identifies the
 * model file, the runtime and its build by their hashes, and whoever has the same three gets the same bits
 * (docs/onnx.md).
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { add, canon, fold, sub } from '../../compute/repops/arithmetic.ts';
import { exp, log } from '../../compute/repops/functions.ts';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { OnnxDecoder } from './onnx-decoder.ts';
import type { OnnxRuntime, RuntimePin } from './runtime.ts';

export interface JudgePin extends RuntimePin {
  /** SHA-256 of the .onnx file. */
  readonly model: Hex;
}

/** Token ids of the judge's own tokenizer. */
export interface Question {
  /** At least one. */
  readonly prompt: readonly number[];
  /** At least one. */
  readonly answer: readonly number[];
}

export interface Verdict extends Question {
  readonly pin: JudgePin;
  /** Log-probability of each answer token given all tokens before it, canonical f32. */
  readonly logprobs: readonly number[];
  /** Sum of the log-probabilities in order, canonical f32. */
  readonly score: number;
  /** SHA-256 of the answer tokens' logits, f32 little-endian, row after row. */
  readonly logits: Hex;
}

export type Replay = { readonly same: true } | { readonly same: false; readonly difference: string };

/** This judge is not the one that a verdict or a caller names. */
export class JudgePinError extends Error {
  override readonly name = 'JudgePinError';
}

export interface FrozenJudgeOptions {
  readonly runtime: OnnxRuntime;
  /** An .onnx file, such as one from `exportDecoder`. */
  readonly model: Uint8Array;
  /** SHA-256 that the file must have. Defaults to any; the pin has it. */
  readonly expected?: Hex;
}

/**
 * Judges each question in a run of its own without a cache, so that a verdict depends only on its question.
 */
export class FrozenJudge {
  readonly pin: JudgePin;
  readonly #decoder: OnnxDecoder;

  private constructor(pin: JudgePin, decoder: OnnxDecoder) {
    this.pin = pin;
    this.#decoder = decoder;
  }

  /**
   * Opens a judge. Throws JudgePinError when the file is not the expected one, OnnxRuntimeError when it is no
   * decoder.
   */
  static async open({ runtime, model, expected }: FrozenJudgeOptions): Promise<FrozenJudge> {
    const hash = toHex(sha256(model));
    if (expected !== undefined && expected !== hash) {
      throw new JudgePinError(
        `The judge's model is ${short(hash)}, ${short(expected)} was expected; fetch the model again.`,
      );
    }
    return new FrozenJudge({ ...runtime.pin, model: hash }, await OnnxDecoder.open(runtime, model));
  }

  /** Number of token ids: every id is below it. */
  get vocabulary(): number {
    return this.#decoder.vocabulary;
  }

  /**
   * Scores an answer. Throws RangeError for an empty prompt or answer or an id outside the vocabulary, and
   * OnnxRuntimeError past the model's context.
   */
  async judge({ prompt, answer }: Question): Promise<Verdict> {
    if (prompt.length === 0 || answer.length === 0) {
      throw new RangeError('prompt and answer must have at least one token each');
    }
    const { logits } = await this.#decoder.forward({ tokens: [[...prompt, ...answer]] });
    const width = this.vocabulary;
    // The row at a token predicts the next token.
    const rows = logits.subarray((prompt.length - 1) * width, (prompt.length + answer.length - 1) * width);
    const logprobs = answer.map((id, i) => logprob(rows.subarray(i * width, (i + 1) * width), id));
    return {
      pin: this.pin,
      prompt: [...prompt],
      answer: [...answer],
      logprobs,
      score: logprobs.reduce(add, 0),
      logits: toHex(sha256(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength))),
    };
  }

  /**
   * Judges the verdict's question again and compares bit by bit. Throws JudgePinError when this judge is
   * another one, since its scores would prove nothing about the verdict. The message tells what to install or
   * fetch.
   */
  async replay(verdict: Verdict): Promise<Replay> {
    this.#checkPin(verdict.pin);
    const again = await this.judge(verdict);
    if (again.logits !== verdict.logits) {
      return { same: false, difference: `logits are ${short(again.logits)}, not ${short(verdict.logits)}` };
    }
    const at = again.logprobs.findIndex((value, i) => !Object.is(value, verdict.logprobs[i]));
    if (at >= 0 || verdict.logprobs.length !== again.logprobs.length) {
      return { same: false, difference: `log-probability ${Math.max(at, 0)} is ${again.logprobs[at]}` };
    }
    if (!Object.is(again.score, verdict.score)) {
      return { same: false, difference: `the score is ${again.score}, not ${verdict.score}` };
    }
    return { same: true };
  }

  /** Frees the model. */
  close(): Promise<void> {
    return this.#decoder.close();
  }

  #checkPin(pin: JudgePin): void {
    const own = this.pin;
    if (pin.runtime !== own.runtime) {
      throw new JudgePinError(
        `The verdict was made with ${pin.runtime}, here is ${own.runtime}; install that version.`,
      );
    }
    if (pin.wasm !== own.wasm || pin.threads !== own.threads) {
      throw new JudgePinError(
        `The verdict was made with build ${short(pin.wasm)} on ${pin.threads} thread, here is ${short(own.wasm)} on ${own.threads}; use that build.`,
      );
    }
    if (pin.model !== own.model) {
      throw new JudgePinError(
        `The verdict is of model ${short(pin.model)}, here is ${short(own.model)}; open that model.`,
      );
    }
  }
}

/**
 * Log softmax of one row at `id` in canonical arithmetic (docs/repops.md, xent), since Math.exp differs
 * between JavaScript engines.
 */
function logprob(row: Float32Array, id: number): number {
  const values = row.map(canon);
  const largest = values.reduce((a, b) => Math.max(a, b));
  const sum = fold(values.length, (v) => exp(sub(must(values, v), largest)));
  return sub(must(values, id), add(largest, log(sum)));
}

function short(hash: Hex): string {
  return `${hash.slice(0, 10)}…`;
}
