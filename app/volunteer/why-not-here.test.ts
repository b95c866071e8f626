import { expect, it } from 'vitest';
import { filesRoot } from '../../models/loading/file-root.ts';
import { toHex } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { blocksSpec, smallSpec } from '../../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from '../../training/builtin-models.ts';
import { NANO_SELECTION } from '../../training/tasks/catalogue.ts';
import { whyNotHere, whyNotNow } from './why-not-here.ts';

const { name, root } = must(BUILTIN_MODELS, 0);
const own: SwarmSpec = { ...smallSpec, tasks: NANO_SELECTION, base: { kind: 'builtin', name, root } };
const adapters = { kind: 'adapters', rank: 4, alpha: 8, targets: ['q_proj'] } as const;
const here = { deviceMemory: 8, ownModel: false };

function filesBase(bytes: number, names = ['config.json', 'model.safetensors', 'tokenizer.json']) {
  const sha256 = toHex(sha256Of(new Uint8Array()));
  const files = names.map((path) => ({ path, size: bytes, sha256, urls: [] }));
  const hashed = files.map(({ path, size }) => ({ name: path, size, sha256: sha256.slice(2) }));
  return { kind: 'files', name: 'tiny', root: filesRoot(hashed), files } as const;
}

it('takes built-in models and models of files, all weights and adapters', () => {
  for (const base of [own.base, filesBase(1000)]) {
    expect(whyNotHere({ ...own, base }, here)).toBeNull();
    expect(whyNotHere({ ...own, base, trained: adapters }, here)).toBeNull();
  }
});

it('[S-06] [S-09] says why a tab cannot train in a swarm, before anything is fetched', () => {
  const base = filesBase(4e8);
  expect(whyNotHere({ ...own, base }, here)).toMatch(/tiny has 1200 MB, and this device can hold 1073/);
  expect(whyNotHere({ ...own, base, trained: adapters }, here)).toBeNull();
  expect(whyNotHere({ ...own, base, trained: adapters }, { ...here, deviceMemory: 2 })).toMatch(/can hold/);
  const wrong = { ...filesBase(1000), root: `0x${'ee'.repeat(32)}` } as const;
  expect(whyNotHere({ ...own, base: wrong }, here)).toMatch(/does not have the root/);
  const bare = filesBase(1000, ['config.json', 'model.safetensors']);
  expect(whyNotHere({ ...own, base: bare }, here)).toMatch(/has no tokenizer.json/);
  const foreign = { ...adapters, targets: ['z_proj'] };
  expect(whyNotHere({ ...own, trained: foreign }, here)).toMatch(/adapters that this program cannot compute/);
  expect(whyNotHere(smallSpec, here)).toMatch(/does not know/);
  const state = { kind: 'builtin', name, root: `0x${'ee'.repeat(32)}` } as const;
  expect(whyNotHere({ ...own, base: state }, here)).toMatch(/another state of nano/);
});

it('[S-12] takes all weights and adapters in blocks, also of a model that it cannot hold', () => {
  const { blocks } = blocksSpec;
  const base = filesBase(4e9);
  expect(whyNotHere({ ...own, blocks, base }, here)).toBeNull();
  expect(whyNotHere({ ...own, blocks, base, trained: adapters }, here)).toBeNull();
  const foreign = { ...adapters, targets: ['z_proj'] };
  expect(whyNotHere({ ...own, blocks, base, trained: foreign }, here)).toMatch(
    /adapters of z_proj in blocks, which this program cannot/,
  );
});

it('[S-10] refuses a large file that nobody could get, unless this device has it or brings another model', async () => {
  const base = filesBase(2 ** 21);
  const looks: string[] = [];
  const device = (there: boolean, brings = false) => ({
    ...{ deviceMemory: 8, ownModel: brings },
    isBaseHere: async () => looks.push('looked') > 0 && there,
  });
  expect(await whyNotNow({ ...own, base }, device(false))).toMatch(
    /^Nobody could get config.json of tiny .* The swarm’s page takes the folder.$/,
  );
  expect(await whyNotNow({ ...own, base }, device(true))).toBeNull();
  const any = { ...own, base, models: 'any' } as const;
  expect(await whyNotNow(any, device(false))).toMatch(/takes the folder. Or bring another model/);
  expect(looks).toHaveLength(3);
  // Nobody looks where it makes no difference.
  expect(await whyNotNow(any, device(false, true))).toBeNull();
  const manifest = 'bafkreib3zzw2ymrnp2ppuspaukwl2w3bgsjgaoq7rdgqxcr5t2llw5bqye';
  const files = base.files.map((file) => ({ ...file, manifest }));
  expect(await whyNotNow({ ...own, base: { ...base, files } }, device(false))).toBeNull();
  expect(await whyNotNow({ ...own, base: filesBase(4e9) }, device(false))).toMatch(/can hold/);
  expect(looks).toHaveLength(3);
  // A list of swarms shows one that a person may still choose the folder for.
  expect(whyNotHere({ ...own, base }, here)).toBeNull();
});

it('asks a device that brings its own model for no base', () => {
  const base = filesBase(4e9);
  const brings = { ...here, ownModel: true };
  expect(whyNotHere({ ...own, base, models: 'any' }, brings)).toBeNull();
  expect(whyNotHere({ ...own, base, models: 'any' }, here)).toMatch(/can hold.*Or bring another model/);
  expect(whyNotHere({ ...own, base }, brings)).toMatch(/can hold/);
});
