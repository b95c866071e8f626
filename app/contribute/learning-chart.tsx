import { useMemo } from 'react';
import type uPlot from 'uplot';
import { formatShare } from '../format.ts';
import { Disclosure } from '../ui/section.tsx';
import { countAxis, PLOT_BASE, type PlotLook, usePlot } from '../ui/use-plot.ts';
import type { RoundRecord } from '../volunteer/volunteer-events.ts';

/** Reward and held-out accuracy against the round. Loaded only once there is something to draw. */
export default function LearningChart({ history }: { readonly history: readonly RoundRecord[] }) {
  const data = useMemo(() => columns(history), [history]);
  const host = usePlot(data, options);
  const first = history[0];
  const last = history.at(-1);
  const label =
    first === undefined || last === undefined
      ? 'No rounds yet.'
      : `From round ${first.round} to round ${last.round}, held-out accuracy went from ${formatShare(first.heldOutAccuracy)} to ${formatShare(last.heldOutAccuracy)} and reward from ${formatShare(first.reward)} to ${formatShare(last.reward)}.`;
  return (
    <>
      <div ref={host} role="img" aria-label={label} className="h-56 w-full" data-testid="chart" />
      <Disclosure summary={<>The same as a table</>}>
        <section
          className="max-h-64 overflow-auto"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
          tabIndex={0}
          aria-label="Learning by round"
        >
          <table className="w-full text-left">
            <thead className="text-quiet">
              <tr>
                <th scope="col" className="py-1 pr-4 font-medium">
                  Round
                </th>
                <th scope="col" className="py-1 pr-4 font-medium">
                  Held-out accuracy
                </th>
                <th scope="col" className="py-1 pr-4 font-medium">
                  Reward
                </th>
                <th scope="col" className="py-1 font-medium">
                  Loss
                </th>
              </tr>
            </thead>
            <tbody className="figure">
              {[...history]
                .reverse()
                .slice(0, 50)
                .map((record) => (
                  <tr key={record.round}>
                    <td className="py-1 pr-4">{record.round}</td>
                    <td className="py-1 pr-4">{formatShare(record.heldOutAccuracy)}</td>
                    <td className="py-1 pr-4">{formatShare(record.reward)}</td>
                    <td className="py-1">{record.loss.toFixed(3)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </section>
      </Disclosure>
    </>
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
