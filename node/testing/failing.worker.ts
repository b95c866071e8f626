/** A thread that answers, and ends by itself when it is told to. */
import { exposeInThread } from '../threads/service-thread.ts';

export interface FailingService {
  greeting(): string;
  exit(code: number): void;
}

exposeInThread<{ readonly greeting: string }>(
  ({ greeting }): FailingService => ({
    greeting: () => greeting,
    exit: (code) => process.exit(code),
  }),
);
