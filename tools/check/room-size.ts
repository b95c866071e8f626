import type { Check, House } from './house.ts';
import { roomOf } from './house.ts';

/** Largest share of the code that one room may hold. */
const LARGEST_SHARE = 1 / 5;

const CODE = /\.(ts|tsx|mts|mjs|js|sol|wgsl)$/;
/** Files that exist only for tests: beside their source, below testing/, and whole folders of tests. */
const TEST = /\.(test|spec|test-d|t)\.(ts|tsx|sol)$|\/(testing|browser-fixture)\/|^(contracts\/test|e2e)\//;

export interface RoomLines {
  readonly room: string;
  /** Lines outside tests, blank lines and comments included. */
  readonly lines: number;
  readonly tests: number;
}

/** Lines of each room, largest first. Files at the root are the room `.`. */
export function roomLines(house: House): RoomLines[] {
  const rooms = new Map<string, { lines: number; tests: number }>();
  for (const file of house.files) {
    if (!CODE.test(file)) continue;
    const room = rooms.get(roomOf(file)) ?? { lines: 0, tests: 0 };
    const text = house.read(file);
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    if (TEST.test(file)) room.tests += lines;
    else room.lines += lines;
    rooms.set(roomOf(file), room);
  }
  return [...rooms]
    .map(([room, count]) => ({ room, ...count }))
    .sort((a, b) => b.lines - a.lines || b.tests - a.tests);
}

/**
 * No room holds more than a fifth of the code. The rule counts both ways of counting: without tests, which is
 * what a reader of the room has to know, and with them, which is what its maintainer has to keep.
 */
export const checkRoomSize: Check = (house) => {
  const rooms = roomLines(house);
  const total = rooms.reduce((sum, { lines }) => sum + lines, 0);
  const totalTests = rooms.reduce((sum, { tests }) => sum + tests, 0);
  const all = total + totalTests;
  const findings = rooms.flatMap(({ room, lines, tests }) => {
    const shares = [
      { of: 'the code without tests', share: lines / total },
      { of: 'the code with tests', share: (lines + tests) / all },
    ];
    return shares
      .filter(({ share }) => share > LARGEST_SHARE)
      .map(({ of, share }) => ({ file: room, message: `holds ${percent(share)} of ${of}; at most a fifth` }));
  });
  const row = (room: string, lines: number, tests: number) =>
    `${room.padEnd(10)} ${String(lines).padStart(6)} ${percent(lines / total).padStart(7)}` +
    ` ${String(lines + tests).padStart(7)} ${percent((lines + tests) / all).padStart(7)}`;
  return {
    findings,
    summary: [
      `${'room'.padEnd(10)} ${'lines'.padStart(6)} ${'share'.padStart(7)} ${'+ tests'.padStart(7)} ${'share'.padStart(7)}`,
      ...rooms.map(({ room, lines, tests }) => row(room, lines, tests)),
      row('all', total, totalTests),
    ],
  };
};

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
