/**
 * Writes contracts/vectors/: what the TypeScript reference says the judge must say, as big-endian words.
 *
 * arithmetic, functions: canonical f32 operands biased to what breaks soft floats: ties, cancellation, the
 * ends of the exponent range. operators: every case of the conformance table, with a few elements of each
 * output. draws: Philox.
 *
 * tsx tools/build-vectors.ts [rows of arithmetic = 100000] [rows of functions = 4000]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { judgeNumber } from '../audit/encode-program.ts';
import { CASES } from '../compute/conformance/cases.ts';
import { runCase } from '../compute/conformance/run-case.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import type { TensorData } from '../compute/engines/tensor-data.ts';
import { add, bitsOf, canon, floatOf, lattice, mul } from '../compute/repops/arithmetic.ts';
import { attributeWords } from '../compute/repops/attributes.ts';
import { exp, log, recip, rsqrt, sigmoid, sinCos, sqrt } from '../compute/repops/functions.ts';
import { type OperatorName, specOf } from '../compute/repops/operators.ts';
import type { Attributes, Node, Program } from '../compute/repops/program.ts';
import { must } from '../protocol/must.ts';
import { philox4x32, uniformOf } from '../protocol/philox.ts';

const folder = fileURLToPath(new URL('../contracts/vectors/', import.meta.url));
const arithmeticRows = Number(process.argv[2] ?? 100_000);
const functionRows = Number(process.argv[3] ?? 4_000);

/** xorshift32, fixed seed: the same vectors on every machine. */
let state = 0x9e3779b9;
function next(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}

const EDGE_FIELDS = [2, 3, 4, 25, 26, 27, 63, 64, 126, 127, 128, 190, 191, 252, 253, 254];
const EDGE_FRACTIONS = [0, 1, 2, 0x3fffff, 0x400000, 0x400001, 0x7ffffe, 0x7fffff, 0x7fff, 0x8000, 0x18000];

function operand(near?: number): number {
  const kind = next() % 8;
  const sign = (next() & 1) << 31;
  const fraction = next() % 3 === 0 ? EDGE_FRACTIONS[next() % EDGE_FRACTIONS.length]! : next() & 0x7fffff;
  let field = 2 + (next() % 253);
  if (kind < 2) field = EDGE_FIELDS[next() % EDGE_FIELDS.length]!;
  else if (kind < 6 && near !== undefined)
    field = Math.min(254, Math.max(2, ((near >>> 23) & 0xff) + (next() % 57) - 28));
  else if (kind === 6)
    return near === undefined ? 0 : bitsOf(canon(floatOf((near ^ 0x80000000 ^ (next() & 3)) >>> 0)));
  return (sign | (field << 23) | fraction) >>> 0;
}

/**
 * Arguments on both sides of a place where a function takes another path: log's reduction to [sqrt(1/2),
 * sqrt(2)) for every exponent, and the ends of exp.
 */
const SEAMS = [
  ...Array.from({ length: 253 }, (_, i) => [((i + 2) << 23) | 0x3504f2, ((i + 2) << 23) | 0x3504f3]).flat(),
  ...[0xc2ae0000, 0x42b17218, 0xc2aeac50].flatMap((x) => [x - 1, x, x + 1]),
].map((x) => x >>> 0);

function write(name: string, columns: number, rows: number, row: (index: number) => readonly number[]): void {
  const bytes = new DataView(new ArrayBuffer(rows * columns * 4));
  for (let i = 0; i < rows; i++)
    for (const [column, value] of row(i).entries()) bytes.setUint32((i * columns + column) * 4, value);
  writeFileSync(`${folder}${name}.bin`, new Uint8Array(bytes.buffer));
}

mkdirSync(folder, { recursive: true });
write('arithmetic', 4, arithmeticRows, () => {
  const a = operand();
  const b = operand(a);
  const x = floatOf(a);
  const y = floatOf(b);
  return [a, b, bitsOf(add(x, y)), bitsOf(mul(x, y))];
});
write('functions', 10, functionRows, (index) => {
  const seam = SEAMS[index];
  // Every third argument is small, where exp, sigmoid and the trigonometric functions do their work.
  const x =
    seam !== undefined
      ? seam
      : index % 3 === 0
        ? operand()
        : bitsOf(canon((next() / 2 ** 32 - 0.5) * 2 ** ((next() % 24) - 6)));
  const v = floatOf(x);
  const [s, c] = Math.abs(v) < 65536 ? sinCos(v) : [0, 0];
  return [x, ...[lattice(v), recip(v), rsqrt(v), sqrt(v), exp(v), log(v), sigmoid(v), s, c].map(bitsOf)];
});

/**
 * Elements of each output that are checked. A tie of roundings by bits is rare, and such an element cheap.
 */
const checksOf = (op: OperatorName): number => (/^(round|quant)\./.test(op) ? 24 : 3);
/** Longer folds would take the EVM minutes and test nothing more: they are for GPUs that end loops early. */
const LONGEST_FOLD = 4096;
const foldOf = ({ N = 0, K = 0, Tq = 0 }: Attributes, op: OperatorName): number =>
  Math.max(K, Tq, op === 'embed.grad' ? N : 0);
const nodeOf = (program: Program): Node => must(program.nodes, 0);
const wordsOf = (data: TensorData) => new Uint32Array(data.buffer, data.byteOffset, data.length);

/**
 * Each case as 32-bit words: the operator; the number of attributes, and the attributes; the number of
 * inputs, and each input's length and elements; the number of checks, and each check as output, length, index
 * and value.
 */
async function writeOperators(): Promise<number> {
  const engine = createReferenceEngine();
  // The judge has no bf16, and a row of 2500 logits would take it seconds and test no more than one of 1000.
  const judged = CASES.filter(
    ({ op, program }) =>
      specOf(op).judge !== undefined &&
      (nodeOf(program).attributes.V ?? 0) <= 1000 &&
      foldOf(nodeOf(program).attributes, op) <= LONGEST_FOLD &&
      Object.values(program.tensors).every(({ dtype }) => dtype !== 'bf16'),
  );
  const words: number[] = [judged.length];
  for (const testCase of judged) {
    const node = nodeOf(testCase.program);
    const attributes = attributeWords(node);
    words.push(judgeNumber(node.op), attributes.length, ...attributes, node.inputs.length);
    const inputs = testCase.inputs();
    for (const name of node.inputs) {
      const data = wordsOf(inputs[name] ?? new Uint32Array());
      words.push(data.length);
      for (const word of data) words.push(word);
    }
    const outputs = (await runCase(engine, testCase)).map(wordsOf);
    const checks = checksOf(node.op);
    words.push(outputs.length * checks);
    for (const [output, data] of outputs.entries()) {
      for (let check = 0; check < checks; check++) {
        const index = check === 0 ? data.length - 1 : next() % data.length;
        words.push(output, data.length, index, must(data, index));
      }
    }
  }
  await engine.stop();
  write('operators', 1, words.length, (index) => [must(words, index)]);
  return judged.length;
}

const cases = await writeOperators();
write('draws', 7, 500, () => {
  const [key0, key1, item, sample, position] = [next(), next(), next(), next(), next()];
  const [word] = philox4x32([item, sample, position, 0], [key0, key1]);
  return [key0, key1, item, sample, position, word, bitsOf(uniformOf(word))];
});
console.log(
  `${arithmeticRows} rows of arithmetic, ${functionRows} rows of functions, ${cases} operator cases in contracts/vectors/`,
);
