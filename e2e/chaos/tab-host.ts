import type { BrowserContext, Page } from '@playwright/test';
import { bundleForBrowser } from '../../swarm/testing/bundle.ts';
import { type ScriptPages, startScriptPages } from '../../swarm/testing/script-pages.ts';
import type { MemberHooks, RunningMember } from './member-host.ts';
import type { ChaosReport, ChaosTabSettings } from './settings.ts';
// Only for what it says of the page's `window`.
import type {} from './tab-page.ts';

/** Tabs of one Chromium in which honest members run, each in a profile of its own. */
export class TabHost {
  readonly #pages: ScriptPages;
  /** What is stored in a profile outlives its tabs. */
  readonly #profiles = new Map<number, Promise<BrowserContext>>();
  /** Whom the tab of a profile talks to now. */
  readonly #hooks = new Map<number, MemberHooks>();

  private constructor(pages: ScriptPages) {
    this.#pages = pages;
  }

  /** Bundles the page and starts Chromium. */
  static async open(): Promise<TabHost> {
    const script = await bundleForBrowser(new URL('./tab-page.ts', import.meta.url));
    return new TabHost(await startScriptPages({ scripts: { '/page.js': script }, exactMemory: true }));
  }

  /** Starts the member of that number in a new tab of its profile. */
  start(member: number, settings: ChaosTabSettings, hooks: MemberHooks): RunningMember {
    this.#hooks.set(member, hooks);
    let isKilled = false;
    const opening = this.#openTab(member, settings, (how) => {
      if (!isKilled) hooks.onEnded(how);
    });
    opening.catch((error: unknown) => {
      if (!isKilled) hooks.onEnded(String(error));
    });
    return {
      split(blocked) {
        void opening
          .then((page) => page.evaluate((ids) => window.chaosTab.split(ids), blocked))
          .catch(() => undefined);
      },
      kill: async () => {
        isKilled = true;
        // A tab whose member could not start is closed already.
        const page = await opening.catch(() => undefined);
        await page?.close();
        // Until it is closed it goes on, and what it says counts.
        if (this.#hooks.get(member) === hooks) this.#hooks.delete(member);
      },
    };
  }

  async stop(): Promise<void> {
    await this.#pages.stop();
  }

  async #openTab(member: number, settings: ChaosTabSettings, onEnded: (how: string) => void): Promise<Page> {
    const profile = await this.#profileOf(member);
    const page = await profile.newPage();
    page.on('pageerror', (error) => console.error(`Member ${member}: ${error}`));
    page.on('crash', () => onEnded('a crash of its tab'));
    try {
      await page.goto(this.#pages.origin);
      await page.waitForFunction(() => 'chaosTab' in window);
      await page.evaluate((of) => window.chaosTab.start(of), settings);
      return page;
    } catch (error) {
      await page.close();
      throw error;
    }
  }

  #profileOf(member: number): Promise<BrowserContext> {
    const open = async (): Promise<BrowserContext> => {
      const profile = await this.#pages.browser.newContext();
      await profile.exposeFunction('chaosTell', (report: ChaosReport) =>
        this.#hooks.get(member)?.onReport(report),
      );
      return profile;
    };
    const profile = this.#profiles.get(member) ?? open();
    this.#profiles.set(member, profile);
    return profile;
  }
}
