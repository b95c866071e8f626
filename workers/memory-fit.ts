import type { EngineKind } from '../compute/engines/engine.ts';
import type { MemoryPrediction } from '../models/decoder/memory.ts';

/** Whether what is planned fits this device, known before anything is allocated. */
export interface MemoryFit {
  /** `stop`: it cannot work. `tight`: it may, if nothing else wants much. */
  readonly level: 'good' | 'tight' | 'stop';
  /** Bytes that it takes, gaps and scratch space included. */
  readonly need: number;
  readonly parts: MemoryPrediction;
  /** What it is compared with. */
  readonly limit:
    | { readonly kind: 'wasm'; readonly bytes: number }
    /** What the browser says the device has; `atLeast`: it does not say more than this. */
    | { readonly kind: 'device'; readonly bytes: number; readonly atLeast: boolean }
    /** The browser does not say. */
    | { readonly kind: 'unknown' };
}

/** All that 32-bit addresses reach. */
const WASM_BYTES = 2 ** 32;
/** Browsers name no more than this, whatever there is (Device Memory, section 4). */
const MOST_NAMED = 8;

/** Pure. `deviceMemory` is the browser's own, in GiB. */
export function memoryFit(options: {
  readonly parts: MemoryPrediction;
  readonly engine: EngineKind | 'auto';
  readonly deviceMemory: number | undefined;
}): MemoryFit {
  const { parts, engine, deviceMemory } = options;
  // memory.test.ts holds the engine's placement to this.
  const need = Math.ceil(parts.total + parts.activations / 4 + (1 << 17));
  // `auto` may end in either engine; only what both can do is promised.
  if (engine !== 'webgpu' && need > WASM_BYTES) {
    return { level: 'stop', need, parts, limit: { kind: 'wasm', bytes: WASM_BYTES } };
  }
  if (deviceMemory === undefined) return { level: 'good', need, parts, limit: { kind: 'unknown' } };
  const bytes = deviceMemory * 2 ** 30;
  const atLeast = deviceMemory >= MOST_NAMED;
  const level = need <= bytes / 2 ? 'good' : need > bytes && !atLeast ? 'stop' : 'tight';
  return { level, need, parts, limit: { kind: 'device', bytes, atLeast } };
}
