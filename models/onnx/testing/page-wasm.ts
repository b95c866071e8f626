/** onnxruntime-web's .wasm file in a page built by Vite: an asset of the page, fetched on first use. */
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { OnnxRuntimeError } from '../runtime.ts';

/** Fetches 14 MB. Throws OnnxRuntimeError when the page's server does not have the file. */
export async function fetchBundledWasm(signal?: AbortSignal): Promise<Uint8Array> {
  const response = await fetch(wasmUrl, { signal });
  if (!response.ok) {
    throw new OnnxRuntimeError(
      `The judge's runtime did not arrive (HTTP ${response.status}); reload the page.`,
    );
  }
  return new Uint8Array(await response.arrayBuffer());
}
