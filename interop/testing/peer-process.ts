import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A line that the second implementation prints. */
export interface PeerEvent {
  readonly device: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A running program of the second implementation. */
export interface PeerProcess {
  /** Every line so far. */
  readonly events: readonly PeerEvent[];
  /** What it printed to standard error. */
  complaint(): string;
  stop(): Promise<number | null>;
}

/** Starts a program of the second implementation and reads its lines. */
export function startPeer(program: string, argv: readonly string[]): PeerProcess {
  const child = spawn(process.execPath, [program, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const events: PeerEvent[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => events.push(JSON.parse(line)));
  let complaint = '';
  child.stderr.on('data', (data) => {
    complaint += data;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    events,
    complaint: () => complaint,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
