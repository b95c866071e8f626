import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { createWasmEngine } from '../compute/engines/wasm/engine.ts';
import type { HopKind } from '../models/blocks/hop.ts';
import { tensorRoot } from '../models/checkpoint/root.ts';
import { type DeviceKey, deviceKey } from '../protocol/device-key.ts';
import { toHex } from '../protocol/hex.ts';
import { hopResult } from '../protocol/hop-program.ts';
import { must } from '../protocol/must.ts';
import { auditHandoff, auditStep } from './audit-handoffs.ts';
import { HopAuditError, hopShapeOf } from './recompute-hop.ts';
import { planRun, stateTensors } from './run-plan.ts';
import { lyingStep, outputOf, signStep } from './testing/block-lies.ts';
import { tinySpec, tinyStart } from './testing/tiny-run.ts';

const start = tinyStart(2);
const paths = [[1], [2, 1], [2], [1, 2]];
const work = { kind: 'blocks', rows: 1, length: 24, layers: [1, 1], paths } as const;
const plan = planRun(tinySpec({ start, work, steps: 2 }));
/** The same with rows of eight bits and a scale between the blocks. */
const quantised = planRun(tinySpec({ start, work: { ...work, boundary: 'int8' }, steps: 1 }));
const domain = { chainId: 31337, verifyingContract: `0x${'c0'.repeat(20)}` } as const;
const before = stateTensors(start);
/** Each hop has a device of its own, so that naming one names one hop. */
const keys = new Map<number, DeviceKey>();
const keyOf = (hop: number): DeviceKey => {
  const known = keys.get(hop);
  if (known !== undefined) return known;
  const secret = new Uint8Array(32).fill(0x41);
  new DataView(secret.buffer).setUint32(28, hop);
  const key = deviceKey(secret);
  keys.set(hop, key);
  return key;
};

let engine: Engine;
let right: readonly Uint8Array[];
/** Counts the hops that are computed again. */
let ran = 0;
let counting: Engine;

