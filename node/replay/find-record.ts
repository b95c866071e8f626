import type { ArchiveFolder } from '../archive/archive-folder.ts';
import { parseRecord, type RoundRecord } from '../archive/round-record.ts';
import { UsageError } from '../home/command-line.ts';
import { readIfThere } from '../home/files.ts';

/**
 * The record that a person means: a record file, or `<device>:<round>`, where a unique beginning of the
 * address and `last` for the round will do. Throws UsageError or RecordError.
 */
export async function findRecord(archive: ArchiveFolder, meant: string): Promise<RoundRecord> {
  const named = /^(0x[0-9a-fA-F]{0,40}):(\d{1,13}|last)$/.exec(meant);
  if (named === null) {
    const bytes = await readIfThere(meant).catch(() => undefined);
    if (bytes === undefined)
      throw new UsageError(
        `"${meant}" is neither device:round nor a record file. List what is archived with: npm run replay -- --list`,
      );
    return parseRecord(new TextDecoder().decode(bytes));
  }
  const [, prefix = '', round = ''] = named;
  const entries = (await archive.list()).filter(
    (entry) =>
      entry.device.startsWith(prefix.toLowerCase()) && (round === 'last' || entry.round === Number(round)),
  );
  const devices = new Set(entries.map(({ device }) => device));
  if (devices.size > 1)
    throw new UsageError(`${prefix} is the beginning of ${devices.size} devices: ${[...devices].join(', ')}`);
  const last = entries.at(-1);
  const record = last === undefined ? undefined : await archive.record(last.device, last.round);
  if (record === undefined)
    throw new UsageError(
      `Round ${round} of ${prefix} is not in the archive. List what is with: npm run replay -- --list`,
    );
  return record;
}
