import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files of the repository as a check sees them. Tests pass a few files held in memory. */
export interface House {
  /**
   * Paths from the repository's root, with forward slashes, sorted. Generated and ignored files are left out.
   */
  readonly files: readonly string[];
  /** The text of one of `files`. */
  read(path: string): string;
}

/** One thing that a check found wrong. */
export interface Finding {
  readonly file: string;
  /** Counted from 1; left out when the finding is about the whole file. */
  readonly line?: number;
  readonly message: string;
}

/** What a check found, and a table or count worth reading even when nothing is wrong. */
export interface CheckReport {
  readonly findings: readonly Finding[];
  readonly summary: readonly string[];
}

export type Check = (house: House) => CheckReport;

/** Every file that git tracks below `root`, and every new one that it does not ignore. */
export function houseAt(root: string): House {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  const files = [...new Set(listed.split('\0'))].filter(
    (path) => path !== '' && existsSync(join(root, path)),
  );
  const texts = new Map<string, string>();
  return {
    files: files.sort(),
    read(path) {
      const known = texts.get(path);
      if (known !== undefined) return known;
      const text = readFileSync(join(root, path), 'utf8');
      texts.set(path, text);
      return text;
    },
  };
}

/** A house of files held in memory, for tests. */
export function houseOf(files: Readonly<Record<string, string>>): House {
  return {
    files: Object.keys(files).sort(),
    read(path) {
      const text = files[path];
      if (text === undefined) throw new Error(`There is no file ${path} in this house.`);
      return text;
    },
  };
}

/** The top folder of a path, or `.` for a file at the root. */
export function roomOf(path: string): string {
  const slash = path.indexOf('/');
  return slash === -1 ? '.' : path.slice(0, slash);
}

/** The line, counted from 1, on which the character at `offset` stands. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}