beforeAll(async () => {
  engine = await createWasmEngine({ threads: 1 });
  right = await lyingStep({ engine, plan, step: 0, before });
  const inner = createReferenceEngine();
  counting = new Proxy(inner, {
    get(target, name) {
      if (name === 'run') {
        return (...args: Parameters<Engine['run']>) => {
          ran++;
          return target.run(...args);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
});
afterAll(() => engine.stop());

const rootsOf = (tensors: readonly Uint8Array[]) => tensors.map((each) => toHex(tensorRoot(each)));

describe('an audit of handoffs', () => {
  it.each<readonly [string, HopKind, number]>([
    ['activation', 'forward', 0],
    ['embedded token', 'embed', 0],
    ['loss', 'loss', 0],
    ['gradient of a weight', 'backward', 0],
    ['partial sum', 'sum', 0],
    ['norm', 'norm', 0],
    ['factor of clipping', 'clip', 0],
    ['parameter', 'update', 0],
    ['first moment', 'update', 1],
    ['second moment', 'update', 2],
  ])('[V-83] names the device of one false %s after one hop', async (_, kind, place) => {
    const at = outputOf(plan, kind, place);
    const lie = { ...at, element: 3, mask: 1 << 20 };
    const told = await lyingStep({ engine, plan, step: 0, before, lie });
    const handoffs = signStep({ plan, step: 0, domain, tensors: told, keyOf });
    ran = 0;
    const verdict = await auditStep({
      ...{ engine: counting, plan, domain, step: 0, handoffs, roots: rootsOf(right) },
      tensor: async (slot) => must(told, slot),
    });
    expect(ran).toBe(1);
    expect(verdict).toMatchObject({
      kind: 'audited',
      hop: at.hop,
      verdict: {
        kind: 'false',
        handoff: { device: keyOf(at.hop).address },
        outputs: [{ slot: at.slot, computed: rootsOf([must(right, at.slot)])[0] }],
      },
    });
    if (verdict.kind !== 'audited' || verdict.verdict.kind !== 'false') throw new Error('not named');
    const { evidence, shape } = verdict.verdict;
    const [result] = await evidence.stepRoots();
    expect(result).toBe(hopResult(shape.outputs.map((slot) => ({ root: must(rootsOf(right), slot) }))));
  });

  it('reads tensors that are Buffers at an odd place, as files and frames are in Node', async () => {
    const at = outputOf(plan, 'forward', 0);
    const told = await lyingStep({
      engine,
      plan,
      step: 0,
      before,
      lie: { ...at, element: 3, mask: 1 << 20 },
    });
    const handoffs = signStep({ plan, step: 0, domain, tensors: told, keyOf });
    const odd = (bytes: Uint8Array): Uint8Array => {
      const larger = Buffer.alloc(bytes.length + 9);
      larger.set(bytes, 7);
      return larger.subarray(7, 7 + bytes.length);
    };
    const verdict = await auditStep({
      ...{ engine, plan, domain, step: 0, handoffs, roots: rootsOf(right) },
      tensor: async (slot) => odd(must(told, slot)),
    });
    if (verdict.kind !== 'audited' || verdict.verdict.kind !== 'false') throw new Error('not named');
    const { evidence } = verdict.verdict;
    const trace = await evidence.trace(0);
    expect((await trace.needed(trace.roots.length - 2, 0, undefined)).length).toBeGreaterThan(0);
  });

  it.each([
    ['quantised row', 0],
    ['scale of a quantised row', 1],
  ])('[V-83] names the device of one false %s after one hop', async (_, place) => {
    const at = outputOf(quantised, 'forward', place);
    const common = { engine, plan: quantised, step: 0 };
    const honest = rootsOf(await lyingStep({ ...common, before }));
    const told = await lyingStep({ ...common, before, lie: { ...at, element: 3, mask: 1 << 24 } });
    const handoffs = signStep({ ...common, domain, tensors: told, keyOf });
    ran = 0;
    const verdict = await auditStep({
      ...{ ...common, engine: counting, domain, handoffs, roots: honest },
      tensor: async (slot) => must(told, slot),
    });
    expect(ran).toBe(1);
    expect(verdict).toMatchObject({
      hop: at.hop,
      verdict: {
        kind: 'false',
        handoff: { device: keyOf(at.hop).address },
        outputs: [{ slot: at.slot, computed: must(honest, at.slot) }],
      },
    });
  });

  it('[V-83] names nobody where everybody computed rightly', async () => {
    const handoffs = signStep({ plan, step: 0, domain, tensors: right, keyOf });
    const tensor = async (slot: number) => must(right, slot);
    const common = { engine: counting, plan, domain, tensor };
    ran = 0;
    expect(await auditStep({ ...common, step: 0, handoffs, roots: rootsOf(right) })).toEqual({
      kind: 'right',
    });
    expect(ran).toBe(0);
    for (const hop of [0, 5, handoffs.length - 1]) {
      expect(await auditHandoff({ ...common, handoff: must(handoffs, hop) })).toEqual({ kind: 'right' });
    }
  });

  it('[V-84] does not name a device that was given false inputs', async () => {
    const lie = { ...outputOf(plan, 'embed'), element: 3, mask: 1 << 20 };
    const told = await lyingStep({ engine, plan, step: 0, before, lie });
    const handoffs = signStep({ plan, step: 0, domain, tensors: told, keyOf });
    const after = must(handoffs, outputOf(plan, 'forward').hop);
    const common = { engine, plan, domain, handoff: after };
    expect(await auditHandoff({ ...common, tensor: async (slot) => must(told, slot) })).toEqual({
      kind: 'right',
    });
    expect(await auditHandoff({ ...common, tensor: async (slot) => must(right, slot) })).toEqual({
      kind: 'other-inputs',
    });
  });

  it('[V-84] passes over what nobody signed, or what is of another run, step or hop', async () => {
    const lie = { ...outputOf(plan, 'forward'), element: 3, mask: 1 << 20 };
    const told = await lyingStep({ engine, plan, step: 0, before, lie });
    const tensor = async (slot: number) => must(told, slot);
    const common = { engine, plan, domain, tensor };
    const handoffs = signStep({ plan, step: 0, domain, tensors: told, keyOf });
    const lying = must(handoffs, lie.hop);
    const unsigned = { ...lying, device: keyOf(99).address };
    expect(await auditHandoff({ ...common, handoff: unsigned })).toEqual({ kind: 'unsigned' });
    const others = signStep({ plan, step: 1, domain, tensors: told, keyOf });
    const roots = rootsOf(right);
    const step = { ...common, step: 0, roots };
    expect(await auditStep({ ...step, handoffs: [unsigned, ...others] })).toEqual({ kind: 'right' });
    expect(await auditStep({ ...step, handoffs: [unsigned, ...others, lying] })).toMatchObject({
      hop: lie.hop,
    });
    const elsewhere = { ...domain, chainId: 1 };
    expect(await auditHandoff({ ...common, domain: elsewhere, handoff: lying })).toEqual({
      kind: 'unsigned',
    });
    const shorter = planRun(tinySpec({ start, work: { ...work, paths: [[1], [2]] }, steps: 1 }));
    expect(await auditHandoff({ ...common, plan: shorter, handoff: lying })).toMatchObject({
      kind: 'unfit',
      why: 'It is of another run.',
    });
  });

  it('asks again for a tensor that is too short', async () => {
    const handoff = must(signStep({ plan, step: 0, domain, tensors: right, keyOf }), 0);
    const short = new Uint8Array(4);
    const told = right.with(must(hopShapeOf(plan, 0).inputs, 0), short);
    const signed = must(signStep({ plan, step: 0, domain, tensors: told, keyOf }), 0);
    const tensor = async (slot: number) => must(told, slot);
    expect(await auditHandoff({ engine, plan, domain, handoff, tensor })).toEqual({ kind: 'other-inputs' });
    await expect(auditHandoff({ engine, plan, domain, handoff: signed, tensor })).rejects.toThrow(
      HopAuditError,
    );
  });

  it('has no hops of a run that is not over blocks', () => {
    const plain = planRun(tinySpec({ steps: 1 }));
    expect(() => hopShapeOf(plain, 0)).toThrow(RangeError);
    expect(() => hopShapeOf(plan, plan.blocks?.hops.length ?? 0)).toThrow(RangeError);
  });
});
