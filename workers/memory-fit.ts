import type { EngineKind } from '../compute/engines/engine.ts';
import type { MemoryPrediction } from '../models/decoder/memory.ts';

/** Whether a planned use fits this device. It is known before anything is allocated. */
export interface MemoryFit {
  /** `stop`: it cannot work. `tight`: it works only when other programs need little memory. */
  readonly level: 'good' | 'tight' | 'stop';
  /** Bytes needed, gaps and scratch space included. */
  readonly need: number;
  readonly parts: MemoryPrediction;
  /** The limit that `need` is compared with. */
  readonly limit:
    | { readonly kind: 'wasm'; readonly bytes: number }
    /** The device's memory according to the browser. With `atLeast` the device may have more. */
    | { readonly kind: 'device'; readonly bytes: number; readonly atLeast: boolean }
    /** The browser does not tell the device's memory. */
    | { readonly kind: 'unknown' };
}

/** The address space of 32-bit WebAssembly. */
const WASM_BYTES = 2 ** 32;
/** Browsers report at most this much, in GiB (Device Memory, section 4). */
const MAX_REPORTED_GIB = 8;

/** Compares a prediction with the device. Pure. `deviceMemory` is what the browser reports, in GiB. */
export function memoryFit(options: {
  readonly parts: MemoryPrediction;
  readonly engine: EngineKind | 'auto';
  readonly deviceMemory: number | undefined;
}): MemoryFit {
  const { parts, engine, deviceMemory } = options;
  // memory.test.ts checks that the engines' placement stays within this allowance.
  const need = Math.ceil(parts.total + parts.activations / 4 + (1 << 17));
  // `auto` may choose either engine, so both must be able to do it.
  if (engine !== 'webgpu' && need > WASM_BYTES) {
    return { level: 'stop', need, parts, limit: { kind: 'wasm', bytes: WASM_BYTES } };
  }
  if (deviceMemory === undefined) return { level: 'good', need, parts, limit: { kind: 'unknown' } };
  const bytes = deviceMemory * 2 ** 30;
  const atLeast = deviceMemory >= MAX_REPORTED_GIB;
  const level = need <= bytes / 2 ? 'good' : need > bytes && !atLeast ? 'stop' : 'tight';
  return { level, need, parts, limit: { kind: 'device', bytes, atLeast } };
}
