import type { MemoryFit } from '../../workers/memory-fit.ts';
import { formatBytes } from '../ui/format.ts';

/** The memory that a use of the model takes, and a remedy where that is too much. Pure. */
export function fitSentence({ level, need, limit, parts }: MemoryFit): string {
  const takes = `Takes about ${formatBytes(need)} of memory`;
  if (limit.kind === 'unknown') return `${takes}. This browser does not say how much there is.`;
  // Where the weights alone are too much, fewer tokens do not help.
  const smaller =
    parts.weights > limit.bytes ? 'Take a smaller model' : 'Take fewer tokens at a time, or a smaller model';
  if (limit.kind === 'wasm') {
    return `${takes}, more than the ${formatBytes(limit.bytes)} that WebAssembly can hold. ${smaller}.`;
  }
  // In GiB, as makers of devices state it.
  const has = `${limit.atLeast ? 'at least ' : ''}${limit.bytes / 2 ** 30} GiB`;
  if (level === 'stop') return `${takes}, and this device has ${has}. ${smaller}, or a larger device.`;
  const close = level === 'tight' ? ' It may work; close other tabs first.' : '';
  return `${takes}, and this device has ${has}.${close}`;
}
