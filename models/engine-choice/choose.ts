/**
 * Which engine a volunteer runs: of those that give the specified bits on this device, the one that trains
 * fastest. An engine with one wrong bit is refused, also when it was asked for.
 */

import { type GateVerdict, isTunable, runGate } from '../../compute/conformance/gate.ts';
import {
  loadVerdict,
  type PassedGate,
  saveVerdict,
  type VerdictStore,
  verdictKey,
} from '../../compute/conformance/verdict-store.ts';
import { type Engine, EngineError, type EngineKind } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { adapterName, isSoftwareAdapter } from '../../compute/engines/webgpu/device/adapter.ts';
import { openWebGpuEngine } from '../../compute/engines/webgpu/engine.ts';
import type { Variant } from '../../compute/engines/webgpu/shader/pipelines.ts';
import { canTune, tune } from '../../compute/engines/webgpu/tuning/tune.ts';
import type { OperatorName } from '../../compute/repops/operators.ts';
import { measureTraining } from './measure.ts';

/** One engine's result on this device. */
export interface EngineVerdict {
  readonly kind: EngineKind;
  readonly description: string;
  /** Known-answer checks whose bits were compared, and how many were the same. */
  readonly checks: number;
  readonly same: number;
  /** Measured speed of training in GFLOP/s, where measured. */
  readonly speed?: number;
  /** Why the engine could not run, or is not used, at all. */
  readonly unavailable?: string;
}

export interface EngineSelection {
  /** Ready to run; the caller stops it. */
  readonly engine: Engine;
  /** One sentence for a person. */
  readonly reason: string;
  readonly verdicts: readonly EngineVerdict[];
}

/**
 * Makes an engine to be judged. `device` says what computes, for the cache. Throws EngineError when it
 * cannot.
 */
export interface Candidate {
  readonly kind: EngineKind;
  open(): Promise<{
    readonly engine: Engine;
    readonly device: string;
    /** Whether seconds spent on finding its fastest kernels come back: not on a GPU made of software. */
    readonly worthTuning?: boolean;
  }>;
}

export interface ChooseOptions {
  /** `auto`, or the one engine to use. */
  readonly choice: EngineKind | 'auto';
  readonly candidates: readonly Candidate[];
  /** Browser or runtime with its version; part of the cache's key. */
  readonly userAgent: string;
  readonly store?: VerdictStore;
  /** Milliseconds, for measuring speed. */
  readonly now: () => number;
  readonly signal?: AbortSignal;
}

export interface CandidateOptions {
  /** Threads of the wasm engine. */
  readonly threads: number;
  /** `navigator.gpu`; undefined where there is none. */
  readonly gpu: GPU | undefined;
  /** Software adapters are passed over unless the GPU engine was asked for by name. */
  readonly allowSoftwareGpu: boolean;
}

/** The engines that a page or a Node process can offer, each opened only when it is judged. */
export function availableCandidates(options: CandidateOptions): readonly Candidate[] {
  const { threads, gpu, allowSoftwareGpu } = options;
  return [
    {
      kind: 'wasm',
      async open() {
        const engine = await createWasmEngine({ threads });
        return { engine, device: engine.description };
      },
    },
    {
      kind: 'webgpu',
      async open() {
        if (gpu === undefined) throw new EngineError('This browser has no WebGPU.');
        const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
        if (adapter === null) throw new EngineError('WebGPU found no GPU on this device.');
        if (!allowSoftwareGpu && isSoftwareAdapter(adapter.info)) {
          throw new EngineError(
            `The only GPU here is made of software (${adapterName(adapter.info)}); WebAssembly is faster.`,
          );
        }
        return {
          engine: await openWebGpuEngine(adapter),
          device: adapterName(adapter.info),
          worthTuning: !isSoftwareAdapter(adapter.info),
        };
      },
    },
    {
      kind: 'reference',
      async open() {
        const engine = createReferenceEngine();
        return { engine, device: engine.description };
      },
    },
  ];
}

interface Judged {
  readonly engine: Engine;
  readonly verdict: EngineVerdict;
  readonly stepMs: number;
}

/**
 * Judges the engines that are to be considered and returns the best, ready to run; the others are stopped.
 * Throws EngineError with the causes when none may be used, which for a named engine means that it failed.
 */
