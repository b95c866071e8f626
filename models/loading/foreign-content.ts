/** What stands in place of a model's file where a server or a checkout does not have it. */

/** Bytes from the beginning that tell. */
export const FOREIGN_HEAD_BYTES = 256;

export interface ForeignContent {
  readonly kind: 'page' | 'pointer';
  /** What it is and what to do, to follow the file's name. */
  readonly sentence: string;
}

const PAGE = /^\s*(?:<!--[\s\S]{0,200}?-->\s*)?<(?:!doctype\s+html|html|head)\b/i;
// The first line of a pointer file of Git LFS (git-lfs.com, specification of pointer files).
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\//;

/** Looks at the first bytes of a file. Undefined when they are neither a web page nor a Git LFS pointer. */
export function foreignContent(head: Uint8Array): ForeignContent | undefined {
  const text = new TextDecoder().decode(head.subarray(0, FOREIGN_HEAD_BYTES));
  if (POINTER.test(text)) {
    const sentence = 'is a Git LFS pointer and not the file; run git lfs pull, or take the file itself';
    return { kind: 'pointer', sentence };
  }
  if (!PAGE.test(text)) return undefined;
  const sentence = 'is a web page and not the file; take the address or folder that has the files themselves';
  return { kind: 'page', sentence };
}
