/**
 * Each operator of the reference engine against its formula in f64 with library functions. Inputs are lattice
 * values where an operator takes the lattice, so that only f32 rounding is left and tolerances are tight.
 */
import { describe, expect, it } from 'vitest';
import { bitsOf, canon, floatOf, lattice } from '../repops/arithmetic.ts';
import type { AttributesOf } from '../repops/attributes.ts';
import { operatorProgram } from '../repops/operator-program.ts';
import { OPERATOR_NAMES, type OperatorName } from '../repops/operators.ts';
import { elementCount, type Program, tensorOf } from '../repops/program.ts';
import { createReferenceEngine } from './reference.ts';
import { runOperator } from './run-program.ts';
import type { TensorData } from './tensor-data.ts';

/** An input; bf16 as its bits. */
type Values = readonly number[] | Uint16Array;

/** A generator of floats in [-1, 1), fixed by its seed. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return lattice(Math.fround(state / 2 ** 31));
  };
}
const random = (count: number, seed: number): number[] => Array.from({ length: count }, generator(seed));
const positive = (count: number, seed: number) => random(count, seed).map((x) => Math.abs(x) + 0.125);

const applied = new Set<OperatorName>();

/** Applies one operator in a program of its own. */
async function apply<Op extends OperatorName>(
  op: Op,
  attributes: AttributesOf<Op>,
  inputs: readonly Values[],
): Promise<number[][]> {
  applied.add(op);
  const engine = createReferenceEngine();
  const halves = inputs.flatMap((data, i) => (data instanceof Uint16Array ? [i] : []));
  const program = operatorProgram(op, attributes, { bf16Inputs: new Set(halves) });
  const data = inputs.map((values, i): TensorData => {
    const { shape, dtype } = tensorOf(program, `in${i}`);
    expect(elementCount(shape), `${op} input ${i}`).toBe(values.length);
    if (values instanceof Uint16Array) return values;
    return dtype === 'u32' ? Uint32Array.from(values) : Float32Array.from(values);
  });
  return (await runOperator(engine, program, data)).map((output) => [...output]);
}

/** Largest difference relative to the largest magnitude. */
function error(got: readonly number[] | undefined, wanted: readonly number[]): number {
  expect(got).toHaveLength(wanted.length);
  const scale = Math.max(...wanted.map(Math.abs), 1e-30);
  return Math.max(...wanted.map((w, i) => Math.abs(w - got![i]!))) / scale;
}
const TIGHT = 1e-6;
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe('boundary operators', () => {
  const bitsAfter = async (bits: readonly number[]) => {
    const [y] = await apply('round.bf16', { len: bits.length }, [bits.map(floatOf)]);
    return y?.map(bitsOf);
  };

  it('[RO-52] round.bf16 rounds to nearest even and never to infinity', async () => {
    expect(await bitsAfter([0x3f800000, 0x3f808000, 0x3f808001, 0x3f818000, 0x3f817fff])).toEqual([
      0x3f800000, 0x3f800000, 0x3f810000, 0x3f820000, 0x3f810000,
    ]);
    // Both ends of the canonical range, where the lattice of products has no values.
    expect(await bitsAfter([0x7f7fffff, 0xff7f8000, 0x01000001, 0x81008001, 0])).toEqual([
      0x7f7f0000, 0xff7f0000, 0x01000000, 0x81010000, 0,
    ]);
    const kept = random(40, 31);
    expect((await apply('round.bf16', { len: 40 }, [kept]))[0]).toEqual(kept);
  });

  const bytesOf = (words: readonly number[]) => [...new Int8Array(Uint32Array.from(words).buffer)];
  const quantized = async (rows: readonly (readonly number[])[]) => {
    const shape = { N: rows.length, D: rows[0]!.length };
    const [q = [], scale = []] = await apply('quant.int8', shape, [rows.flat()]);
    const [back = []] = await apply('dequant.int8', shape, [q, scale]);
    return { bytes: bytesOf(q), scale, back };
  };

  it('[RO-53] quant.int8 takes the scale from the largest exponent of each row', async () => {
    const { scale } = await quantized([
      [1, 0.5, 0, 0],
      [-1.999, 0, 1, 0],
      [0, 0, 0, -2],
      [0, 0, 0, 0],
      [floatOf(0x7f7fffff), 1, 1, 1],
      [2 ** -125, 2 ** -120, 0, 0],
    ]);
    expect(scale).toEqual([2 ** -6, 2 ** -6, 2 ** -5, 2 ** -125, 2 ** 121, 2 ** -125]);
  });

  it('[RO-53] quant.int8 rounds half to even, saturates and packs the first element lowest', async () => {
    const rows = [
      [64, 0.5, 1.5, 2.5],
      [-127.5, -0.5, -1.5, 126.5],
      [127.49, 127.51, -127.49, -64.5],
      [2 ** -125, -(2 ** -125), 3 * 2 ** -125, 0],
    ];
    const { bytes } = await quantized(rows.map((row) => row.map(Math.fround)));
    expect(bytes).toEqual([64, 0, 2, 2, -127, 0, -2, 126, 127, 127, -127, -64, 1, -1, 3, 0]);
  });

  it('[RO-54] dequant.int8 gives back all that a byte can hold, within half a step', async () => {
    const row = random(64, 33);
    const { scale, back } = await quantized([row]);
    for (const [i, value] of back.entries()) {
      expect(Math.abs(value - row[i]!)).toBeLessThanOrEqual(scale[0]! / 2);
    }
    // What was rounded once is a fixed point of both together, at both ends of the range too.
    const extreme = [2 ** 121 * 127, -(2 ** 121), 0, 2 ** 127];
    for (const kept of [back, extreme]) expect((await quantized([kept])).back).toEqual(kept);
    const all = [0x80, 0x7f, 0x01, 0xff].reduce((word, byte, i) => (word | (byte << (8 * i))) >>> 0, 0);
    expect(await apply('dequant.int8', { N: 1, D: 4 }, [[all], [0.5]])).toEqual([[-64, 63.5, 0.5, -0.5]]);
  });
});

