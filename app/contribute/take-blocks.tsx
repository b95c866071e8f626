import { Download } from 'lucide-react';
import { ActionButton } from '../ui/action-button.tsx';
import { saveFile } from '../ui/save-file.ts';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';

/** The whole model to take along, put together from the blocks of all members. */
export function TakeBlocks({ isReady }: { readonly isReady: boolean }) {
  const volunteer = useVolunteer();
  const spec = useView((view) => view.spec);
  const isAdapter = spec?.trained.kind === 'adapters';
  const folder = async () => {
    if (spec === null) throw new Error('Contribute once in this visit, so that the swarm is known.');
    const checkpoint = await volunteer.checkpoint();
    const { exportWhole, folderName } = await import('./export-model.ts');
    const { openExportBase } = await import('./export-base.ts');
    const base = openExportBase(spec, { page: document.baseURI, ownModel: null });
    try {
      const blob = await exportWhole({ spec, base, ...checkpoint });
      saveFile(`${folderName(spec.name)}-step-${checkpoint.round}.zip`, blob);
    } finally {
      base.stop();
    }
  };
  const state = async () => {
    const { bytes, round } = await volunteer.checkpoint();
    saveFile(`starling-step-${round}.safetensors`, new Blob([bytes], { type: 'application/octet-stream' }));
  };
  return (
    <div className="mt-5">
      <h3 className="text-note font-semibold">The whole model leaves with you</h3>
      <div className="mt-2 flex flex-wrap gap-3">
        <ActionButton
          data-testid="take-folder"
          look="plain"
          disabled={!isReady || spec === null}
          busyText="Gathering the blocks of one step…"
          action={folder}
        >
          <Download size={17} aria-hidden="true" />
          {isAdapter ? 'Adapter and card' : 'Model and card'}
        </ActionButton>
        <ActionButton
          data-testid="download-checkpoint"
          look="plain"
          disabled={!isReady}
          busyText="Gathering the blocks of one step…"
          action={state}
        >
          Checkpoint
        </ActionButton>
      </div>
      <p className="mt-2 max-w-prose text-note text-quiet">
        This device asks the others for the blocks that it does not keep, and puts them together.{' '}
        {isAdapter
          ? 'Adapter and card: a ZIP of PEFT’s two files, which Models loads here after the base. Checkpoint: the adapters with the optimizer’s state.'
          : 'Model and card: a ZIP of a folder that other programs load, and that Models loads here. Checkpoint: the weights with the optimizer’s state.'}
      </p>
    </div>
  );
}
