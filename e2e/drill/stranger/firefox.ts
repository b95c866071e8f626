import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProgramError } from '../run.ts';
import type { Site } from '../sites.ts';

/** What the process of a Firefox is started with. */
export interface FirefoxSettings {
  readonly program: string;
  /** Folder of a new profile. */
  readonly profile: string;
  readonly url: string;
}

/** An expression that the page evaluates. */
export interface FirefoxQuestion {
  readonly id: number;
  readonly expression: string;
}

export type FirefoxAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'value'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly cause: string }
  | { readonly kind: 'page error'; readonly text: string };

/** A page in Firefox, in a home of its own. */
export interface FirefoxPage {
  /** Errors that the page threw outside of any promise. */
  readonly errors: readonly string[];
  /** A primitive value of an expression. Rejects with ProgramError. */
  evaluate(expression: string): Promise<unknown>;
  stop(): Promise<void>;
}

const PROCESS = fileURLToPath(new URL('firefox-process.ts', import.meta.url));

/**
 * Where this machine has Firefox: $FIREFOX, or a program of the usual names. Undefined where there is none.
 */
export function firefoxPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const named = ['firefox', 'firefox-esr'].flatMap((name) => folders.map((folder) => join(folder, name)));
  return [process.env.FIREFOX ?? '', ...named].find((path) => path !== '' && isProgram(path));
}

/** Opens a page in Firefox. Rejects with ProgramError when it ends early. */
export async function openFirefox(home: Site, settings: FirefoxSettings): Promise<FirefoxPage> {
  const argv = [...process.execArgv, PROCESS, JSON.stringify(settings)];
  const child = spawn(await home.wrapper(process.execPath), argv, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const errors: string[] = [];
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let next = 1;
  await new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => reject(new ProgramError('Firefox', { cause })));
    child.on('message', (answer: FirefoxAnswer) => {
      if (answer.kind === 'ready') resolve();
      if (answer.kind === 'page error') errors.push(answer.text);
      if (answer.kind === 'value') waiting.get(answer.id)?.resolve(answer.value);
      if (answer.kind === 'failed')
        waiting.get(answer.id)?.reject(new ProgramError(`Firefox: ${answer.cause}`));
      if ('id' in answer) waiting.delete(answer.id);
    });
    void ended.then(() => {
      const gone = new ProgramError('Firefox ended; run it by hand with --headless to see why');
      reject(gone);
      for (const each of waiting.values()) each.reject(gone);
    });
  });
  return {
    errors,
    evaluate: (expression) =>
      new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        child.send({ id, expression } satisfies FirefoxQuestion);
      }),
    async stop() {
      child.disconnect();
      await ended;
    },
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    // Ubuntu's is a script that only tells how to get Firefox.
    return !readFileSync(path, 'latin1').slice(0, 2_000).includes('snap install');
  } catch {
    return false;
  }
}
