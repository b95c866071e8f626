/** Draws the curves of an experiment as an SVG that is readable on light and dark backgrounds. */

import { must } from '../../protocol/must.ts';

export interface Curve {
  readonly label: string;
  readonly colour: string;
  /** Mean over the peers, with the values of the lowest and the highest peer. */
  readonly points: readonly {
    readonly x: number;
    readonly mean: number;
    readonly low: number;
    readonly high: number;
  }[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly curves: readonly Curve[];
  /** Distance of the lines of the grid. Defaults to 0.1. */
  readonly yStep?: number;
  /** How a value is written. Defaults to a share in percent. */
  readonly yText?: (value: number) => string;
  /** How a place on the horizontal axis is written. Defaults to a whole number. */
  readonly xText?: (value: number) => string;
}

const WIDTH = 720;
const HEIGHT = 400;
const LEFT = 56;
const RIGHT = 110;
const TOP = 44;
const BOTTOM = 48;

const LABEL_HEIGHT = 17;

/** Moves heights down where needed, so that no two labels touch. */
function spread(heights: readonly number[]): readonly number[] {
  const placed: number[] = [];
  for (const height of heights) {
    let free = height;
    while (placed.some((other) => Math.abs(other - free) < LABEL_HEIGHT)) free += 1;
    placed.push(free);
  }
  return placed;
}

const percent = (share: number) => `${(100 * share).toFixed(1).replace(/\.0$/, '')} %`;

/** An SVG document of curves, by default shares over rounds, each with its band from low to high. */
export function drawCurves(options: ChartOptions): string {
  const { title, xLabel, curves, yStep = 0.1, yText = percent } = options;
  const { xText = (value: number) => String(Math.round(value)) } = options;
  const points = curves.flatMap((curve) => curve.points);
  const lastX = Math.max(...points.map(({ x }) => x));
  const bottom = Math.floor(Math.min(...points.map(({ low }) => low)) / yStep) * yStep;
  const top = Math.ceil(Math.max(...points.map(({ high }) => high)) / yStep) * yStep;
  const x = (value: number) => (LEFT + (value / lastX) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number) =>
    (HEIGHT - BOTTOM - ((value - bottom) / (top - bottom)) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const text = (at: { x: string | number; y: string | number }, words: string, more = '') =>
    `<text x="${at.x}" y="${at.y}" ${more}>${words}</text>`;

  const lines: string[] = [];
  for (let step = 0; bottom + step * yStep <= top + 1e-9; step++) {
    const level = Number((bottom + step * yStep).toFixed(9));
    lines.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(level)}" y2="${y(level)}" stroke="#8888" stroke-width="0.5"/>`,
      text({ x: LEFT - 8, y: Number(y(level)) + 4 }, yText(level), 'text-anchor="end"'),
    );
  }
  for (let step = 0; step <= 4; step++) {
    const place = (lastX * step) / 4;
    lines.push(text({ x: x(place), y: HEIGHT - BOTTOM + 20 }, xText(place), 'text-anchor="middle"'));
  }
  const labelHeights = spread(curves.map((curve) => Number(y(curve.points.at(-1)?.mean ?? 0)) + 4));
  for (const [index, { label, colour, points: of }] of curves.entries()) {
    const band = [
      ...of.map((point) => `${x(point.x)},${y(point.high)}`),
      ...of.toReversed().map((point) => `${x(point.x)},${y(point.low)}`),
    ].join(' ');
    const path = of.map((point) => `${x(point.x)},${y(point.mean)}`).join(' ');
    const last = of.at(-1);
    lines.push(
      `<polygon points="${band}" fill="${colour}" opacity="0.18"/>`,
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    );
    if (last !== undefined) {
      lines.push(
        text(
          { x: Number(x(last.x)) + 8, y: must(labelHeights, index) },
          `${label} ${yText(last.mean)}`,
          `style="fill:${colour};font-weight:600"`,
        ),
      );
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
<style>text{font:13px system-ui,sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>
${text({ x: LEFT, y: 24 }, title, 'font-weight="600"')}
${text({ x: (WIDTH + LEFT - RIGHT) / 2, y: HEIGHT - 8 }, xLabel, 'text-anchor="middle"')}
${lines.join('\n')}
</svg>
`;
}
