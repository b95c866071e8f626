/** The files of an archive without compression, by their names within its folder. */
export function unzipped(archive: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const view = new DataView(archive.buffer, archive.byteOffset);
  const found = new Map<string, Uint8Array>();
  for (let at = 0; view.getUint32(at, true) === 0x04034b50; ) {
    const [size, length] = [view.getUint32(at + 22, true), view.getUint16(at + 26, true)];
    const start = at + 30 + length;
    const path = new TextDecoder().decode(archive.subarray(at + 30, start));
    found.set(path.split('/').at(-1) ?? path, archive.slice(start, start + size));
    at = start + size;
  }
  return found;
}
