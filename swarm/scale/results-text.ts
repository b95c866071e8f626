import { must } from '../../protocol/must.ts';
import type { GrowthCurve } from './draw-growth.ts';
import type { Measurement, SizeFigures } from './measure.ts';

const FIGURES = {
  messagesPerMember: { name: 'messages', colour: '#2f7d5b' },
  bytesPerMember: { name: 'bytes', colour: '#3465a4' },
  cpuMsPerMember: { name: 'CPU', colour: '#8a6d1f' },
  delayMs: { name: 'delay', colour: '#a4456b' },
} as const satisfies Readonly<
  Partial<Record<keyof SizeFigures, { readonly name: string; readonly colour: string }>>
>;
const NAMES = Object.keys(FIGURES) as readonly (keyof typeof FIGURES)[];

/** A curve for each figure, as multiples of that of the first size. */
export function curvesOf(
  sizes: readonly SizeFigures[],
  more: { readonly suffix: string; readonly isDashed: boolean },
): readonly GrowthCurve[] {
  return NAMES.map((key) => ({
    label: `${FIGURES[key].name}${more.suffix}`,
    colour: FIGURES[key].colour,
    isDashed: more.isDashed,
    points: sizes.map((size) => ({
      peers: size.peers,
      // Less than one of anything, such as a delay of no millisecond, is no measure.
      times: size[key] / Math.max(1, must(sizes, 0)[key]),
    })),
  }));
}

/** One row for each size. */
export function sizesTable(measurements: readonly Measurement[]): string {
  return table(
    [
      'members',
      'messages',
      'KiB',
      'CPU, ms',
      'delay p95, ms',
      'signature checks',
      'refused',
      'attested, %',
      'acks for one',
    ],
    measurements.map(({ figures, checks, rejected, attested, acks }) => [
      figures.peers.toLocaleString('en'),
      figures.messagesPerMember.toLocaleString('en'),
      (figures.bytesPerMember / 1024).toFixed(0),
      figures.cpuMsPerMember.toFixed(0),
      String(figures.delayMs),
      checks.toFixed(0),
      refusals(rejected),
      (100 * attested).toFixed(0),
      acks.toFixed(1),
    ]),
  );
}

/** Copies of each type that a member receives in a round, a column for each size. */
export function typesTable(measurements: readonly Measurement[]): string {
  const types = [...new Set(measurements.flatMap((one) => [...one.types.keys()]))].sort();
  const sizes = measurements.map((one) => one.figures.peers.toLocaleString('en'));
  const rows = types.map((type) => [
    type,
    ...measurements.map((one) => {
      const count = one.types.get(type);
      return count === undefined
        ? '0'
        : `${count.copies.toFixed(0)} (${(count.bytes / 1024).toFixed(0)} KiB)`;
    }),
  ]);
  const control = measurements.map((one) => `(${(one.controlBytes / 1024).toFixed(0)} KiB)`);
  return table(['copies (bytes)', ...sizes], [...rows, ['gossipsub’s own', ...control]]);
}

function refusals(rejected: Readonly<Record<string, number>>): string {
  const text = Object.entries(rejected).map(([reason, count]) => `${count.toFixed(1)} ${reason}`);
  return text.length === 0 ? '0' : text.join(', ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}
