import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytesOf } from './target.ts';

/** An input that is kept in the repository. */
export interface KeptInput {
  readonly input: Uint8Array;
  /** The fault that it showed once, in a sentence; undefined for one that only reaches far. */
  readonly fault: string | undefined;
}

/** Where a target's kept inputs lie: a line of JSON each, `{"text"}` or `{"base64"}`, and `{"fault"}`. */
function corpusFile(target: string): string {
  return fileURLToPath(new URL(`./corpus/${target.replace('/', '.')}.jsonl`, import.meta.url));
}

/** The inputs kept for a target. None where there is no file. */
export function readCorpus(target: string): readonly KeptInput[] {
  const path = corpusFile(target);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const kept = JSON.parse(line) as { text?: string; base64?: string; fault?: string };
    const { text, base64 } = kept;
    if (text === undefined && base64 === undefined) throw new TypeError(`A line has no input: ${line}`);
    const input = text === undefined ? new Uint8Array(Buffer.from(base64 ?? '', 'base64')) : bytesOf(text);
    return { input, fault: kept.fault };
  });
}

/** Writes the inputs of a target, those of faults first. */
export function writeCorpus(target: string, kept: readonly KeptInput[]): void {
  const path = corpusFile(target);
  mkdirSync(dirname(path), { recursive: true });
  const ordered = [
    ...kept.filter(({ fault }) => fault !== undefined),
    ...kept.filter(({ fault }) => fault === undefined),
  ];
  writeFileSync(path, ordered.map((each) => `${JSON.stringify(lineOf(each))}\n`).join(''));
}

/** A kept input as its line has it. */
export function lineOf({ input, fault }: KeptInput): object {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(input);
  const isText = Buffer.from(text).equals(Buffer.from(input)) && !/[^\n\t\x20-\u{10ffff}]/u.test(text);
  return {
    ...(fault === undefined ? {} : { fault }),
    ...(isText ? { text } : { base64: Buffer.from(input).toString('base64') }),
  };
}
