/**
 * A judge for programs with operators that ELEMENT_JUDGE lacks, as a decoder has: it computes those with the
 * reference engine, from the opened leaves. The contract's judge, which a match is compared with, shares
 * nothing with that.
 */
import { isIndexInput, operatorName } from '../../audit/encode-program.ts';
import { type FoldInputs, foldAccumulators, folds, foldTotal, keyGradientParts } from '../../audit/folds.ts';
import { neededLeaves } from '../../audit/operand-reads.ts';
import { WORDS_A_LEAF } from '../../chain/disputes/port.ts';
import type { OpenedCall, ReferenceJudge } from '../../chain/disputes/reference-game/judge.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import type { TensorData } from '../../compute/engines/tensor-data.ts';
import { add, bitsOf, floatOf } from '../../compute/repops/arithmetic.ts';
import { attributeNames } from '../../compute/repops/attributes.ts';
import { operatorProgram } from '../../compute/repops/operator-program.ts';
import { specOf } from '../../compute/repops/operators.ts';
import { must } from '../../protocol/must.ts';
import { canonicalBits, ELEMENT_JUDGE, knows } from './element-judge.ts';

/** The operands with 0 for what was not opened; undefined if a leaf is missing that the judge reads. */
function opened({ node, openings }: OpenedCall, element: number, chunk?: number): FoldInputs | undefined {
  const words = node.lengths.map((length) => new Uint32Array(length));
  for (const { input, leaf, data } of openings) {
    const bytes = Uint8Array.from(Buffer.from(data.slice(2), 'hex'));
    must(words, input).set(new Uint32Array(bytes.buffer), leaf * WORDS_A_LEAF);
  }
  const inputs = words.map((own, input) =>
    isIndexInput(node.op, input) ? own : new Float32Array(own.map(canonicalBits).buffer),
  );
  const call = { node, inputs };
  const has = new Set(openings.map(({ input, leaf }) => `${input}:${leaf}`));
  const needed = neededLeaves(call, element, chunk);
  return needed.every(({ input, leaf }) => has.has(`${input}:${leaf}`)) ? call : undefined;
}

/** The bits of one element of an operator's output, by the reference engine. */
function computed({ node, inputs }: FoldInputs, element: number): number {
  const op = operatorName(node.op);
  if (op === undefined || op === 'draw') throw new RangeError(`No engine computes operator ${node.op}.`);
  const { attributes: specs } = specOf(op);
  const attributes = Object.fromEntries(
    attributeNames(op).map((name, i) => {
      const word = must(node.attributes, i);
      return [name, Object.entries(specs)[i]?.[1].kind === 'f32' ? floatOf(word) : word];
    }),
  );
  let outputs: readonly TensorData[] = [];
  const engine = createReferenceEngine({ onNode: (_, made) => (outputs = made) });
  const program = operatorProgram(op, attributes);
  const tensors = Object.fromEntries(
    Object.entries(program.tensors).map(([name, { shape, dtype }]) => [name, engine.allocate(shape, dtype)]),
  );
  for (const [i, name] of must(program.nodes, 0).inputs.entries()) {
    const tensor = tensors[name];
    if (tensor !== undefined) engine.write(tensor, must(inputs, i));
  }
  // The reference engine computes before its promise is awaited, so the outputs are there at once.
  void engine.run(program, tensors);
  const output = outputs[node.output];
  if (output === undefined || output.length <= element) {
    throw new RangeError(`The engine gave no element ${element} of ${op}.`);
  }
  return must(new Uint32Array(output.slice().buffer), element);
}

export const ENGINE_JUDGE: ReferenceJudge = {
  folds,
  element(call, index) {
    if (knows(call.node.op)) return ELEMENT_JUDGE.element(call, index);
    const operands = opened(call, index);
    return operands === undefined ? undefined : computed(operands, index);
  },
  chunkOf(call, index, chunk, before) {
    if (knows(call.node.op)) return ELEMENT_JUDGE.chunkOf(call, index, chunk, before);
    const operands = opened(call, index, chunk);
    if (operands === undefined) return undefined;
    if (operatorName(call.node.op) === 'attention.grad.kv') {
      const parts = keyGradientParts(operands, index);
      const sum = chunk === 0 ? 0 : floatOf(before);
      return { accumulator: bitsOf(add(sum, must(parts, chunk))), chunks: parts.length };
    }
    const sums = foldAccumulators(operands, index);
    return { accumulator: must(sums, chunk), chunks: sums.length };
  },
  total: (op, accumulators) =>
    knows(op) ? ELEMENT_JUDGE.total(op, accumulators) : foldTotal(op, accumulators),
  chunkLimit(node) {
    if (knows(node.op)) return ELEMENT_JUDGE.chunkLimit(node);
    const inputs = node.lengths.map((length, input) =>
      isIndexInput(node.op, input) ? new Uint32Array(length) : new Float32Array(length),
    );
    return foldAccumulators({ node, inputs }, 0).length;
  },
};
