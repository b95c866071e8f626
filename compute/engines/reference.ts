/**
 * The reference engine: docs/repops.md in TypeScript, written for reading. It is what the other engines are
 * compared with and what explains a dispute; it is slow.
 */
import type { OperatorName } from '../repops/operators.ts';
import { type DType, elementCount, type Node, type Program } from '../repops/program.ts';
import { ProgramError } from '../repops/program-error.ts';
import { boundTensor, validateBindings, validateProgram } from '../repops/validate.ts';
import {
  type Bindings,
  type Engine,
  EngineError,
  EngineMemoryError,
  type RunOptions,
  type Tensor,
} from './engine.ts';
import {
  attention,
  attentionDelta,
  attentionGradKv,
  attentionGradQ,
  cacheWrite,
  cacheWriteRows,
} from './reference/attention.ts';
import { dequantInt8, quantInt8, roundBf16 } from './reference/boundary.ts';
import { callOf, type Implementation } from './reference/call.ts';
import { addScaled, addTensors, biasAdd, biasGrad, embed, embedGrad, matmul } from './reference/dense.ts';
import {
  rmsApply,
  rmsGradGain,
  rmsGradX,
  rmsRstd,
  rope,
  ropePairs,
  swiglu,
  swigluGrad,
} from './reference/layers.ts';
import { lossWeighted, policyCoefficient, xentGrad, xentLogprob, xentLse } from './reference/losses.ts';
import { adamw, clipScale, normSquare } from './reference/optimizer.ts';
import { sample, sampleFilter } from './reference/sampling.ts';
import { checkData, type TensorData, zeros } from './tensor-data.ts';

const IMPLEMENTATIONS: { readonly [Op in OperatorName]: Implementation<Op> } = {
  embed,
  'embed.grad': embedGrad,
  matmul,
  'bias.add': biasAdd,
  'bias.grad': biasGrad,
  add: addTensors,
  'rms.rstd': rmsRstd,
  'rms.apply': rmsApply,
  'rms.grad.x': rmsGradX,
  'rms.grad.gain': rmsGradGain,
  rope,
  swiglu,
  'swiglu.grad': swigluGrad,
  attention,
  'attention.delta': attentionDelta,
  'attention.grad.q': attentionGradQ,
  'attention.grad.kv': attentionGradKv,
  'cache.write': cacheWrite,
  'xent.lse': xentLse,
  'xent.logprob': xentLogprob,
  'xent.grad': xentGrad,
  'policy.coefficient': policyCoefficient,
  'loss.weighted': lossWeighted,
  'norm.square': normSquare,
  'clip.scale': clipScale,
  adamw,
  sample,
  'add.scaled': addScaled,
  'round.bf16': roundBf16,
  'quant.int8': quantInt8,
  'dequant.int8': dequantInt8,
  'rope.pairs': ropePairs,
  'cache.write.rows': cacheWriteRows,
  'sample.filter': sampleFilter,
};

function apply<Op extends OperatorName>(node: Node<Op>, dataOf: (tensor: string) => TensorData): void {
  IMPLEMENTATIONS[node.op](callOf(node, dataOf));
}

class ReferenceTensor implements Tensor {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TensorData;

  constructor(shape: readonly number[], dtype: DType) {
    this.shape = shape;
    this.dtype = dtype;
    this.data = zeros(dtype, elementCount(shape));
  }

  get length(): number {
    return this.data.length;
  }
}

/** What may be watched while the reference engine runs. */
export interface ReferenceOptions {
  /**
   * Called after each node with its index and the data of its outputs, for traces and for explaining a
   * dispute.
   */
  readonly onNode?: (index: number, outputs: readonly TensorData[]) => void;
}

/**
 * Makes a reference engine.
 *
 * @example
 * ```ts
 * import { createReferenceEngine } from './reference.ts';
 * import { runOperator } from './run-program.ts';
 * import { operatorProgram } from '../repops/operator-program.ts';
 *
 * const engine = createReferenceEngine();
 * const product = operatorProgram('matmul', { M: 1, N: 1, K: 2, transposeA: 0, transposeB: 0 });
 * const inputs = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
 * const [c] = await runOperator(engine, product, inputs); // Float32Array [11]
 * await engine.stop();
 * ```
 */
export function createReferenceEngine(options: ReferenceOptions = {}): Engine {
  const live = new Set<ReferenceTensor>();
  let stopped = false;

  const check = (): void => {
    if (stopped) throw new EngineError('The engine was stopped; make a new one.');
  };
  const own = (tensor: Tensor): ReferenceTensor => {
    check();
    if (tensor instanceof ReferenceTensor && live.has(tensor)) return tensor;
    throw new EngineError('This tensor was freed or belongs to another engine.');
  };

  return {
    kind: 'reference',
    description: 'TypeScript reference',
    allocate(shape, dtype) {
      check();
      const tensor = allocateTensor(shape, dtype);
      live.add(tensor);
      return tensor;
    },
    write(tensor, data) {
      const target = own(tensor);
      checkData(target, data, (message) => new EngineError(message));
      target.data.set(data);
    },
    async read(tensor) {
      return own(tensor).data.slice();
    },
    free(tensor) {
      live.delete(own(tensor));
    },
    async run(program: Program, bindings: Bindings, { signal }: RunOptions = {}) {
      signal?.throwIfAborted();
      check();
      validateProgram(program);
      validateBindings(program, bindings);
      const data = new Map<string, TensorData>();
      for (const [name, { shape, dtype, storage }] of Object.entries(program.tensors)) {
        if (storage === 'temporary') data.set(name, zeros(dtype, elementCount(shape)));
        else data.set(name, own(boundTensor(program, bindings, name)).data);
      }
      const dataOf = (name: string): TensorData => {
        const found = data.get(name);
        if (found === undefined) throw new ProgramError(`${program.name}: tensor ${name} is not declared`);
        return found;
      };
      for (const [index, node] of program.nodes.entries()) {
        signal?.throwIfAborted();
        apply(node, dataOf);
        options.onNode?.(index, node.outputs.map(dataOf));
      }
    },
    async stop() {
      stopped = true;
      live.clear();
    },
  };
}

function allocateTensor(shape: readonly number[], dtype: DType): ReferenceTensor {
  try {
    return new ReferenceTensor([...shape], dtype);
  } catch (cause) {
    throw new EngineMemoryError(
      `The host has no room for a tensor of shape [${shape}]; use a smaller model or batch.`,
      { cause },
    );
  }
}
