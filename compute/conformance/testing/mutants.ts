/**
 * Devices that compute wrongly, as edits of the kernels' text: what a compiler under fast math, a GPU that
 * flushes or rounds in its own way, or a library function would do. The gate must refuse each.
 */
import type { OperatorName } from '../../repops/operators.ts';

export interface Mutant {
  readonly name: string;
  /** Operators at which the gate must notice, checked one by one. */
  readonly caughtBy: readonly OperatorName[];
  /**
   * Names of the cases to run. Defaults to all of those operators. Fewer cases need fewer kernels compiled.
   */
  readonly within?: RegExp;
  /** Edits the kernels that a software GPU uses. Defaults to false: those that a real GPU starts with. */
  readonly software?: boolean;
  readonly edits: readonly Edit[];
}

interface Edit {
  readonly find: string | RegExp;
  /** The new text, or that of each match. */
  readonly replace: string | ((found: string) => string);
}

/** Replaces a function of the kernels; the original stays under another name. */
function replaceFunction(signature: string, body: string): Edit {
  const name = /^fn (\w+)/.exec(signature)?.[1];
  if (name === undefined) throw new RangeError(`${signature} begins no function`);
  return { find: signature, replace: `${signature} ${body}\n${signature.replace(name, `${name}_unused`)}` };
}

/** A sum rounded toward zero, by the exact error of the rounded sum (Knuth's two-sum). */
const TRUNCATED_SUM = `
  let s = a + b;
  let c = s - a;
  let error = (a - (s - c)) + (b - c);
  let away = (s > 0.0 && error < 0.0) || (s < 0.0 && error > 0.0);
  return canon(bitcast<f32>(bitcast<u32>(s) - select(0u, 1u, away)));
}`;

/**
 * a * b + c rounded once, by the exact error of the product (Dekker 1971), since WGSL's fma may round twice.
 */
const FUSED = `fn fused(a: f32, b: f32, c: f32) -> f32 {
  let p = a * b;
  let a_high = bitcast<f32>(bitcast<u32>(a) & 0xfffff000u);
  let b_high = bitcast<f32>(bitcast<u32>(b) & 0xfffff000u);
  let a_low = a - a_high;
  let b_low = b - b_high;
  let error = ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low;
  let s = p + c;
  let t = s - p;
  return canon(s + (((p - (s - t)) + (c - t)) + error));
}
`;

const reversed = (start: string, end: string): string =>
  `for (var q = ${start}; q < ${end}; q++) { let i = ${end} - 1u - (q - ${start});`;

/** Ends each `for` after `most` iterations. Each has a counter of its own name. */
function cutLoop(most: number): (found: string) => string {
  let loops = 0;
  return (found) => {
    const count = `iterations_${loops++}`;
    return `var ${count} = 0u; ${found} if (${count} >= ${most}u) { break; } ${count}++;`;
  };
}

