import { useMemo } from 'react';
import type uPlot from 'uplot';
import { ChartWithTable } from '../ui/chart-with-table.tsx';
import { countAxis, PLOT_BASE, type PlotLook } from '../ui/use-plot.ts';
import type { StepView } from './models-view.ts';

const TABLE_STEPS = 50;

/** Loss against the step. Loaded only once there is something to draw. */
export default function LossChart({ steps }: { readonly steps: readonly StepView[] }) {
  const data = useMemo<uPlot.AlignedData>(
    () => [steps.map(({ step }) => step), steps.map(({ loss }) => loss)],
    [steps],
  );
  const [first, last] = [steps[0], steps.at(-1)];
  const label =
    first === undefined || last === undefined
      ? 'No steps yet.'
      : `From step ${first.step} to step ${last.step} the loss went from ${first.loss.toFixed(3)} to ${last.loss.toFixed(3)}.`;
  return (
    <>
      <p className="mb-2 text-note text-quiet">
        Loss by step: what the next token of the text surprises it by, in nats.{' '}
        <span className="figure" data-testid="losses" data-first={first?.loss} data-last={last?.loss}>
          {first?.loss.toFixed(3)} → {last?.loss.toFixed(3)}
        </span>
      </p>
      <ChartWithTable
        data={data}
        options={options}
        label={label}
        testId="loss-chart"
        table={{
          label: 'Loss by step',
          columns: ['Step', 'Loss', 'Seconds'],
          rows: steps
            .slice(-TABLE_STEPS)
            .reverse()
            .map(({ step, loss, seconds }) => [`${step}`, loss.toFixed(4), seconds.toFixed(2)]),
          narrow: true,
        }}
      />
    </>
  );
}

function options(look: PlotLook): Omit<uPlot.Options, 'width' | 'height'> {
  return {
    ...PLOT_BASE,
    scales: {
      x: { time: false },
      y: { range: (_chart, min, max) => [min - (max - min) * 0.08 - 0.01, max + (max - min) * 0.08 + 0.01] },
    },
    axes: [
      countAxis(look),
      {
        ...look.axis,
        size: 52,
        values: (_chart, ticks) => ticks.map((tick) => `${Number(tick.toFixed(4))}`),
      },
    ],
    series: [
      { label: 'Step' },
      { label: 'Loss', stroke: look.colour('--accent'), width: 2.5, points: { show: false } },
    ],
  };
}
