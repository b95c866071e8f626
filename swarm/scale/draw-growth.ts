/**
 * Draws what a member costs at several sizes of swarm, as an SVG that is readable on light and dark
 * backgrounds.
 */

export interface GrowthCurve {
  readonly label: string;
  readonly colour: string;
  readonly isDashed: boolean;
  readonly points: readonly { readonly peers: number; readonly times: number }[];
}

const WIDTH = 720;
const HEIGHT = 400;
const LEFT = 64;
const RIGHT = 190;
const TOP = 44;
const BOTTOM = 48;
const LABEL_HEIGHT = 16;

/**
 * Curves over the number of members, both axes logarithmic. Heights are multiples of the first size's cost.
 */
export function drawGrowth(title: string, curves: readonly GrowthCurve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  const decade = (value: number): number => Math.log10(value);
  const left = decade(Math.min(...points.map(({ peers }) => peers)));
  const right = decade(Math.max(...points.map(({ peers }) => peers)));
  const bottom = Math.floor(decade(Math.min(...points.map(({ times }) => times))));
  const top = Math.ceil(decade(Math.max(...points.map(({ times }) => times))));
  const x = (peers: number): number =>
    LEFT + ((decade(peers) - left) / Math.max(1e-9, right - left)) * (WIDTH - LEFT - RIGHT);
  const y = (times: number): number =>
    HEIGHT - BOTTOM - ((decade(times) - bottom) / Math.max(1, top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const lines: string[] = [];
  for (let power = bottom; power <= top; power++) {
    const level = y(10 ** power).toFixed(1);
    lines.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${level}" y2="${level}" stroke="#8888" stroke-width="0.5"/>`,
      `<text x="${LEFT - 8}" y="${Number(level) + 4}" text-anchor="end">${10 ** power} ×</text>`,
    );
  }
  for (const peers of new Set(points.map((point) => point.peers)))
    lines.push(
      `<text x="${x(peers).toFixed(1)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${peers.toLocaleString('en')}</text>`,
    );
  const taken: number[] = [];
  for (const { label, colour, isDashed, points: of } of curves) {
    const last = of.at(-1);
    if (last === undefined) continue;
    const path = of.map(({ peers, times }) => `${x(peers).toFixed(1)},${y(times).toFixed(1)}`).join(' ');
    let height = y(last.times) + 4;
    while (taken.some((other) => Math.abs(other - height) < LABEL_HEIGHT)) height += 1;
    taken.push(height);
    const dashes = isDashed ? ' stroke-dasharray="5 4"' : '';
    lines.push(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashes}/>`,
      `<text x="${WIDTH - RIGHT + 8}" y="${height.toFixed(1)}" style="fill:${colour};font-weight:600">${label}: ${text(last.times)} ×</text>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
<style>text{font:13px system-ui,sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>
<text x="${LEFT}" y="24" font-weight="600">${title}</text>
<text x="${(WIDTH + LEFT - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">members</text>
${lines.join('\n')}
</svg>
`;
}

function text(times: number): string {
  return times >= 10 ? times.toFixed(0) : times.toFixed(1);
}
