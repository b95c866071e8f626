import { readFile, writeFile } from 'node:fs/promises';

const RESULTS = new URL('../../docs/results/', import.meta.url);

/** Writes a file of docs/results. */
export async function writeResult(name: string, text: string): Promise<void> {
  await writeFile(new URL(name, RESULTS), text);
}

/** Replaces the numbers on a page of docs/results, between its two marks. The words around them stay. */
export async function writeNumbers(
  page: string,
  title: string,
  command: string,
  numbers: string,
): Promise<void> {
  const old = await readFile(new URL(page, RESULTS), 'utf8').catch(() => `# ${title}\n\n`);
  const [before = '', rest] = old.split('<!-- numbers:');
  const after = rest?.split('<!-- end of numbers -->')[1] ?? '\n';
  const marked = `<!-- numbers: written by ${command} -->\n\n${numbers}\n\n<!-- end of numbers -->`;
  await writeResult(page, before + marked + after);
}
