import { type Browser, expect, type Page } from '@playwright/test';
import { pageErrorsOf } from './page-errors.ts';
import { landing } from './tab.ts';

/** What the page keeps for a test: each root that it showed, by the number of steps after which it was. */
interface Watched {
  readonly seenRoots: Map<number, string>;
}

/** Runs in the page before its own program. A test that asks now and then would miss steps. */
function watchRoots(): void {
  const seenRoots = new Map<number, string>();
  Object.assign(globalThis, { seenRoots });
  const look = (): void => {
    const shown = document.querySelector('[data-testid="pipeline-root"]');
    const root = shown?.querySelector('code')?.getAttribute('data-value');
    const step = /after (\d+) steps?$/.exec(shown?.textContent ?? '')?.[1];
    if (root !== null && root !== undefined && step !== undefined) seenRoots.set(Number(step), root);
  };
  const changes = { subtree: true, childList: true, characterData: true, attributeFilter: ['data-value'] };
  new MutationObserver(look).observe(document, changes);
}

/** A tab of a person of its own that trains a model in blocks. */
export class BlockMember {
  readonly page: Page;
  readonly errors: readonly string[];

  private constructor(page: Page) {
    this.page = page;
    this.errors = pageErrorsOf(page);
  }

  /**
   * Opens the link in a browser context of its own that is left with so many bytes of storage, and
   * contributes. `prepare` is called before that.
   */
  static async join(
    browser: Browser,
    link: string,
    storage: number,
    prepare: (page: Page) => Promise<void> = async () => undefined,
  ): Promise<BlockMember> {
    const context = await browser.newContext({ acceptDownloads: true, reducedMotion: 'reduce' });
    await context.addInitScript((quota) => {
      StorageManager.prototype.estimate = async () => ({ quota, usage: 0 });
    }, storage);
    await context.addInitScript(watchRoots);
    const member = new BlockMember(await landing(context, link));
    await prepare(member.page);
    await member.page.getByTestId('swarm-contribute').click({ timeout: 60_000 });
    return member;
  }

  async step(): Promise<number> {
    return Number(await this.page.getByTestId('pipeline-step').textContent());
  }

  /** Blocks that it computes hops of. */
  async here(): Promise<readonly string[]> {
    const cards = this.page.locator('[data-testid="pipeline-block"][data-here="true"]');
    return cards.evaluateAll((found) => found.map((card) => card.getAttribute('data-block') ?? ''));
  }

  /** Bytes of the files of its swarms' base models that it has fetched in parts. */
  async fetchedParts(): Promise<number> {
    return this.page.evaluate(async () => {
      const sizeOf = async (folder: FileSystemDirectoryHandle, isBase: boolean): Promise<number> => {
        let bytes = 0;
        for await (const entry of folder.values()) {
          if (entry.kind === 'directory') bytes += await sizeOf(entry, isBase || entry.name === 'base');
          else if (isBase) bytes += (await entry.getFile()).size;
        }
        return bytes;
      };
      return sizeOf(await navigator.storage.getDirectory(), false);
    });
  }

  /** Each root that it has shown, by the number of steps after which it was the model's. */
  async roots(): Promise<ReadonlyMap<number, string>> {
    return new Map(
      await this.page.evaluate(() => [...(globalThis as unknown as Watched).seenRoots.entries()]),
    );
  }
}

export async function expectComputing({ page }: BlockMember, timeout = 120_000): Promise<void> {
  await expect(page.getByTestId('pipeline-state')).toHaveAttribute('data-state', 'computing', { timeout });
}

export async function hopsDone({ page }: BlockMember): Promise<number> {
  const text = (await page.getByTestId('pipeline-hops').textContent()) ?? '';
  return Number(/^\d+/.exec(text)?.[0] ?? 0);
}

/**
 * Every block is kept, and no tab keeps all of them. One that came first may have begun with more than its
 * share: it gives back what others keep.
 */
export async function expectShared(
  members: readonly BlockMember[],
  blocks: number,
  timeout = 90_000,
): Promise<void> {
  const isShared = async () => {
    const kept = await Promise.all(members.map((each) => each.here()));
    const counts = kept.map((ids) => ids.length);
    const isEach = Math.min(...counts) > 0 && Math.max(...counts) < blocks;
    return isEach && new Set(kept.flat()).size === blocks ? 'shared' : JSON.stringify(kept);
  };
  await expect.poll(isShared, { timeout }).toBe('shared');
}

/** So many steps more have a root that all of them showed, and nobody showed another one. */
export async function expectSteps(
  members: readonly BlockMember[],
  steps: number,
  timeout = 120_000,
): Promise<void> {
  const before = Math.max(...(await Promise.all(members.map((member) => member.step()))));
  const rootsSince = async () => {
    const roots = await Promise.all(members.map((member) => member.roots()));
    const seen = new Set(roots.flatMap((each) => [...each.keys()]).filter((step) => step > before));
    return [...seen].map((step) => roots.map((each) => each.get(step)));
  };
  const agreed = async () =>
    (await rootsSince()).filter((each) => each.every((root) => root !== undefined)).length;
  await expect.poll(agreed, { timeout, intervals: [500] }).toBeGreaterThanOrEqual(steps);
  for (const roots of await rootsSince())
    expect(new Set(roots.filter((root) => root !== undefined)).size, 'one root of a step').toBe(1);
}
