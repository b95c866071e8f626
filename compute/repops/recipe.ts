/**
 * One step of training as data: its inputs, its programs, which run one after another over named tensors, and
 * its random draws. Every step of a run has the same recipe. Only the values of the inputs differ.
 */
import { type DType, elementCount, type Program } from './program.ts';

export type Words = Float32Array | Uint32Array;

/** The origin of a tensor's content at the start of a step. */
export type Source =
  /** The checkpoint's tensor of that name. */
  | { readonly kind: 'state' }
  /** The model's tensor of that name, which no step changes: the weights beside adapters. */
  | { readonly kind: 'frozen' }
  /** Each step has its own content. */
  | { readonly kind: 'data' }
  /** Every step has the same content. */
  | { readonly kind: 'fixed'; readonly words: Words }
  /** There is no content: a program writes the tensor before another reads it. */
  | { readonly kind: 'none' };

/** A named tensor of a step, and where its content comes from. */
export interface RecipeTensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly source: Source;
}

export type Action =
  | {
      readonly kind: 'run';
      /** Prefix of the names of the program's tensors in a trace: "rollout.3." or "". */
      readonly label: string;
      readonly program: Program;
      /** The recipe's tensor for each bound tensor of the program. */
      readonly bindings: Readonly<Record<string, string>>;
    }
  | {
      /** Draws uniforms of Philox4x32-10 at positions 0, 1, ... of one (item, sample) of a stream. */
      readonly kind: 'draw';
      /** u32 [4]: the stream's key in two words, item, sample. */
      readonly key: string;
      readonly output: string;
    };

/** The tensors of a step, and what is done with them, in order. */
export interface StepRecipe {
  /** By name, in the order of the trace. */
  readonly tensors: ReadonlyMap<string, RecipeTensor>;
  readonly actions: readonly Action[];
}

/** How a program's tensors are tied to the recipe's. */
export interface BindOptions {
  readonly label?: string;
  /** The recipe's tensor for each bound tensor that has another name there. */
  readonly rename?: Readonly<Record<string, string>>;
}

/** Collects a step's tensors and actions. */
export class RecipeBuilder {
  readonly #tensors = new Map<string, RecipeTensor>();
  readonly #actions: Action[] = [];

  #declare(name: string, tensor: RecipeTensor): string {
    if (this.#tensors.has(name)) throw new RangeError(`tensor ${name} is declared twice`);
    this.#tensors.set(name, tensor);
    return name;
  }

  /** Declares a tensor of the checkpoint. Throws RangeError for a name that is taken. */
  state(name: string, shape: readonly number[]): string {
    return this.#declare(name, { shape, dtype: 'f32', source: { kind: 'state' } });
  }

  /** Declares weights that no step changes. Throws RangeError for a name that is taken. */
  frozen(name: string, shape: readonly number[], dtype: DType): string {
    return this.#declare(name, { shape, dtype, source: { kind: 'frozen' } });
  }

  /** Declares a tensor that each step is given. Throws RangeError for a name that is taken. */
  data(name: string, shape: readonly number[], dtype: DType = 'f32'): string {
    return this.#declare(name, { shape, dtype, source: { kind: 'data' } });
  }

  /**
   * Declares a tensor with the same content in every step. Throws RangeError for a name that is taken, or
   * content of another length.
   */
  fixed(name: string, shape: readonly number[], words: Words): string {
    const dtype = words instanceof Float32Array ? 'f32' : 'u32';
    if (elementCount(shape) !== words.length) throw new RangeError(`${name} has ${words.length} elements`);
    return this.#declare(name, { shape, dtype, source: { kind: 'fixed', words } });
  }

  /** A tensor that one program writes and a later one reads. */
  between(name: string, shape: readonly number[], dtype: DType = 'f32'): string {
    return this.#declare(name, { shape, dtype, source: { kind: 'none' } });
  }

  /** Adds a draw of uniforms: `key` is u32 [4], `output` is f32. */
  draw(key: string, output: string): void {
    this.#actions.push({ kind: 'draw', key, output });
  }

  /**
   * Adds a run of a program. Its bound tensors are the recipe's tensors of the same name, unless renamed. A
   * tensor that the recipe lacks is declared as `between`, with the label before its name.
   */
  run(program: Program, options: BindOptions = {}): void {
    const { label = '', rename = {} } = options;
    const bindings: Record<string, string> = {};
    for (const [name, spec] of Object.entries(program.tensors)) {
      if (spec.storage !== 'bound') continue;
      const wanted = rename[name] ?? name;
      if (rename[name] !== undefined || this.#tensors.has(wanted)) bindings[name] = wanted;
      else bindings[name] = this.between(`${label}${name}`, spec.shape, spec.dtype);
    }
    this.#actions.push({ kind: 'run', label, program, bindings });
  }

  /** The recipe so far. */
  build(): StepRecipe {
    return { tensors: this.#tensors, actions: this.#actions };
  }
}
