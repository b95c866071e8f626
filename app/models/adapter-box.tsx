import { Download, Upload } from 'lucide-react';
import { Button } from '../ui/button.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { formatCount, plural } from '../ui/format.ts';
import { HexText } from '../ui/section.tsx';
import { Failure, useModels, useModelsController } from './models-context.tsx';

/** The present adapter: what it is, its files as a download, and a button that loads another one. */
export function AdapterBox({ busy }: { readonly busy: boolean }) {
  const controller = useModelsController();
  const adapter = useModels((view) => view.model?.adapter ?? null);
  const running = useModels((view) => view.model?.training.running != null);
  const handling = useModels((view) => view.model?.handling ?? null);
  return (
    <div className="mt-6 border-t border-line pt-5">
      <h3 className="text-body font-medium">Adapter</h3>
      <p
        className="mt-1 max-w-prose text-note text-quiet text-pretty"
        data-testid="adapter"
        data-steps={adapter?.steps ?? ''}
      >
        {adapter === null
          ? `None yet. ${running ? 'It is there when the training pauses.' : 'Train one, or load one that you kept.'}`
          : `${plural(adapter.steps, 'step')}, rank ${adapter.lora.rank}, ${formatCount(adapter.parameters)} numbers.${adapter.unsaved ? ' Closing the tab loses it: download it first.' : ''}`}
        {adapter === null || adapter.root === null ? null : (
          <>
            {' '}
            Root <HexText value={adapter.root} testId="adapter-root" />.
          </>
        )}
      </p>
      <div className="mt-3 flex flex-wrap gap-2">
        {adapter === null ? null : (
          <>
            <Button
              look="small"
              data-testid="adapter-checkpoint"
              disabled={busy}
              onClick={() => void controller.saveAdapter('checkpoint')}
            >
              <Download size={15} aria-hidden="true" />
              Download to go on later
            </Button>
            <Button
              look="small"
              data-testid="adapter-peft"
              disabled={busy}
              onClick={() => void controller.saveAdapter('peft')}
            >
              <Download size={15} aria-hidden="true" />
              Download for PEFT
            </Button>
          </>
        )}
        <FileButton
          look="small"
          disabled={busy}
          accept=".safetensors,.json"
          testId="adapter-files"
          label="Adapter files"
          onFiles={(list) => controller.adopt([...(list ?? [])])}
        >
          <Upload size={15} aria-hidden="true" />
          Load one
        </FileButton>
      </div>
      <p role="status" className={handling === null ? '' : 'mt-2 text-note text-quiet'}>
        {handling}
      </p>
      <Failure place="adapter" />
    </div>
  );
}
