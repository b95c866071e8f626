import { describe, expect, it } from 'vitest';
import { CASES } from '../../../conformance/cases.ts';
import { SHADERS } from '../../../generated/shaders.ts';
import { OPERATORS } from '../../../repops/operators.ts';
import { planProgram } from './plan.ts';
import { groupsFor, MAX_GROUPS } from './steps.ts';

const plans = CASES.map(({ name, op, program }) => ({ name, op, plan: planProgram(program) }));

describe('plans', () => {
  it('exist for every operator', () => {
    expect(new Set(plans.map(({ op }) => op))).toEqual(new Set(Object.keys(OPERATORS)));
  });

  it('use only kernels and entry points that exist, in both variants', () => {
    for (const { plan } of plans) {
      for (const { step } of plan.steps) {
        if (step.kind !== 'dispatch') continue;
        expect(SHADERS[step.kernel]).toContain(`fn ${step.entry}(`);
        expect(SHADERS[`${step.kernel}@barrier`]).toContain(`fn ${step.entry}(`);
      }
    }
  });

  it('give a Params struct as many words as it has', () => {
    for (const { plan } of plans) {
      for (const { step } of plan.steps) {
        if (step.kind !== 'dispatch') continue;
        const struct = /struct (?:Attention)?Params \{([^}]*)\}/.exec(SHADERS[step.kernel] ?? '')?.[1] ?? '';
        expect([step.kernel, step.params.length + 1]).toEqual([step.kernel, struct.match(/:/g)?.length]);
      }
    }
  });

  it('never bind more than 8 storage buffers, which every WebGPU device has', () => {
    for (const { plan } of plans) {
      for (const { step } of plan.steps) {
        if (step.kind === 'dispatch') expect(Object.keys(step.bindings).length).toBeLessThanOrEqual(8);
      }
    }
  });

  it('give two operands of one step different slots', () => {
    for (const { plan } of plans) {
      for (const { step } of plan.steps) {
        if (step.kind !== 'dispatch') continue;
        const places = Object.values(step.bindings).map((operand) => plan.place(operand));
        const slots = places.filter((place) => place.kind === 'slot').map(({ slot }) => slot);
        expect(new Set(slots).size).toBe(slots.length);
      }
    }
  });
});

describe('groupsFor', () => {
  it('covers every item within the limits of a dispatch', () => {
    for (const count of [1, 64, 65, MAX_GROUPS * 64, MAX_GROUPS * 64 + 1, 2 ** 30]) {
      const [x, y] = groupsFor(count);
      expect(Math.max(x, y)).toBeLessThanOrEqual(MAX_GROUPS);
      expect(x * y * 64).toBeGreaterThanOrEqual(count);
    }
  });
});
