/** A decoder in an ONNX file from any exporter that uses the names of decoder-graph.ts. */
import type { InferenceSession } from 'onnxruntime-web/wasm';
import { type OnnxRuntime, OnnxRuntimeError, type Values } from './runtime.ts';

/** Keys and values of earlier tokens, by the names of the graph's inputs. Opaque to callers. */
export type KeyValueCache = Values;

export interface ForwardInput {
  /** Rows with the same number of new tokens. */
  readonly tokens: readonly (readonly number[])[];
  /** The cache that the previous call for the same rows returned. Absent at the start. */
  readonly cache?: KeyValueCache;
}

export interface ForwardOutput {
  /** f32 [rows, new tokens, vocabulary]. */
  readonly logits: Float32Array;
  readonly cache: KeyValueCache;
}

const PAST = /^past_key_values\.(\d+)\.(key|value)$/;
/** Most new tokens of one call, all rows together. More are refused before anything is allocated. */
const MAX_TOKENS = 1 << 16;

export class OnnxDecoder {
  readonly vocabulary: number;
  readonly #runtime: OnnxRuntime;
  readonly #session: InferenceSession;
  readonly #empty: KeyValueCache;

  private constructor(runtime: OnnxRuntime, session: InferenceSession) {
    this.#runtime = runtime;
    this.#session = session;
    const past: Record<string, KeyValueCache[string]> = {};
    for (const input of session.inputMetadata) {
      if (!PAST.test(input.name)) continue;
      const [, kvHeads, , headDim] = input.isTensor ? input.shape : [];
      if (typeof kvHeads !== 'number' || typeof headDim !== 'number') {
        throw new OnnxRuntimeError(
          `${input.name} must be [batch, kvHeads, past, headDim]; export the model again.`,
        );
      }
      past[input.name] = new runtime.Tensor('float32', new Float32Array(0), [1, kvHeads, 0, headDim]);
    }
    this.#empty = past;
    const logits = session.outputMetadata.find(({ name }) => name === 'logits');
    const vocabulary = logits?.isTensor === true ? logits.shape.at(-1) : undefined;
    const missing = ['input_ids', 'attention_mask', 'position_ids'].filter(
      (name) => !session.inputNames.includes(name),
    );
    if (missing.length > 0 || typeof vocabulary !== 'number' || Object.keys(past).length === 0) {
      throw new OnnxRuntimeError(
        'This is not a decoder with input_ids, attention_mask, position_ids, past_key_values and logits; use npm run export.',
      );
    }
    this.vocabulary = vocabulary;
  }

  /** Opens a model. Throws OnnxRuntimeError for a file that is no decoder of this kind. */
  static async open(runtime: OnnxRuntime, model: Uint8Array): Promise<OnnxDecoder> {
    const session = await runtime.open(model);
    try {
      return new OnnxDecoder(runtime, session);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /**
   * The logits of each new token, and the cache for the next call. Throws RangeError for a token outside the
   * vocabulary or rows of different lengths, and OnnxRuntimeError when the runtime fails, for example past
   * the model's context.
   */
  async forward({ tokens, cache }: ForwardInput): Promise<ForwardOutput> {
    const rows = tokens.length;
    const length = tokens[0]?.length ?? 0;
    if (rows < 1 || length < 1 || rows * length > MAX_TOKENS) {
      throw new RangeError(`rows and tokens must be 1 to ${MAX_TOKENS} together, got ${rows} x ${length}`);
    }
    const flat = tokens.flat();
    const bad = flat.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= this.vocabulary);
    if (bad >= 0) throw new RangeError(`${flat[bad]} is not a token id below ${this.vocabulary}`);
    if (flat.length !== rows * length) throw new RangeError('rows must have equally many tokens');

    const { Tensor } = this.#runtime;
    const given = cache ?? this.#emptyRows(rows);
    const before = Object.values(given)[0]?.dims[2] ?? 0;
    const integers = (values: readonly number[], width: number) =>
      new Tensor('int64', BigInt64Array.from(values, BigInt), [rows, width]);
    const inputs = {
      ...given,
      input_ids: integers(flat, length),
      attention_mask: integers(
        Array.from({ length: rows * (before + length) }, () => 1),
        before + length,
      ),
      position_ids: integers(
        flat.map((_, i) => before + (i % length)),
        length,
      ),
    };
    let outputs: InferenceSession.OnnxValueMapType;
    try {
      outputs = await this.#session.run(inputs);
    } catch (cause) {
      throw new OnnxRuntimeError(
        `The ONNX model did not run; ${before + length} tokens may be more than its context.`,
        { cause },
      );
    }
    const grown: Record<string, KeyValueCache[string]> = {};
    for (const name of Object.keys(this.#empty)) {
      grown[name] = this.#output(outputs, name.replace('past_key_values', 'present'));
    }
    const { data } = this.#output(outputs, 'logits');
    if (!(data instanceof Float32Array))
      throw new OnnxRuntimeError('logits must be f32; export the model again.');
    return { logits: data, cache: grown };
  }

  /** Frees the model. The runtime keeps running. */
  async close(): Promise<void> {
    await this.#session.release();
  }

  #emptyRows(rows: number): KeyValueCache {
    const { Tensor } = this.#runtime;
    return Object.fromEntries(
      Object.entries(this.#empty).map(([name, { dims }]) => [
        name,
        new Tensor('float32', new Float32Array(0), [rows, ...dims.slice(1)]),
      ]),
    );
  }

  #output(outputs: InferenceSession.OnnxValueMapType, name: string) {
    const value = outputs[name];
    if (value === undefined) throw new OnnxRuntimeError(`The ONNX model gave no ${name}; export it again.`);
    return value;
  }
}
