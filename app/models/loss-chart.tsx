import { useMemo } from 'react';
import type uPlot from 'uplot';
import { Disclosure } from '../ui/section.tsx';
import { countAxis, PLOT_BASE, type PlotLook, usePlot } from '../ui/use-plot.ts';
import type { StepView } from './models-view.ts';

/** Loss against the step. Loaded only once there is something to draw. */
export default function LossChart({ steps }: { readonly steps: readonly StepView[] }) {
  const data = useMemo<uPlot.AlignedData>(
    () => [steps.map(({ step }) => step), steps.map(({ loss }) => loss)],
    [steps],
  );
  const host = usePlot(data, options);
  const [first, last] = [steps[0], steps.at(-1)];
  const label =
    first === undefined || last === undefined
      ? 'No steps yet.'
      : `From step ${first.step} to step ${last.step} the loss went from ${first.loss.toFixed(3)} to ${last.loss.toFixed(3)}.`;
  return (
    <>
      <p className="text-note text-quiet">
        Loss by step: what the next token of the text surprises it by, in nats.{' '}
        <span className="figure" data-testid="losses" data-first={first?.loss} data-last={last?.loss}>
          {first?.loss.toFixed(3)} → {last?.loss.toFixed(3)}
        </span>
      </p>
      <div ref={host} role="img" aria-label={label} className="mt-2 h-56 w-full" data-testid="loss-chart" />
      <Disclosure summary={<>The same as a table</>}>
        <section
          className="max-h-64 overflow-auto"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
          tabIndex={0}
          aria-label="Loss by step"
        >
          <table className="w-full max-w-sm text-left">
            <thead className="text-quiet">
              <tr>
                {['Step', 'Loss', 'Seconds'].map((name) => (
                  <th key={name} scope="col" className="py-1 pr-4 font-medium">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody className="figure">
              {[...steps]
                .reverse()
                .slice(0, 50)
                .map(({ step, loss, seconds }) => (
                  <tr key={step}>
                    <td className="py-1 pr-4">{step}</td>
                    <td className="py-1 pr-4">{loss.toFixed(4)}</td>
                    <td className="py-1">{seconds.toFixed(2)}</td>
                  </tr>
                ))}
            </tbody>
          </table>
        </section>
      </Disclosure>
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
