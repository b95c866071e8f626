import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copyPeer, type PeerFolder } from './testing/peer-folder.ts';
import { makeRoundVectors, readRoundVectors, writeRoundVectors } from './testing/round-vectors.ts';

const run = promisify(execFile);
const vectors = fileURLToPath(new URL('../docs/vectors', import.meta.url));

if (process.env.UPDATE_VECTORS === '1') await writeRoundVectors();

let peer: PeerFolder;
beforeAll(async () => {
  peer = await copyPeer();
});
afterAll(() => peer.remove());

describe('docs/vectors/rounds.json', () => {
  it('[P-211] [P-212] [P-213] [P-214] [P-216] is what our own rooms make', async () => {
    expect(await readRoundVectors()).toEqual(JSON.parse(JSON.stringify(await makeRoundVectors())));
  });
});

describe('the second implementation', () => {
  it('says in a sentence which network file it cannot read', async () => {
    const ended = run(process.execPath, [peer.program('run.mjs'), '--network', 'nowhere.json']);
    await expect(ended).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^nowhere\.json is no network file: .*Name one with --network\.\n$/),
    });
  });

  it('imports npm packages that package.json names and nothing of ours', async () => {
    const folder = new URL('peer/', import.meta.url);
    const { dependencies } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    const files = await readdir(folder);
    const imports = await Promise.all(
      files.map(async (name) => {
        const text = await readFile(new URL(name, folder), 'utf8');
        const found = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)];
        return found.map(([, specifier = '']) => specifier);
      }),
    );
    const foreign = imports.flat().filter((specifier) => {
      if (specifier.startsWith('node:')) return false;
      if (specifier.startsWith('./')) return !files.includes(specifier.slice(2));
      const [scope = '', name = ''] = specifier.split('/');
      return !Object.hasOwn(dependencies, scope.startsWith('@') ? `${scope}/${name}` : scope);
    });
    expect(imports.flat().length).toBeGreaterThan(20);
    expect(foreign).toEqual([]);
  });

  it('[P-34] [P-52] [P-216] [S-03] [S-04] reads and writes every vector with the same bytes, and refuses what must be refused', async () => {
    const { stdout } = await run(process.execPath, [peer.program('check-vectors.mjs'), vectors]);
    const passed = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).vector as string);
    const messages = JSON.parse(await readFile(`${vectors}/messages.json`, 'utf8'));
    const handoffs = JSON.parse(await readFile(`${vectors}/handoffs.json`, 'utf8'));
    const specifications = JSON.parse(await readFile(`${vectors}/swarm-spec.json`, 'utf8'));
    expect(passed).toEqual([
      ...['key', 'rollout set', 'state record'],
      ...messages.messages.flatMap(({ type }: { type: string }) => [
        `message ${type}`,
        `message ${type}, changed`,
      ]),
      'commit of the reveal',
      ...messages.refused.map(({ why }: { why: string }) => `refused: ${why}`),
      ...handoffs.handoffs.map(({ name }: { name: string }) => `handoff ${name}`),
      ...['clock', 'philox', 'stream', 'pool', 'drawn items', 'signatures inside'],
      ...specifications.accepted.map(({ spec }: { spec: { name: string } }) => `specification ${spec.name}`),
      ...specifications.refused.map(({ why }: { why: string }) => `refused specification: ${why}`),
    ]);
  });
});
