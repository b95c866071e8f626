/**
 * onnxruntime-web's wasm provider, one thread, from a .wasm file that the caller brings: nothing is fetched from anywhere,
 * and what computes is known by its hash. The library is loaded on first use, so that a page which judges nothing never
 * downloads it.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { type Hex, toHex } from '../../protocol/hex.ts';

type Library = typeof import('onnxruntime-web/wasm');

/** What decides the bits of a result besides the model and its inputs. */
export interface RuntimePin {
  /** "onnxruntime-web 1.30.0". */
  readonly runtime: string;
  /** SHA-256 of the .wasm file. */
  readonly wasm: Hex;
  /** Sums of several threads may be cut up otherwise; one thread is what every page can have. */
  readonly threads: 1;
}

export class OnnxRuntimeError extends Error {
  override readonly name = 'OnnxRuntimeError';
}

export interface OnnxRuntime {
  readonly pin: RuntimePin;
  /** The library's tensor class. */
  readonly Tensor: Library['Tensor'];
  /** A model ready to run. Throws OnnxRuntimeError when the runtime refuses the file. */
  open(model: Uint8Array): Promise<InferenceSession>;
}

/** Inputs or outputs of a run by name. */
export type Values = Readonly<Record<string, Tensor>>;

/** The library starts its wasm module once a realm; a second file would silently not be used. */
let started: { readonly wasm: Hex; readonly runtime: Promise<OnnxRuntime> } | undefined;

/**
 * The runtime over the bytes of `ort-wasm-simd-threaded.wasm` of the installed release. Throws OnnxRuntimeError when the bytes are
 * no such file, or when this thread already runs another one.
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
          `${pin.runtime} cannot open this model (${plain(cause)}); export it again or use another.`,
          { cause },
        );
      }
    },
  };
}

function plain(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
