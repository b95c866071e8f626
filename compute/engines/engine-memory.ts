/** How much memory a program needs, and how much an engine holds. */
import { elementBytes, elementCount, type Program } from '../repops/program.ts';
import type { Engine } from './engine.ts';

/** Bytes that an engine holds. */
export interface EngineMemory {
  /** Tensors that callers allocated. */
  readonly tensors: number;
  /**
   * What the engine itself holds: temporaries, for which all programs share memory, scratch, and prepacked
   * copies.
   */
  readonly temporaries: number;
  /** The largest sum of the two so far. */
  readonly peak: number;
}

/** Bytes that a program needs while it runs. */
export interface MemoryNeed {
  /** All bound tensors, each counted once. */
  readonly tensors: number;
  readonly temporaries: number;
  /** The largest single allocation: some devices have room for a model, but not for one such tensor. */
  readonly largest: number;
}

export interface MeasuredEngine extends Engine {
  /** Bytes held now, and the most that were held at once. */
  memory(): EngineMemory;
  /** What a program would need on this engine. Allocates nothing. The program must be valid. */
  predict(program: Program): MemoryNeed;
}

/** Whether an engine tells what memory it holds. */
export function canMeasure(engine: Engine): engine is MeasuredEngine {
  return 'memory' in engine && 'predict' in engine;
}

/** Bytes of a program's bound tensors, and of the largest of them. */
export function boundBytes(program: Program): { readonly total: number; readonly largest: number } {
  const sizes = Object.values(program.tensors)
    .filter(({ storage }) => storage === 'bound')
    .map(({ shape, dtype }) => elementCount(shape) * elementBytes(dtype));
  return { total: sizes.reduce((sum, bytes) => sum + bytes, 0), largest: Math.max(0, ...sizes) };
}

/** Counts an engine's two kinds of memory and their peak. */
export class MemoryMeter {
  #tensors = 0;
  #temporaries = 0;
  #peak = 0;

  /** Adds bytes; a negative number frees them. */
  count(kind: 'tensors' | 'temporaries', bytes: number): void {
    if (kind === 'tensors') this.#tensors += bytes;
    else this.#temporaries += bytes;
    this.#peak = Math.max(this.#peak, this.#tensors + this.#temporaries);
  }

  /** Bytes counted now, and the most that were counted at once. */
  report(): EngineMemory {
    return { tensors: this.#tensors, temporaries: this.#temporaries, peak: this.#peak };
  }
}
