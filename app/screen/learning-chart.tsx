import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatShare } from '../format.ts';
import type { RoundRecord } from '../volunteer/events.ts';
import { Disclosure } from './section.tsx';

const HEIGHT = 224;

/** Reward and held-out accuracy against the round. Loaded only once there is something to draw. */
export default function LearningChart({ history }: { readonly history: readonly RoundRecord[] }) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef(history);

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const draw = () => {
      chart.current?.destroy();
      chart.current = new uPlot(options(element.clientWidth), columns(latest.current), element);
    };
    draw();
    const resize = new ResizeObserver(() =>
      chart.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resize.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    window.addEventListener('starling:theme', draw);
    return () => {
      resize.disconnect();
      scheme.removeEventListener('change', draw);
      window.removeEventListener('starling:theme', draw);
      chart.current?.destroy();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    latest.current = history;
    chart.current?.setData(columns(history));
  }, [history]);

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

/** A canvas knows no CSS variables, so colours are read from the page each time it is drawn anew. */
function options(width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = {
    stroke: colour('--quiet'),
    font,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    padding: [8, 8, 0, 0],
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
      {
        ...axis,
        grid: { show: false },
        size: 30,
        values: (_chart, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? `${tick}` : '')),
      },
      { ...axis, size: 44, values: (_chart, ticks) => ticks.map((tick) => `${tick} %`) },
    ],
    series: [
      { label: 'Round' },
      { label: 'Held-out accuracy', stroke: colour('--accent'), width: 2.5, points: { show: false } },
      { label: 'Reward', stroke: colour('--quiet'), width: 1.5, dash: [5, 4], points: { show: false } },
    ],
  };
}