describe('dense operators', () => {
  it('[RO-20][RO-21] embed and embed.grad look up and sum rows', async () => {
    const [N, V, D] = [150, 5, 3];
    // Id 4 never occurs, and some occur in more than one block of 64.
    const ids = range(N).map((n) => (n * n) % 4);
    const table = random(V * D, 1);
    const dy = random(N * D, 2);
    expect((await apply('embed', { N, V, D }, [ids, table]))[0]).toEqual(
      ids.flatMap((id) => table.slice(id * D, id * D + D)),
    );
    const wanted = new Array<number>(V * D).fill(0);
    for (const [n, id] of ids.entries()) for (const d of range(D)) wanted[id * D + d]! += dy[n * D + d]!;
    const [dtable] = await apply('embed.grad', { N, V, D }, [ids, dy]);
    expect(error(dtable, wanted)).toBeLessThan(TIGHT);
    expect(dtable?.slice(4 * D)).toEqual([0, 0, 0]);
  });

  it.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])('[RO-22] matmul with transposeA %i, transposeB %i', async (transposeA, transposeB) => {
    const [M, N, K] = [5, 7, 130];
    const a = random(M * K, 3);
    const b = random(K * N, 4);
    const wanted = range(M * N).map((at) => {
      const [m, n] = [Math.floor(at / N), at % N];
      return sum(
        range(K).map((k) => a[transposeA ? k * M + m : m * K + k]! * b[transposeB ? n * K + k : k * N + n]!),
      );
    });
    const [c] = await apply('matmul', { M, N, K, transposeA, transposeB }, [a, b]);
    expect(error(c, wanted)).toBeLessThan(TIGHT);
  });

  it('[RO-22][RO-10] matmul rounds its operands to the lattice', async () => {
    const x = Math.fround(1 + 2 ** -12);
    const attributes = { M: 1, N: 1, K: 1, transposeA: 0, transposeB: 0 };
    expect(await apply('matmul', attributes, [[x], [x]])).toEqual([[1]]);
  });

  it('[RO-23][RO-24][RO-25] bias.add, bias.grad and add', async () => {
    const [N, D] = [70, 3];
    const x = random(N * D, 5);
    const bias = random(D, 6);
    const y = await apply('bias.add', { N, D }, [x, bias]);
    expect(
      error(
        y[0],
        x.map((v, i) => v + bias[i % D]!),
      ),
    ).toBeLessThan(TIGHT);
    const [dbias] = await apply('bias.grad', { N, D }, [x]);
    expect(
      error(
        dbias,
        range(D).map((d) => sum(x.filter((_, i) => i % D === d))),
      ),
    ).toBeLessThan(TIGHT);
    const other = random(N * D, 7);
    const [total] = await apply('add', { len: N * D }, [x, other]);
    expect(
      error(
        total,
        x.map((v, i) => v + other[i]!),
      ),
    ).toBeLessThan(TIGHT);
  });
});

