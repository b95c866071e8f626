/** The models that come with this program. A swarm names one by its root. */
import type { Hex } from '../protocol/hex.ts';
import type { PromptFormatId } from './prompt-format.ts';

export interface BuiltinModel {
  readonly name: string;
  /** Below the page's address and below `public/`, with a slash at the end. */
  readonly folder: string;
  /** The root of the folder's three files (models/loading/file-root.ts). */
  readonly root: Hex;
  readonly format: PromptFormatId;
  readonly parameters: number;
  /** Bytes of the three files: what a device fetches. */
  readonly bytes: number;
}

export const BUILTIN_MODELS: readonly BuiltinModel[] = [
  {
    name: 'nano',
    folder: 'models/nano/',
    root: '0x5da8c7032ae383eb5f3263652bdd52bb6d45eb17656ee3c18007ffbd71458fde',
    format: 'short',
    parameters: 95_296,
    bytes: 386_334,
  },
  {
    name: 'micro',
    folder: 'models/micro/',
    root: '0x20b4e62d7f7f542eac41bac14b1891207ba5cf56760edd188ff4d5ace879c47e',
    format: 'words',
    parameters: 1_700_544,
    bytes: 3_416_124,
  },
];

/** The built-in model with that root, whatever a swarm calls it. */
export function builtinModelOf(root: Hex): BuiltinModel | undefined {
  return BUILTIN_MODELS.find((model) => model.root === root.toLowerCase());
}
