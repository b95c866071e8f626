import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../node/home/command-line.ts';
import { messageOf } from '../protocol/message-of.ts';
import { type KeptInput, readCorpus, writeCorpus } from './corpus.ts';
import { fuzzInThread } from './fuzz-thread.ts';
import { appendLog, fastestFirst, progressOf, readLog } from './log.ts';
import { allTargets } from './registry.ts';
import { HELP, parseFuzzSettings } from './settings.ts';
import { smallestInputs } from './smallest-inputs.ts';
import type { FuzzTarget } from './target.ts';
import type { ThreadResult } from './thread-messages.ts';

export interface FuzzCommandOptions {
  readonly argv: readonly string[];
  readonly print: (line: string) => void;
  /** A folder for inputs of faults. */
  readonly home: string;
  readonly signal: AbortSignal;
  /** Defaults to a thread for each target. */
  readonly search?: typeof fuzzInThread;
}

/** Runs `npm run fuzz`. Resolves with the exit code. Throws UsageError. */
export async function runFuzzCommand(options: FuzzCommandOptions): Promise<number> {
  const { argv, print, home, signal, search = fuzzInThread } = options;
  const settings = parseFuzzSettings(argv);
  if (settings === undefined) {
    print(HELP);
    return 0;
  }
  const targets = chosenTargets(await allTargets(), settings.names);
  if (settings.list) {
    for (const { name, about } of targets) print(`${name.padEnd(28)} ${about}`);
    return 0;
  }
  const { log } = settings;
  const earlier = log === undefined ? [] : readLog(log);
  let failed = false;
  for (const target of fastestFirst(targets, earlier)) {
    let { inputs: done, parts, faults } = progressOf(earlier, target.name);
    if (faults > 0) failed = true;
    // Without a log there is one part.
    while (faults === 0 && done < settings.inputs) {
      const kept = readCorpus(target.name);
      const { seconds, guided } = settings;
      const seed = log === undefined ? settings.seed : `${settings.seed} part ${++parts}`;
      const corpus = kept.map(({ input }) => input);
      const inputs = settings.inputs - done;
      let result: ThreadResult;
      try {
        result = await search(target, {
          ...{ inputs, seed, seconds, guided, corpus, signal },
          target: target.name,
        });
      } catch (error) {
        signal.throwIfAborted();
        failed = true;
        print(
          settings.json ? JSON.stringify({ target: target.name, error: messageOf(error) }) : messageOf(error),
        );
        break;
      }
      faults = result.faults.length;
      if (faults > 0) failed = true;
      report(target, result, { ...settings, print, home });
      if (settings.keep) writeCorpus(target.name, await smallestInputs(target, [...kept, ...found(result)]));
      if (log === undefined) break;
      done += result.inputs;
      const { accepted, branches, slowestMs } = result;
      const figures = {
        inputs: result.inputs,
        accepted,
        branches,
        seconds: result.seconds,
        slowestMs,
        faults,
      };
      appendLog(log, { target: target.name, seed, guided, ...figures });
    }
  }
  return failed ? 1 : 0;
}

/** The targets of these names or rooms; all without names. Throws UsageError. */
function chosenTargets(all: readonly FuzzTarget[], names: readonly string[]): readonly FuzzTarget[] {
  const isOf = (name: string) => (target: FuzzTarget) =>
    target.name === name || target.name.startsWith(`${name}/`);
  for (const name of names) {
    if (!all.some(isOf(name)))
      throw new UsageError(`There is no target ${name}. npm run fuzz -- --list names them.`);
  }
  return names.length === 0 ? all : all.filter((target) => names.some((name) => isOf(name)(target)));
}

const found = (result: ThreadResult): readonly KeptInput[] =>
  result.found.map((input) => ({ input, fault: undefined }));

interface ReportOptions {
  readonly json: boolean;
  readonly print: (line: string) => void;
  readonly home: string;
}

function report(target: FuzzTarget, result: ThreadResult, { json, print, home }: ReportOptions): void {
  const folder = join(home, target.name.replace('/', '.'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'slowest.bin'), result.slowest);
  const faults = result.faults.map(({ key, sentence, input }, i) => {
    const path = join(folder, `fault-${i}.bin`);
    writeFileSync(path, input);
    return { key, sentence, path };
  });
  const { inputs, accepted, branches, reasons } = result;
  const seconds = Number(result.seconds.toFixed(1));
  const slowestMs = Number(result.slowestMs.toFixed(1));
  if (json) {
    const line = {
      target: target.name,
      inputs,
      accepted,
      branches,
      reasons,
      found: result.found.length,
      seconds,
      slowestMs,
      faults,
    };
    print(JSON.stringify(line));
    return;
  }
  print(
    `${target.name.padEnd(28)} ${inputs} inputs, ${accepted} accepted, ${branches} branches, ${reasons} reasons, ${result.found.length} found, ${seconds} s, slowest ${slowestMs} ms, ${faults.length} faults`,
  );
  for (const { key, sentence, path } of faults) print(`  FAULT ${key}: ${sentence}\n    ${path}`);
}
