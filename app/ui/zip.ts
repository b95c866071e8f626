/** A ZIP archive without compression (APPNOTE.TXT 6.3, method 0), since weights do not get smaller. */
import { must } from '../../protocol/must.ts';

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
/** Version 2.0, names in UTF-8. */
const VERSION = 20;
const UTF8 = 0x0800;
/** 1 January 1980, since a download has no better date of its own. */
const DATE = 0x21;
const LIMIT = 0xffffffff;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** CRC-32 as ZIP has it (ISO 3309). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = must(TABLE, (crc ^ byte) & 0xff) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** A record of little-endian fields of 2 or 4 bytes. */
function fields(...values: readonly (readonly [bytes: 2 | 4, value: number])[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(values.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of values) {
    if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

/**
 * The archive's parts in order, files in the order of the map. Throws RangeError for 4 GiB or more, which
 * needs another form of archive.
 */
export function zipParts(files: ReadonlyMap<string, Uint8Array>): readonly Uint8Array<ArrayBuffer>[] {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  const add = (to: Uint8Array<ArrayBuffer>[], bytes: Uint8Array) => {
    to.push(new Uint8Array(bytes));
    return bytes.length;
  };
  for (const [path, bytes] of files) {
    const name = new TextEncoder().encode(path);
    const about = [
      [4, crc32(bytes)],
      [4, bytes.length],
      [4, bytes.length],
      [2, name.length],
      [2, 0],
    ] as const;
    const at = offset;
    offset += add(parts, fields([4, LOCAL], [2, VERSION], [2, UTF8], [2, 0], [2, 0], [2, DATE], ...about));
    offset += add(parts, name) + add(parts, bytes);
    if (offset > LIMIT) throw new RangeError('An archive has less than 4 GiB. Save the files one by one.');
    add(
      directory,
      fields(
        ...([
          [4, CENTRAL],
          [2, VERSION],
          [2, VERSION],
          [2, UTF8],
          [2, 0],
          [2, 0],
          [2, DATE],
        ] as const),
        ...about,
        ...([
          [2, 0],
          [2, 0],
          [2, 0],
          [4, 0],
          [4, at],
        ] as const),
      ),
    );
    add(directory, name);
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = files.size;
  const end = fields([4, END], [2, 0], [2, 0], [2, count], [2, count], [4, size], [4, offset], [2, 0]);
  return [...parts, ...directory, end];
}
