/** The contest in a page: `window.contestNext()` gives one result after another. */
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import { adapterName } from '../../../compute/engines/webgpu/device/adapter.ts';
import { type ContestResult, contest } from '../contest.ts';
import { startKits, wholeDevice } from '../kits.ts';
import { measurePeak } from '../peak.ts';
import { qwenProducts, type Size } from '../products.ts';

declare const __JAX_VERSION__: string;

export interface PageStart {
  readonly size: Size;
  readonly only: string;
  readonly rounds: number;
  readonly turnMs: number;
}

declare global {
  interface Window {
    contestStart(options: PageStart): Promise<{ device: string; peak: number; notes: readonly string[] }>;
    contestNext(): Promise<ContestResult | undefined>;
  }
}

let results: AsyncIterator<ContestResult> | undefined;

async function adapter(): Promise<GPUAdapter> {
  const found = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (found === null || found === undefined) throw new Error('this browser gives no GPU adapter');
  return found;
}

window.contestStart = async ({ size, only, rounds, turnMs }) => {
  const notes: string[] = [];
  const own = await adapter();
  const device = await wholeDevice(own);
  const peak = await measurePeak({ device, workgroups: size === 'full' ? 4096 : 16 });
  device.destroy();
  const kits = await startKits({
    adapter,
    ortWasm: async () => new Uint8Array(await (await fetch(wasmUrl)).arrayBuffer()),
    jaxVersion: __JAX_VERSION__,
    note: (message) => notes.push(message),
  });
  const products = qwenProducts(size).filter(({ name }) => name.includes(only));
  results = contest({ products, kits, rounds, turnMs })[Symbol.asyncIterator]();
  return { device: adapterName(own.info), peak, notes };
};

window.contestNext = async () => {
  const next = await results?.next();
  return next?.done === false ? next.value : undefined;
};