describe('layer operators', () => {
  const [N, D] = [4, 96];
  const x = random(N * D, 8);
  const dy = random(N * D, 9);
  const gain = positive(D, 10);
  const rstd = range(N).map((n) =>
    Math.fround(1 / Math.sqrt(sum(x.slice(n * D, n * D + D).map((v) => v * v)) / D + 1e-6)),
  );
  const invD = canon(1 / D);

  it('[RO-26][RO-27] rms.rstd and rms.apply', async () => {
    const [got] = await apply('rms.rstd', { N, D, invD, eps: canon(1e-6) }, [x]);
    expect(error(got, rstd)).toBeLessThan(TIGHT);
    const [y] = await apply('rms.apply', { N, D }, [x, rstd, gain]);
    expect(
      error(
        y,
        x.map((v, i) => v * rstd[Math.floor(i / D)]! * gain[i % D]!),
      ),
    ).toBeLessThan(TIGHT);
  });

  it('[RO-28][RO-29] rms.grad.x and rms.grad.gain', async () => {
    const [dx] = await apply('rms.grad.x', { N, D, invD }, [dy, x, rstd, gain]);
    const wanted = x.map((v, i) => {
      const n = Math.floor(i / D);
      const r = rstd[n]!;
      const s = sum(range(D).map((d) => dy[n * D + d]! * gain[d]! * x[n * D + d]!));
      return dy[i]! * gain[i % D]! * r - (v * s * r ** 3) / D;
    });
    expect(error(dx, wanted)).toBeLessThan(TIGHT);
    const [dgain] = await apply('rms.grad.gain', { N, D }, [dy, x, rstd]);
    const gains = range(D).map((d) => sum(range(N).map((n) => dy[n * D + d]! * x[n * D + d]! * rstd[n]!)));
    expect(error(dgain, gains)).toBeLessThan(TIGHT);
  });

  it('[RO-48] rope.pairs is rope with the pairs side by side', async () => {
    const attributes = { N: 2, heads: 2, headDim: 6, P: 4, inverse: 0 };
    const values = random(2 * 2 * 6, 31);
    const tables = [[3, 1], random(4 * 3, 32), random(4 * 3, 33)];
    const pairs = (x: readonly number[]) =>
      x.map((_, at) => x[at - (at % 6) + Math.floor((at % 6) / 2) + (at % 2) * 3]!);
    for (const inverse of [0, 1]) {
      const [halves] = await apply('rope', { ...attributes, inverse }, [values, ...tables]);
      const [sideBySide] = await apply('rope.pairs', { ...attributes, inverse }, [pairs(values), ...tables]);
      expect(sideBySide).toEqual(pairs(halves!));
    }
  });

  it('[RO-47] add.scaled adds a multiple', async () => {
    expect(
      await apply('add.scaled', { len: 3, scale: 0.5 }, [
        [1, 2, 3],
        [4, -4, 1],
      ]),
    ).toEqual([[3, 0, 3.5]]);
  });

  it('[RO-5] bf16 weights give what the same values give as f32', async () => {
    const values = random(5 * 7, 41);
    const bits = Uint16Array.from(values, (value) => bitsOf(value) >>> 16);
    const x = random(3 * 7, 42);
    for (const transposeB of [0, 1]) {
      const attributes = { M: 3, N: 5, K: 7, transposeA: 0, transposeB };
      expect(await apply('matmul', attributes, [x, bits])).toEqual(
        await apply('matmul', attributes, [x, values]),
      );
    }
    const lookup = { N: 2, V: 5, D: 7 };
    expect(await apply('embed', lookup, [[4, 1], bits])).toEqual(
      await apply('embed', lookup, [[4, 1], values]),
    );
  });

  it('[RO-5] bf16 bits that are no canonical value are made one', async () => {
    const bits = Uint16Array.of(0x8000, 0x0001, 0x00ff, 0x0100, 0x7f80, 0xff80, 0x7fc0, 0xffff);
    const [y] = await apply('embed', { N: 1, V: 1, D: 8 }, [[0], bits]);
    const most = floatOf(0x7f7fffff);
    expect(y).toEqual([0, 0, 0, 2 ** -125, most, -most, most, -most]);
  });

  it('[RO-30] rope turns each pair by its angle, and its inverse turns it back', async () => {
    const [heads, headDim, P] = [2, 4, 9];
    const values = random(3 * 8, 11);
    const positions = [0, 3, 8];
    const angles = range(P).flatMap((p) => [p, p / 100]);
    const [cos, sin] = [
      angles.map((a) => Math.fround(Math.cos(a))),
      angles.map((a) => Math.fround(Math.sin(a))),
    ];
    const attributes = { N: 3, heads, headDim, P };
    const [y] = await apply('rope', { ...attributes, inverse: 0 }, [values, positions, cos, sin]);
    const wanted = values.map((v, at) => {
      const i = at % headDim;
      const angle = angles[positions[Math.floor(at / 8)]! * 2 + (i % 2)]!;
      return v * Math.cos(angle) + (i < 2 ? -values[at + 2]! : values[at - 2]!) * Math.sin(angle);
    });
    expect(error(y, wanted)).toBeLessThan(TIGHT);
    const [back] = await apply('rope', { ...attributes, inverse: 1 }, [y!, positions, cos, sin]);
    expect(error(back, values)).toBeLessThan(TIGHT);
  });

  it('[RO-31][RO-32] swiglu and swiglu.grad', async () => {
    const gate = random(50, 12).map((v) => v * 8);
    const up = random(50, 13);
    const d = random(50, 14);
    const s = gate.map((g) => 1 / (1 + Math.exp(-g)));
    const [y] = await apply('swiglu', { len: 50 }, [gate, up]);
    expect(
      error(
        y,
        gate.map((g, i) => g * s[i]! * up[i]!),
      ),
    ).toBeLessThan(TIGHT);
    const [dgate, dup] = await apply('swiglu.grad', { len: 50 }, [d, gate, up]);
    expect(
      error(
        dup,
        gate.map((g, i) => d[i]! * g * s[i]!),
      ),
    ).toBeLessThan(TIGHT);
    const wanted = gate.map((g, i) => d[i]! * up[i]! * s[i]! * (1 + g * (1 - s[i]!)));
    expect(error(dgate, wanted)).toBeLessThan(TIGHT);
  });
});

