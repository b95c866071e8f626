import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { blobSource } from './blob-source.ts';
import { downloadModel } from './download.ts';
import { folderSource } from './folder-source.ts';
import { openModel } from './open-model.ts';
import { storeSource } from './store-source.ts';
import { openMemoryFileStore } from './testing/memory-file-store.ts';
import { startModelServer } from './testing/model-server.ts';
import { tinyFiles } from './testing/tiny-model.ts';

type Files = Record<string, Uint8Array>;
const utf8 = (text: string) => new TextEncoder().encode(text);
const template = (word: string) => `${word} {{ messages[0].content }}`;
const files = tinyFiles();
const JINJA: Files = { 'chat_template.jinja': utf8(template('jinja')) };
const SETTINGS: Files = {
  'tokenizer_config.json': utf8(JSON.stringify({ chat_template: template('settings') })),
};
const PROCESSOR: Files = {
  'chat_template.json': utf8(JSON.stringify({ chat_template: template('processor') })),
};

const picked = (from: Files) =>
  blobSource(Object.entries(from).map(([name, bytes]) => new File([new Uint8Array(bytes)], name)));

async function wordOf(source: Parameters<typeof openModel>[0]): Promise<string | undefined> {
  const { tokenizer } = await openModel(source);
  if (!tokenizer.hasChatTemplate) return undefined;
  return tokenizer.chatText([{ role: 'user', content: 'x' }]).split(' ')[0];
}

it.each<[string, Files, string | undefined]>([
  ['nowhere', {}, undefined],
  ['in its own file', JINJA, 'jinja'],
  ["in the tokenizer's settings", SETTINGS, 'settings'],
  ["in a processor's file", PROCESSOR, 'processor'],
  ['in all of them, the own file first', { ...JINJA, ...SETTINGS, ...PROCESSOR }, 'jinja'],
  ['in the settings and the processor', { ...SETTINGS, ...PROCESSOR }, 'settings'],
])('finds a chat template %s, in folders, files and at addresses', async (_, more, word) => {
  const whole = { ...files, ...more };
  expect(await wordOf(picked(whole))).toBe(word);

  const folder = await mkdtemp(join(tmpdir(), 'starling-template-'));
  for (const [name, bytes] of Object.entries(whole)) await writeFile(join(folder, name), bytes);
  expect(await wordOf(folderSource(folder))).toBe(word);
  await rm(folder, { recursive: true });

  await using server = await startModelServer(whole);
  const store = openMemoryFileStore();
  const model = await downloadModel({ baseUrl: server.url, store, retries: 0 });
  const names = model.files.map(({ name }) => name);
  expect(names.sort()).toEqual(Object.keys(whole).sort());
  expect(await wordOf(storeSource(store, names))).toBe(word);
});

it('refuses a template that is no text, and one that is too long', async () => {
  const opening = (bytes: Uint8Array) => openModel(picked({ ...files, 'chat_template.jinja': bytes }));
  await expect(opening(Uint8Array.of(0xff, 0xfe))).rejects.toThrow(/chat_template.jinja is not UTF-8/);
  await expect(opening(utf8('x'.repeat(1 << 19)))).rejects.toThrow(/more than the/);
});
