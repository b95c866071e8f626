/**
 * All figures of docs/results/pipeline.md: published schedules recomputed, and our planner in their setting.
 */
import { greedyRouter } from '../greedy-router.ts';
import type { Plan } from '../plan.ts';
import { simulate } from '../simulate.ts';
import { MICROSECONDS } from '../timing.ts';
import { fullPipelineInjections, ownRouteInjections, publishedInjections } from './injections.ts';
import {
  planForAnyMap,
  planForPublishedMap,
  type SharedRoutesPlan,
  searchEventExact,
  searchFullPipeline,
  searchPublished,
  withRouteForEach,
} from './plan-search.ts';
import { runPublishedEngine } from './published-engine.ts';
import {
  PUBLISHED_FIGURES,
  type PublishedFigure,
  type PublishedSetting,
  publishedRoutes,
  publishedSetting,
} from './setting.ts';
import { departuresOf, publishedTiming } from './timing.ts';

/** Microbatches of each origin, and of each of the full pipeline's three lines, for equal numbers of 30. */
const EACH_ORIGIN = 6;
const EACH_LINE = 10;

/** The work that stands for a second of planning, in changes tried. Fixed, so that results are. */
const CHANGES_A_SECOND = { published: 5_000, eventExact: 1_000, fullPipeline: 300 };

/** A schedule in the three models, in seconds. */
export interface ScheduleFigures {
  readonly microbatches: number;
  /** Only where the published model has a figure of its own. */
  readonly published?: number;
  readonly eventExact: number;
  /** The event-exact model where a node sends one thing at a time. */
  readonly serialUplink: number;
}

export interface Comparison {
  readonly schedules: Readonly<Record<PublishedFigure, ScheduleFigures>>;
  /** The full pipeline with as many microbatches as the others. */
  readonly fullPipeline30: ScheduleFigures;
  /** The full pipeline after the same search as ours, over a free map. */
  readonly plannedFullPipeline: ScheduleFigures;
  readonly greedy: ScheduleFigures;
  readonly sharedRoutes: { readonly publishedMap: SharedRoutesPlan; readonly anyMap: SharedRoutesPlan };
  /** The best plan for the published timing model. */
  readonly plan: Plan;
  readonly planFigures: ScheduleFigures;
  /** The best plan for the event-exact model with a serial uplink. */
  readonly serialPlan: Plan;
  readonly serialPlanFigures: ScheduleFigures;
  /** The published routes with six slots and with smaller boundaries: event-exact, all six at once. */
  readonly levers: readonly { readonly label: string; readonly seconds: number }[];
}

export interface ComparisonOptions {
  /** How much planning, as seconds of one core; the result depends on it, and not on the machine. */
  readonly seconds: number;
  /** Told what comes next. */
  readonly report: (line: string) => void;
}

export function compare({ seconds, report }: ComparisonOptions): Comparison {
  const setting = publishedSetting();
  const seed = new TextEncoder().encode('skippipe');
  const serial = publishedTiming(setting, { serialUplink: true });
  report('recomputing the published schedules');
  const schedules = {
    fullPipeline: publishedFigures(setting, 'fullPipeline'),
    randomSkip: publishedFigures(setting, 'randomSkip'),
    realCosts: publishedFigures(setting, 'realCosts'),
    skipPipe: publishedFigures(setting, 'skipPipe'),
  };
  report('packing rings');
  const sharedRoutes = { publishedMap: planForPublishedMap(setting), anyMap: planForAnyMap(setting) };
  const changes = (rate: number) => ({ iterations: Math.floor(seconds * rate), seed });
  report('searching for the published timing model');
  const { plan } = searchPublished(setting, sharedRoutes.anyMap, changes(CHANGES_A_SECOND.published));
  report('searching for the event-exact model with a serial uplink');
  const start = withRouteForEach(sharedRoutes.anyMap, setting.slots);
  const { plan: serialPlan } = searchEventExact(setting, serial, start, changes(CHANGES_A_SECOND.eventExact));
  report('searching for the full pipeline');
  const full = searchFullPipeline(setting, serial, changes(CHANGES_A_SECOND.fullPipeline));
  return {
    schedules,
    fullPipeline30: eventExact(setting, fullPipelineInjections(publishedRoutes('fullPipeline'), EACH_LINE)),
    plannedFullPipeline: eventExact(setting, ownRouteInjections(full.plan.routes, setting.forward)),
    greedy: greedyFigures(setting),
    sharedRoutes,
    plan,
    planFigures: planFigures(setting, plan),
    serialPlan,
    serialPlanFigures: planFigures(setting, serialPlan),
    levers: leversOf(setting),
  };
}