describe('attention operators', () => {
  const [B, Tq, heads, kvHeads, headDim] = [2, 70, 4, 2, 4];
  const Tk = Tq;
  const scale = 0.5;
  const attributes = { B, Tq, Tk, heads, kvHeads, headDim, scale };
  const q = random(B * Tq * heads * headDim, 15);
  const k = random(B * Tk * kvHeads * headDim, 16);
  const v = random(B * Tk * kvHeads * headDim, 17);
  const dout = random(q.length, 18);
  const positions = range(B * Tq).map((row) => row % Tq);
  const Q = (row: number, h: number, d: number) => (row * heads + h) * headDim + d;
  const KV = (b: number, j: number, h: number, d: number) =>
    ((b * Tk + j) * kvHeads + Math.floor(h / (heads / kvHeads))) * headDim + d;

  /** Probabilities of row (b, i), head h over keys 0..i. */
  const probabilities = (row: number, h: number): number[] => {
    const b = Math.floor(row / Tq);
    const e = range((row % Tq) + 1).map((j) =>
      Math.exp(scale * sum(range(headDim).map((d) => q[Q(row, h, d)]! * k[KV(b, j, h, d)]!))),
    );
    return e.map((value) => value / sum(e));
  };
  // Probabilities and dS go through the lattice inside the operator: 2^-9 relative a term.
  const COARSE = 0.01;

  it('[RO-33][RO-34][RO-35][RO-36] attention, delta and both gradients', async () => {
    const o = new Array<number>(q.length).fill(0);
    const dq = new Array<number>(q.length).fill(0);
    const dk = new Array<number>(k.length).fill(0);
    const dv = new Array<number>(v.length).fill(0);
    const delta: number[] = [];
    for (let row = 0; row < B * Tq; row++) {
      const b = Math.floor(row / Tq);
      for (let h = 0; h < heads; h++) {
        const p = probabilities(row, h);
        for (const d of range(headDim)) o[Q(row, h, d)] = sum(p.map((pj, j) => pj * v[KV(b, j, h, d)]!));
        const dot = sum(range(headDim).map((d) => dout[Q(row, h, d)]! * o[Q(row, h, d)]!));
        delta.push(dot);
        for (const [j, pj] of p.entries()) {
          const dP = sum(range(headDim).map((d) => dout[Q(row, h, d)]! * v[KV(b, j, h, d)]!));
          const dS = pj * (dP - dot) * scale;
          for (const d of range(headDim)) {
            dq[Q(row, h, d)]! += dS * k[KV(b, j, h, d)]!;
            dk[KV(b, j, h, d)]! += dS * q[Q(row, h, d)]!;
            dv[KV(b, j, h, d)]! += pj * dout[Q(row, h, d)]!;
          }
        }
      }
    }
    const [out, stats] = await apply('attention', attributes, [q, k, v, positions]);
    expect(error(out, o)).toBeLessThan(COARSE);
    const [gotDelta] = await apply('attention.delta', { N: B * Tq, heads, headDim }, [
      dout,
      o.map(Math.fround),
    ]);
    expect(error(gotDelta, delta)).toBeLessThan(TIGHT);
    const inputs = [q, k, v, positions, stats!, dout, delta.map(Math.fround)];
    const [gotDq] = await apply('attention.grad.q', attributes, inputs);
    expect(error(gotDq, dq)).toBeLessThan(COARSE);
    const [gotDk, gotDv] = await apply('attention.grad.kv', attributes, inputs);
    expect(error(gotDk, dk)).toBeLessThan(COARSE);
    expect(error(gotDv, dv)).toBeLessThan(COARSE);
  });

  it('[RO-33][RO-11] attention does not see keys after its position, whatever is in them', async () => {
    const poisoned = k.map((value, at) => (Math.floor(at / (kvHeads * headDim)) % Tk > 20 ? 1e30 : value));
    const early = positions.map((position) => Math.min(position, 20));
    const [a] = await apply('attention', attributes, [q, k, v, early]);
    const [b] = await apply('attention', attributes, [q, poisoned, v, early]);
    expect(b).toEqual(a);
  });

  it('[RO-49] cache.write.rows replaces neighbouring rows of each batch entry', async () => {
    const cache = random(2 * 4 * 2, 19);
    const attributes = { B: 2, R: 2, Tk: 4, D: 2 };
    const [after] = await apply('cache.write.rows', attributes, [cache, [1, 2, 3, 4, 5, 6, 7, 8], [2, 0]]);
    expect(after).toEqual([...cache.slice(0, 4), 1, 2, 3, 4, 5, 6, 7, 8, ...cache.slice(12)]);
  });

  it('[RO-37] cache.write replaces one row a batch entry', async () => {
    const cache = random(2 * 3 * 2, 19);
    const x = [10, 11, 20, 21];
    const [after] = await apply('cache.write', { B: 2, Tk: 3, D: 2 }, [cache, x, [2, 0]]);
    expect(after).toEqual([...cache.slice(0, 4), 10, 11, 20, 21, ...cache.slice(8)]);
  });
});

