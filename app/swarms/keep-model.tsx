import { useState } from 'react';
import { isLarge, isSmall } from '../../swarm/content/member-files.ts';
import { filesOf } from '../models/picked-files.ts';
import { Button } from '../ui/button.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { formatBytes } from '../ui/format.ts';
import { sentenceOf } from '../ui/sentence-of.ts';
import type { FilesBase, SwarmsPort } from './swarms-port.ts';

interface KeepModelProps {
  readonly swarms: SwarmsPort;
  readonly base: FilesBase;
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'busy'; readonly done: number; stop(): void }
  | { readonly kind: 'kept' }
  | { readonly kind: 'failed'; readonly cause: string };

/** Where the model of a swarm without addresses comes from, and the folder of somebody who has it. */
export function KeepModel({ swarms, base }: KeepModelProps) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const lost = base.files.filter(({ urls }) => urls.length === 0);
  if (lost.length === 0) return null;
  const large = lost.some((file) => !isSmall(file) && !isLarge(file));
  const total = base.files.reduce((sum, { size }) => sum + size, 0);
  const keep = async (list: FileList | null) => {
    const files = filesOf(list).map(({ file, path }) => ({ name: file.name, path, blob: file }));
    if (files.length === 0) return;
    const abort = new AbortController();
    const stop = () => abort.abort();
    setState({ kind: 'busy', done: 0, stop });
    try {
      await swarms.keepBase(base, files, {
        // Progress travels apart from the result, and may come after it.
        onProgress: (done) => setState((now) => (now.kind === 'busy' ? { ...now, done } : now)),
        signal: abort.signal,
      });
      setState({ kind: 'kept' });
    } catch (error) {
      setState(abort.signal.aborted ? { kind: 'ready' } : { kind: 'failed', cause: sentenceOf(error) });
    }
  };
  return (
    <div className="mt-3 space-y-2 text-note text-quiet">
      <p className="max-w-prose" data-testid="model-without-address">
        {large
          ? 'The model’s files have no address and are too large for members to pass on: whoever has its folder chooses it here once.'
          : 'The model’s files have no address: members pass them on. Whoever has its folder can choose it here.'}
      </p>
      {state.kind === 'busy' ? (
        <p className="flex flex-wrap items-center gap-3" role="status">
          Checking the model: {formatBytes(state.done)} of {formatBytes(total)}
          <Button look="text" onClick={() => state.stop()}>
            Stop
          </Button>
        </p>
      ) : (
        <FileButton
          look="small"
          testId="swarm-folder"
          label="Folder of the swarm’s model"
          folder
          onFiles={(list) => void keep(list)}
        >
          Choose the folder
        </FileButton>
      )}
      {state.kind === 'kept' ? (
        <p role="status" data-testid="swarm-folder-kept">
          The model is on this device.
        </p>
      ) : null}
      {state.kind === 'failed' ? (
        <p className="text-bad" role="status" data-testid="swarm-folder-failure">
          {state.cause}
        </p>
      ) : null}
    </div>
  );
}
