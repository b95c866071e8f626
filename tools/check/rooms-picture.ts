import { posix } from 'node:path';
import type { Check, House } from './house.ts';

/** Where the picture lies; `npx tsx tools/draw-rooms.ts` draws it. */
export const ROOMS_PICTURE = 'docs/pictures/rooms.svg';

/** The column of each room in the picture, from the left, and what it is for in a few words. */
const ROOMS: Readonly<Record<string, { readonly column: number; readonly purpose: string }>> = {
  protocol: { column: 1, purpose: 'shared words and formats' },
  pipeline: { column: 3, purpose: 'plans for split models' },
  compute: { column: 0, purpose: 'operators and engines' },
  models: { column: 0, purpose: 'decoder and its files' },
  training: { column: 0, purpose: 'tasks and learning' },
  audit: { column: 0, purpose: 'traces and runs' },
  workers: { column: 0, purpose: 'threads of the page' },
  swarm: { column: 1, purpose: 'peer to peer' },
  chain: { column: 2, purpose: 'clients of contracts' },
  app: { column: 1, purpose: 'the page' },
  node: { column: 2, purpose: 'processes, local network' },
  e2e: { column: 1, purpose: 'journeys in a browser' },
  bench: { column: 1, purpose: 'benchmarks' },
  interop: { column: 0, purpose: 'a second implementation' },
  fuzz: { column: 2, purpose: 'hostile input' },
  tools: { column: 3, purpose: 'builds and checks' },
};
/** Rooms without TypeScript: a build makes a module from them, in a room that others import. */
const BUILT: Readonly<
  Record<string, { readonly into: string; readonly column: number; readonly purpose: string }>
> = {
  shaders: { into: 'compute', column: 0, purpose: 'WGSL kernels' },
  contracts: { into: 'chain', column: 2, purpose: 'Solidity' },
};

const BOX = { width: 210, height: 54 };
const STEP = { x: 270, y: 92 };
const MARGIN = 30;

/** What each room may import, as its tsconfig.json says. Configurations that are no folder are left out. */
export function roomReferences(house: House): Map<string, string[]> {
  const rooms = referencesOf(house, 'tsconfig.json').filter((path) => !path.endsWith('.json'));
  return new Map(
    rooms.map((room) => [
      room,
      referencesOf(house, `${room}/tsconfig.json`).map((path) => posix.normalize(posix.join(room, path))),
    ]),
  );
}

/** Only the arrows that no other way implies, so that the picture can be read. */
export function directArrows(references: ReadonlyMap<string, readonly string[]>): [string, string][] {
  const reaches = (from: string, to: string): boolean =>
    (references.get(from) ?? []).some((next) => next === to || reaches(next, to));
  return [...references].flatMap(([from, targets]) =>
    targets
      .filter((to) => !targets.some((other) => other !== to && reaches(other, to)))
      .map((to): [string, string] => [from, to]),
  );
}

/**
 * The picture as SVG: a room stands above all that it may import, and has a line to each that no other way
 * implies.
 */