describe('loss operators', () => {
  const [N, V] = [6, 90];
  const logits = random(N * V, 20).map((x) => x * 8);
  const targets = range(N).map((n) => (n * 31) % V);
  const lse = range(N).map((n) => Math.log(sum(logits.slice(n * V, n * V + V).map(Math.exp))));

  it('[RO-38][RO-39][RO-40] xent.lse, xent.logprob and xent.grad', async () => {
    const [got] = await apply('xent.lse', { N, V }, [logits]);
    expect(error(got, lse)).toBeLessThan(TIGHT);
    const rounded = lse.map(Math.fround);
    const [logprob] = await apply('xent.logprob', { N, V }, [logits, rounded, targets]);
    expect(
      error(
        logprob,
        targets.map((t, n) => logits[n * V + t]! - lse[n]!),
      ),
    ).toBeLessThan(TIGHT);
    const coefficient = random(N, 21);
    const [dlogits] = await apply('xent.grad', { N, V }, [logits, rounded, targets, coefficient]);
    const wanted = logits.map((x, at) => {
      const n = Math.floor(at / V);
      return coefficient[n]! * (Math.exp(x - lse[n]!) - (at % V === targets[n] ? 1 : 0));
    });
    expect(error(dlogits, wanted)).toBeLessThan(TIGHT);
  });

  it('[RO-41] policy.coefficient takes each side of each clip', async () => {
    const ratios = [1, 1.25, 1.5, 0.5, 1, 1.5, 0.9, 0.7, 5];
    const advantage = [2, 2, 2, 2, -2, -2, -2, -2, -2];
    const wanted = [2, 2.5, 0, 1, -2, -3, -1.8, 0, 0].map((c) => c * 0.25);
    const old = ratios.map(() => -2);
    const logprob = ratios.map((r) => Math.fround(-2 + Math.log(r)));
    const attributes = { N: 9, clipLow: canon(0.8), clipHigh: canon(1.28), ratioCap: 4 };
    const inputs = [logprob, old, advantage, ratios.map(() => 0.25)];
    expect(error((await apply('policy.coefficient', attributes, inputs))[0], wanted)).toBeLessThan(TIGHT);
  });

  it('[RO-42] loss.weighted', async () => {
    const [weight, logprob] = [random(130, 22), random(130, 23)];
    const [loss] = await apply('loss.weighted', { N: 130 }, [weight, logprob]);
    expect(error(loss, [-sum(weight.map((w, i) => w * logprob[i]!))])).toBeLessThan(TIGHT);
    expect(Object.is((await apply('loss.weighted', { N: 1 }, [[0], [1]]))[0]?.[0], 0)).toBe(true);
  });

  it('[RO-46] sample inverts the distribution function', async () => {
    const row = [1, 3, 2, 3];
    const p = row.map((x) => Math.exp(x / 2) / sum(row.map((y) => Math.exp(y / 2))));
    const edges = [0, p[0]!, p[0]! + p[1]!, p[0]! + p[1]! + p[2]!];
    const uniform = edges.flatMap((edge, i) => [edge + 1e-4, edge + p[i]! - 1e-4]).map(Math.fround);
    const rows = uniform.flatMap(() => row);
    const attributes = { N: 8, V: 4, invTemperature: 0.5, greedy: 0 };
    const [ids, logprob] = await apply('sample', attributes, [rows, uniform]);
    expect(ids).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(
      error(
        logprob,
        ids!.map((id) => Math.log(p[id]!)),
      ),
    ).toBeLessThan(TIGHT);
    const [first] = await apply('sample', { ...attributes, greedy: 1 }, [rows, uniform]);
    expect(first).toEqual(new Array(8).fill(1));
  });

  const LEFT_OUT = -floatOf(0x7f7fffff);

  it('[RO-50] sample.filter keeps the k largest and all that tie with the last of them', async () => {
    const filter = (topK: number) =>
      apply('sample.filter', { N: 1, V: 5, topK, topP: 1, invTemperature: 2 }, [[1, 3, 2, 3, -1]]);
    expect(await filter(0)).toEqual([[2, 6, 4, 6, -2]]);
    expect(await filter(1)).toEqual([[LEFT_OUT, 6, LEFT_OUT, 6, LEFT_OUT]]);
    expect(await filter(3)).toEqual([[LEFT_OUT, 6, 4, 6, LEFT_OUT]]);
    expect(await filter(9)).toEqual(await filter(0));
  });

  it('[RO-50] sample.filter keeps the fewest of the largest that have the mass, of those that top-k keeps', async () => {
    const logits = [0.5, 0.25, 0.125, 0.125].map((p) => Math.fround(Math.log(p)));
    const filter = async (topK: number, topP: number) => {
      const attributes = { N: 1, V: 4, topK, topP: Math.fround(topP), invTemperature: 1 };
      const [z] = await apply('sample.filter', attributes, [logits]);
      return z?.map((value) => value > LEFT_OUT);
    };
    expect(await filter(0, 0.4)).toEqual([true, false, false, false]);
    expect(await filter(0, 0.7)).toEqual([true, true, false, false]);
    expect(await filter(0, 0.8)).toEqual([true, true, true, true]);
    // Of 0.5 and 0.25 alone the first has two thirds.
    expect(await filter(2, 0.6)).toEqual([true, false, false, false]);
    expect(await filter(2, 0.7)).toEqual([true, true, false, false]);
  });

  it('[RO-46] sample draws from any block of a long row', async () => {
    const V = 1000;
    const weights = positive(V, 77);
    const logits = weights.map((w) => Math.fround(Math.log(w)));
    const total = weights.reduce((a, b) => a + b);
    const places = [0.001, 0.064, 0.5, 0.93, 0.9999];
    const wanted = places.map((u) => {
      let c = 0;
      return weights.findIndex((w) => {
        c += w;
        return c > u * total;
      });
    });
    const rows = places.flatMap(() => logits);
    const [ids] = await apply('sample', { N: 5, V, invTemperature: 1, greedy: 0 }, [rows, places]);
    expect(ids).toEqual(wanted);
  });

  it('[RO-46] sample never draws what has no probability', async () => {
    const attributes = { N: 1, V: 3, invTemperature: 1, greedy: 0 };
    expect((await apply('sample', attributes, [[5, 5, -200], [1]]))[0]).toEqual([1]);
    expect((await apply('sample', attributes, [[-200, 5, 5], [0]]))[0]).toEqual([1]);
  });
});

