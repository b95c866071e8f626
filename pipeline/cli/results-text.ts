/** The comparison in words and numbers: for the terminal, and for docs/results/pipeline.md. */
import type { Comparison, ScheduleFigures } from '../skippipe/comparison.ts';
import { publishedMakespan } from '../skippipe/setting.ts';
import type { Bar } from './draw-bars.ts';

interface Row extends ScheduleFigures {
  readonly label: string;
  readonly group: Bar['group'];
  /** As published, in seconds. */
  readonly paper?: number;
}

function rowsOf(comparison: Comparison): Row[] {
  const { schedules, fullPipeline30, plannedFullPipeline, greedy, planFigures, serialPlanFigures } =
    comparison;
  return [
    {
      label: 'full pipeline',
      group: 'published',
      paper: publishedMakespan('fullPipeline'),
      ...schedules.fullPipeline,
    },
    { label: 'full pipeline, 30 microbatches', group: 'published', ...fullPipeline30 },
    {
      label: 'random skip',
      group: 'published',
      paper: publishedMakespan('randomSkip'),
      ...schedules.randomSkip,
    },
    {
      label: 'real costs',
      group: 'published',
      paper: publishedMakespan('realCosts'),
      ...schedules.realCosts,
    },
    { label: 'SkipPipe', group: 'published', paper: publishedMakespan('skipPipe'), ...schedules.skipPipe },
    { label: 'full pipeline, planned', group: 'ours', ...plannedFullPipeline },
    { label: 'greedy router', group: 'ours', ...greedy },
    { label: 'plan for the published model', group: 'ours', ...planFigures },
    { label: 'plan for a serial uplink', group: 'ours', ...serialPlanFigures },
  ];
}

/** The event-exact makespans with a serial uplink, for a picture. */
export function barsOf(comparison: Comparison): Bar[] {
  return rowsOf(comparison).map(({ label, microbatches, serialUplink, group }) => ({
    label: label.includes('30') ? label : `${label} (${microbatches})`,
    seconds: serialUplink,
    group,
  }));
}

export function tableOf(comparison: Comparison): string {
  const cell = (seconds: number | undefined, digits: number) =>
    seconds === undefined ? '' : digits === 0 ? String(seconds) : seconds.toFixed(digits);
  const rows = rowsOf(comparison).map(
    ({ label, microbatches, paper, published, eventExact, serialUplink }) =>
      `| ${[label, microbatches, cell(paper, 0), cell(published, 0), cell(eventExact, 2), cell(serialUplink, 2)].join(' | ')} |`,
  );
  return [
    '| schedule | microbatches | in the paper’s program, s | recomputed in its model, s | event-exact, s | with a serial uplink, s |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
}

export function ringTableOf({ sharedRoutes: { publishedMap, anyMap } }: Comparison): string {
  return [
    '| one route for each origin, published model | s |',
    '| --- | ---: |',
    `| published map: the least | ${publishedMap.makespan} |`,
    `| any map: the least | ${anyMap.makespan} |`,
  ].join('\n');
}

export function leverTableOf({ levers }: Comparison): string {
  return [
    '| published routes, event-exact | s |',
    '| --- | ---: |',
    ...levers.map(({ label, seconds }) => `| ${label} | ${seconds.toFixed(2)} |`),
  ].join('\n');
}
