import { open } from 'node:fs/promises';

/** `length` bytes of the file at a path, from `offset`. Undefined when it is missing or ends before. */
export async function readPart(
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
      if (bytesRead === 0) return undefined;
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}
