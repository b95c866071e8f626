/**
 * Firefox with one page, in the network that this process runs in. Started by firefox.ts, which sends it
 * expressions for the page. The stock program has no pipe for commands, only a port of its own network.
 */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../../node/home/command-line.ts';
import { messageOf } from '../../../protocol/message-of.ts';
import { must } from '../../../protocol/must.ts';
import { Bidi } from './bidi.ts';
import type { FirefoxAnswer, FirefoxQuestion, FirefoxSettings } from './firefox.ts';

/** A page over http from this host counts as a secure context, as with Chromium's switch. */
function preferences(host: string): Readonly<Record<string, string | boolean>> {
  return {
    'dom.securecontext.allowlist': host,
    'dom.serviceWorkers.testing.enabled': true,
    'media.peerconnection.ice.obfuscate_host_addresses': false,
    'browser.shell.checkDefaultBrowser': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'app.update.enabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
  };
}

function tell(answer: FirefoxAnswer): void {
  process.send?.(answer);
}

await runProcess(async (signal) => {
  const { program, profile, url } = JSON.parse(must(process.argv, 2)) as FirefoxSettings;
  await mkdir(profile, { recursive: true });
  const lines = Object.entries(preferences(new URL(url).hostname)).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
  );
  await writeFile(join(profile, 'user.js'), `${lines.join('\n')}\n`);
  const argv = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'];
  const child = spawn(program, [...argv, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: profile },
  });
  signal.addEventListener('abort', () => child.kill('SIGKILL'));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
  const address = await new Promise<string>((resolve) => {
    let text = '';
    child.stderr.on('data', (data: Buffer) => {
      text = (text + data.toString()).slice(-10_000);
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const bidi = await Bidi.open(`${address}/session`, (method, params) => {
    const { level, type, text } = params as { level?: string; type?: string; text?: string };
    if (method === 'log.entryAdded' && level === 'error' && type === 'javascript')
      tell({ kind: 'page error', text: String(text) });
  });
  await bidi.send('session.new', { capabilities: {} });
  await bidi.send('session.subscribe', { events: ['log.entryAdded'] });
  const { contexts } = (await bidi.send('browsingContext.getTree', {})) as {
    readonly contexts: readonly { readonly context: string }[];
  };
  const { context } = must(contexts, 0);
  await bidi.send('browsingContext.navigate', { context, url, wait: 'complete' });
  tell({ kind: 'ready' });
  process.on('message', ({ id, expression }: FirefoxQuestion) => {
    const asked = bidi.send('script.evaluate', {
      ...{ expression, awaitPromise: true, target: { context } },
    });
    asked.then(
      (value) => {
        const { result } = value as { readonly result?: { readonly value?: unknown } };
        tell({ kind: 'value', id, value: result?.value ?? null });
      },
      (error: unknown) => tell({ kind: 'failed', id, cause: messageOf(error) }),
    );
  });
  return ended;
});
