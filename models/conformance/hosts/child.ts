/** Runs a host process and reads the report from the last line of its output. */
import { spawn } from 'node:child_process';
import type { HostReport } from './webgpu-suite.ts';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** The child's report; a child that dies, prints none or takes too long has failed. */
export async function runChild(options: ChildOptions): Promise<HostReport> {
  const { command, args, env, timeoutMs } = options;
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      // Mesa and Dawn complain on stderr when the variable is missing.
      env: { XDG_RUNTIME_DIR: '/tmp', ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      errors = `${errors}${data.toString()}`.slice(-2000);
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ failed: error.message });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(
        parse(output) ?? {
          failed: `${command} ended with ${signal ?? code} and no report: ${errors.trim()}`,
        },
      );
    });
  });
}

function parse(output: string): HostReport | undefined {
  const last = output.trim().split('\n').at(-1);
  try {
    return JSON.parse(last ?? '') as HostReport;
  } catch {
    return undefined;
  }
}
