/** What each node computes when, as an SVG that is readable on light and dark backgrounds. */
import type { TaskKind } from '../route.ts';
import type { Simulation } from '../simulate.ts';
import { MICROSECONDS } from '../timing.ts';

export interface GanttOptions {
  readonly title: string;
  readonly run: Simulation;
  /** The name of each node's row, in the order in which rows are drawn. */
  readonly rows: readonly { readonly node: number; readonly label: string }[];
}

const WIDTH = 960;
const LEFT = 150;
const RIGHT = 20;
const ROW = 20;
const TOP = 66;
const GRID_SECONDS = 5;
const COLOURS: Readonly<Record<TaskKind, string>> = {
  forward: '#3a6ea5',
  loss: '#8b5a9f',
  backward: '#c2703d',
};

export function drawGantt({ title, run, rows }: GanttOptions): string {
  const height = TOP + rows.length * ROW + 34;
  const x = (time: number) => LEFT + ((WIDTH - LEFT - RIGHT) * time) / run.makespan;
  const bottom = TOP + rows.length * ROW;
  const lines: string[] = [];
  for (let second = 0; second * MICROSECONDS <= run.makespan; second += GRID_SECONDS) {
    const at = x(second * MICROSECONDS).toFixed(1);
    lines.push(
      `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${bottom}" stroke="#8888" stroke-width="0.5"/>`,
      `<text x="${at}" y="${bottom + 18}" text-anchor="middle">${second} s</text>`,
    );
  }
  for (const [index, { node, label }] of rows.entries()) {
    const y = TOP + index * ROW;
    lines.push(`<text x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${label}</text>`);
    for (const task of run.tasks.filter((one) => one.node === node)) {
      const width = Math.max(1, x(task.ends) - x(task.starts));
      lines.push(
        `<rect x="${x(task.starts).toFixed(1)}" y="${y + 3}" width="${width.toFixed(1)}" height="${ROW - 6}" ` +
          `fill="${COLOURS[task.kind]}"><title>microbatch ${task.microbatch}, ${task.kind}</title></rect>`,
      );
    }
  }
  const legend = (['forward', 'loss', 'backward'] as const).map(
    (kind, at) =>
      `<rect x="${LEFT + at * 110}" y="38" width="12" height="12" fill="${COLOURS[kind]}"/>` +
      `<text x="${LEFT + at * 110 + 18}" y="48">${kind}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
<style>text{font:12px system-ui,sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>
<text x="16" y="24" font-weight="600">${title}</text>
${legend.join('\n')}
${lines.join('\n')}
</svg>
`;
}
