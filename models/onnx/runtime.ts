/**
 * onnxruntime-web's wasm provider with one thread, from a .wasm file that the caller passes: nothing is
 * fetched from elsewhere, and the hash identifies the build. The library is loaded on first use, so that a
 * page that never judges never downloads it.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';

type Library = typeof import('onnxruntime-web/wasm');

/** The runtime's identity. With the model and its inputs it decides the bits of a result. */
export interface RuntimePin {
  /** Name and version, such as "onnxruntime-web 1.30.0". */
  readonly runtime: string;
  /** SHA-256 of the .wasm file. */
  readonly wasm: Hex;
  /** Several threads may split sums differently. Every page can have one thread. */
  readonly threads: 1;
}

export class OnnxRuntimeError extends Error {
  override readonly name = 'OnnxRuntimeError';
}

export interface OnnxRuntime {
  readonly pin: RuntimePin;
  /** The library's tensor class. */
  readonly Tensor: Library['Tensor'];
  /** Opens a model. Throws OnnxRuntimeError when the runtime refuses the file. */
  open(model: Uint8Array): Promise<InferenceSession>;
}

/** Inputs or outputs of a run, by name. */
export type Values = Readonly<Record<string, Tensor>>;

/** The library starts one wasm module per realm, and would silently ignore a second file. */
let started: { readonly wasm: Hex; readonly runtime: Promise<OnnxRuntime> } | undefined;

/**
 * Starts the runtime from the bytes of the installed release's `ort-wasm-simd-threaded.wasm`. Throws
 * OnnxRuntimeError when they are another file, or when this thread already runs another build.
 */
export async function loadRuntime(wasm: Uint8Array): Promise<OnnxRuntime> {
  const hash = toHex(sha256(wasm));
  if (started !== undefined && started.wasm !== hash) {
    throw new OnnxRuntimeError(
      'This thread already runs another build of onnxruntime-web; start a new worker for this one.',
    );
  }
  started ??= { wasm: hash, runtime: start(wasm, hash) };
  return await started.runtime;
}

async function start(wasm: Uint8Array, hash: Hex): Promise<OnnxRuntime> {
  const library = await import('onnxruntime-web/wasm');
  const { env, InferenceSession, Tensor } = library;
  env.logLevel = 'error';
  env.wasm.numThreads = 1;
  env.wasm.proxy = false;
  env.wasm.wasmBinary = wasm;
  const pin: RuntimePin = {
    runtime: `onnxruntime-web ${env.versions.web ?? 'unknown'}`,
    wasm: hash,
    threads: 1,
  };
  return {
    pin,
    Tensor,
    async open(model) {
      try {
        return await InferenceSession.create(model, {
          executionProviders: ['wasm'],
          executionMode: 'sequential',
          graphOptimizationLevel: 'all',
        });
      } catch (cause) {
        throw new OnnxRuntimeError(
          `${pin.runtime} cannot open this model (${messageOf(cause).slice(0, 200)}); export it again or use another.`,
          { cause },
        );
      }
    },
  };
}
