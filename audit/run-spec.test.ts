import { encode } from '@ipld/dag-cbor';
import { describe, expect, it } from 'vitest';
import { ModelConfigError } from '../models/decoder/config.ts';
import { planRun } from './run-plan.ts';
import { decodeRunSpec, encodeRunSpec, parseRunSpec, RunSpecError, runSpecFields } from './run-spec.ts';
import { BLOCKS, POLICY, SUPERVISED, tinySpec, tinyStart } from './testing/tiny-run.ts';

describe('a run specification', () => {
  it.each([SUPERVISED, POLICY, BLOCKS, { ...BLOCKS, boundary: 'int8' as const }])(
    'of $kind work survives DAG-CBOR and JSON',
    (work) => {
      const spec = tinySpec({ work, start: { ...tinyStart(), training: '{"a":1}' } });
      const bytes = encodeRunSpec(spec);
      expect(decodeRunSpec(bytes)).toEqual(spec);
      expect(decodeRunSpec(new TextEncoder().encode(JSON.stringify(runSpecFields(spec))))).toEqual(spec);
      expect(encodeRunSpec(decodeRunSpec(bytes))).toEqual(bytes);
    },
  );

  it('is refused in words when it has integers that JSON has not', () => {
    const { config, ...rest } = runSpecFields(tinySpec());
    for (const field of ['model_type', 'hidden_size', 'rms_norm_eps', 'rope_theta', 'rope_scaling']) {
      const odd = encode({ ...rest, config: { ...(config as object), [field]: 2n ** 63n } });
      expect(() => decodeRunSpec(odd)).toThrow(ModelConfigError);
    }
  });

  const fields = runSpecFields(tinySpec({ work: POLICY }));
  const work = fields.work as Record<string, unknown>;
  const config = fields.config as Record<string, unknown>;
  it.each<[string, Record<string, unknown>]>([
    ['another format', { format: 'starling-run-2' }],
    ['an unknown field', { extra: 1 }],
    ['no steps', { steps: 0 }],
    ['steps without end', { steps: 2 ** 20 }],
    ['questions without end', { steps: 60_000, work: { ...work, items: 64 } }],
    ['a short seed', { seed: '0x12' }],
    ['a learning rate that is no number', { learningRate: Number.NaN }],
    ['work of no kind', { work: { kind: 'other' } }],
    ['a group of three', { work: { ...work, samples: 3 } }],
    ['more positions than the judge has figures for', { work: { ...work, items: 256, samples: 16 } }],
    ['blocks of other layers', { work: { ...BLOCKS, layers: [2] } }],
    ['blocks that are no list', { work: { ...BLOCKS, layers: 1 } }],
    ['a path to a stage that is none', { work: { ...BLOCKS, paths: [[1], [2]] } }],
    ['a path that skips all layers', { work: { ...BLOCKS, paths: [[1], []] } }],
    ['a path that is no list', { work: { ...BLOCKS, paths: [1] } }],
    ['a boundary of no kind', { work: { ...BLOCKS, boundary: 'int4' } }],
    [
      'bytes that make no words',
      { config: { ...config, hidden_size: 18 }, work: { ...BLOCKS, boundary: 'int8' } },
    ],
    ['no paths', { work: { ...BLOCKS, paths: [] } }],
    ['more microbatches than slots are good for', { work: { ...BLOCKS, paths: Array(65).fill([1]) } }],
    ['more positions in microbatches', { work: { ...BLOCKS, rows: 64, paths: Array(64).fill([1]) } }],
    ['a prompt beyond the context', { work: { ...work, promptLength: 64 } }],
    ['a wider model', { config: { ...config, hidden_size: 128 } }],
    ['another vocabulary', { config: { ...config, vocab_size: 65 } }],
    ['rotary pairs that the judge does not know', { config: { ...config, rope_interleaved: true } }],
    ['a start without a root', { start: { step: 0, cursor: 0, rng: '0x00000000' } }],
    ['an optimizer that never forgets', { optimizer: { ...(fields.optimizer as object), beta1: 1 } }],
  ])('is refused with %s', (_, change) => {
    expect(() => parseRunSpec({ ...fields, ...change })).toThrow(/specification|config/);
  });

  it('is refused when it is not data at all', () => {
    for (const bytes of [
      new Uint8Array(),
      Uint8Array.of(0x7b),
      Uint8Array.of(0xff),
      new Uint8Array(20_000),
    ]) {
      expect(() => decodeRunSpec(bytes)).toThrow(RunSpecError);
    }
  });
});

describe('a plan', () => {
  it('names the same terms every time, and others for other runs', () => {
    const spec = tinySpec();
    const terms = planRun(spec).terms;
    expect(planRun(spec).terms).toEqual(terms);
    expect(planRun({ ...spec, seed: `0x${'00'.repeat(32)}` }).terms.data).not.toBe(terms.data);
    expect(planRun({ ...spec, learningRate: 0.5 }).terms.data).not.toBe(terms.data);
    const optimizer = { ...spec.optimizer, weightDecay: 0.5 };
    expect(planRun({ ...spec, optimizer }).terms.program).not.toBe(terms.program);
  });

  it('gives each step its own questions, draws and learning rate', () => {
    const plan = planRun(tinySpec({ work: POLICY, steps: 2 }));
    const [first, second] = [plan.given(0), plan.given(1)];
    for (const name of ['prompt.1', 'draw.0', 'hyper']) expect(first.get(name)).not.toEqual(second.get(name));
    expect(first.get('draw.0')).not.toEqual(first.get('draw.1'));
    expect(plan.given(0)).toEqual(first);
  });

  it('refuses lengths that no question has', () => {
    const spec = tinySpec({ work: { ...POLICY, promptLength: 40 } });
    expect(() => planRun(spec)).toThrow(/No question has a prompt of 40 tokens/);
  });
});
