import { describe, expect, it } from 'vitest';
import { legalOrders, SwapRulesError } from './legal-orders.ts';

describe('legalOrders', () => {
  it.each([
    { stages: 6, visited: 4, count: 22 },
    { stages: 8, visited: 6, count: 111 },
    { stages: 6, visited: 6, count: 8 },
  ])('gives $count orders of $visited of $stages stages', ({ stages, visited, count }) => {
    const orders = legalOrders({ stages, visited });
    expect(orders).toHaveLength(count);
    expect(new Set(orders.map(String)).size).toBe(count);
    for (const order of orders) {
      expect(order).toHaveLength(visited - 1);
      expect(new Set(order).size).toBe(visited - 1);
      expect(order.every((stage) => stage >= 1 && stage < stages)).toBe(true);
    }
  });

  it('swaps only neighbours, and at most twice', () => {
    const orders = legalOrders({ stages: 6, visited: 4 }).map(String);
    expect(orders).toContain('2,1,3');
    expect(orders).toContain('4,3,5');
    expect(orders).not.toContain('3,1,2');
    expect(legalOrders({ stages: 8, visited: 8 }).map(String)).not.toContain('2,1,4,3,6,5,7');
  });

  it('never leads more than four stages from the highest so far', () => {
    const orders = legalOrders({ stages: 8, visited: 3 }).map(String);
    expect(orders).toContain('3,7');
    expect(orders).not.toContain('2,7');
    expect(orders).not.toContain('5,6');
    expect(legalOrders({ stages: 8, visited: 3, furthestStep: 5 }).map(String)).toContain('2,7');
  });

  it('gives only ascending orders without swaps', () => {
    expect(legalOrders({ stages: 5, visited: 3, swaps: 0 }).map(String)).toEqual([
      '1,2',
      '1,3',
      '1,4',
      '2,3',
      '2,4',
      '3,4',
    ]);
  });

  it.each([
    { stages: 4, visited: 5 },
    { stages: 4, visited: 1 },
    { stages: 17, visited: 4 },
    { stages: 6, visited: 2.5 },
  ])('refuses $visited of $stages stages', (rules) => {
    expect(() => legalOrders(rules)).toThrow(SwapRulesError);
  });
});
