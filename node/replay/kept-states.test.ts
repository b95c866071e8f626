import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import { type ArchiveFolder, openArchiveFolder } from '../archive/archive-folder.ts';
import type { RoundRecord } from '../archive/round-record.ts';
import { type PublishedRounds, publishRounds } from '../testing/published-rounds.ts';
import { askForState } from './ask-for-state.ts';
import { type ReplayRecordOptions, replayRecord } from './replay-record.ts';
import { verdictInWords } from './verdict-in-words.ts';

const ROUNDS = 4;

let home = '';
let published: PublishedRounds;
let engine: Engine;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-kept-'));
  published = await publishRounds(home, ROUNDS);
  engine = createReferenceEngine();
});
afterAll(async () => {
  await engine?.stop();
  await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

function recordOf(round: number, device = 0): RoundRecord {
  const record = published.records[round]?.[device];
  if (record === undefined) throw new Error(`There is no round ${round} of device ${device}.`);
  return record;
}

/** A copy of the archive that has the states after some rounds only. */
async function keeping(rounds: readonly number[]) {
  const path = await mkdtemp(join(home, 'copy-'));
  await cp(published.archivePath, path, { recursive: true });
  for (const record of published.records.flat()) {
    if (rounds.includes(record.round)) continue;
    for (const kind of ['file', 'manifest']) await rm(join(path, 'content', `${record.checkpoint}.${kind}`));
  }
  return { path, archive: await openArchiveFolder(path) };
}

async function replay(archive: ArchiveFolder, record: RoundRecord, more: Partial<ReplayRecordOptions> = {}) {
  const between: (readonly number[])[] = [];
  const verdict = await replayRecord({
    ...{ record, archive, engine, model: folderSource(published.modelPath) },
    onBetween: (rounds) => between.push(rounds),
    ...more,
  });
  return { verdict, between };
}

const checkpointOf = async (record: RoundRecord) =>
  new Uint8Array(await readFile(join(published.archivePath, 'content', `${record.checkpoint}.file`)));

describe('a replay from the nearest kept state', () => {
  it('gives every round the same bits, whichever states are kept', async () => {
    for (const kept of [[0], [1], [2], [ROUNDS - 1]]) {
      const { archive } = await keeping(kept);
      for (const record of published.records.flat()) {
        const { verdict, between } = await replay(archive, record);
        expect(verdict, `round ${record.round}, kept ${kept}`).toMatchObject({
          kind: 'same',
          root: record.checkpointRoot,
        });
        // Round 0 goes on from the published model, and so does what has no kept state before it.
        const from = Math.max(0, ...kept.filter((round) => round < record.round).map((round) => round + 1));
        const rounds = Array.from({ length: record.round - from }, (_, at) => from + at);
        expect(between).toEqual(rounds.length === 0 ? [] : [rounds]);
      }
    }
  });

  it('says which round of those between does not give its attested root', async () => {
    const { archive } = await keeping([0]);
    await archive.save({ ...recordOf(2), checkpointRoot: recordOf(2, 1).checkpointRoot });
    const { verdict } = await replay(archive, {
      ...recordOf(3),
      previousRoot: recordOf(2, 1).checkpointRoot,
    });
    expect(verdict).toMatchObject({
      kind: 'attestation differs',
      round: 2,
      attested: recordOf(2, 1).checkpointRoot,
      recomputed: recordOf(2).checkpointRoot,
      wanted: { device: recordOf(2).device, round: 2 },
    });
    expect(verdictInWords(recordOf(3).device, verdict)).toMatch(
      /does not keep the checkpoint.*--ask.*--state FILE/,
    );
  });

  it('says which state is missing and how to get it, and goes on with it from a file', async () => {
    const { path, archive } = await keeping([0]);
    await rm(join(path, 'content', `${recordOf(2).rollouts}.object`));
    const { verdict } = await replay(archive, recordOf(3));
    expect(verdict).toMatchObject({
      kind: 'impossible',
      cause: expect.stringContaining(`neither are the rollouts ${recordOf(2).rollouts} of round 2`),
      wanted: { device: recordOf(3).device, round: 2 },
    });
    expect(verdictInWords(recordOf(3).device, verdict)).toMatch(
      /Get the checkpoint after round 2: with --ask .* with --state FILE/,
    );
    const given = await replay(archive, recordOf(3), { states: [await checkpointOf(recordOf(2))] });
    expect(given).toMatchObject({ verdict: { kind: 'same' }, between: [] });

    // Nothing can be asked for when no record names the round before.
    await rm(join(path, 'records', `0000000000002-${recordOf(2).device}.json`));
    const unnamed = await replay(archive, recordOf(3));
    expect(unnamed.verdict).toMatchObject({
      kind: 'impossible',
      cause: expect.stringContaining(`no record gives root ${recordOf(2).checkpointRoot}`),
    });
    expect(unnamed.verdict).not.toHaveProperty('wanted');
  });
});

describe('asking an archive for a state', () => {
  const { signal } = new AbortController();

  it('waits until it is there, or the archive has given it up', async () => {
    const { path, archive } = await keeping([0]);
    const wanted = { device: recordOf(1).device, round: 1 };
    const name = `${recordOf(1).checkpoint}.`;
    const answered = await askForState({
      ...{ archive, wanted, signal },
      async sleep() {
        expect(await archive.wanted.list()).toEqual([wanted]);
        for (const kind of ['file', 'manifest'])
          await cp(join(published.archivePath, 'content', name + kind), join(path, 'content', name + kind));
      },
    });
    expect(answered).toBe(true);
    expect(await archive.wanted.list()).toEqual([]);
    const given = await askForState({
      ...{ archive, wanted: { ...wanted, round: 2 }, signal },
      sleep: () => archive.wanted.remove({ ...wanted, round: 2 }),
    });
    expect(given).toBe(false);
    let looks = 0;
    const alone = await askForState({
      ...{ archive, wanted: { ...wanted, round: 2 }, signal },
      sleep: async () => void looks++,
    });
    expect([alone, looks, await archive.wanted.list()]).toEqual([false, 120, []]);
  });
});
