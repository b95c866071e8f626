/** States that somebody asks an archive to fetch, such as a replay that needs one: a small file for each. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { writeWhole } from '../home/files.ts';
import { parseRecordName, recordName } from './round-record.ts';

/** A round of a device whose state is wanted. */
export interface WantedState {
  readonly device: DeviceAddress;
  readonly round: number;
}

/** Requests that are answered. Further ones wait until some are gone. */
const MAX_REQUESTS = 64;

/**
 * Requests in a folder, so that another process than the archive's can make them: the name of a file is that
 * of the record.
 */
export class StateRequests {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Asks for the state after a recorded round. */
  add(wanted: WantedState): Promise<void> {
    return writeWhole(join(this.#folder, recordName(wanted)), '');
  }

  /** What is asked for, the oldest round first. */
  async list(): Promise<readonly WantedState[]> {
    const names: readonly string[] = await readdir(this.#folder).catch(() => []);
    return [...names]
      .sort()
      .flatMap((name) => parseRecordName(name) ?? [])
      .slice(0, MAX_REQUESTS);
  }

  /** Forgets a request that was answered, or that nobody can answer. */
  remove(wanted: WantedState): Promise<void> {
    return rm(join(this.#folder, recordName(wanted)), { force: true });
  }

  /** Whether the request still stands. */
  async has(wanted: WantedState): Promise<boolean> {
    return (await stat(join(this.#folder, recordName(wanted))).catch(() => undefined)) !== undefined;
  }
}
