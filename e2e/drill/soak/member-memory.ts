/** What a long-lived process, or a tab, holds after its garbage was collected. */
export interface MemberMemory {
  readonly name: string;
  /** JavaScript values, and the buffers that they hold outside of V8's heap. 0 where it is not known. */
  readonly heapBytes: number;
  /** Resident memory of the process. 0 for a tab, whose processes are the browser's. */
  readonly residentBytes: number;
}

/** Memory of all at one time. */
export interface MemorySample {
  /** Since every member had its first round on the chain. */
  readonly minute: number;
  readonly members: readonly MemberMemory[];
  readonly heapMiB: number;
  readonly rssMiB: number;
}

/** Sums up what was measured. */
export function sampleOf(minute: number, members: readonly MemberMemory[]): MemorySample {
  const sum = (of: (member: MemberMemory) => number): number =>
    mebibytes(members.reduce((total, member) => total + of(member), 0));
  return {
    minute,
    members,
    heapMiB: sum(({ heapBytes }) => heapBytes),
    rssMiB: sum(({ residentBytes }) => residentBytes),
  };
}

/** In MiB, with one digit behind the point. */
export function mebibytes(bytes: number): number {
  return Math.round((10 * bytes) / 2 ** 20) / 10;
}