export function drawRooms(house: House): string {
  const references = roomReferences(house);
  const floors = new Map<string, number>();
  const floorOf = (room: string): number => {
    const known = floors.get(room);
    if (known !== undefined) return known;
    const floor = Math.max(0, ...(references.get(room) ?? []).map((below) => floorOf(below) + 1));
    floors.set(room, floor);
    return floor;
  };
  const top = Math.max(...[...references.keys()].map(floorOf));
  const place = (column: number, floor: number) => ({
    x: MARGIN + column * STEP.x,
    y: MARGIN + (top - floor) * STEP.y,
  });
  const boxes: string[] = [];
  const lines: string[] = [];
  const places = new Map<string, { readonly x: number; readonly y: number }>();
  for (const room of references.keys()) {
    const { column, purpose } = ROOMS[room] ?? { column: 0, purpose: '' };
    const at = place(column, floorOf(room));
    places.set(room, at);
    boxes.push(box(at, room, purpose, 'box'));
  }
  for (const [room, { into, column, purpose }] of Object.entries(BUILT)) {
    if (!references.has(into)) continue;
    const at = place(column, floorOf(into) - 1);
    places.set(room, at);
    boxes.push(box(at, `${room}/`, purpose, 'built'));
    lines.push(line(places.get(into) ?? at, at, 'd'));
  }
  for (const [from, to] of directArrows(references)) {
    const [above, below] = [places.get(from), places.get(to)];
    if (above !== undefined && below !== undefined) lines.push(line(above, below, 'l'));
  }
  const width = 2 * MARGIN + 3 * STEP.x + BOX.width;
  const height = 2 * MARGIN + top * STEP.y + BOX.height;
  const said = [...references]
    .map(([room, below]) => `${room} may import ${below.join(', ') || 'nothing'}`)
    .join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="15" role="img" aria-label="The rooms of the house. ${said}.">
  <!-- Drawn by tools/draw-rooms.ts from the references of each tsconfig.json. -->
  <style>
    .bg{fill:#fbfaf7}.box{fill:#fff;stroke:#c9c3b6;stroke-width:1.5}.built{fill:none;stroke:#b0a996;stroke-width:1.5;stroke-dasharray:5 5}
    .t{fill:#26231e;font-weight:600}.s{fill:#6d665a;font-size:13px}
    .l{stroke:#2f6f6a;stroke-width:2;fill:none}.d{stroke:#b0a996;stroke-width:1.5;stroke-dasharray:5 5;fill:none}.a{fill:#2f6f6a}
    @media (prefers-color-scheme: dark){.bg{fill:#171614}.box{fill:#211f1c;stroke:#4a453c}.built{stroke:#6b6557}.t{fill:#efeae0}.s{fill:#a59d8e}.l{stroke:#6fc3bb}.a{fill:#6fc3bb}.d{stroke:#6b6557}}
  </style>
  <defs><marker id="m" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="a" d="M0 0 8 4 0 8z"/></marker></defs>
  <rect class="bg" width="${width}" height="${height}" rx="14"/>
${[...lines, ...boxes].map((part) => `  ${part}`).join('\n')}
</svg>
`;
}

/** The picture is the one that the projects' references give, and every room has a place in it. */
export const checkRoomsPicture: Check = (house) => {
  const references = roomReferences(house);
  const findings = [...references.keys()]
    .filter((room) => !Object.hasOwn(ROOMS, room))
    .map((room) => ({
      file: `${room}/tsconfig.json`,
      message: 'has no place yet in tools/check/rooms-picture.ts',
    }));
  if (!house.files.includes(ROOMS_PICTURE) || house.read(ROOMS_PICTURE) !== drawRooms(house))
    findings.push({ file: ROOMS_PICTURE, message: 'is not of these rooms; run npx tsx tools/draw-rooms.ts' });
  return { findings, summary: [`${references.size} rooms`] };
};

function box(
  at: { readonly x: number; readonly y: number },
  title: string,
  purpose: string,
  style: string,
): string {
  return (
    `<rect class="${style}" x="${at.x}" y="${at.y}" width="${BOX.width}" height="${BOX.height}" rx="10"/>` +
    `<text class="t" x="${at.x + 16}" y="${at.y + 23}">${title}</text>` +
    `<text class="s" x="${at.x + 16}" y="${at.y + 42}">${purpose}</text>`
  );
}

/** From the lower edge of one box to the upper edge of another, past what stands between. */
function line(
  above: { readonly x: number; readonly y: number },
  below: { readonly x: number; readonly y: number },
  style: string,
): string {
  const lean = Math.sign(below.x - above.x) * 50;
  const [x1, y1] = [above.x + BOX.width / 2 + lean, above.y + BOX.height];
  const [x2, y2] = [below.x + BOX.width / 2 - lean, below.y];
  const bend = Math.min(60, (y2 - y1) / 2);
  return (
    `<path class="${style}" d="M${x1} ${y1} C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2 - 2}"` +
    `${style === 'l' ? ' marker-end="url(#m)"' : ''}/>`
  );
}

function referencesOf(house: House, path: string): string[] {
  const config: unknown = JSON.parse(house.read(path));
  if (typeof config !== 'object' || config === null || !('references' in config)) return [];
  if (!Array.isArray(config.references)) return [];
  return config.references.flatMap((reference: unknown) =>
    typeof reference === 'object' && reference !== null && 'path' in reference
      ? [String(reference.path)]
      : [],
  );
}
