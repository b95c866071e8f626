import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { readIfThere, writeWhole } from '../home/files.ts';
import { type FileContentStore, openFileContentStore } from './file-content-store.ts';
import { formatRecord, parseRecord, parseRecordName, type RoundRecord, recordName } from './round-record.ts';
import { openStaging, type Staging } from './staging.ts';
import { StateRequests } from './state-requests.ts';

/**
 * Published rounds on a disk: `records/` says what belongs to a round, `content/` has it by CID, `wanted/`
 * which states somebody asks for, and `staging/` what is fetched and not proved yet; the first `stage` of a
 * process empties that. Rollout sets are kept of every round, the state after it only of some.
 */
export interface ArchiveFolder {
  readonly content: FileContentStore;
  /** States that the archive is asked to fetch. */
  readonly wanted: StateRequests;
  /** A place for content that is not proved yet. A write past `maxBytes` in it throws QuotaError. */
  stage(maxBytes: number): Promise<Staging>;
  /** Bytes of content on the disk. */
  size(): Promise<number>;
  save(record: RoundRecord): Promise<void>;
  /** Throws RecordError on a record file that was tampered with. */
  record(device: DeviceAddress, round: number): Promise<RoundRecord | undefined>;
  /** Devices and rounds, oldest first. */
  list(): Promise<readonly { readonly device: DeviceAddress; readonly round: number }[]>;
  /** The device's record whose checkpoint has this root. */
  byRoot(device: DeviceAddress, root: Hex): Promise<RoundRecord | undefined>;
  /** Whoever published these rollouts, as far as the records tell. */
  authorOf(cid: string, round: number): Promise<DeviceAddress | undefined>;
  /**
   * Forgets rounds before `round` and the content that no later record needs. Of each device the rounds from
   * its newest kept state on stay, without which the later ones could not be recomputed.
   */
  prune(round: number): Promise<void>;
}

export async function openArchiveFolder(folder: string): Promise<ArchiveFolder> {
  const records = join(folder, 'records');
  const contentFolder = join(folder, 'content');
  const content = await openFileContentStore(contentFolder);
  const staging = join(folder, 'staging');
  let staged = 0;
  let cleared: Promise<void> | undefined;

  const list = async () => {
    let names: string[] = [];
    try {
      names = await readdir(records);
    } catch {
      // Nothing was archived yet.
    }
    return names.sort().flatMap((name) => parseRecordName(name) ?? []);
  };
  const record = async (device: DeviceAddress, round: number) => {
    const bytes = await readIfThere(join(records, recordName({ device, round })));
    return bytes === undefined ? undefined : parseRecord(new TextDecoder().decode(bytes));
  };
  return {
    content,
    wanted: new StateRequests(join(folder, 'wanted')),
    async stage(maxBytes) {
      // Only whoever fetches clears it: a replay may read the archive of a running network.
      cleared ??= rm(staging, { recursive: true, force: true });
      await cleared;
      return openStaging({ folder: join(staging, String(++staged)), content, contentFolder, maxBytes });
    },
    async size() {
      const names = await readdir(contentFolder);
      // A file may go between the listing and the look at it.
      const sizes = names.map((name) =>
        stat(join(contentFolder, name)).then(
          ({ size }) => size,
          () => 0,
        ),
      );
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    },
    save: (value) => writeWhole(join(records, recordName(value)), formatRecord(value)),
    record,
    list,
    async byRoot(device, root) {
      for (const entry of (await list()).reverse()) {
        if (entry.device !== device) continue;
        const found = await record(entry.device, entry.round);
        if (found?.checkpointRoot === root) return found;
      }
      return undefined;
    },
    async authorOf(cid, round) {
      for (const entry of await list()) {
        if (entry.round !== round) continue;
        const found = await record(entry.device, entry.round);
        if (found?.rollouts === cid) return found.device;
      }
      return undefined;
    },
    async prune(round) {
      const needed = new Set<string>();
      const entries = await list();
      const first = new Map<DeviceAddress, number>();
      for (const entry of entries.toReversed()) {
        if (entry.round > round || first.has(entry.device)) continue;
        const found = await record(entry.device, entry.round);
        if (found !== undefined && (await content.isHere(found.checkpoint)))
          first.set(entry.device, entry.round);
      }
      for (const entry of entries) {
        if (entry.round < (first.get(entry.device) ?? round)) {
          await rm(join(records, recordName(entry)), { force: true });
          continue;
        }
        const kept = await record(entry.device, entry.round);
        if (kept === undefined) continue;
        for (const cid of [kept.checkpoint, kept.rollouts, ...kept.foreign.map((one) => one.cid)])
          needed.add(cid);
      }
      for (const cid of await content.list()) if (!needed.has(cid)) await content.delete(cid);
    },
  };
}
