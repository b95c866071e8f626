import { describe, expect, it } from 'vitest';
import { blobSource } from './blob-source.ts';
import { downloadModel } from './download.ts';
import { foreignContent } from './foreign-content.ts';
import { openModel } from './open-model.ts';
import { openMemoryFileStore } from './testing/memory-file-store.ts';
import { startModelServer } from './testing/model-server.ts';
import { tinyFiles } from './testing/tiny-model.ts';

type Files = Record<string, Uint8Array>;
const utf8 = (text: string) => new TextEncoder().encode(text);
const PAGE = '<!DOCTYPE html>\n<html><head><title>An app</title></head><body></body></html>';
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 988\n`;
const open = (files: Files) =>
  openModel(
    blobSource(Object.entries(files).map(([name, bytes]) => new File([new Uint8Array(bytes)], name))),
  );

describe('a server that answers with a page for a missing file', () => {
  it.each([1, 2])('still gives a model of %i weight file(s)', async (shards) => {
    const files = tinyFiles({ shards });
    await using server = await startModelServer(files);
    server.habits.page = PAGE;
    const store = openMemoryFileStore();
    const model = await downloadModel({ baseUrl: server.url, store, retries: 0 });
    expect(model.files.map(({ name }) => name).sort()).toEqual(Object.keys(files).sort());
    expect([...store.files.keys()].some((name) => name.startsWith('generation_config'))).toBe(false);
  });

  it('is named when a file that must be there is not', async () => {
    await using server = await startModelServer({});
    server.habits.page = PAGE;
    const store = openMemoryFileStore();
    const download = downloadModel({ baseUrl: server.url, store, retries: 0 });
    await expect(download).rejects.toThrow(/config.json is a web page and not the file/);
    expect(store.files.get('config.json')?.length ?? 0).toBe(0);
  });

  it('is asked again for a page that was stored as the file', async () => {
    const files = tinyFiles();
    await using server = await startModelServer(files);
    const url = `${server.url}/config.json`;
    const page = utf8(PAGE);
    const state = { url, verified: false, size: page.length, sha256: '0'.repeat(64) };
    const store = openMemoryFileStore({
      files: new Map([
        ['config.json', page],
        ['config.json.state', utf8(JSON.stringify(state))],
      ]),
    });
    await downloadModel({ baseUrl: server.url, store, retries: 0 });
    expect(store.files.get('config.json')).toEqual(new Uint8Array(files['config.json'] ?? []));
  });
});

describe.each([
  ['a web page', PAGE, /is a web page/],
  ['a Git LFS pointer', POINTER, /is a Git LFS pointer/],
])('%s in place of a file', (_, content, message) => {
  it.each(['model.safetensors', 'tokenizer.json', 'config.json'])('%s is said so', async (name) => {
    const files = { ...tinyFiles(), [name]: utf8(content) };
    await expect(open(files)).rejects.toThrow(message);
    await using server = await startModelServer(files);
    const store = openMemoryFileStore();
    await expect(downloadModel({ baseUrl: server.url, store, retries: 0 })).rejects.toThrow(
      content === PAGE && name === 'model.safetensors' ? /safetensors/ : message,
    );
    expect(store.files.get(name)?.length ?? 0).toBe(0);
  });
});

it('knows pages in other spellings, and takes files for files', () => {
  for (const page of ['\n <html lang="en">', '<!doctype HTML>', '<!-- made by x --><!DOCTYPE html>']) {
    expect(foreignContent(utf8(page))?.kind).toBe('page');
  }
  for (const file of ['{"a": "<html>"}', '<|im_start|>', '<s>{{ x }}', '', 'version 2']) {
    expect(foreignContent(utf8(file))).toBeUndefined();
  }
});