export const MUTANTS: readonly Mutant[] = [
  {
    // Some drivers end a long loop at a limit of their own instead of hanging.
    name: 'ends loops early',
    caughtBy: ['embed.grad'],
    within: /N=61000/,
    edits: [{ find: /\bfor \(.*\{/g, replace: cutLoop(59_000) }],
  },
  {
    name: 'contracts products and sums into fused multiply-adds',
    caughtBy: ['adamw', 'rope', 'swiglu', 'xent.grad', 'xent.lse'],
    edits: [
      { find: 'fn negate(', replace: `${FUSED}fn negate(` },
      { find: /add\(mul\(([\w.[\]]+), ([\w.[\]]+)\), /g, replace: 'fused($1, $2, ' },
    ],
  },
  {
    // Changes one exponential in a thousand by its last bit.
    name: 'contracts in the polynomial of exp alone',
    caughtBy: ['xent.grad'],
    edits: [
      { find: 'fn negate(', replace: `${FUSED}fn negate(` },
      { find: /add\(mul\(p, r\), /g, replace: 'fused(p, r, ' },
    ],
  },
  {
    name: 'adds the terms of a fold in another order',
    caughtBy: ['rms.rstd', 'loss.weighted', 'norm.square', 'attention.delta'],
    edits: [
      {
        find: 'for (var i = span.index; i < span.end; i++) {',
        replace: reversed('span.index', 'span.end'),
      },
    ],
  },
  {
    name: 'adds the products of a matrix product in another order',
    caughtBy: ['matmul'],
    within: /M=33/,
    edits: [
      {
        find: 'for (var k = 0u; k < STEP; k++) {',
        replace: `${reversed('0u', 'STEP')} let k = i;`,
      },
    ],
  },
  {
    name: 'adds the products of a matrix product without tiles in another order',
    caughtBy: ['matmul'],
    within: /M=33/,
    software: true,
    edits: [
      {
        find: 'for (var pair = block; pair < min(block + BLOCK, params.pairs); pair++) {',
        replace: `let end = min(block + BLOCK, params.pairs); ${reversed('block', 'end')} let pair = i;`,
      },
    ],
  },
  {
    name: 'adds the products of attention in another order',
    caughtBy: ['attention'],
    within: /Tq=70/,
    edits: [
      {
        find: 'for (var k = 0u; k < min(TILE_STEP, end - k0); k++) {',
        replace: `${reversed('0u', 'min(TILE_STEP, end - k0)')} let k = i;`,
      },
    ],
  },
  {
    name: 'takes the halves of a word of bf16 in the other order',
    caughtBy: ['embed'],
    edits: [
      {
        find: 'select(word << 16u, word & 0xffff0000u,',
        replace: 'select(word & 0xffff0000u, word << 16u,',
      },
    ],
  },
  {
    name: 'folds without blocks',
    caughtBy: ['embed.grad', 'attention', 'attention.grad.kv'],
    edits: [
      { find: '(*fold).count & 63u', replace: '(*fold).count & 0xfffffu' },
      { find: 'const TILE_BLOCK = 64u', replace: 'const TILE_BLOCK = 0x100000u' },
    ],
  },
  {
    name: 'leaves subnormals and the smallest normals as they are',
    caughtBy: ['add', 'rms.apply', 'swiglu.grad', 'adamw'],
    edits: [{ find: 'select(saturated, 0u, exponent <= 1u)', replace: 'saturated' }],
  },
  {
    name: 'flushes inputs that are still canonical',
    caughtBy: ['add', 'adamw', 'bias.add'],
    edits: [
      replaceFunction(
        'fn add(a: f32, b: f32) -> f32 {',
        'return canon(select(a, 0.0, abs(a) < bitcast<f32>(0x01800000u)) + select(b, 0.0, abs(b) < bitcast<f32>(0x01800000u))); }',
      ),
    ],
  },
  {
    name: 'lets infinity through',
    caughtBy: ['add', 'rms.apply', 'norm.square'],
    edits: [
      {
        find: 'select(bits, (bits & 0x80000000u) | 0x7f7fffffu, exponent == 255u)',
        replace: 'bits',
      },
    ],
  },
  {
    name: 'keeps the sign of zero',
    caughtBy: ['rms.apply', 'rope', 'xent.grad'],
    edits: [
      {
        find: 'select(saturated, 0u, exponent <= 1u)',
        replace: 'select(saturated, bits & 0x80000000u, exponent <= 1u)',
      },
    ],
  },
  {
    name: 'rounds sums toward zero',
    caughtBy: ['add', 'bias.grad', 'rms.grad.gain', 'sample'],
    edits: [replaceFunction('fn add(a: f32, b: f32) -> f32 {', TRUNCATED_SUM)],
  },
  {
    name: 'calls the built-in exp',
    caughtBy: ['xent.lse', 'xent.grad', 'sample', 'policy.coefficient', 'swiglu'],
    edits: [replaceFunction('fn exp_canonical(x: f32) -> f32 {', 'return canon(exp(x)); }')],
  },
  {
    name: 'divides instead of the given reciprocal',
    caughtBy: ['swiglu', 'clip.scale', 'adamw'],
    edits: [
      replaceFunction(
        'fn recip(x: f32) -> f32 {',
        'return select(canon(1.0 / x), constant(MAX_FINITE_BITS), x == 0.0); }',
      ),
    ],
  },
  {
    name: 'truncates operands to bf16',
    caughtBy: ['matmul', 'attention', 'attention.grad.q'],
    within: /^matmul M=7|^attention/,
    edits: [{ find: '(bits + 0x7fffu + ((bits >> 16u) & 1u)) & 0xffff0000u', replace: 'bits & 0xffff0000u' }],
  },
  {
    name: 'rounds ties of bf16 away from zero',
    caughtBy: ['matmul', 'attention'],
    within: /^matmul M=7|^attention/,
    edits: [{ find: '(bits + 0x7fffu + ((bits >> 16u) & 1u))', replace: '(bits + 0x8000u)' }],
  },
  {
    name: 'rounds ties of signed bytes away from zero',
    caughtBy: ['quant.int8'],
    within: /N=7 /,
    edits: [
      {
        find: '(significand + (1u << (places - 1u)) - 1u + (whole & 1u))',
        replace: '(significand + (1u << (places - 1u)))',
      },
    ],
  },
  {
    name: 'reads signed bytes without their sign',
    caughtBy: ['dequant.int8'],
    within: /N=7 /,
    edits: [
      {
        find: 'extractBits(bitcast<i32>(q[item / 4u]), item % 4u * 8u, 8u)',
        replace: 'extractBits(q[item / 4u], item % 4u * 8u, 8u)',
      },
    ],
  },
  {
    name: 'does not limit operands to the lattice',
    caughtBy: ['matmul', 'attention.grad.kv'],
    within: /^matmul M=7|^attention/,
    edits: [
      {
        find: '(rounded & 0x80000000u) | min(magnitude, 0x59800000u)',
        replace: 'rounded',
      },
      { find: 'select(limited, 0u, magnitude < 0x24000000u)', replace: 'limited' },
    ],
  },
];

/**
 * The kernels of a mutant. `names` picks the sources that are edited and defaults to all. Throws if an edit
 * matches nothing: the mutant would be the original.
 */
export function mutate(
  sources: Readonly<Record<string, string>>,
  mutant: Mutant,
  names: (name: string) => boolean = () => true,
): Readonly<Record<string, string>> {
  const found = mutant.edits.map(() => false);
  const entries = Object.entries(sources).map(([name, source]) => {
    if (!names(name)) return [name, source];
    let text = source;
    for (const [index, { find, replace }] of mutant.edits.entries()) {
      const pattern = typeof find === 'string' ? find : new RegExp(find);
      const edited =
        typeof replace === 'string' ? text.replaceAll(pattern, replace) : text.replaceAll(pattern, replace);
      if (edited !== text) found[index] = true;
      text = edited;
    }
    return [name, text];
  });
  const idle = found.indexOf(false);
  if (idle !== -1) throw new Error(`mutant "${mutant.name}": edit ${idle} matches no kernel`);
  return Object.fromEntries(entries);
}