describe('optimizer operators', () => {
  it.each([1, 64, 65, 4096, 5000])('[RO-43] norm.square of %i values', async (len) => {
    const x = random(len, len);
    const [total] = await apply('norm.square', { len }, [x]);
    expect(error(total, [sum(x.map((v) => v * v))])).toBeLessThan(TIGHT);
  });

  it('[RO-44] clip.scale', async () => {
    expect(error((await apply('clip.scale', { count: 2, maxNorm: 1 }, [[9], [16]]))[0], [0.2])).toBeLessThan(
      TIGHT,
    );
    expect(await apply('clip.scale', { count: 1, maxNorm: 5 }, [[24]])).toEqual([[1]]);
  });

  it('[RO-45] adamw over three steps', async () => {
    const len = 40;
    const constants = { beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 };
    const attributes = {
      len,
      beta1: canon(0.9),
      oneMinusBeta1: canon(0.1),
      beta2: canon(0.999),
      oneMinusBeta2: canon(0.001),
      eps: canon(1e-8),
      weightDecay: canon(0.1),
    };
    let [p, m, v] = [random(len, 30), new Array<number>(len).fill(0), new Array<number>(len).fill(0)];
    let [wp, wm, wv] = [p, m, v];
    for (const t of [1, 2, 3]) {
      const g = random(len, 30 + t);
      const hyper = [0.01, 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)];
      const inputs = [p, g, m, v, [0.5], hyper.map(Math.fround)];
      [p, m, v] = (await apply('adamw', attributes, inputs)) as [number[], number[], number[]];
      wm = wm.map((x, i) => 0.9 * x + 0.1 * (g[i]! * 0.5));
      wv = wv.map((x, i) => 0.999 * x + 0.001 * (g[i]! * 0.5) ** 2);
      wp = wp.map((x, i) => {
        const u = (wm[i]! * hyper[1]!) / (Math.sqrt(wv[i]! * hyper[2]!) + constants.eps);
        return x - 0.01 * (u + constants.weightDecay * x);
      });
      expect(error(p, wp)).toBeLessThan(2e-6);
      expect(error(m, wm)).toBeLessThan(TIGHT);
      expect(error(v, wv)).toBeLessThan(TIGHT);
    }
  });
});

describe('the engine', () => {
  it('was asked for every operator above', () => {
    expect([...applied].sort()).toEqual([...OPERATOR_NAMES].sort());
  });

  it('stops between nodes when aborted', async () => {
    const controller = new AbortController();
    const engine = createReferenceEngine({ onNode: () => controller.abort() });
    const spec = { shape: [1], dtype: 'f32', storage: 'bound' } as const;
    const program: Program = {
      name: 'two',
      tensors: { a: spec, b: spec, c: spec },
      nodes: [
        { op: 'add', attributes: { len: 1 }, inputs: ['a', 'a'], outputs: ['b'] },
        { op: 'add', attributes: { len: 1 }, inputs: ['b', 'b'], outputs: ['c'] },
      ],
    };
    const bindings = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, engine.allocate([1], 'f32')]));
    engine.write(bindings.a!, Float32Array.of(1));
    await expect(engine.run(program, bindings, { signal: controller.signal })).rejects.toThrow(/abort/i);
    expect([...(await engine.read(bindings.b!)), ...(await engine.read(bindings.c!))]).toEqual([2, 0]);
  });
});
