/** Remembers which engines passed on this device, by adapter, browser version and the kernels themselves. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { EngineKind } from '../engines/engine.ts';
import type { Variant, Variants } from '../engines/webgpu/shader/pipelines.ts';
import { SHADERS } from '../generated/shaders.ts';
import { WASM_BASE64, WASM_THREADS_BASE64 } from '../generated/wasm.ts';
import { OPERATORS, type OperatorName } from '../repops/operators.ts';
import { EXPECTED } from './expected.ts';

/** Stores verdicts: a Map in tests, IndexedDB in a page. A verdict that cannot be stored costs only time. */
export interface VerdictStore {
  /** The verdict stored under this key, or undefined. */
  get(key: string): Promise<string | undefined>;
  /** Stores a verdict. May reject when the store is full or forbidden. */
  set(key: string, value: string): Promise<void>;
}

/**
 * A gate that was passed. Failures are not stored: a driver may be repaired without a change of the user
 * agent.
 */
export interface PassedGate {
  readonly checks: number;
  readonly variants: Variants;
  /** Milliseconds of a training step of the nano model, and the speed that this amounts to. */
  readonly stepMs?: number;
  readonly gflops?: number;
}

let suite: string | undefined;

/** Identifies the cases, their expected bits and every kernel: a verdict on others does not count. */
function suiteName(): string {
  suite ??= bytesToHex(
    sha256(utf8ToBytes(JSON.stringify([EXPECTED, SHADERS, WASM_BASE64, WASM_THREADS_BASE64]))),
  ).slice(0, 16);
  return suite;
}

/** The key of one engine on one device. `device` names what computes, e.g. the adapter. */
export function verdictKey(kind: EngineKind, device: string, userAgent: string): string {
  return `conformance ${suiteName()} ${kind} ${device} ${userAgent}`;
}

/** A stored verdict; undefined if there is none or it is malformed. */
export async function loadVerdict(
  store: VerdictStore | undefined,
  key: string,
): Promise<PassedGate | undefined> {
  try {
    const text = await store?.get(key);
    return text === undefined ? undefined : parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Stores a verdict, if the store takes it. */
export async function saveVerdict(
  store: VerdictStore | undefined,
  key: string,
  verdict: PassedGate,
): Promise<void> {
  try {
    await store?.set(key, JSON.stringify(verdict));
  } catch {
    // The store is full or forbidden: the gate runs again next time.
  }
}

function parse(value: unknown): PassedGate | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { checks, variants, stepMs, gflops } = value as Record<string, unknown>;
  if (typeof checks !== 'number' || !(checks > 0)) return undefined;
  if (typeof variants !== 'object' || variants === null) return undefined;
  const known: Partial<Record<OperatorName, Variant>> = {};
  for (const [op, variant] of Object.entries(variants)) {
    if (!Object.hasOwn(OPERATORS, op) || (variant !== 'native' && variant !== 'barrier')) return undefined;
    known[op as OperatorName] = variant;
  }
  return {
    checks,
    variants: known,
    ...(typeof stepMs === 'number' && stepMs > 0 ? { stepMs } : {}),
    ...(typeof gflops === 'number' && gflops > 0 ? { gflops } : {}),
  };
}
