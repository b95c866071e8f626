import { readFile } from 'node:fs/promises';
import { type BrowserContext, expect, type Locator, type Page } from '@playwright/test';
import { checkpointRoot } from '../../models/checkpoint/root.ts';
import { pageErrorsOf } from './page-errors.ts';

export type Engine = 'wasm' | 'webgpu' | 'reference';

/** A volunteer's tab, driven only by what a person can see and press. */
export class Tab {
  readonly errors: readonly string[];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly name: string,
  ) {
    this.errors = pageErrorsOf(page);
  }

  static async open(
    context: BrowserContext,
    url: string,
    options: { readonly name: string; readonly engine?: Engine },
  ): Promise<Tab> {
    const page = await context.newPage();
    const tab = new Tab(context, page, options.name);
    await page.goto(options.engine === undefined ? url : `${url}?engine=${options.engine}`);
    // A drill has no settings of Playwright, whose own patience is 5 s.
    await expect(page.getByTestId('contribute')).toBeVisible({ timeout: 60_000 });
    return tab;
  }

  async contribute(): Promise<void> {
    await this.page.getByTestId('contribute').click();
  }

  /**
   * Opens the wallets of this browser and gives the button of one. The page's rows move while rounds go by,
   * and a click of which the button moves away in between is none: a person clicks again.
   */
  async wallet(id: string): Promise<Locator> {
    const connect = this.page.getByTestId('wallet-connect');
    const option = this.page.getByTestId(`wallet-option-${id}`);
    await expect(async () => {
      if (await connect.isVisible()) await connect.click({ timeout: 10_000 });
      await expect(option).toBeVisible({ timeout: 10_000 });
    }).toPass({ timeout: 120_000 });
    return option;
  }

  /** The whole number shown by a figure; 0 while it shows something else. */
  async figure(testId: string): Promise<number> {
    const text = (await this.page.getByTestId(testId).textContent()) ?? '';
    return Number(/\d+/.exec(text.replaceAll(/[,.\s\u202f]/g, ''))?.[0] ?? 0);
  }

  async expectFigure(testId: string, least: number, timeout: number): Promise<void> {
    await expect
      .poll(() => this.figure(testId), {
        timeout,
        message: `${this.name}: ${testId} reaches ${least}`,
        intervals: [1000],
      })
      .toBeGreaterThanOrEqual(least);
  }

  /** The last round in the page's own table. */
  async lastRound(): Promise<number> {
    const row = this.page.locator('[data-testid^="round-"]').first();
    const id = (await row.count()) === 0 ? null : await row.getAttribute('data-testid');
    return id === null ? -1 : Number(id.slice('round-'.length));
  }

  async deviceAddress(): Promise<`0x${string}`> {
    const value = await this.page.getByTestId('device-address').getAttribute('data-value');
    if (value === null) throw new Error(`${this.name} shows no device address`);
    return value.toLowerCase() as `0x${string}`;
  }

  /** Downloads the checkpoint as a person does and recomputes its root here, outside the browser. */
  async downloadCheckpoint(): Promise<{ readonly root: `0x${string}`; readonly bytes: Uint8Array }> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.page.getByTestId('download-checkpoint').click(),
    ]);
    const bytes = new Uint8Array(await readFile(await download.path()));
    return { root: checkpointRoot(bytes), bytes };
  }
}

/** Opens a swarm's link as a stranger does. */
export async function landing(context: BrowserContext, link: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(link.replace('#', '?engine=wasm#'));
  return page;
}
