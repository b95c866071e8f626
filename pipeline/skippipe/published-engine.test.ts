import { describe, expect, it } from 'vitest';
import { ownRouteInjections, publishedInjections, sharedRouteInjections } from './injections.ts';
import { MicrobatchesLostError, runPublishedEngine, tryPublishedEngine } from './published-engine.ts';
import {
  PUBLISHED_FIGURES,
  type PublishedFigure,
  type PublishedSetting,
  publishedMakespan,
  publishedRoutes,
  publishedSetting,
} from './setting.ts';

const setting = publishedSetting();

function makespans(changed: PublishedSetting = setting): number[] {
  return PUBLISHED_FIGURES.map(
    (figure) => tryPublishedEngine(changed, publishedInjections(figure, setting.forward)).makespan,
  );
}

describe('the published timing model', () => {
  const figures: [PublishedFigure, number, number][] = [
    ['fullPipeline', 79.93971963540922, 27],
    ['randomSkip', 48.915682705668054, 30],
    ['realCosts', 35.43481420147051, 30],
    ['skipPipe', 33.31379002209655, 30],
  ];
  it.each(figures)(
    'gives the published makespan of %s, with every microbatch back',
    (figure, seconds, count) => {
      const { makespan, finishedAt } = runPublishedEngine(
        setting,
        publishedInjections(figure, setting.forward),
      );
      expect(Math.abs(makespan - seconds)).toBeLessThan(1e-9);
      expect(publishedMakespan(figure)).toBe(seconds);
      expect(finishedAt).toHaveLength(count);
      expect(finishedAt.every((at) => at > 0 && at <= makespan)).toBe(true);
    },
  );

  it('throws when microbatches are lost, instead of giving the makespan of the others', () => {
    const injections = sharedRouteInjections(publishedRoutes('skipPipe')).map((injection) =>
      injection.after === undefined ? injection : { ...injection, at: injection.at - 2.5 },
    );
    const back = tryPublishedEngine(setting, injections).finishedAt.filter(Number.isFinite);
    expect(back).toHaveLength(18);
    // Less than the true makespan: what a test that counts nothing would take for progress.
    expect(Math.max(...back)).toBeCloseTo(32.41379, 5);
    expect(() => runPublishedEngine(setting, injections)).toThrow(MicrobatchesLostError);
  });

  const mutants: [string, Partial<PublishedSetting>][] = [
    ['four slots', { slots: 4 }],
    ['two slots', { slots: 2 }],
    ['another gap after a send', { gapAfterSend: setting.gapAfterTask }],
    ['another gap after a task', { gapAfterTask: setting.gapAfterSend }],
    ['a longer retry', { retry: 0.5 }],
    ['a backward pass as long as the forward pass', { backward: setting.forward }],
    ['a loss as long as the forward pass', { loss: setting.forward }],
  ];
  it.each(mutants)('gives other makespans with %s', (_, change) => {
    const changed = makespans({ ...setting, ...change });
    expect(changed.some((seconds, at) => seconds !== makespans()[at])).toBe(true);
  });

  it('depends on the order of sending', () => {
    const routes = publishedRoutes('realCosts');
    const turned = routes.map((_, at) => routes[at - (at % 3) + ((at + 1) % 3)]!);
    const { makespan } = tryPublishedEngine(setting, ownRouteInjections(turned, setting.forward));
    expect(makespan).not.toBe(publishedMakespan('realCosts'));
  });

  it('sends three microbatches of a shared route, and the same three when these are back', () => {
    expect(sharedRouteInjections([[0, 1]])).toEqual([
      { route: [0, 1], at: 0 },
      { route: [0, 1], at: 1 },
      { route: [0, 1], at: 2 },
      { route: [0, 1], at: 2.5, after: 0 },
      { route: [0, 1], at: 3.5, after: 1 },
      { route: [0, 1], at: 4.5, after: 2 },
    ]);
  });
});
