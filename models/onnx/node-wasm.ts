/** The installed onnxruntime-web's .wasm file, in Node. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { OnnxRuntimeError } from './runtime.ts';

/** Reads the file of the installed package. Throws OnnxRuntimeError when the package is not installed. */
export async function readInstalledWasm(): Promise<Uint8Array> {
  try {
    const path = createRequire(import.meta.url).resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm');
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new OnnxRuntimeError('onnxruntime-web is not installed; run npm ci.', { cause });
  }
}