export async function chooseEngine(options: ChooseOptions): Promise<EngineSelection> {
  const { choice, candidates, signal } = options;
  const considered = candidates.filter(({ kind }) =>
    // The reference defines the bits and is far too slow to compete; it stands in when nothing else runs.
    choice === 'auto' ? kind !== 'reference' : kind === choice,
  );
  const judged: Judged[] = [];
  const verdicts: EngineVerdict[] = [];
  try {
    for (const candidate of considered) {
      signal?.throwIfAborted();
      const result = await judge(candidate, options, choice === 'auto' && considered.length > 1);
      verdicts.push(result.verdict);
      if ('engine' in result) judged.push(result);
    }
    const best = judged.reduce<Judged | undefined>(
      (a, b) => (a === undefined || b.stepMs < a.stepMs ? b : a),
      undefined,
    );
    if (best !== undefined) {
      await Promise.all(judged.filter((other) => other !== best).map(({ engine }) => engine.stop()));
      return { engine: best.engine, reason: reasonFor(best, choice, verdicts), verdicts };
    }
  } catch (error) {
    await Promise.all(judged.map(({ engine }) => engine.stop()));
    throw error;
  }
  const causes = verdicts.map(({ kind, unavailable }) => `${NAMES[kind]}: ${unavailable}`).join(' ');
  const reference = candidates.find(({ kind }) => kind === 'reference');
  if (choice !== 'auto' || reference === undefined) {
    throw new EngineError(
      choice === 'auto'
        ? `No engine works on this device. ${causes}`
        : `${NAMES[choice]} cannot be used. ${causes}`,
    );
  }
  const { engine } = await reference.open();
  return {
    engine,
    reason: `Plain TypeScript computes here, slowly, because nothing faster may be used. ${causes}`,
    verdicts,
  };
}

const NAMES: Readonly<Record<EngineKind, string>> = {
  reference: 'Plain TypeScript',
  wasm: 'WebAssembly',
  webgpu: 'WebGPU',
};

async function judge(
  candidate: Candidate,
  options: ChooseOptions,
  measure: boolean,
): Promise<Judged | { readonly verdict: EngineVerdict }> {
  const { kind } = candidate;
  const { store, userAgent, now, signal } = options;
  let engine: Engine | undefined;
  try {
    const opened = await candidate.open();
    engine = opened.engine;
    const { description } = engine;
    // The reference is the definition; comparing it with itself would say nothing.
    if (kind === 'reference')
      return { engine, stepMs: 0, verdict: { kind, description, checks: 0, same: 0 } };
    let { device } = opened;
    if (opened.worthTuning === true && canTune(engine)) {
      const tuning = await tune({
        engine,
        device,
        userAgent,
        now,
        ...(store === undefined ? {} : { store }),
        ...(signal === undefined ? {} : { signal }),
      });
      // The verdict is about the kernels that will run.
      device = `${device} ${JSON.stringify(tuning)}`;
    }
    const key = verdictKey(kind, device, userAgent);
    let passed = await loadVerdict(store, key);
    if (passed !== undefined && isTunable(engine)) engine.useVariants(passed.variants);
    if (passed === undefined) {
      const gate = await runGate({ engine, ...(signal === undefined ? {} : { signal }) });
      if (!gate.passed) {
        await engine.stop();
        const { checks, same } = gate;
        return { verdict: { kind, description, checks, same, unavailable: gate.sentence } };
      }
      passed = { checks: gate.checks, variants: variantsOf(gate) };
      await saveVerdict(store, key, passed);
    }
    if (measure && passed.stepMs === undefined) {
      passed = {
        ...passed,
        ...(await measureTraining({ engine, now, ...(signal === undefined ? {} : { signal }) })),
      };
      await saveVerdict(store, key, passed);
    }
    return { engine, stepMs: passed.stepMs ?? 0, verdict: verdictOf(kind, description, passed) };
  } catch (error) {
    await engine?.stop();
    signal?.throwIfAborted();
    const unavailable = error instanceof Error ? error.message : String(error);
    return {
      verdict: { kind, description: engine?.description ?? NAMES[kind], checks: 0, same: 0, unavailable },
    };
  }
}

function verdictOf(kind: EngineKind, description: string, passed: PassedGate): EngineVerdict {
  const { checks, gflops } = passed;
  return { kind, description, checks, same: checks, ...(gflops === undefined ? {} : { speed: gflops }) };
}

function variantsOf(gate: GateVerdict): Readonly<Partial<Record<OperatorName, Variant>>> {
  const variants: Partial<Record<OperatorName, Variant>> = {};
  for (const [op, { variant }] of Object.entries(gate.operators)) {
    if (variant !== undefined) variants[op as OperatorName] = variant;
  }
  return variants;
}

function reasonFor(
  best: Judged,
  choice: ChooseOptions['choice'],
  verdicts: readonly EngineVerdict[],
): string {
  const name = NAMES[best.verdict.kind];
  if (choice !== 'auto') return `${name} computes here because it was asked for.`;
  const other = verdicts.find(({ kind }) => kind !== best.verdict.kind);
  if (other === undefined) return `${name} computes here.`;
  if (other.unavailable !== undefined) return `${name} computes here. ${other.unavailable}`;
  const ratio = (best.verdict.speed ?? 0) / (other.speed ?? Number.POSITIVE_INFINITY);
  return `${name} computes here: it trains ${ratio.toFixed(1)} times as fast as ${NAMES[other.kind]} on this device.`;
}
