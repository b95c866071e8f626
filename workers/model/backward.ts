/** The decoder's backward pass as program nodes. */
import type { ProgramBuilder } from './builder.ts';
import { type DecoderConfig, parameterSpecs } from './config.ts';
import { dimensions, emitRope, type ForwardActivations, headName } from './forward.ts';

/**
 * Emits the gradients of every parameter from `dlogits`. `storage` decides whether `gradient.<parameter>` is bound (the
 * caller reads it) or temporary. Returns the gradients' names in the order of `parameterSpecs`.
 */
export function emitBackward(
  b: ProgramBuilder,
  config: DecoderConfig,
  o: {
    readonly batch: number;
    readonly length: number;
    readonly activations: ForwardActivations;
    readonly dlogits: string;
    readonly storage: 'bound' | 'temporary';
  },
): readonly string[] {
  const d = dimensions(config, o);
  const { N, D, Q, KV, F, V } = d;
  const specs = parameterSpecs(config);
  const gradient = (parameter: string): string => {
    const spec = specs.find(({ name }) => name === parameter);
    return b[o.storage](`gradient.${parameter}`, spec?.shape ?? []);
  };

  /** dx = dy W and gradient(W) = dy^T x for y = x W^T, W stored [out, in]. */
  const linear = (dx: string, dy: string, x: string, weight: string, size: { in: number; out: number }) => {
    b.node(
      'matmul',
      { M: size.out, N: size.in, K: N, transposeA: 1, transposeB: 0 },
      [dy, x],
      [gradient(weight)],
    );
    b.temporary(dx, [N, size.in]);
    b.node('matmul', { M: N, N: size.in, K: size.out, transposeA: 0, transposeB: 0 }, [dy, weight], [dx]);
    return dx;
  };
  const norm = (dx: string, dy: string, x: string, rstd: string, gain: string) => {
    b.node('rms.grad.gain', { N, D }, [dy, x, rstd], [gradient(gain)]);
    b.temporary(dx, [N, D]);
    b.node('rms.grad.x', { N, D, invD: d.invD }, [dy, x, rstd, gain], [dx]);
    return dx;
  };
  const accumulate = (into: string, other: string, len: number) => {
    b.node('add', { len }, [into, other], [into]);
    return into;
  };
  const unrotate = (x: string, heads: number) => {
    const y = b.temporary(`${x}.unrotated`, [N, heads * config.headDim]);
    emitRope(b, config, { N, heads, inverse: 1, x, y });
    return y;
  };

  const { activations } = o;
  const head = headName(config);
  const dNormed = linear('d.final.normed', o.dlogits, activations.normed, head, { in: D, out: V });
  let dx = norm('d.last', dNormed, activations.last, activations.rstd, 'model.norm.weight');

  for (const [layer, a] of [...activations.layers.entries()].reverse()) {
    const at = `d.layer.${layer}`;
    const w = `model.layers.${layer}`;
    const dInner = linear(`${at}.inner`, dx, a.inner, `${w}.mlp.down_proj.weight`, { in: F, out: D });
    const dGate = b.temporary(`${at}.gate`, [N, F]);
    const dUp = b.temporary(`${at}.up`, [N, F]);
    b.node('swiglu.grad', { len: N * F }, [dInner, a.gate, a.up], [dGate, dUp]);
    const viaGate = linear(`${at}.normed2.gate`, dGate, a.normed2, `${w}.mlp.gate_proj.weight`, {
      in: D,
      out: F,
    });
    const viaUp = linear(`${at}.normed2.up`, dUp, a.normed2, `${w}.mlp.up_proj.weight`, { in: D, out: F });
    const dNormed2 = accumulate(viaGate, viaUp, N * D);
    const gain2 = `${w}.post_attention_layernorm.weight`;
    const dMiddle = accumulate(norm(`${at}.middle`, dNormed2, a.middle, a.rstd2, gain2), dx, N * D);

    const attn = `${w}.self_attn`;
    const dAttended = linear(`${at}.attended`, dMiddle, a.attended, `${attn}.o_proj.weight`, {
      in: Q,
      out: D,
    });
    const delta = b.temporary(`${at}.delta`, [N, config.heads]);
    b.node(
      'attention.delta',
      { N, heads: config.heads, headDim: config.headDim },
      [dAttended, a.attended],
      [delta],
    );
    const dq = b.temporary(`${at}.q`, [N, Q]);
    const dk = b.temporary(`${at}.k`, [N, KV]);
    const dv = b.temporary(`${at}.v`, [N, KV]);
    const inputs = [a.q, a.k, a.v, 'positions', a.stats, dAttended, delta];
    b.node('attention.grad.q', d.attention, inputs, [dq]);
    b.node('attention.grad.kv', d.attention, inputs, [dk, dv]);
    const project = (name: 'q' | 'k' | 'v', dy: string, out: number) => {
      b.node('bias.grad', { N, D: out }, [dy], [gradient(`${attn}.${name}_proj.bias`)]);
      return linear(`${at}.normed1.${name}`, dy, a.normed1, `${attn}.${name}_proj.weight`, { in: D, out });
    };
    const dNormed1 = project('q', unrotate(dq, config.heads), Q);
    accumulate(dNormed1, project('k', unrotate(dk, config.kvHeads), KV), N * D);
    accumulate(dNormed1, project('v', dv, KV), N * D);
    const gain1 = `${w}.input_layernorm.weight`;
    dx = accumulate(norm(`${at}.input`, dNormed1, a.input, a.rstd1, gain1), dMiddle, N * D);
  }

  const embedding = 'model.embed_tokens.weight';
  if (config.tiedEmbedding) {
    const lookup = b.temporary('gradient.embedding.lookup', [V, D]);
    b.node('embed.grad', { N, V, D }, ['tokens', dx], [lookup]);
    accumulate(`gradient.${embedding}`, lookup, V * D);
  } else {
    b.node('embed.grad', { N, V, D }, ['tokens', dx], [gradient(embedding)]);
  }
  return specs.map(({ name }) => `gradient.${name}`);
}
