import { describe, expect, it } from 'vitest';
import { barsOf, leverTableOf, ringTableOf, tableOf } from '../cli/results-text.ts';
import { legalOrders } from '../legal-orders.ts';
import { stagesOf, visitsOf } from '../testing/visits.ts';
import { compare, planFigures, summaryOf } from './comparison.ts';
import { ownRouteInjections } from './injections.ts';
import ourPlans from './our-plans.json';
import { runPublishedEngine } from './published-engine.ts';
import { publishedSetting } from './setting.ts';

const setting = publishedSetting();

describe('the committed plans', () => {
  it('take at most 32.85 s in the published timing model, with all 30 microbatches back', () => {
    const { seconds, routes } = ourPlans.published;
    const { makespan, finishedAt } = runPublishedEngine(setting, ownRouteInjections(routes, setting.forward));
    expect(Math.abs(makespan - seconds)).toBeLessThan(1e-9);
    expect(makespan).toBeLessThanOrEqual(32.85);
    expect(finishedAt).toHaveLength(30);
    expect(finishedAt.every(Number.isFinite)).toBe(true);
  });

  it('are at least 55 % under the full pipeline with as many microbatches, with a serial uplink', () => {
    const { seconds, ...plan } = ourPlans.serialUplink;
    const figures = planFigures(setting, plan);
    expect(figures).toMatchObject({ microbatches: 30, serialUplink: seconds });
    expect(1 - seconds / 101.709648).toBeGreaterThanOrEqual(0.55);
  });

  it.each([ourPlans.published, ourPlans.serialUplink])('keep the published rules (plan %#)', (plan) => {
    const legal = new Set(legalOrders({ stages: 6, visited: 4 }).map(String));
    const orders = plan.routes.map((route) => stagesOf(plan, route));
    expect(plan.stages.map((nodes) => nodes.length)).toEqual([5, 3, 3, 3, 3, 3]);
    expect(visitsOf(20, plan.routes)).toEqual(new Array(20).fill(3));
    for (const order of orders) expect(legal).toContain(String(order));
    for (let stage = 1; stage < 6; stage++)
      expect(orders.filter((order) => order.includes(stage))).toHaveLength(9);
  });
});

describe('compare', () => {
  const lines: string[] = [];
  const comparison = compare({ seconds: 0.1, report: (line) => lines.push(line) });

  it('gives the four published figures, whatever time there is for planning', () => {
    const wanted = [79.93971963540922, 48.915682705668054, 35.43481420147051, 33.31379002209655];
    const { published, planner, eventExactCut } = summaryOf(comparison);
    for (const [at, seconds] of wanted.entries())
      expect(Math.abs((published[at] ?? 0) - seconds)).toBeLessThan(1e-9);
    expect(planner).toBeLessThanOrEqual(33.06);
    expect(eventExactCut).toBeGreaterThanOrEqual(0.55);
    expect(lines.length).toBeGreaterThan(3);
  });

  it('compares equal numbers of microbatches', () => {
    const { fullPipeline30, plannedFullPipeline, greedy, planFigures, serialPlanFigures } = comparison;
    for (const figures of [fullPipeline30, plannedFullPipeline, greedy, planFigures, serialPlanFigures])
      expect(figures.microbatches).toBe(30);
    expect(comparison.schedules.fullPipeline.microbatches).toBe(27);
  });

  it('is the same in every run', () => {
    expect(compare({ seconds: 0.1, report: () => {} })).toEqual(comparison);
  });

  it('is written as tables, and drawn with one bar for each schedule', () => {
    const table = tableOf(comparison);
    expect(table).toContain('| SkipPipe | 30 | 33.31379002209655 | 33.31379002209655 | 33.35 | 33.39 |');
    expect(table.split('\n')).toHaveLength(2 + barsOf(comparison).length);
    expect(ringTableOf(comparison)).toContain('| any map: the least | 33.05379002209655 |');
    expect(leverTableOf(comparison)).toContain('| int8, 6 slots |');
  });
});
