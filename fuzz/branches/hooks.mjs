/**
 * Hooks of Node's module loader that count what runs in the house's own modules, and in the packages that
 * read strangers' bytes for it. They are registered after TypeScript's, and so see JavaScript.
 */
import { instrument } from './instrument.mjs';

/** Packages that decode something. The others, hashes above all, would only be slower. */
const PACKAGES =
  /\/node_modules\/(?:cborg|@ipld\/dag-cbor|multiformats|uint8-varint|uint8arraylist|@multiformats\/[a-z-]+|@huggingface\/(?:jinja|tokenizers)|re2js|@libp2p\/utils|it-length-prefixed)\//;

let root = '';
let most = 0;
let used = 0;

/** `root` is the house's folder as a URL. `most` is how many counters there are. */
export function initialize(given) {
  root = given.root;
  most = given.most;
}

export async function load(url, context, next) {
  const result = await next(url, context);
  if (result.format !== 'module' || !isCounted(url)) return result;
  try {
    const { source, count } = instrument(String(result.source), used);
    if (used + count > most) return result;
    used += count;
    return { ...result, source };
  } catch {
    // What the parser does not take runs uncounted.
    return result;
  }
}

function isCounted(url) {
  if (!url.startsWith(root)) return false;
  const path = url.slice(root.length - 1);
  return path.includes('/node_modules/') ? PACKAGES.test(path) : !path.startsWith('/fuzz/');
}
