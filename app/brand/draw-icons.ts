/**
 * Draws the page's icons from the one bird in app/ui/mark.tsx: public/icon.svg and, through Chromium, the
 * PNGs. Run with `npx tsx app/brand/draw-icons.ts` after changing the mark.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { chromium } from '@playwright/test';
import { requireChromium } from '../../protocol/testing/chromium.ts';
import { BIRD, FLOCK } from '../ui/mark.tsx';

const PETROL = '#0b6b64';
const PAPER = '#f6fbfa';

/** `scale` shrinks the flock about the centre, because a maskable icon shows only its inner 80 %. */
function icon(options: { readonly radius: number; readonly scale: number }): string {
  const birds = FLOCK.map(
    ([x, y, turn, size]) =>
      `<path d="${BIRD}" transform="translate(${x} ${y}) rotate(${turn}) scale(${size})"/>`,
  ).join('');
  const flock = `<g fill="${PAPER}" transform="translate(32 32) scale(${options.scale}) translate(-31.5 -33)">${birds}</g>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="${options.radius}" fill="${PETROL}"/>${flock}</svg>\n`;
}

const FILES = [
  { name: 'icon-192', size: 192, svg: icon({ radius: 14, scale: 0.94 }) },
  { name: 'icon-512', size: 512, svg: icon({ radius: 14, scale: 0.94 }) },
  { name: 'maskable-512', size: 512, svg: icon({ radius: 0, scale: 0.74 }) },
];

await mkdir('public/icons', { recursive: true });
await writeFile('public/icon.svg', icon({ radius: 14, scale: 0.94 }));
const browser = await chromium.launch({
  executablePath: requireChromium(),
  args: ['--no-sandbox', '--headless=new'],
});
try {
  for (const { name, size, svg } of FILES) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    await page.setContent(`<style>*{margin:0}svg{display:block;width:100vw;height:100vh}</style>${svg}`);
    await page.screenshot({ path: `public/icons/${name}.png`, omitBackground: true });
    await page.close();
  }
} finally {
  await browser.close();
}
