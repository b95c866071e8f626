import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseServeSettings } from './settings.ts';

const text = (name: string) => readFile(join(import.meta.dirname, 'hosting', name), 'utf8');
/** What npm's script runs once everything is built, without a file to write in the checkout. */
const PROGRAM = ['--import', './node_modules/tsx/dist/loader.mjs', 'node/serve.ts'];

describe('files for hosting', () => {
  it('start what npm run serve starts, from systemd, with settings that it takes', async () => {
    const unit = await text('starling-serve.service');
    const [, command = ''] = /^ExecStart=\/usr\/bin\/node (.*)$/m.exec(unit) ?? [];
    const words = command.split(' ');
    expect(words.slice(0, 3)).toEqual(PROGRAM);
    const argv = words.slice(3).filter((word, i, all) => ![word, all[i - 1]].includes('--turn-secret-file'));
    expect(await parseServeSettings(argv)).toMatchObject({
      networkFile: '/etc/starling/network.json',
      home: '/var/lib/starling',
      relay: { behindProxy: true, announce: ['/dns4/relay.example.org/tcp/443/wss'] },
    });
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
    expect(scripts.serve).toContain(' node/serve.ts');
    await access(PROGRAM[1] ?? '');
  });

  it('start the same in a container, and build with scripts that there are', async () => {
    const file = await text('Containerfile');
    const [, list = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(file) ?? [];
    const [node, ...words] = JSON.parse(list) as readonly string[];
    expect([node, ...words.slice(0, 3)]).toEqual(['node', ...PROGRAM]);
    const settings = await parseServeSettings(words.slice(3));
    const { http, relay } = settings ?? {};
    const exposed = /^EXPOSE (.*)$/m.exec(file)?.[1]?.split(' ').map(Number);
    expect(exposed).toEqual([relay?.ports.ws, relay?.ports.tcp, http?.port]);
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
    for (const [, name = ''] of file.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([name]);
  });
});
