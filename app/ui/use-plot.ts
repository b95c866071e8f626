import { type RefObject, useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

const PLOT_HEIGHT = 224;

/** The page's colours and font, which a canvas does not get from CSS variables. */
export interface PlotLook {
  colour(name: `--${string}`): string;
  /** What all axes have in common. */
  readonly axis: uPlot.Axis;
}

/**
 * Draws a chart into the element with the returned ref. Draws it again when the width of the element or the
 * colours of the page change.
 */
export function usePlot(
  data: uPlot.AlignedData,
  options: (look: PlotLook) => Omit<uPlot.Options, 'width' | 'height'>,
): RefObject<HTMLDivElement | null> {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef({ data, options });

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const draw = () => {
      chart.current?.destroy();
      const size = { width: element.clientWidth, height: PLOT_HEIGHT };
      chart.current = new uPlot({ ...size, ...latest.current.options(look()) }, latest.current.data, element);
    };
    draw();
    const resize = new ResizeObserver(() =>
      chart.current?.setSize({ width: element.clientWidth, height: PLOT_HEIGHT }),
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
    latest.current = { data, options };
    chart.current?.setData(data);
  }, [data, options]);

  return host;
}

function look(): PlotLook {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: `--${string}`) => style.getPropertyValue(name).trim();
  return {
    colour,
    axis: {
      stroke: colour('--quiet'),
      font: `12px ${getComputedStyle(document.body).fontFamily}`,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    },
  };
}

/** An axis of whole numbers. */
export function countAxis({ axis }: PlotLook): uPlot.Axis {
  return {
    ...axis,
    grid: { show: false },
    size: 30,
    values: (_chart, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? `${tick}` : '')),
  };
}

/** What all charts of the page have in common. */
export const PLOT_BASE = {
  legend: { show: false },
  cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
  padding: [8, 8, 0, 0],
} satisfies Partial<uPlot.Options>;
