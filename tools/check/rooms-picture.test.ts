import { describe, expect, it } from 'vitest';
import { houseOf } from './house.ts';
import {
  checkRoomsPicture,
  directArrows,
  drawRooms,
  ROOMS_PICTURE,
  roomReferences,
} from './rooms-picture.ts';

const config = (...paths: string[]) => JSON.stringify({ references: paths.map((path) => ({ path })) });
const HOUSE = {
  'tsconfig.json': config('protocol', 'compute', 'models', 'tsconfig.vite.json'),
  'protocol/tsconfig.json': config(),
  'compute/tsconfig.json': config('../protocol'),
  'models/tsconfig.json': config('../compute', '../protocol'),
  'tsconfig.vite.json': config(),
};

describe('the picture of the rooms', () => {
  it('takes what each may import from its project, and draws what no other way implies', () => {
    const references = roomReferences(houseOf(HOUSE));
    expect([...references]).toEqual([
      ['protocol', []],
      ['compute', ['protocol']],
      ['models', ['compute', 'protocol']],
    ]);
    expect(directArrows(references)).toEqual([
      ['compute', 'protocol'],
      ['models', 'compute'],
    ]);
  });

  it('has a box for each room, and says all of it in words', () => {
    const svg = drawRooms(houseOf(HOUSE));
    expect(svg.match(/class="box"/g)).toHaveLength(3);
    expect(svg).toContain('models may import compute, protocol');
    expect(svg).toContain('prefers-color-scheme: dark');
  });

  it('has to be drawn again when an arrow changes', () => {
    const drawn = { ...HOUSE, [ROOMS_PICTURE]: drawRooms(houseOf(HOUSE)) };
    expect(checkRoomsPicture(houseOf(drawn)).findings).toEqual([]);
    const changed = { ...drawn, 'models/tsconfig.json': config('../protocol') };
    expect(checkRoomsPicture(houseOf(changed)).findings.map(({ file }) => file)).toEqual([ROOMS_PICTURE]);
  });

  it('names a room that has no place in it', () => {
    const more = {
      ...HOUSE,
      'tsconfig.json': config('protocol', 'cellar'),
      'cellar/tsconfig.json': config(),
    };
    expect(checkRoomsPicture(houseOf(more)).findings.map(({ file }) => file)).toContain(
      'cellar/tsconfig.json',
    );
  });
});
