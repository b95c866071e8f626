import { useMemo } from 'react';
import type uPlot from 'uplot';
import { ChartWithTable } from '../ui/chart-with-table.tsx';
import { formatShare } from '../ui/format.ts';
import { countAxis, PLOT_BASE, type PlotLook } from '../ui/use-plot.ts';
import type { RoundRecord } from '../volunteer/volunteer-events.ts';

const TABLE_ROUNDS = 50;

/** Reward and held-out accuracy against the round. Loaded only once there is something to draw. */
export default function LearningChart({ history }: { readonly history: readonly RoundRecord[] }) {
  const data = useMemo(() => columns(history), [history]);
  const first = history[0];
  const last = history.at(-1);
  const label =
    first === undefined || last === undefined
      ? 'No rounds yet.'
      : `From round ${first.round} to round ${last.round}, held-out accuracy went from ${formatShare(first.heldOutAccuracy)} to ${formatShare(last.heldOutAccuracy)} and reward from ${formatShare(first.reward)} to ${formatShare(last.reward)}.`;
  return (
    <ChartWithTable
      data={data}
      options={options}
      label={label}
      testId="chart"
      table={{
        label: 'Learning by round',
        columns: ['Round', 'Held-out accuracy', 'Reward', 'Loss'],
        rows: history
          .slice(-TABLE_ROUNDS)
          .reverse()
          .map(({ round, heldOutAccuracy, reward, loss }) => [
            `${round}`,
            formatShare(heldOutAccuracy),
            formatShare(reward),
            loss.toFixed(3),
          ]),
      }}
    />
  );
}

function columns(history: readonly RoundRecord[]): uPlot.AlignedData {
  return [
    history.map((record) => record.round),
    history.map((record) => record.heldOutAccuracy * 100),
    history.map((record) => record.reward * 100),
  ];
}

function options(look: PlotLook): Omit<uPlot.Options, 'width' | 'height'> {
  return {
    ...PLOT_BASE,
    scales: {
      x: { time: false },
      y: {
        range: (_chart, min, max) => [
          Math.max(0, Math.floor((min - 5) / 10) * 10),
          Math.min(100, Math.ceil((max + 5) / 10) * 10),
        ],
      },
    },
    axes: [
      countAxis(look),
      { ...look.axis, size: 44, values: (_chart, ticks) => ticks.map((tick) => `${tick} %`) },
    ],
    series: [
      { label: 'Round' },
      { label: 'Held-out accuracy', stroke: look.colour('--accent'), width: 2.5, points: { show: false } },
      { label: 'Reward', stroke: look.colour('--quiet'), width: 1.5, dash: [5, 4], points: { show: false } },
    ],
  };
}
