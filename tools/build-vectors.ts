/**
 * Writes contracts/vectors/{arithmetic,functions}.bin: canonical f32 operands and what the TypeScript reference makes of
 * them, as big-endian words, biased to what breaks soft floats: ties, cancellation, the edges of the exponent range.
 *
 *   tsx tools/build-vectors.ts [rows of arithmetic = 1000000] [rows of functions = 20000]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { add, bitsOf, canon, floatOf, lattice, mul } from '../workers/repops/arithmetic.ts';
import { exp, log, recip, rsqrt, sigmoid, sinCos, sqrt } from '../workers/repops/functions.ts';

const folder = fileURLToPath(new URL('../contracts/vectors/', import.meta.url));
const arithmeticRows = Number(process.argv[2] ?? 1_000_000);
const functionRows = Number(process.argv[3] ?? 20_000);

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
  else if (kind === 6) return near === undefined ? 0 : bitsOf(canon(floatOf((near ^ 0x80000000 ^ (next() & 3)) >>> 0)));
  return (sign | (field << 23) | fraction) >>> 0;
}

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
  // Every third argument is small, where exp, sigmoid and the trigonometric functions do their work.
  const x = index % 3 === 0 ? operand() : bitsOf(canon((next() / 2 ** 32 - 0.5) * 2 ** ((next() % 24) - 6)));
  const v = floatOf(x);
  const [s, c] = Math.abs(v) < 65536 ? sinCos(v) : [0, 0];
  return [x, ...[lattice(v), recip(v), rsqrt(v), sqrt(v), exp(v), log(v), sigmoid(v), s, c].map(bitsOf)];
});
console.log(`${arithmeticRows} rows of arithmetic, ${functionRows} rows of functions in contracts/vectors/`);
