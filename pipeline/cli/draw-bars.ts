/** A bar for each makespan, as an SVG that is readable on light and dark backgrounds. */

export interface Bar {
  readonly label: string;
  readonly seconds: number;
  /** What the bar is one of; bars of a group have one colour. */
  readonly group: 'published' | 'ours';
}

const WIDTH = 720;
const LEFT = 320;
const RIGHT = 70;
const ROW = 26;
const TOP = 48;
const COLOURS: Readonly<Record<Bar['group'], string>> = { published: '#8a6d1f', ours: '#2f7d5b' };

export function drawBars(title: string, bars: readonly Bar[]): string {
  const longest = Math.max(...bars.map(({ seconds }) => seconds));
  const height = TOP + bars.length * ROW + 12;
  const rows = bars.map(({ label, seconds, group }, at) => {
    const y = TOP + at * ROW;
    const width = ((WIDTH - LEFT - RIGHT) * seconds) / longest;
    return [
      `<text x="${LEFT - 10}" y="${y + 15}" text-anchor="end">${label}</text>`,
      `<rect x="${LEFT}" y="${y + 2}" width="${width.toFixed(1)}" height="${ROW - 8}" rx="3" fill="${COLOURS[group]}"/>`,
      `<text x="${(LEFT + width + 8).toFixed(1)}" y="${y + 15}">${seconds.toFixed(2)} s</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
<style>text{font:13px system-ui,sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>
<text x="16" y="24" font-weight="600">${title}</text>
${rows.join('\n')}
</svg>
`;
}
