import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { compareNames, parseSafetensors } from '../../models/checkpoint/safetensors.ts';

import { folderSource } from '../../models/loading/folder-source.ts';
import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { DataSetEntry } from '../../protocol/swarm-spec.ts';

import { decodeRollouts, encodeRollouts } from '../../swarm/messages/rollouts.ts';
import { SMALL_SETTINGS } from '../../workers/testing/small-model.ts';
import { openArchiveFolder } from '../archive/archive-folder.ts';
import type { RoundRecord } from '../archive/round-record.ts';
import { type PublishedRounds, publishRounds } from '../testing/published-rounds.ts';
import { checkSignature } from './check-attestation.ts';
import { dataSetFiles } from './data-set-files.ts';
import { findRecord } from './find-record.ts';
import { replayRecord } from './replay-record.ts';
import { verdictInWords } from './verdict-in-words.ts';

let home = '';
let published: PublishedRounds;
let engine: Engine;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'starling-replay-'));
  published = await publishRounds(home, 3);
  engine = createReferenceEngine();
});
afterAll(async () => {
  await engine?.stop();
  await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

let copies = 0;
/** A copy of the archive, to be damaged. */
async function copy() {
  const path = join(home, `copy-${++copies}`);
  await cp(published.archivePath, path, { recursive: true });
  return { path, archive: await openArchiveFolder(path) };
}

function recordOf(round: number, device = 0): RoundRecord {
  const record = published.records[round]?.[device];
  if (record === undefined) throw new Error(`There is no round ${round} of device ${device}.`);
  return record;
}

async function replay(archive: PublishedRounds['archive'], record: RoundRecord) {
  return replayRecord({ record, archive, engine, model: folderSource(published.modelPath) });
}

async function flipBit(path: string, byte: number, bit = 0) {
  const bytes = await readFile(path);
  bytes[byte] = (bytes[byte] ?? 0) ^ (1 << bit);
  await writeFile(path, bytes);
}

/** Where a tensor's element lies in a checkpoint file. */
async function offsetOf(path: string, tensor: string, element: number): Promise<number> {
  const bytes = new Uint8Array(await readFile(path));
  const data = parseSafetensors(bytes).tensors.get(tensor)?.data;
  if (data === undefined) throw new Error(`There is no tensor ${tensor}.`);
  return data.byteOffset - bytes.byteOffset + element * 4;
}

const checkpointFile = (path: string, record: RoundRecord) =>
  join(path, 'content', `${record.checkpoint}.file`);

describe('replaying a round of a data set', () => {
  it('needs its file, by its own name or as a volunteer keeps it', async () => {
    const text = Array.from({ length: 20 }, (_, at) => JSON.stringify({ q: `${at}+7`, a: at + 7 })).join(
      '\n',
    );
    const bytes = new TextEncoder().encode(text);
    const digest = toHex(sha256Of(bytes));
    const dataSet: DataSetEntry = {
      id: 'sevens',
      file: { path: 'sets/sevens.jsonl', size: bytes.length, sha256: digest, urls: [] },
      fields: { prompt: 'q', answer: 'a' },
      heldOutOneIn: 5,
      checker: { kind: 'number' },
    };
    const settings = { ...SMALL_SETTINGS, tasks: { generators: [], dataSets: [dataSet] } };
    const folder = await mkdtemp(join(home, 'set-'));
    const { archive, modelPath, records } = await publishRounds(folder, 1, {
      settings,
      dataSets: new Map([['sevens', bytes]]),
    });
    const record = records[0]?.[0];
    if (record === undefined) throw new Error('Nothing was published.');
    const data = join(folder, 'data');
    const again = () =>
      replayRecord({
        ...{ record, archive, engine, model: folderSource(modelPath) },
        dataSetFiles: (tasks) => dataSetFiles(tasks, data),
      });
    expect(await again()).toMatchObject({
      kind: 'impossible',
      cause: expect.stringContaining('its file sets/sevens.jsonl is missing'),
    });
    await mkdir(data);
    const kept = join(data, `${digest.slice(2, 34)}.jsonl`);
    await writeFile(kept, text);
    expect(await again()).toMatchObject({ kind: 'same', root: record.checkpointRoot });
    await rm(kept);
    await writeFile(join(data, 'sevens.jsonl'), text.replace('7', '8'));
    expect(await again()).toMatchObject({ kind: 'impossible', cause: expect.stringContaining('SHA-256') });
  });
});

describe('replaying a published round', () => {
  it('gives the same bits for every device and round', async () => {
    for (const record of published.records.flat()) {
      const verdict = await replay(published.archive, record);
      expect(verdict).toMatchObject({ kind: 'same', round: record.round, root: record.checkpointRoot });
      expect(verdictInWords(record.device, verdict)).toMatch(/^same bits: round \d of 0x/);
      expect(await checkSignature(record)).toMatchObject({ good: true });
    }
  });

  it('names the tensor and element of any flipped bit of the published checkpoint', async () => {
    const record = recordOf(1);
    const bytes = new Uint8Array(await readFile(checkpointFile(published.archivePath, record)));
    const names = [...parseSafetensors(bytes).tensors.keys()].sort(compareNames);
    for (const [tensor, element, bit] of [
      [names[0] ?? '', 0, 0],
      [names[Math.floor(names.length / 2)] ?? '', 3, 31],
      [names.at(-1) ?? '', 1, 17],
    ] as const) {
      const { path, archive } = await copy();
      const file = checkpointFile(path, record);
      await flipBit(file, (await offsetOf(file, tensor, element)) + (bit >> 3), bit & 7);
      const verdict = await replay(archive, record);
      expect(verdict).toMatchObject({
        kind: 'checkpoint differs',
        round: 1,
        attestedIsRight: true,
        difference: { kind: 'element', tensor, element, differing: 1 },
      });
      if (verdict.kind !== 'checkpoint differs' || verdict.difference.kind !== 'element') throw new Error();
      const { published: theirs, recomputed } = verdict.difference;
      expect((Number.parseInt(theirs, 16) ^ Number.parseInt(recomputed, 16)) >>> 0).toBe(2 ** bit);
      expect(verdictInWords(record.device, verdict)).toContain(
        `tensor ${tensor}, element ${element}: published`,
      );
    }
  });

  it('names the header when that is what was damaged', async () => {
    const { path, archive } = await copy();
    await flipBit(checkpointFile(path, recordOf(1)), 3);
    expect(await replay(archive, recordOf(1))).toMatchObject({
      kind: 'checkpoint differs',
      difference: { kind: 'unreadable' },
    });
  });

  it('traces a damaged checkpoint before the round to the earlier round and its tensor', async () => {
    const { path, archive } = await copy();
    const earlier = recordOf(1);
    const file = checkpointFile(path, earlier);
    await flipBit(file, await offsetOf(file, 'model.norm.weight', 2));
    expect(await replay(archive, recordOf(2))).toMatchObject({
      kind: 'checkpoint differs',
      round: 1,
      difference: { kind: 'element', tensor: 'model.norm.weight', element: 2 },
    });
  });

  it('names the answer of a changed log-probability or token of own rollouts', async () => {
    const record = recordOf(1);
    const { path, archive } = await copy();
    const file = join(path, 'content', `${record.rollouts}.object`);
    const set = decodeRollouts(new Uint8Array(await readFile(file)));
    const forged = structuredClone(set) as unknown as {
      groups: { item: number; completions: { logprobs: number[]; tokens: number[] }[] }[];
    };
    const logprobs = forged.groups[2]?.completions[1]?.logprobs;
    if (logprobs === undefined) throw new Error('The small model answered fewer items.');
    logprobs[0] = Math.fround((logprobs[0] ?? 0) * 0.5);
    await writeFile(file, encodeRollouts(forged as unknown as typeof set).bytes);
    expect(await replay(archive, record)).toMatchObject({
      kind: 'own rollouts differ',
      round: 1,
      difference: { kind: 'log-probability', item: forged.groups[2]?.item, sample: 1, token: 0 },
    });
  });

  it('finds a device that published the answers of another as its own', async () => {
    const victim = recordOf(0);
    const thief = recordOf(0, 1);
    const { path, archive } = await copy();
    const theirs = await archive.content.inspect(victim.rollouts);
    const set = decodeRollouts(theirs?.bytes ?? new Uint8Array());
    expect(set.author).toBe(victim.device);
    const stolen = encodeRollouts({ ...set, author: thief.device });
    await writeFile(join(path, 'content', `${stolen.cid}.object`), stolen.bytes);
    // Both devices start round 0 from weights of the published model.
    expect(await replay(archive, { ...thief, rollouts: stolen.cid })).toMatchObject({
      kind: 'own rollouts differ',
      round: 0,
    });
    // A set that still names the victim is not the thief's either.
    expect(await replay(archive, { ...thief, rollouts: victim.rollouts })).toMatchObject({
      kind: 'own rollouts differ',
      difference: { kind: 'author', published: victim.device, recomputed: thief.device },
    });
  });

  it('names own rollouts for a flipped bit at any byte', async () => {
    const record = recordOf(1);
    const length = (await readFile(join(published.archivePath, 'content', `${record.rollouts}.object`)))
      .length;
    for (const byte of [0, Math.floor(length / 3), length - 1]) {
      const { path, archive } = await copy();
      await flipBit(join(path, 'content', `${record.rollouts}.object`), byte, 1);
      expect(await replay(archive, record), `byte ${byte}`).toMatchObject({
        kind: 'own rollouts differ',
        round: 1,
      });
    }
  });

  it('names the author of damaged foreign rollouts', async () => {
    const record = recordOf(1);
    const cid = record.foreign[0]?.cid ?? '';
    expect(record.foreign).toHaveLength(1);
    const { path, archive } = await copy();
    await flipBit(join(path, 'content', `${cid}.object`), 100);
    const verdict = await replay(archive, record);
    expect(verdict).toMatchObject({
      kind: 'foreign rollouts differ',
      round: 1,
      cid,
      author: published.keys[1].address,
    });
    expect(verdictInWords(record.device, verdict)).toContain(`rollouts of ${published.keys[1].address}`);
  });

  it('says that a device attested other weights than its round gives', async () => {
    // The device publishes and attests the other device's weights as its own.
    const honest = recordOf(1);
    const other = recordOf(1, 1);
    const verdict = await replay(published.archive, {
      ...honest,
      checkpoint: other.checkpoint,
      checkpointRoot: other.checkpointRoot,
    });
    expect(verdict).toMatchObject({ kind: 'checkpoint differs', round: 1, attestedIsRight: false });
    expect(verdictInWords(honest.device, verdict)).toContain('The attestation is of another checkpoint.');

    const mistaken = { ...honest, checkpointRoot: other.checkpointRoot };
    expect(await replay(published.archive, mistaken)).toMatchObject({ kind: 'attestation differs' });
    expect(await checkSignature(mistaken)).toMatchObject({ good: false });
  });

  it('says what is missing', async () => {
    const record = recordOf(2);
    for (const [file, message] of [
      [`content/${record.rollouts}.object`, 'rollouts'],
      [`content/${record.foreign[0]?.cid}.object`, 'of another device'],
    ] as const) {
      const { path, archive } = await copy();
      await rm(join(path, file));
      expect(await replay(archive, record)).toMatchObject({
        kind: 'impossible',
        cause: expect.stringContaining(message),
      });
    }
  });
});

describe('npm run replay', () => {
  function run(...argv: string[]): Promise<{ readonly code: number | null; readonly text: string }> {
    return new Promise((resolve) => {
      const entry = fileURLToPath(new URL('../replay.ts', import.meta.url));
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', entry, '--engine', 'reference', '--model', published.modelPath, ...argv],
        { env: { ...process.env, STARLING_HOME: join(home, 'none') } },
      );
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (data) => {
          text += data;
        });
      child.on('close', (code) => resolve({ code, text }));
    });
  }

  it('ends with 0 for the same bits, 1 for others and 2 when it cannot be replayed', async () => {
    const { device } = recordOf(2);
    const same = await run(`${device.slice(0, 12)}:last`, '--archive', published.archivePath);
    expect(same.text).toContain('same bits: round 2');
    expect(same.text).toContain('attestation: signed by the device');
    expect(same.code).toBe(0);

    const { path } = await copy();
    const file = checkpointFile(path, recordOf(2));
    await flipBit(file, await offsetOf(file, 'model.embed_tokens.weight', 5));
    const other = await run(`${device}:2`, '--archive', path);
    expect(other.text).toContain('different: round 2');
    expect(other.text).toContain('tensor model.embed_tokens.weight, element 5');
    expect(other.code).toBe(1);

    const missing = await run(`${device}:9`, '--archive', path);
    expect(missing.text).toContain('Round 9');
    expect(missing.code).toBe(2);
    expect((await run('--archive', path, '--bogus')).code).toBe(2);
  });

  it('finds records by file and by the beginning of an address', async () => {
    const { archive, archivePath, keys } = published;
    const record = recordOf(1);
    const file = join(archivePath, 'records', `0000000000001-${record.device}.json`);
    expect(await findRecord(archive, file)).toEqual(record);
    expect(await findRecord(archive, `${keys[0].address.toUpperCase().replace('0X', '0x')}:1`)).toEqual(
      record,
    );
    await expect(findRecord(archive, '0x:1')).rejects.toThrow('beginning of 2 devices');
    await expect(findRecord(archive, '0x12:last')).rejects.toThrow('not in the archive');
    await expect(findRecord(archive, '/nowhere.json')).rejects.toThrow('neither');
  });
});
