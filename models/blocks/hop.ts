/** What one device computes of a step at once, and collecting such hops into the recipe of a step. */
import { type DType, type Program, tensorOf } from '../../compute/repops/program.ts';
import { RecipeBuilder, type RecipeTensor, type StepRecipe } from '../../compute/repops/recipe.ts';
import type { Block, BlockPlan } from './block-plan.ts';

export type HopKind =
  | ('embed' | 'forward' | 'loss' | 'backward' | 'sum' | 'norm' | 'clip' | 'update')
  /** Of a vocabulary in parts. */
  | ('lookup' | 'gather' | 'normalize' | 'logits' | 'logits.backward' | 'normalize.backward');

/** One action of a step: what one device computes at once. Tensors have the recipe's names. */
export interface Hop {
  /** Its place in the recipe's actions. Any order in which inputs come before their readers is right too. */
  readonly index: number;
  readonly kind: HopKind;
  /** Id of the block whose keeper computes it. Anybody can compute `clip`; it counts as the embedding's. */
  readonly block: string;
  readonly microbatch?: number;
  /** Tensors of other hops or of the step's data that it reads. */
  readonly inputs: readonly string[];
  /** Tensors of the block's version that it reads. */
  readonly state: readonly string[];
  /**
   * Tensors that it writes. Those of `update` are the block's next version, or `kept.<block>` where nothing
   * of the block is trained.
   */
  readonly outputs: readonly string[];
}

/** The bound tensors that a program reads before it writes them, and those that it writes. */
export function boundEnds(program: Program): {
  readonly read: ReadonlySet<string>;
  readonly written: ReadonlySet<string>;
} {
  const read = new Set<string>();
  const written = new Set<string>();
  const isBound = (name: string) => tensorOf(program, name).storage === 'bound';
  for (const node of program.nodes) {
    for (const name of node.inputs) if (isBound(name) && !written.has(name)) read.add(name);
    for (const name of node.outputs) if (isBound(name)) written.add(name);
  }
  return { read, written };
}

/** The recipe's tensors at the ends of a hop, by where their content comes from. */
function endsOf(
  program: Program,
  bindings: Readonly<Record<string, string>>,
  tensors: ReadonlyMap<string, RecipeTensor>,
): Pick<Hop, 'inputs' | 'state' | 'outputs'> {
  const { read, written } = boundEnds(program);
  const named = (names: ReadonlySet<string>, kinds: readonly RecipeTensor['source']['kind'][]) => {
    const found = Object.keys(program.tensors)
      .filter((name) => names.has(name))
      .map((name) => bindings[name] ?? name)
      .filter((name) => kinds.includes(tensors.get(name)?.source.kind ?? 'none'));
    return [...new Set(found)];
  };
  return {
    inputs: named(read, ['none', 'data']),
    state: named(read, ['state', 'frozen']),
    outputs: named(written, ['none', 'state']),
  };
}

/** The programs of a plan's steps. Steps with other paths have the same ones. */
const programsOf = new WeakMap<BlockPlan, Map<string, Program>>();

/** Collects the hops of a step. */
export class StepBuilder {
  readonly recipe = new RecipeBuilder();
  readonly #runs: { kind: HopKind; block: string; microbatch?: number }[] = [];
  readonly #programs: Map<string, Program>;
  readonly #settings: string;

  /** `settings` names all that programs of this plan depend on besides their keys. */
  constructor(plan: BlockPlan, settings: string) {
    this.#programs = programsOf.get(plan) ?? new Map();
    programsOf.set(plan, this.#programs);
    this.#settings = settings;
  }

  /** The program with that key, made once for all steps of a plan, so that engines prepare it once. */
  program(key: string, make: () => Program): Program {
    const whole = `${key} ${this.#settings}`;
    const program = this.#programs.get(whole) ?? make();
    this.#programs.set(whole, program);
    return program;
  }

  /** Declares what a hop writes. */
  between(name: string, shape: readonly number[], dtype: DType = 'f32'): string {
    return this.recipe.between(name, shape, dtype);
  }

  hop(
    of: { kind: HopKind; block: Block; microbatch?: number },
    program: Program,
    rename: Readonly<Record<string, string>>,
  ): void {
    const { kind, block, microbatch } = of;
    const place = microbatch === undefined ? {} : { microbatch };
    this.#runs.push({ kind, block: block.id, ...place });
    const number = microbatch === undefined ? '' : `${microbatch}.`;
    this.recipe.run(program, { label: `${kind}.${number}${block.id}.`, rename });
  }

  build(): { readonly recipe: StepRecipe; readonly hops: readonly Hop[] } {
    const recipe = this.recipe.build();
    const hops = recipe.actions.map((action, index): Hop => {
      const run = this.#runs[index];
      if (run === undefined || action.kind !== 'run') throw new RangeError(`action ${index} is no hop`);
      return { index, ...run, ...endsOf(action.program, action.bindings, recipe.tensors) };
    });
    return { recipe, hops };
  }
}
