import { readFile, writeFile } from 'node:fs/promises';

const RESULTS = new URL('../../docs/results/', import.meta.url);

/** Writes a file of docs/results. */
export async function writeResult(name: string, text: string): Promise<void> {
  await writeFile(new URL(name, RESULTS), text);
}

/**
 * Replaces the numbers that a command wrote on a page of docs/results, between its two marks. The words
 * around them and the numbers of other commands stay.
 */
export async function writeNumbers(
  page: string,
  title: string,
  command: string,
  numbers: string,
): Promise<void> {
  const old = await readFile(new URL(page, RESULTS), 'utf8').catch(() => `# ${title}\n\n`);
  const begin = `<!-- numbers: written by ${command} -->`;
  const end = '<!-- end of numbers -->';
  const [before = '', ...rest] = old.split(begin);
  const after = rest.join(begin).split(end).slice(1).join(end);
  await writeResult(page, `${before}${begin}\n\n${numbers}\n\n${end}${after === '' ? '\n' : after}`);
}