/** The last line of the command. */
export interface ComparisonSummary {
  /** The four published schedules in the published model, in seconds. */
  readonly published: readonly (number | undefined)[];
  /** Our best plan in the published model, in seconds. */
  readonly planner: number;
  /**
   * How much less than the full pipeline our plan takes: event-exact, serial uplink, 30 microbatches each.
   */
  readonly eventExactCut: number;
}

export function summaryOf(comparison: Comparison): ComparisonSummary {
  const { schedules, sharedRoutes, planFigures, serialPlanFigures, fullPipeline30 } = comparison;
  return {
    published: PUBLISHED_FIGURES.map((figure) => schedules[figure].published),
    planner: Math.min(planFigures.published ?? Number.POSITIVE_INFINITY, sharedRoutes.anyMap.makespan),
    eventExactCut: 1 - serialPlanFigures.serialUplink / fullPipeline30.serialUplink,
  };
}

/** A plan of one route for each microbatch of a wave, in all models. Throws when a microbatch is lost. */
export function planFigures(setting: PublishedSetting, { routes }: Plan): ScheduleFigures {
  const injections = ownRouteInjections(routes, setting.forward);
  return { published: runPublishedEngine(setting, injections).makespan, ...eventExact(setting, injections) };
}

function publishedFigures(setting: PublishedSetting, figure: PublishedFigure): ScheduleFigures {
  const injections = publishedInjections(figure, setting.forward);
  return { published: runPublishedEngine(setting, injections).makespan, ...eventExact(setting, injections) };
}

function eventExact(
  setting: PublishedSetting,
  injections: Parameters<typeof departuresOf>[0],
): ScheduleFigures {
  const departures = departuresOf(injections);
  const seconds = (serialUplink: boolean) =>
    simulate(publishedTiming(setting, { serialUplink }), departures).makespan / MICROSECONDS;
  return { microbatches: departures.length, eventExact: seconds(false), serialUplink: seconds(true) };
}

function greedyFigures(setting: PublishedSetting): ScheduleFigures {
  const departures = Array.from({ length: EACH_ORIGIN }, () => setting.stages[0]!)
    .flat()
    .map((origin) => ({ route: [origin], length: 4, at: 0 }));
  const seconds = (serialUplink: boolean) => {
    const timing = publishedTiming(setting, { serialUplink });
    const router = greedyRouter({ timing, stages: setting.stages });
    return simulate(timing, departures, router).makespan / MICROSECONDS;
  };
  return { microbatches: departures.length, eventExact: seconds(false), serialUplink: seconds(true) };
}

function leversOf(setting: PublishedSetting): Comparison['levers'] {
  const full = setting.activationBytes;
  const cases = [
    { label: 'f32, 3 slots', slots: 3, bytes: full },
    { label: 'bf16, 3 slots', slots: 3, bytes: full / 2 },
    { label: 'int8, 3 slots', slots: 3, bytes: full / 4 },
    { label: 'f32, 6 slots', slots: 6, bytes: full },
    { label: 'int8, 6 slots', slots: 6, bytes: full / 4 },
  ];
  // No microbatch waits for another here: slots alone hold them back.
  const departures = departuresOf(publishedInjections('skipPipe', setting.forward)).map(({ route, at }) => ({
    route,
    at,
  }));
  return cases.map(({ label, slots, bytes }) => ({
    label,
    seconds: simulate(publishedTiming(setting, { slots, bytes }), departures).makespan / MICROSECONDS,
  }));
}
