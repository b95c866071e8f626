import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { must } from '../protocol/must.ts';
import type { NatSummary } from './drill/nat.ts';
import { whyNoSandbox } from './drill/sandbox.ts';

const drill = fileURLToPath(new URL('drill.ts', import.meta.url));
const reason = whyNoSandbox();

/** Runs the drill to its end. Resolves with what it printed. */
function runDrill(argv: readonly string[]): Promise<{ readonly code: number | null; readonly text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--import', 'tsx', drill, ...argv], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString();
    });
    child.once('close', (code) => resolve({ code, text }));
  });
}

test.describe('Tabs in homes behind routers', () => {
  // Networks behind routers need namespaces, nftables and coturn, which a stranger's machine may lack. The
  // report then says what is missing and how to install it. Where CI=true the packages are installed, so that
  // it runs.
  if (reason !== undefined) test.skip(true, reason);
  // Four networks one after the other, with nine browsers in all.
  test.setTimeout(900_000);

  test('meet by STUN, by TURN, by TURN over TCP without UDP, and through another tab without relays', async () => {
    const { code, text } = await runDrill(['nat', '--short', '--json']);
    const lines = text.trim().split('\n');
    const summary = JSON.parse(must(lines, lines.length - 1)) as NatSummary;
    const failed = lines.filter((line) => line.includes('"failure"')).join('\n');
    expect(summary, failed).toEqual({ cases: 4, direct: 2, turn: 2, failed: 0 });
    expect(code).toBe(0);
  });
});
