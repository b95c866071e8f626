import { Download } from 'lucide-react';
import { useState } from 'react';
import type { Hex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { Button } from '../ui/button.tsx';
import { formatBytes } from '../ui/format.ts';
import { saveFile } from '../ui/save-file.ts';
import { HexText } from '../ui/section.tsx';
import { ownModelMemory } from '../volunteer/own-model.ts';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';
import type { DownloadedCheckpoint } from '../volunteer/volunteer-port.ts';

type State =
  | { readonly kind: 'ready'; readonly text: string }
  | { readonly kind: 'working'; readonly text: string }
  | { readonly kind: 'failed'; readonly text: string };

interface NamedFile {
  readonly name: string;
  readonly blob: Blob;
}

/** The model as files to take along: a folder for other programs, ONNX, and the whole checkpoint. */
export function TakeModel({ root }: { readonly root: Hex }) {
  const volunteer = useVolunteer();
  const spec = useView((view) => view.spec);
  const history = useView((view) => view.history);
  const device = useView((view) => view.device?.address ?? null);
  const [state, setState] = useState<State>({ kind: 'ready', text: '' });

  const save = async (make: (checkpoint: DownloadedCheckpoint) => Promise<NamedFile>) => {
    setState({ kind: 'working', text: 'Writing the file…' });
    try {
      const { name, blob } = await make(await volunteer.checkpoint());
      saveFile(name, blob);
      setState({ kind: 'ready', text: `Saved ${name}, ${formatBytes(blob.size)}.` });
    } catch (error) {
      setState({ kind: 'failed', text: messageOf(error) });
    }
  };
  const adapters = spec?.trained.kind === 'adapters';
  const folder = (merged: boolean) =>
    save(async ({ bytes, root: saved, round }) => {
      if (spec === null || device === null)
        throw new Error('Contribute once in this visit, so that the swarm is known.');
      const { exportFolder, folderName } = await import('./export-model.ts');
      const { openExportBase } = await import('./export-base.ts');
      const { chainId, swarm } = await volunteer.network();
      const ownModel = spec.models === 'any' ? ownModelMemory().get({ chainId, swarm }) : null;
      const base = openExportBase(spec, { page: document.baseURI, ownModel });
      try {
        const facts = { spec, chainId, swarm, device, root: saved, round, history, ownModel };
        const blob = await exportFolder({ ...facts, checkpoint: bytes, base, merged });
        return { name: `${folderName(spec.name)}-round-${round}${merged ? '-merged' : ''}.zip`, blob };
      } finally {
        base.stop();
      }
    });
  const onnx = () =>
    save(async ({ bytes, round }) => {
      const { exportOnnx } = await import('./export-model.ts');
      return { name: `starling-round-${round}.onnx`, blob: exportOnnx(bytes) };
    });
  const checkpoint = () =>
    save(async ({ bytes, round }) => ({
      name: `starling-round-${round}.safetensors`,
      blob: new Blob([bytes], { type: 'application/octet-stream' }),
    }));

  const busy = state.kind === 'working';
  return (
    <div className="mt-5">
      <h3 className="text-note font-semibold">It leaves with you</h3>
      <div className="mt-2 flex flex-wrap gap-3">
        <Button data-testid="take-folder" disabled={busy || spec === null} onClick={() => void folder(false)}>
          <Download size={17} aria-hidden="true" />
          {adapters ? 'Adapter and card' : 'Model and card'}
        </Button>
        {adapters ? (
          <Button data-testid="take-merged" disabled={busy} onClick={() => void folder(true)}>
            Merged and card
          </Button>
        ) : (
          <Button data-testid="take-onnx" disabled={busy} onClick={() => void onnx()}>
            ONNX
          </Button>
        )}
        <Button data-testid="download-checkpoint" disabled={busy} onClick={() => void checkpoint()}>
          Checkpoint
        </Button>
      </div>
      <p className="mt-2 max-w-prose text-note text-quiet">
        {adapters
          ? 'Adapter and card: a ZIP of PEFT’s two files, which Models loads here beside the base, with a README of base, rounds and how to reproduce it. Merged: the base with the adapter in it, as one model for other programs. '
          : 'Model and card: a ZIP of a folder that other programs load, and that Models loads here, with a README of base, rounds and how to reproduce it. '}
        Checkpoint: {adapters ? 'the adapter' : 'weights'} with the optimizer’s state. Its root, which the
        chain records: <HexText value={root} testId="checkpoint-root" />
      </p>
      {spec === null ? (
        <p className="text-note text-quiet">
          The folder can be made once the device has contributed in this visit.
        </p>
      ) : null}
      <p
        className={`text-note ${state.kind === 'failed' ? 'text-bad' : 'text-quiet'}`}
        role="status"
        data-testid="download-status"
      >
        {state.text}
      </p>
    </div>
  );
}
