import { readFile } from 'node:fs/promises';
import type { Browser } from '@playwright/test';
import type { Tab } from '../../support/tab.ts';
import type { MemberMemory } from './member-memory.ts';

/**
 * Has tabs collect their garbage, and resolves with what is left in the page and in its workers
 * (https://wicg.github.io/performance-measure-memory/), then with the memory of the browser's processes.
 */
export async function measureTabs(browser: Browser, tabs: readonly Tab[]): Promise<readonly MemberMemory[]> {
  const measured: MemberMemory[] = [];
  for (const { name, context, page } of tabs) {
    const session = await context.newCDPSession(page);
    await session.send('HeapProfiler.collectGarbage');
    await session.detach();
    const heapBytes = await page.evaluate(async () => {
      const measuring = performance as unknown as {
        measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>;
      };
      return (await measuring.measureUserAgentSpecificMemory()).bytes;
    });
    measured.push({ name, heapBytes, residentBytes: 0 });
  }
  return [...measured, { name: 'browser', heapBytes: 0, residentBytes: await residentBytesOf(browser) }];
}

async function residentBytesOf(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const sizes = await Promise.all(processInfo.map(({ id }) => residentBytes(id)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Resident memory of a process of this machine; 0 for one that has ended. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
}
