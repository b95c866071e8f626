/**
 * `npx tsx tools/draw-rooms.ts`: draws the rooms of the house and what each may import, into
 * docs/pictures/rooms.svg.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { houseAt } from './check/house.ts';
import { drawRooms, ROOMS_PICTURE } from './check/rooms-picture.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
writeFileSync(join(root, ROOMS_PICTURE), drawRooms(houseAt(root)));
console.log(ROOMS_PICTURE);
