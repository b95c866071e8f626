import { describe, expect, it } from 'vitest';
import { CASES } from '../../../conformance/cases.ts';
import { SHADERS } from '../../../generated/shaders.ts';
import { OPERATORS } from '../../../repops/operators.ts';
import type { DType } from '../../../repops/program.ts';
import { PARAMS_BYTES } from '../shader/bind-group-layouts.ts';
import { bindingInterface, encodeParams } from '../shader/kernel-interface.ts';
import { planProgram } from './plan.ts';
import { type DispatchStep, MAX_GROUPS, workgroupGrid } from './steps.ts';

const plans = CASES.map(({ op, program }) => ({ op, program, plan: planProgram(program) }));
const dispatches = plans.flatMap(({ program, plan }) =>
  plan.steps.flatMap(({ step }) => (step.kind === 'dispatch' ? [{ program, plan, step }] : [])),
);

/** The numbers that an element type of a binding is made of, e.g. `f32` for `vec4<f32>`. */
const scalarOf = (element: string): string => /^vec[234]<(\w+)>$/.exec(element)?.[1] ?? element;
const SCALARS: Readonly<Record<DType, string>> = { f32: 'f32', u32: 'u32', bf16: 'u32' };

describe('plans', () => {
  it('exist for every operator', () => {
    expect(new Set(plans.map(({ op }) => op))).toEqual(new Set(Object.keys(OPERATORS)));
  });

  it('use entry points that exist in both variants', () => {
    for (const { step } of dispatches) {
      expect(SHADERS[step.kernel]).toContain(`fn ${step.entry}(`);
      expect(SHADERS[`${step.kernel}@barrier`]).toContain(`fn ${step.entry}(`);
    }
  });

  it('give parameters that their types hold and that fit the uniform, `zero` included', () => {
    for (const { step } of dispatches) {
      const words = encodeParams(step.kernel, step.params);
      expect(words.length + 1).toBeLessThanOrEqual(PARAMS_BYTES / 4);
    }
  });

  it('bind tensors to arrays of their element type', () => {
    for (const { program, step } of dispatches) {
      for (const [name, operand] of Object.entries(step.bindings)) {
        if (operand.kind !== 'tensor') continue;
        const { elements } = bindingInterface(step.kernel, name);
        const dtype = program.tensors[operand.name]?.dtype ?? 'f32';
        expect(elements.map(scalarOf), `${step.kernel} ${name}`).toContain(SCALARS[dtype]);
      }
    }
  });

  it('never bind more than 8 storage buffers, which every WebGPU device has', () => {
    for (const { step } of dispatches) expect(Object.keys(step.bindings).length).toBeLessThanOrEqual(8);
  });

  it('give two operands of one step different slots', () => {
    for (const { plan, step } of dispatches) {
      const locations = Object.values(step.bindings).map((operand) => plan.locate(operand));
      const slots = locations.filter((location) => location.kind === 'slot').map(({ slot }) => slot);
      expect(new Set(slots).size).toBe(slots.length);
    }
  });

  it('never write an operand that the same step binds for reading', () => {
    const locationsOf = ({ plan, step }: { plan: (typeof plans)[0]['plan']; step: DispatchStep }) =>
      Object.entries(step.bindings).map(([name, operand]) => ({
        access: bindingInterface(step.kernel, name).access,
        location: JSON.stringify(plan.locate(operand)),
      }));
    for (const each of dispatches) {
      const locations = locationsOf(each);
      for (const { access, location } of locations) {
        if (access !== 'read_write') continue;
        const uses = locations.filter((other) => other.location === location);
        expect(uses, `${each.step.kernel} ${each.step.entry}`).toHaveLength(1);
      }
    }
  });
});

describe('workgroupGrid', () => {
  it('has every workgroup and keeps within the limits of a dispatch', () => {
    for (const count of [1, 2, MAX_GROUPS, MAX_GROUPS + 1, 2 ** 24]) {
      const [x, y] = workgroupGrid(count);
      expect(Math.max(x, y)).toBeLessThanOrEqual(MAX_GROUPS);
      expect(x * y).toBeGreaterThanOrEqual(count);
    }
  });
});
