import type { AttributesOf } from '../../compute/repops/attributes.ts';
import { node } from '../../compute/repops/node.ts';
import type { OperatorName } from '../../compute/repops/operators.ts';
import type { DType, Node, Program, TensorSpec } from '../../compute/repops/program.ts';

/** Collects tensors and nodes into a program. The caller names the tensors, so that a trace is readable. */
export class ProgramBuilder {
  readonly #tensors = new Map<string, TensorSpec>();
  readonly #nodes: Node[] = [];

  /**
   * Declares a tensor that the program's caller supplies, and returns its name. A repeated declaration has no
   * effect.
   */
  bound(name: string, shape: readonly number[], dtype: DType = 'f32'): string {
    if (!this.#tensors.has(name)) this.#tensors.set(name, { shape, dtype, storage: 'bound' });
    return name;
  }

  /** Declares a tensor that exists only during a run, and returns its name. */
  temporary(name: string, shape: readonly number[], dtype: DType = 'f32'): string {
    if (this.#tensors.has(name)) throw new Error(`temporary ${name} is declared twice`);
    this.#tensors.set(name, { shape, dtype, storage: 'temporary' });
    return name;
  }

  /** Appends an operator application. */
  node<Op extends OperatorName>(
    op: Op,
    attributes: AttributesOf<Op>,
    inputs: readonly string[],
    outputs: readonly string[],
  ): void {
    this.#nodes.push(node(op, attributes, inputs, outputs));
  }

  build(name: string): Program {
    return { name, tensors: Object.fromEntries(this.#tensors), nodes: this.#nodes };
  }
}
